"""What redaction finds in ordinary sentences, counted: what it must find, and what it must leave."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.redaction.corpus import FIGURES, LINES, NAMES, OWN_WORDS
from viewer.redaction.finding import KINDS, find_all


def found_in(line: str) -> Counter[tuple[str, str]]:
    """The places of a message by kind and text."""
    findings = find_all([{"content": line}], names=NAMES, own_words=OWN_WORDS)
    return Counter((one.kind, example.match) for one in findings for example in one.examples)


def test_so_many_places_are_found_and_missed() -> None:
    found, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    differing = []
    for line, wanted in LINES:
        here, expected = found_in(line), Counter(wanted)
        for counts, places in ((found, here & expected), (wrong, here - expected), (missed, expected - here)):
            counts.update(kind for kind, _ in places.elements())
        differing += [(line, dict(here))] if here != expected else []
    kinds = {*found, *wrong, *missed}
    assert {kind: (found[kind], wrong[kind], missed[kind]) for kind in kinds} == FIGURES, differing
    assert len(LINES) > 150


def test_the_documentation_has_the_same_figures() -> None:
    text = (Path(__file__).parent.parent.parent / "docs/reading.md").read_text()
    for n, title in enumerate(("found", "found although it is none", "missed")):
        assert f"| {title} | {' | '.join(str(FIGURES[kind][n]) for kind in KINDS)} |" in text
    assert f"has {len(LINES)} lines" in text
