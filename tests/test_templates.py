"""Templates can be reviewed: their lines fit a diff. `djangofmt` holds the rest of their form (see `run`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_a_line_of_a_template_has_120_characters_at_most(file: Path) -> None:
    assert [line for line in file.read_text().splitlines() if len(line) > 120] == []
