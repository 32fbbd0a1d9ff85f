"""Writes the table of formats in docs/importing.md from what the families say: `python tools/list_formats.py`."""

from __future__ import annotations

import os
import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "importing.md"
_PLACE = re.compile(r"(?<=list_formats.py -->\n\n).*?(?=\n<!-- end of formats -->)", re.DOTALL)


def write(page: str) -> str:
    """Return the page with the table as it must be now."""
    from viewer.formats.registry import FAMILIES

    rows = [("Format", "Keeps", "The tool itself loses", "Seen")]
    rows += [(one.title, one.keeps, one.loses, one.seen) for one in sorted(FAMILIES, key=_by_title)]
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return _PLACE.sub(lambda _: "\n".join([lines[0], "|---|---|---|---|", *lines[1:]]) + "\n", page)


def _by_title(family: object) -> str:
    return str(getattr(family, "title", "")).casefold()


def main() -> None:
    """Write the page."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(write(PAGE.read_text()))


if __name__ == "__main__":
    main()
