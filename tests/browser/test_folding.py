"""The browser folds as Python does: what find counts is what it marks."""

from __future__ import annotations

import sys
from pathlib import Path
from unicodedata import category

import pytest
from django.conf import settings
from playwright.sync_api import Page

from viewer.completions.folding import compile_pattern, find_spans, fold

SCRIPT = Path(settings.BASE_DIR, "static/js/desk/folding.js")
DIFFERING = """([folded, shown]) => {
  const known = new Map(folded.map(([code, text]) => [code, text]));
  return shown.filter((code) => folding.fold(String.fromCodePoint(code)) !== (known.get(code) ?? String.fromCodePoint(code)));
}"""
PLACES = "([words, text]) => folding.matches(folding.fold(text), folding.pattern(words)).map(({ index }) => index)"


@pytest.fixture
def scripted(page: Page) -> Page:
    page.add_script_tag(content=f"{SCRIPT.read_text()}\nwindow.folding = folding;")
    return page


def test_every_character_folds_alike_in_both_languages(scripted: Page) -> None:
    """Of the characters that this Python knows; a browser may know more."""
    codes = [code for code in range(sys.maxunicode + 1) if category(chr(code)) not in ("Cn", "Cs", "Co")]
    folded = [[code, fold(chr(code))] for code in codes if fold(chr(code)) != chr(code)]
    assert len(folded) > 10_000
    assert [f"{code:X}" for code in scripted.evaluate(DIFFERING, [folded, codes])] == []


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("don't", "don’t, don't"),
        ("refunded", "re**fund**ed"),
        ("payload", "pay[U+00AD]load"),
        ("[u+202e]", "a [U+202E] here"),
        ("one  two", "one\n two, one[U+2028]two, one *two*"),
        ("カ", "カ ガ カ\u3099"),
        ("가", "가 각"),
        ("a.b(c)$", "a.b(c)$ axb"),
        ("aa", "aaaaa"),
        ("*", "*"),
    ],
)
def test_words_stand_at_the_same_places_in_both_languages(scripted: Page, words: str, text: str) -> None:
    assert len(scripted.evaluate(PLACES, [words, text])) == len(find_spans(text, compile_pattern(words), 99))
