"""Reads HTML, as help desks keep what people write, as plain text with its pictures as parts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from .drafts import file_part, image_part, text_part

_TAG = re.compile(
    r"</?(?:p|div|br|a|span|ul|ol|li|b|i|u|em|strong|img|table|blockquote|h[1-6]|html|body|pre|code|font)\b[^<>]*>",
    re.I,
)
_SKIPPED = ("script", "style", "head", "title", "template")
_PARAGRAPHS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table", "hr")
_LINES = ("div", "li", "tr", "section", "article", "header", "footer", "figure", "figcaption", "address", "dt", "dd")
_SPACE = re.compile(r"[ \t\r\n\f]+")


def parts_of(html: str, *, is_html: bool = False) -> list[dict[str, Any]]:
    """Return the parts of a text that may be HTML, or is: texts, and pictures in their place. One, if only empty."""
    if not (is_html or _TAG.search(html)):
        return [text_part(html)]
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.parts() or [text_part("")]


class _Reader(HTMLParser):
    """Writes links as `words (address)`, lists with dashes and numbers, quotes with `>`, cells with bars."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[dict[str, Any]] = []
        self._text = ""
        self._breaks = 0  # empty lines and ends of lines to write before the next word
        self._quotes = 0
        self._lists: list[int | None] = []  # the number of the last item; None where they have none
        self._links: list[tuple[str, int]] = []  # the address, and where its words begin
        self._skipped = self._kept = 0  # how many elements around are left out, or keep their spaces
        self._is_first_cell = True

    def parts(self) -> list[dict[str, Any]]:
        """Return what was read."""
        self._end_text()
        return self._parts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        values = {name: value or "" for name, value in attrs}
        self._skipped += tag in _SKIPPED
        self._break_for(tag)
        match tag:
            case "body":
                self._skipped = 0  # the head need not be closed
            case "br":
                self._breaks += 1
            case "pre":
                self._kept += 1
            case "blockquote":
                self._quotes += 1
            case "ul" | "ol":
                self._lists.append(None if tag == "ul" else 0)
            case "li":
                self._write(self._bullet())
            case "tr":
                self._is_first_cell = True
            case "td" | "th":
                if not self._is_first_cell:
                    self._write(" | ")
                self._is_first_cell = False
            case "a":
                self._links.append((values.get("href", ""), len(self._text)))
            case "img":
                self._add_picture(values)
            case "emoji":  # of Microsoft Teams
                self._write(values.get("alt", ""))
            case "iframe" | "video" | "audio" | "source":
                self._write(values.get("src", ""))

    def handle_endtag(self, tag: str) -> None:
        """End an element; a closing tag without an opening one does nothing."""
        match tag:
            case "pre":
                self._kept = max(0, self._kept - 1)
            case "blockquote":
                self._quotes = max(0, self._quotes - 1)
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "a" if self._links:
                self._end_link(*self._links.pop())
            case _ if tag in _SKIPPED:
                self._skipped = max(0, self._skipped - 1)
        self._break_for(tag)

    def handle_data(self, data: str) -> None:
        """Write a text."""
        if self._kept:
            first, *rest = data.split("\n")
            self._write(first)
            for line in rest:
                self._breaks += 1
                self._write(line)
            return
        text = _SPACE.sub(" ", data)
        is_at_start = self._breaks or not self._text or self._text[-1] in "\n "
        self._write(text.lstrip(" ") if is_at_start else text)

    def _write(self, text: str) -> None:
        if self._skipped or not text:
            return
        if not self._text:
            self._text = "> " * self._quotes
        elif self._breaks:
            self._text = self._text.rstrip(" ") + "".join(["\n" + "> " * self._quotes] * self._breaks)
        self._breaks = 0
        self._text += text

    def _break_for(self, tag: str) -> None:
        if not self._text:
            return
        if tag in _PARAGRAPHS and not (tag in ("ul", "ol") and self._lists):
            self._breaks = max(self._breaks, 2)
        elif tag in _LINES:
            self._breaks = max(self._breaks, 1)

    def _bullet(self) -> str:
        self._breaks = min(self._breaks, 1)
        indent = "  " * (len(self._lists) - 1)
        if not self._lists or self._lists[-1] is None:
            return f"{indent}- "
        self._lists[-1] += 1
        return f"{indent}{self._lists[-1]}. "

    def _end_link(self, address: str, start: int) -> None:
        words = self._text[start:].strip()
        is_said = words.removesuffix("/") == address.removeprefix("mailto:").removesuffix("/")
        if address and not is_said and not address.startswith(("#", "javascript:")):
            self._write(f" ({address})" if words else address)

    def _add_picture(self, values: dict[str, str]) -> None:
        url, name = values.get("src", ""), values.get("alt") or values.get("title") or ""
        self._end_text()
        if url.startswith(("http://", "https://", "data:")):
            self._parts.append(image_part(url, caption=name) if name else image_part(url))
        else:
            self._parts.append(file_part(name or url.removeprefix("cid:") or "?"))

    def _end_text(self) -> None:
        if self._text.strip("> \n"):
            self._parts.append(text_part(self._text.rstrip()))
        self._text, self._breaks = "", 0
        self._links = [(address, 0) for address, _start in self._links]
