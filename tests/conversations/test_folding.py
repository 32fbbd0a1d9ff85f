from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.conversations.folding import fold, fold_and_map, occurrences

MIXED = st.text(st.one_of(st.sampled_from("aAéÉßſıİΣς ´½ﬁ가ガ‘”*`\u0301\u05b0\u064b\u00a0\n\t"), st.characters()))


@given(MIXED)
def test_what_is_mapped_is_what_is_folded_and_every_letter_comes_from_its_place(text: str) -> None:
    folded, places = fold_and_map(text)
    assert folded == fold(text)
    assert len(places) == len(folded)
    assert places == sorted(places)
    for letter, place in zip(folded, places, strict=True):
        assert letter in fold(text[place])


@given(MIXED, MIXED, MIXED)
def test_what_stands_in_a_text_is_found_there_and_what_is_found_reads_the_same(
    before: str, words: str, behind: str
) -> None:
    needle = fold(words).strip()
    spans = occurrences(f"{before} {words} {behind}", needle, 1000)
    assert bool(spans) == bool(needle)
    for start, end in spans:
        assert needle in fold(f"{before} {words} {behind}"[start:end])


@given(MIXED)
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("zurich", "In Zürich.", "Zürich"),
        ("ZÜRICH", "In Zu\u0308rich.", "Zu\u0308rich"),
        ("cafe", "The cafe\u0301s", "cafe\u0301"),
        ("strasse", "Hauptstraße 3", "straße"),
        ("don't", "I don’t know", "don’t"),
        ("two lines", "in two\n   lines", "two\n   lines"),
        ("total: 12", "total: **12 EUR**", "total: **12"),
        ("οδος", "ΟΔΟΣ", "ΟΔΟΣ"),
        ("שלום", "שָׁלוֹם", "שָׁלוֹם"),
        ("1/2", "½ litre", None),
        ("cat", "dog", None),
        ("", "anything", None),
    ],
)
def test_case_accents_quotes_blanks_and_stars_do_not_count(words: str, text: str, found: str | None) -> None:
    spans = occurrences(text, fold(words).strip(), 9)
    assert [text[start:end] for start, end in spans] == ([found] if found else [])


def test_places_do_not_overlap_and_are_at_most_so_many() -> None:
    assert occurrences("aaaaa", "aa", 9) == [(0, 2), (2, 4)]
    assert occurrences("a" * 1000, "a", 3) == [(0, 1), (1, 2), (2, 3)]
