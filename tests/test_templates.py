"""Templates can be reviewed: their lines fit a diff. `djangofmt` holds the rest of their form (see `run`)."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


def test_a_line_of_a_template_has_120_characters_at_most() -> None:
    lines = [(file.name, line) for file in TEMPLATES for line in file.read_text().splitlines()]
    assert [(name, line) for name, line in lines if len(line) > 120] == []
