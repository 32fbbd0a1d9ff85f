"""The short ways in which texts are split into words find what the long ways find."""

from __future__ import annotations

from collections import Counter
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


@settings(max_examples=200, deadline=None)
@given(several=some.lists(texts, max_size=6))
def test_texts_that_are_split_together_have_the_words_of_each(several: list[str]) -> None:
    several += ["\x00".join(several)]
    assert splitting.words_of_each(several) == [splitting.words_of(text).split() for text in several]


def _built(entries: list[list[str]], most_bytes: int = 900_000) -> tuple[list[tokens.Document], set[str]]:
    builder = tokens.DocumentBuilder()
    made = [
        splitting.Indexed(
            [[str(n % 3 + 1), *words], ["m", "ƻrole", *(["ƻ"] if n == len(entries) - 1 else [])]],
            f"|{n % 3 + 1} {' '.join(words)} |m ƻrole ƻ",
            Counter(),
        )
        for n, words in enumerate(entries)
    ]
    with patch.object(tokens, "_MAX_BYTES", most_bytes):
        for entry in made:
            builder.add(entry)
        builder.finish(made[-1])
    return builder.documents, builder.words


entries = some.lists(
    some.lists(some.text(alphabet="abé手", min_size=1, max_size=3), max_size=20), min_size=1, max_size=8
)


@settings(max_examples=100, deadline=None)
@given(said=entries, held_as_numbers=some.sampled_from([2, 10**6]))
def test_a_document_has_every_token_and_every_pair_and_few_others(said: list[list[str]], held_as_numbers: int) -> None:
    with patch.object(tokens, "_MAX_PAIRS", held_as_numbers):
        (document,), words = _built(said)
    spoken = {f"{n % 3 + 1}{word}" for n, each in enumerate(said) for word in each}
    assert sorted(document.tokens.split(" ")) == sorted({*spoken, "ƻrole", "ƻ"})
    assert words == {word for each in said for word in each}
    pairs = {pair for each in said for pair in tokens.pair_hashes(each)}
    assert all(tokens.may_have_pair(document.signature, pair) for pair in pairs)
    assert sum(byte.bit_count() for byte in document.signature) <= len(pairs) + 1
    if len(pairs) < held_as_numbers:
        assert len(document.signature) <= max(8, 2 * (len(pairs) + 1))


@settings(max_examples=100, deadline=None)
@given(entries)
def test_several_documents_have_together_what_one_would_have(said: list[list[str]]) -> None:
    (whole,), words = _built(said)
    parts, words_of_parts = _built(said, 300)
    assert {token for part in parts for token in part.tokens.split(" ")} == set(whole.tokens.split(" "))
    assert all("ƻ" in part.tokens.split(" ") for part in parts)
    assert words_of_parts == words
