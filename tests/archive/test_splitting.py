"""The short ways in which texts are split into words find what the long ways find."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as some

from viewer.archive.search import text as splitting
from viewer.archive.search import tokens

_PIECES = (
    "a", "b", "HAT", "DE", "TK", "Zürich", "don’t", "1", "12", "136", "4410", "89", "²", "½", "٣", "東京", "한", "ｱ", "ƻ",
    "é", "e\u0301", "\u00ad", "“", "…", "€", "|", "_", ".", ",", "'", "’", "-", "/", "#", "+", "(", ")", "\n", "\u00a0",
    " ", " ", " ", "x" * 70, "+49 170 ", "1,234.50", "e-mail", "TK-30582", "LS6 3HT",
)  # fmt: skip
texts = some.lists(some.sampled_from(_PIECES), max_size=24).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_numbers_are_found_where_the_text_around_them_is_left_out(text: str) -> None:
    joined = splitting.joined_words(text)
    with patch.object(splitting, "_around_digits", lambda words, odd: text):
        assert splitting.joined_words(text) == joined


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_a_text_that_can_be_written_in_ascii_has_the_same_words(text: str) -> None:
    words = splitting.words_of(text)
    with patch.object(splitting, "_in_ascii", lambda text: text):
        assert splitting.words_of(text).split() == words.split()


def _built(entries: list[str]) -> tuple[list[tokens.Document], set[str]]:
    builder = tokens.DocumentBuilder()
    for number, words in enumerate(entries, start=1):
        builder.add(words, is_answer=number == len(entries))
    return builder.documents, builder.words


@settings(max_examples=100, deadline=None)
@given(
    said=some.lists(
        some.lists(some.text(alphabet="abé手", min_size=1, max_size=3), max_size=20), min_size=1, max_size=8
    )
)
def test_entries_added_at_once_have_the_tokens_and_pairs_of_entries_added_one_by_one(said: list[list[str]]) -> None:
    entries = [
        f"|{n % 3 + 1} {' '.join(words)} |m ƻrole {'ƻ' if n == len(said) - 1 else ''} " for n, words in enumerate(said)
    ]
    at_once = _built(entries)
    with patch.object(tokens, "_most_bytes", lambda words: 10**9):
        assert _built(entries) == at_once


@settings(max_examples=50, deadline=None)
@given(
    said=some.lists(
        some.lists(some.text(alphabet="abé手", min_size=1, max_size=3), max_size=20), min_size=1, max_size=8
    )
)
def test_pairs_held_as_bits_make_the_signature_that_pairs_held_as_numbers_make(said: list[list[str]]) -> None:
    entries = [f"|1 {' '.join(words)} " for words in said]
    one_by_one = patch.object(tokens, "_most_bytes", lambda words: 10**9)
    with one_by_one, patch.object(tokens, "_MAX_SIGNATURE", 8), patch.object(tokens, "_MAX_PAIRS", 2):
        as_bits = _built(entries)
        with patch.object(tokens, "_MAX_PAIRS", 10**9):
            assert _built(entries) == as_bits
