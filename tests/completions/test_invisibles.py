from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import hold_everywhere
from viewer.completions import invisibles as visible
from viewer.completions.invisibles import escape_invisible, show_controls

AROUND_JOINERS = "\u200c\u200d\ufe0f\ufe00\u202e\U000e0100\U000e0067\U000e0062\U000e007f🏴👩❤کا葛a "


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invoice_\u202egpj.exe", "invoice_[U+202E]gpj.exe"),
        ("\u2066isolated\u2069 \u200e\u200f\u061c", "[U+2066]isolated[U+2069] [U+200E][U+200F][U+061C]"),
        ("nul \0 esc \x1b[31m del \x7f", "nul ␀ esc ␛[31m del ␡"),
        ("c1 \x85 \x9b", "c1 [U+0085] [U+009B]"),
        ("zero\u200bwidth\u2060 bom\ufeff", "zero[U+200B]width[U+2060] bom[U+FEFF]"),
        ("hi\U000e0069\U000e0067", "hi[U+E0069][U+E0067]"),
        ("line\u2028and paragraph\u2029", "line[U+2028]and paragraph[U+2029]"),
        ("a\u200cb\u200dc", "a[U+200C]b[U+200D]c"),
        ("smuggled\ufe00\ufe01\ufe02", "smuggled\ufe00[U+FE01][U+FE02]"),
        ("soft\xadhyphen \u3164", "soft[U+00AD]hyphen [U+3164]"),
    ],
)
def test_what_hides_or_reorders_stands_there_by_name(text: str, shown: str) -> None:
    assert escape_invisible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 🧔‍♂️ 🙂‍↔️ ❤️‍🔥",
        "می‌خواهم",
        "क्‍ष শ্রী‌",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "葛\U000e0100城",
        "1️⃣ ☀️ ✈︎",
        "tab\tand\r\nline breaks, é = é, 你好",
    ],
)
def test_what_writing_needs_stays(text: str) -> None:
    assert escape_invisible(text) == text


def test_a_flag_is_no_cover_for_a_hidden_sentence() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore the rules")
    assert "[U+E0069]" in escape_invisible(f"🏴{hidden}\U000e007f")


@given(st.lists(st.tuples(st.text(st.sampled_from(AROUND_JOINERS), max_size=8), st.sampled_from("a\n葛ب\u202e"))))
def test_a_text_in_stretches_shows_what_it_shows_as_a_whole(clusters: list[tuple[str, str]]) -> None:
    text = "".join(map("".join, clusters))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visible, "_STRETCH", 9)
        pieces = list(visible.escaped_pieces(text))
    assert "".join(pieces) == escape_invisible(text)
    assert all(len(piece) <= 18 * len("[U+E0069]") for piece in pieces)


@given(st.text(st.sampled_from(AROUND_JOINERS)))
def test_a_run_of_hidden_characters_is_named_as_they_would_be_one_by_one(text: str) -> None:
    named = re.sub(rf"[{visible._HIDDEN}](?P<needed>{visible._NEEDED})?", visible._name, text, flags=re.VERBOSE)
    assert escape_invisible(text) == named


@given(st.text())
def test_controls_are_drawn_one_for_one(text: str) -> None:
    assert len(show_controls(text)) == len(text)


@given(st.text(alphabet=st.sampled_from("a \u200c\u200d\u202e\ufe0f\x00👩❤م<>")))
def test_no_bidi_control_and_no_control_is_left(text: str) -> None:
    shown = escape_invisible(text)
    assert not {*shown} & {"\u202e", "\x00"}
    assert escape_invisible(shown) == shown


class TextNodes(HTMLParser):
    """Collects what a page shows: its text, and of its attributes those that are shown or read out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("title", "alt", "aria-label", "placeholder")]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


@pytest.mark.parametrize(
    "address",
    [
        "/completions/",
        "/completions/?model=a%E2%80%AEb&metadata[a%E2%80%AEb]=a%E2%80%AEb",
        "/completions/chatcmpl-a%E2%80%AEb/",
        "/completions/chatcmpl-a%E2%80%AEb/?order=desc",
        "/completions/chatcmpl-a%E2%80%AEb/messages/a%E2%80%AEb/",
        "/completions/chatcmpl-a%E2%80%AEb/messages/gone%E2%80%AE/",
        "/completions/gone%E2%80%AE/",
        "/completions/open/?id=%2F%E2%80%AE",
    ],
)
def test_no_page_shows_a_hidden_character_from_any_slot(
    reader: Client, stored: Callable[..., Any], address: str
) -> None:
    assert stored(hold_everywhere("a\u202eb", "chatcmpl-a\u202eb"))[0].status == "imported"
    shown = TextNodes(reader.get(address, follow=True).content.decode()).found
    assert [text for text in shown if "\u202e" in text] == []
    assert any("a[U+202E]b" in text or "[U+202E]" in text for text in shown)
