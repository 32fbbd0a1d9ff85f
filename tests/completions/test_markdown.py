from __future__ import annotations

import pytest

from tests.costs import assert_linear
from viewer.completions.markdown import MARKDOWN_LIMIT, addresses_in, without_markers, without_marks


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("## Sent **today**", "Sent today"),
        ("> quoted\n- one\n* two\n+ three\n1. four", "quoted\none\ntwo\nthree\n1. four"),
        ("**bold *italic* bold** ***both***", "bold italic bold both"),
        ("2 * 3 * 4, 2*3, a_b, __init__", "2 * 3 * 4, 2*3, a_b, __init__"),
        (r"\*no\* \[x\](y) \# 1", "*no* [x](y) # 1"),
        ('[guide](https://x.example/a "title") ![pic](/p)', "guide pic"),
        ("`code`, ``more``", "code, more"),
        ("```json\n{}\n```", "json\n{}\n"),
        ("|a|b|\n|---|:-:|\n|1|2|\n\n---\n", " a b \n\n 1 2 \n\n\n"),
        ("x &amp; y", "x & y"),
        ("#tag a|b", "#tag a|b"),
    ],
)
def test_the_words_stay_and_the_marks_go(written: str, shown: str) -> None:
    assert without_marks(written) == shown


def test_markers_and_addresses() -> None:
    text = "Free ([site](https://s.example/?utm_source=openai)). See [more](https://m.example)."
    assert without_markers(text) == "Free. See [more](https://m.example)."
    assert addresses_in(text) == ["https://s.example/?utm_source=openai", "https://m.example"]


@pytest.mark.parametrize(
    "piece", ["*", "*a", "**a*", "`", "`a", "``a```", "- ", "-", "|", "|\n", "\n ", "> ", "&#", "[a]("]
)
def test_no_text_takes_more_than_its_length(piece: str) -> None:
    assert_linear(lambda size: without_marks((piece * size)[:size] + "x"), MARKDOWN_LIMIT)
