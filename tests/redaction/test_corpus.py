"""What redaction finds in ordinary sentences, counted: what it must find, and what it must leave."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.redaction.corpus import LINES, NAMES, OWN_WORDS
from viewer.redaction.finding import find_all


def found_in(line: str) -> Counter[tuple[str, str]]:
    """Each finding of a message by kind and text; a value in two spellings counts by its examples."""
    findings = find_all([{"content": line}], names=NAMES, own_words=OWN_WORDS)
    return Counter((one.kind, example.match) for one in findings for example in one.examples)


@pytest.mark.parametrize("line", [line for line, _ in LINES])
def test_a_line_has_what_it_says(line: str) -> None:
    assert found_in(line) == Counter(dict(LINES)[line])
