"""Puts numbered chips where sources are cited, through Markdown and back.

Between the two passes each place is held by marks: private-use characters that the text has not, planted in the
Markdown, carried through rendering and sanitising as plain letters, and taken out again by `insert_chips`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import unquote

from django.utils.translation import gettext

from viewer.completions.literals import unused_letters

from .citations import CitationPlace, CitedSource

REL = "noopener noreferrer nofollow ugc"
_MAX_LABEL = 200  # characters of a title on a chip; the list of sources has all of it
_PRIVATE = re.compile("[\U000f0000-\U0010fffd]")
_MARK = re.compile("[\U000f0000-\U0010fffd]|(?:%F[34](?:%[89AB][0-9A-F]){3})")
_MARKER_SIGN = re.compile("[\ue200【]")
_MARKER = re.compile(
    r"<(?P<code>pre|code)\b.*?</(?P=code)>|<[^>]*>"
    "|\ue200(?P<name>[^\ue200\ue201<]{0,300})\ue201"
    "|【(?P<file>[0-9]{1,4}(?::[0-9]{1,4})?†[^【】<]{0,300})】",
    re.DOTALL,
)
_WHOLE = "a|code|pre|figure|copy-code"  # a chip inside these waits for their end
_REST_OF_TAG_OR_MARK = r'(?=[ >])[^>"]*+(?:"[^"]*+"[^>"]*+)*+>|[\U000f0000-\U0010fffd]'
_TAG_OR_MARK = re.compile(rf"</?(?P<name>[a-z0-9-]++){_REST_OF_TAG_OR_MARK}")
_WHOLE_OR_MARK = re.compile(rf"</?(?P<name>{_WHOLE}){_REST_OF_TAG_OR_MARK}")
_A = r'<a [^>"]*+(?:"[^"]*+"[^>"]*+)*+>'
_MARKER_LINK = re.compile(rf'\({_A}([^<]*+)(?:<span class="link__host">[^<]*+</span>)?</a>\)')
_ANY_LINK = re.compile(rf"{_A}(.*?)</a>", re.DOTALL)
_LINK_HOST = re.compile(r' ?<span class="link__host">[^<]*+</span>')


@dataclass(frozen=True, slots=True)
class Mark:
    """What one private-use character stands for; `end` is the character that closes what this one opens."""

    kind: Literal["marker", "link", "open", "close", "after"]
    number: int
    end: str = ""


Marks = dict[str, Mark]


def plant(text: str, places: Iterable[CitationPlace]) -> tuple[str, Marks]:
    """Put marks at the places. They are beside letters and digits, where Markdown reads them as one more letter."""
    letters = unused_letters(text)
    marks: Marks = {}
    planted: list[tuple[int, int, str]] = []

    def plant_one(at: int, order: int, mark: Mark) -> str:
        letter = next(letters)
        marks[letter] = mark
        planted.append((at, order, letter))
        return letter

    for place in places:
        if place.kind == "words":
            closing = plant_one(place.end, 0, Mark("close", place.number))
            plant_one(place.start, 1, Mark("open", place.number, closing))
        else:
            plant_one(place.end if place.kind == "after" else place.start, 0, Mark(place.kind, place.number))
    pieces, last = [], 0
    for at, _, letter in sorted(planted):
        pieces += [text[last:at], letter]
        last = at
    return "".join([*pieces, text[last:]]), marks


def take_marks(text: str, marks: Marks) -> tuple[str, str]:
    """Split the marks from a text or an address: what is left without them, and the marks alone."""
    if not marks:
        return text, ""
    taken: list[str] = []

    def take(found: re.Match[str]) -> str:
        letter = unquote(found[0])
        if letter not in marks:
            return found[0]
        taken.append(letter)
        return ""

    return _MARK.sub(take, text), "".join(taken)


def insert_chips(html: str, marks: Marks, sources: tuple[CitedSource, ...]) -> str:
    """Turn the marks of a sanitised HTML into chips and underlines. Every character of the text stays, once."""
    if not marks:
        return html

    def without_marker(link: re.Match[str]) -> str:
        _, taken = take_marks(link[1], marks)
        return taken if any(marks[letter].kind == "marker" for letter in taken) else link[0]

    def without_link(link: re.Match[str]) -> str:
        label, taken = take_marks(_LINK_HOST.sub("", link[1]), marks)
        is_cited = any(marks[letter].kind in ("marker", "link") for letter in taken)
        return f'<span class="cited">{label}</span>{taken}' if is_cited else link[0]

    html = _ANY_LINK.sub(without_link, _MARKER_LINK.sub(without_marker, html))
    return _ChipWriter(marks, sources).write(html)


def name_markers(html: str, has_sources: bool) -> str:
    """Show what ChatGPT and Assistants write in place of a source as a small mark; the letters in it stay.

    ChatGPT's are letters between U+E200 and U+E201, which a font shows as boxes; those of Assistants,
    `【4:0†policy.pdf】`, name a file that the API gives beside the text, or not at all.
    """
    if not _MARKER_SIGN.search(html):
        return html
    note = gettext("Source") if has_sources else gettext("Source not stored")

    def mark(found: re.Match[str]) -> str:
        if found["file"]:
            return f'<span class="image-note">{found["file"]} <small>{note}</small></span>'
        if found["name"]:
            name = found["name"].replace("\ue202", " ")
            return f'<span class="image-note"><small>{note}</small><span class="visually-hidden"> {name}</span></span>'
        return found[0]

    return _MARKER.sub(mark, html)


class _ChipWriter:
    """Reads HTML once, and writes underlines around its text nodes and chips where marks stood."""

    def __init__(self, marks: Marks, sources: tuple[CitedSource, ...]) -> None:
        self._marks = marks
        self._sources = sources
        self._out: list[str] = []
        self._text = ""  # since the last tag, chip or edge of an underline
        self._open_until: set[str] = set()
        self._whole = 0  # links and code blocks that are open
        self._waiting: dict[int, None] = {}
        self._done: set[str] = set()
        self._present: set[str] = set()

    def write(self, html: str) -> str:
        self._present = set(_PRIVATE.findall(html))
        at = 0
        while token := self._next(html, at):
            self._text += html[at : token.start()]
            if token["name"] is None:
                self._read_mark(token[0])
            else:
                self._write_tag(token)
            at = token.end()
        self._text += html[at:]
        self._write_text()
        return "".join(self._out)

    def _next(self, html: str, at: int) -> re.Match[str] | None:
        """Find the next mark, or tag that matters: every one under an underline, else those that hold chips back."""
        pattern = _TAG_OR_MARK if self._open_until else _WHOLE_OR_MARK
        token = pattern.search(html, at)
        while token and token["name"] is None and token[0] not in self._marks:
            token = pattern.search(html, token.end())
        return token

    def _read_mark(self, letter: str) -> None:
        mark = self._marks[letter]
        if letter in self._done:  # an address is in the text of an autolink and in its href
            return
        self._done.add(letter)
        if mark.kind == "open":
            self._open(mark.end)
            return
        self._waiting[mark.number] = None
        self._write_chips()
        if letter in self._open_until:
            self._write_text()
            self._open_until.remove(letter)

    def _open(self, end: str) -> None:
        """Begin an underline, if its end is still to come: it may have stood in the title of a link, which is gone."""
        if end in self._present and end not in self._done:
            if not self._open_until:
                self._write_text()
            self._open_until.add(end)

    def _write_tag(self, tag: re.Match[str]) -> None:
        self._write_text()
        self._out.append(tag[0])
        if _WHOLE_OR_MARK.match(tag[0]):
            self._whole += -1 if tag[0].startswith("</") else 1
            self._write_chips()

    def _write_text(self) -> None:
        if self._open_until and not self._whole and self._text.strip():
            self._text = f'<span class="cited">{self._text}</span>'
        self._out.append(self._text)
        self._text = ""

    def _write_chips(self) -> None:
        if self._waiting and not self._whole:
            self._write_text()
            self._out += [_chip(self._sources[number - 1]) for number in self._waiting]
            self._waiting = {}


def _chip(source: CitedSource) -> str:
    title = source.title if len(source.title) <= _MAX_LABEL else source.title[: _MAX_LABEL - 1] + "…"
    label = gettext("Source %(number)d: %(title)s") % {"number": source.number, "title": title}
    return (
        f'<a class="chip-citation" data-citation href="{escape(source.url)}" rel="{REL}" target="_blank"'
        f' aria-label="{escape(label)}">{source.number}</a>'
    )
