"""The short ways in which texts are split into words find what the long ways find."""

from __future__ import annotations

import re
from collections import Counter
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as some

from viewer.archive.search import tokens
from viewer.archive.search import words as splitting
from viewer.archive.search.indexed import Indexed, Portion
from viewer.archive.search.said import BETWEEN, Words, codes_of, may_have

_PIECES = (
    "a", "b", "HAT", "DE", "TK", "Zürich", "don’t", "1", "12", "136", "4410", "89", "²", "½", "٣", "東京", "한", "ｱ", "ƻ",
    "é", "e\u0301", "\u00ad", "“", "…", "€", "|", "_", ".", ",", "'", "’", "-", "/", "#", "+", "(", ")", "\n", "\u00a0",
    " ", " ", " ", "x" * 70, "+49 170 ", "1,234.50", "e-mail", "TK-30582", "LS6 3HT",
)  # fmt: skip
CODE = r"(?<![^\W_])(?:[^\W\d_]{1,4}|[A-Z]{5,6}) \d{2,}(?![^\W_])"  # HAT 136
texts = some.lists(some.sampled_from(_PIECES), max_size=24).map("".join)


def _joined_by_looking_everywhere(text: str) -> set[str]:
    """Return the joined words of a text, without leaving out where there can be none."""
    twos = (splitting._join(match[1] + match[2]) for match in splitting._TWO_IN_ONE.finditer(text))
    patterns = (splitting._GROUPED, re.compile(CODE), splitting._THOUSANDS, splitting._PHONE)
    numbers = (match[0] for pattern in patterns for match in pattern.finditer(text))
    runs = (splitting.words_of(match[0]).split()[:8] for match in splitting._SPACED.finditer(text))
    return {
        *(two for two in twos if len(two) <= 32),
        *(word for number in numbers for word in splitting._joined_number(number)),
        *(word for run in runs for word in splitting.joined_runs(run)),
    }


@settings(max_examples=400)
@given(text=texts)
def test_numbers_are_found_where_the_text_around_them_is_left_out(text: str) -> None:
    joined = splitting.joined_words(text)
    assert len(joined) == len(set(joined))
    assert set(joined) == (_joined_by_looking_everywhere(text) if re.search(r"[\d'’-]", text) else set())


@settings(max_examples=400)
@given(text=texts)
def test_a_text_that_can_be_written_in_ascii_has_the_same_words(text: str) -> None:
    words = splitting.words_of(text)
    with patch.object(splitting, "_in_ascii", lambda text: text):
        assert splitting.words_of(text).split() == words.split()


@settings(max_examples=200)
@given(several=some.lists(texts, max_size=6))
def test_texts_that_are_split_together_have_the_words_of_each(several: list[str]) -> None:
    several += ["\x00".join(several)]
    each, words = splitting.split_together(several)
    expected = [splitting.words_of(text).split() for text in several]
    assert [text.split() for text in each] == expected
    assert all(text[0] == text[-1] == " " and "  " not in text.strip() for text in each)
    apart = [text.split() for text in " ".join(words).split(BETWEEN)]
    assert sorted(filter(None, apart)) == sorted(filter(None, expected))


def _built(entries: list[list[str]], most_bytes: int = 900_000) -> tuple[list[tokens.Document], set[str]]:
    builder = tokens.DocumentBuilder()
    with patch.object(tokens, "_MAX_BYTES", most_bytes):
        for n, words in enumerate(entries):
            marks = ["ƻrole", *(["ƻ"] if n == len(entries) - 1 else [])]
            speaker = str(n % 3 + 1)
            entry = Indexed(f"|{speaker} {' '.join(words)} |m {' '.join(marks)} ", marks, Counter())
            builder.add(Portion([entry], [(speaker, Words(words))]))
        builder.finish(["ƻrole", "ƻ"])
    return builder.documents, builder.words


entries = some.lists(
    some.lists(some.text(alphabet="abé手", min_size=1, max_size=7), max_size=20), min_size=1, max_size=8
)


@given(said=entries, start=some.integers(0, 19), length=some.integers(2, 5))
def test_a_document_has_every_token_and_a_signature_every_phrase(
    said: list[list[str]], start: int, length: int
) -> None:
    (document,), words = _built(said)
    spoken = {f"{n % 3 + 1}{word}" for n, each in enumerate(said) for word in each}
    assert sorted(document.tokens.split(" ")) == sorted({*spoken, "ƻrole", "ƻ"})
    assert words == {word for each in said for word in each}
    for each in said:
        assert may_have(document.signature, codes_of(each[start : start + length]))
    assert len(document.signature) <= sum(2 * len(each) + 1 for each in said)


def test_a_signature_has_no_phrase_that_ends_in_one_message_and_begins_in_another() -> None:
    (document,), _ = _built([["refund", "order"], ["parcel", "address"], ["refund", "parcel"]])
    phrases = [
        ("refund", "order"),
        ("order", "parcel"),
        ("order", "refund"),
        ("refund", "parcel"),
        ("parcel", "address"),
    ]
    found = [phrase for phrase in phrases if may_have(document.signature, codes_of(phrase))]
    assert found == [("refund", "order"), ("refund", "parcel"), ("parcel", "address")]


def test_a_signature_that_would_be_too_long_says_nothing() -> None:
    with patch.object(tokens, "_MAX_SIGNATURE", 50):
        (document,), _ = _built([["refund"] * 10, ["order"] * 20, ["parcel"]])
    assert document.signature == b""
    assert may_have(document.signature, codes_of(["never", "said"]))


@given(entries)
def test_several_documents_have_together_what_one_would_have(said: list[list[str]]) -> None:
    (whole,), words = _built(said)
    parts, words_of_parts = _built(said, 300)
    assert {token for part in parts for token in part.tokens.split(" ")} == set(whole.tokens.split(" "))
    assert all("ƻ" in part.tokens.split(" ") for part in parts)
    assert words_of_parts == words
