from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from unicodedata import category, normalize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.costs import assert_linear
from viewer.completions import folding
from viewer.completions.folding import compile_pattern, find_spans, fold, fold_query
from viewer.completions.invisibles import escape_invisible

MIXED = st.text(
    st.one_of(st.sampled_from("aAéÉßſıİΣς ´½ﬁ가ガ‘”*`[u+2]\u200b\u0301\u05b0\u064b\u00a0\n\t"), st.characters())
)
PIECES = [
    "a",
    "A",
    "é",
    "e\u0301",
    "ß",
    "ẞ",
    "İ",
    "ı",
    "ﬁ",
    "ﬀ",
    "½",
    "カ",
    "ガ",
    "カ\u3099",
    "\u200b",
    "*",
    "[u+200b]",
    " ",
    "\n",
    "b",
    "[",
]
EVERYTHING = [chr(code) for code in range(sys.maxunicode + 1) if category(chr(code)) not in ("Cn", "Cs", "Co")]


def found(words: str, text: str) -> list[str]:
    return [text[start:end] for start, end in find_spans(text, compile_pattern(words), 9)]


def test_folding_twice_changes_nothing() -> None:
    folded = {letter: fold(letter) for letter in EVERYTHING}
    assert [letter for letter in EVERYTHING if fold(folded[letter]) != folded[letter]] == []


def test_capitals_and_composed_forms_of_every_character_fold_alike() -> None:
    forms = [str.lower, str.upper, str.title, partial(normalize, "NFC"), partial(normalize, "NFD")]
    letters = [letter for letter in EVERYTHING if "\u0345" not in normalize("NFD", letter)]
    assert [letter for letter in letters for form in forms if fold(form(letter)) != fold(letter)] == []


def test_hidden_characters_are_skipped_or_count_as_a_space() -> None:
    named = [letter for letter in EVERYTHING if escape_invisible(letter).startswith("[U+")]
    assert [letter for letter in named if fold(letter) not in ("", " ")] == []
    assert [
        f"{ord(letter):X}" for letter in named if not found(f"pay{letter}load", f"pay{escape_invisible(letter)}load")
    ] == []


@given(MIXED)
def test_every_folded_letter_maps_to_its_position_in_the_text(text: str) -> None:
    folded, position_of = fold(text), folding._position_mapper(text)
    places = [position_of(n) for n in range(len(folded))]
    assert places == sorted(places)
    for letter, start in zip(folded, places, strict=True):
        assert letter in fold(text[start : folding._end_of_letter(text, start)])


@pytest.mark.parametrize("length", [*range(994, 1006), 1_999, 2_000, 2_001])
@pytest.mark.parametrize("filler", ["x", "ß", "é", "e\u0301", "\u200b"])
def test_positions_are_right_at_the_edges_of_the_blocks(filler: str, length: int) -> None:
    text = f"{filler * length}ﬁnde\u0301{filler * length}"
    ((start, end),) = find_spans(text, compile_pattern("finde"), 9)
    assert text[start:end].rstrip("\u200b") == "ﬁnde\u0301"


@given(st.lists(st.sampled_from(PIECES).map(lambda piece: piece * 3), max_size=40), st.sampled_from(PIECES), st.data())
def test_a_text_in_pieces_has_the_same_matches_as_the_whole(
    letters: list[str], first: str, data: st.DataObject
) -> None:
    text = "".join(letters)
    words = data.draw(st.sampled_from(["a", "ss", "fi", "if", "i", "カ", "ガカ", "a b", "e", "ee", "[u+200b]", first]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=9)))
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "_OVERLAP", 16)
        seen = [
            (window[max(0, start - 5) : start], window[start:end], window[end : end + 5])
            for window, start, end in folding.find_matches(pieces, compile_pattern(words))
        ]
    spans = list(found_in_whole(words, text))
    assume(all(end - start <= 10 for start, end in spans))
    assert seen == [(text[max(0, start - 5) : start], text[start:end], text[end : end + 5]) for start, end in spans]


