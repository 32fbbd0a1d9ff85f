"""One property of every text: each letter and digit that is in no address stands on the page, once and in order.

The same for the lines in which nothing is drawn, and for the Markdown of a transcript when other programs draw it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import comrak
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from viewer.completions.markdown import markdown_to_text, to_html
from viewer.export.blocks import MessageText
from viewer.export.formats import Markdown
from viewer.export.plain_text import to_plain_text
from viewer.rendering.markdown_html import render_prose

SAMPLES = Path(__file__).parents[2] / "viewer" / "archive" / "samples.jsonl"


class Page(HTMLParser):
    """Reads HTML as a browser shows it, with the numbers of lists and without the hosts that are named beside links."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._counts: list[int | None] = []
        self._spans: list[bool] = []
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("ol", "ul"):
            self._counts.append(int(given.get("start") or 1) if tag == "ol" else None)
        elif tag == "span":
            self._spans.append(given.get("class") == "link__host")
        elif tag == "li" and self._counts and (count := self._counts[-1]) is not None:
            number = int(given.get("value") or count)
            self._counts[-1] = number + 1
            self.pieces.append(f"{number}. ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("ol", "ul"):
            self._counts.pop()
        elif tag == "span":
            self._spans.pop()

    def handle_data(self, data: str) -> None:
        if not any(self._spans):
            self.pieces.append(data)


def shown(text: str) -> str:
    return Page(render_prose(text).html).text


# The words of these texts are made of q, z and digits, which no address and no word of ours has.
WORDS = ["q", "z", "qz", "1", "10", "q ", "z. ", "q3", "退货", "，"]
SYNTAX = [
    "**", "*", "_", "__", "`", "``", "~", "~~", "\\", "\\_", "\\*", "\\(", "\\)", "\\[", "\\]", "C:\\", "\\\\", "$", "$$",
    "[", "](", "](https://x.example/e \"z\")", "](/e)", ")", "(", "![", "<", ">", "<br>", "&amp;", "\"", "'", "{", "^", "%", "=", ".",
    "[q]: ", "[q]", "[1][2]", "[^1]: ", "[ref]: https://x.example/e\n", "[ref]", "[q][ref]", "https://x.example/e", "www.x.example", "e@x.example",
    "\n", "\n", "\n\n", "# ", "- ", "1. ", "3. ", "7) ", "01. ", "> ", "    ", "| ", "|", "\n|-|-|\n", "- [ ] ", "- [x] ", "---\n", "===\n",
    "```\n", "```md\n", "```js e=\"e\" {}\n", "~~~\n", "<div>\n", "__init__", "。", "**“", "”**", "\t", "  \n", "\\\n", "\r\n",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(SYNTAX)), max_size=14).map("".join)
# What stands in an address, names a link or names the language of a block: there a letter need not be shown.
NO_WORD = re.compile(
    r"\]\(\W*[\dqz退货]|\[[^\]]*\]:\s*<?(?:https|www|mailto)(?<!\[ref\]: https)|(?:```|~~~)[^\n]*[\dqz退货]"
)


_ESCAPE = re.compile("%[0-9A-F]{2}")


def words_of(text: str) -> list[str]:
    return re.findall(r"[qz0-9退货]", text)


@pytest.mark.slow
@settings(max_examples=500)
@given(TEXTS)
def test_every_letter_of_a_text_is_on_the_page_and_in_its_line_once_and_in_order(text: str) -> None:
    assume(not NO_WORD.search(text))
    assert words_of(shown(text)) == words_of(text)
    assert words_of(markdown_to_text(text)) == words_of(text)


@settings(max_examples=300)
@given(TEXTS)
def test_every_letter_of_a_text_is_there_when_another_program_draws_the_transcript(text: str) -> None:
    assume(not NO_WORD.search(text))
    transcript = Markdown().write(MessageText(text, "markdown"))
    for draw in (MarkdownIt("commonmark").render, comrak.render_markdown):
        assert words_of(Page(draw(transcript)).text) == words_of(text)


@settings(max_examples=300)
@given(TEXTS)
@example("%01. ")
def test_every_letter_of_a_text_is_in_the_plain_text_in_order_unless_a_table_repeats_its_headings(text: str) -> None:
    assume(not NO_WORD.search(text))
    # An address may have an escape, such as %5B, that does not stand in the text.
    assume(not ("%" in text and re.search(r"\]\(|\]:|@|www|https", text)))
    written = words_of(to_plain_text(text) if "%" in text else _ESCAPE.sub("", to_plain_text(text)))
    if "<table" in (to_html(text) or ""):
        assert not Counter(words_of(text)) - Counter(written)
    else:
        assert written == words_of(text)


def answers() -> Iterator[str]:
    for line in SAMPLES.read_text().splitlines():
        for message in json.loads(line)["messages"]:
            if message["role"] == "assistant" and isinstance(message["content"], str):
                yield message["content"]


def test_every_word_of_the_samples_is_on_the_page_in_its_line_and_in_the_transcript() -> None:
    for text in answers():
        without_addresses = re.sub(r"\]\([^)]*\)", "]", text)
        letters = re.findall(r"[^\W_]", without_addresses)
        assert re.findall(r"[^\W_]", markdown_to_text(text)) == letters
        transcript = Markdown().write(MessageText(text, "markdown"))
        assert re.findall(r"[^\W_]", Page(MarkdownIt("commonmark").render(transcript)).text) == letters