@pytest.mark.parametrize("size", range(1, 30))
def test_a_match_across_two_pieces_is_found_once(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_OVERLAP", 8)
    pieces = ["e\u0301" * size] * 10
    assert len(list(folding.find_matches(pieces, compile_pattern("eee")))) == 10 * size // 3


def found_in_whole(words: str, text: str) -> Iterator[tuple[int, int]]:
    """Find matches by folding the whole text, with a list of the position of every letter."""
    letters = [(at, letter) for at, character in enumerate(text) for letter in fold(character)]
    folded = "".join(letter for _, letter in letters)
    for match in compile_pattern(words).finditer(folded):
        if not folding._splits_letter(match, folded):
            end = letters[match.end() - 1][0] + 1
            while end < len(text) and not fold(text[end]):
                end += 1
            yield letters[match.start()][0], end


@pytest.mark.slow
@pytest.mark.parametrize("letter", ["é", "x", "\u202e", "ß"])
def test_memory_does_not_grow_with_the_text(letter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "_OVERLAP", 2_000)

    def held(size: int) -> int:
        tracemalloc.start()
        try:
            pieces = (letter * 1_000 + "needle" * (n == size - 1) for n in range(size))
            assert len(list(folding.find_matches(pieces, compile_pattern("needle")))) == 1
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    held(25)  # after it, what is made once is there
    assert held(100) < 1.5 * held(25)


@pytest.mark.slow
@given(MIXED, MIXED, MIXED)
def test_every_part_of_a_text_is_found_in_it_and_every_match_folds_to_the_query(
    before: str, words: str, behind: str
) -> None:
    needle = fold_query(words)
    text = f"{before} {words} {behind}"
    spans = find_spans(text, compile_pattern(words), 1000)
    assert bool(spans) == bool(needle)
    for start, end in spans:
        assert compile_pattern(words).search(fold(text[start:end]))


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        ("zurich", "In Zürich.", "Zürich"),
        ("a[", "see **a**[1]", "a**["),
        ("ZÜRICH", "In Zu\u0308rich.", "Zu\u0308rich"),
        ("cafe", "The cafe\u0301s", "cafe\u0301"),
        ("strasse", "Hauptstraße 3", "straße"),
        ("STRASSE", "HAUPTSTRAẞE", "STRAẞE"),
        ("aeroskobing", "Ærøskøbing", "Ærøskøbing"),
        ("lodz", "Łódź", "Łódź"),
        ("istanbul isik", "İSTANBUL IŞIK, istanbul ışık", "İSTANBUL IŞIK"),
        ("ışık", "ISIK", "ISIK"),
        ("TK-30582", "TK‑30582", "TK‑30582"),
        ("3-5 days", "3–5 days", "3–5 days"),
        ("-7", "minus −7", "−7"),
        ("don't", "I don’t know", "don’t"),
        ('"fine"', "it’s «fine»", "«fine»"),
        ("10 000", "10\u202f000 points", "10\u202f000"),
        ("two lines", "in two\n   lines", "two\n   lines"),
        ("total: 12", "total: **12 EUR**", "total: **12"),
        ("refunded", "re**fund**ed", "re**fund**ed"),
        ("office", "oﬃce", "oﬃce"),
        ("payload", "pay\xadload", "pay\xadload"),
        ("payload", "pay[U+00AD]load", "pay[U+00AD]load"),
        ("[u+202e]", "a [U+202E] here", "[U+202E]"),
        ("one two", "one[U+2028]two", "one[U+2028]two"),
        ("1/2", "½ litre", "½"),
        ("m2", "12 m²", "m²"),
        ("(1)", "①", None),
        ("full 12", "ｆｕｌｌ　１２", "ｆｕｌｌ　１２"),
        ("οδος", "ΟΔΟΣ", "ΟΔΟΣ"),
        ("ωδη", "ᾠδή", "ᾠδή"),
        ("שלום", "שָׁלוֹם", "שָׁלוֹם"),
        ('צה"ל', "צה״ל", "צה״ל"),
        ("سلام", "سَـــلام", "سَـــلام"),
        ("سلام", "ﺳﻼم", "ﺳﻼم"),
        ("میخواهم", "می\u200cخواهم", "می\u200cخواهم"),
        ("ガス", "ｶﾞｽ", "ｶﾞｽ"),
        ("ガス", "カ\u3099ス", "カ\u3099ス"),
        ("カ", "ガス", None),
        ("カ", "カ\u3099ス", None),
        ("가", "각", None),
        ("각", "\u1100\u1161\u11a8", "\u1100\u1161\u11a8"),
        ("ไม", "ไม่", "ไม่"),
        ("กน", "กิน", None),
        ("दन", "दिन", None),
        ("दिन", "दिन", "दिन"),
        ("cat", "dog", None),
        ("", "anything", None),
        ("*", "anything *", None),
    ],
)
def test_equivalent_spellings_match(words: str, text: str, expected: str | None) -> None:
    assert found(words, text)[:1] == ([expected] if expected else [])


def test_matches_do_not_overlap_and_are_limited() -> None:
    assert find_spans("aaaaa", compile_pattern("aa"), 9) == [(0, 2), (2, 4)]
    assert find_spans("a" * 1000, compile_pattern("a"), 3) == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize("bad", ["*", "[U+200B]", "[U+2028]", "* ", "[u+", "a*"])
def test_finding_takes_linear_time(bad: str) -> None:
    for words in ("a" * 200, "a b " * 50, "[u+200b]" * 25, "a" + "[u+2028]" * 24, "[u+" * 60):
        assert_linear(lambda size, words=words: find_spans(f"a{bad * size}", compile_pattern(words), 9), 4_000)
