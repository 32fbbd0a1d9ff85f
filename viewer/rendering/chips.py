"""Puts numbered chips where sources are cited.

Before a text is rendered, marks are inserted at the places of its citations: private-use characters that the text does
not contain. They pass through Markdown and sanitising like letters, and `insert_chips` replaces them by chips.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal
from urllib.parse import unquote

from django.utils.translation import gettext

from viewer.completions.literals import unused_characters

from .citations import CitationPlace, CitedSource

REL = "noopener noreferrer nofollow ugc"
_MAX_SOUGHT = 50  # links in the HTML; each takes longer in a longer text, and to render it again does not
_MAX_LABEL = 200  # characters of a title on a chip; the list of sources has the whole title
_PRIVATE = re.compile("[\U000f0000-\U0010fffd]")
_MARK = re.compile("[\U000f0000-\U0010fffd]|(?:%F[34](?:%[89AB][0-9A-F]){3})")
_PLAIN_LINK = re.compile(r"\[(?P<label>[^\[\]\n]++)\]\((?P<url>[^\s()]++)\)")
_MARKER_START = re.compile("[\ue200【]")
_MARKER = re.compile(
    r"<(?P<code>pre|code)\b.*?</(?P=code)>|<[^>]*>"
    "|\ue200(?P<name>[^\ue200\ue201<]{0,300})\ue201"
    "|【(?P<file>[0-9]{1,4}(?::[0-9]{1,4})?†[^【】<]{0,300})】",
    re.DOTALL,
)
_ATOMIC = "a|code|pre|figure|copy-code"  # elements that may not contain chips: a chip inside is put after them
_REST_OF_TAG_OR_MARK = r'(?=[ >])[^>"]*+(?:"[^"]*+"[^>"]*+)*+>|[\U000f0000-\U0010fffd]'
_TAG_OR_MARK = re.compile(rf"</?(?P<name>[a-z0-9-]++){_REST_OF_TAG_OR_MARK}")
_ATOMIC_OR_MARK = re.compile(rf"</?(?P<name>{_ATOMIC}){_REST_OF_TAG_OR_MARK}")
_A = r'<a [^>"]*+(?:"[^"]*+"[^>"]*+)*+>'
_MARKER_LINK = re.compile(rf'\({_A}([^<]*+)(?:<span class="link__host">[^<]*+</span>)?</a>\)')
_ANY_LINK = re.compile(rf"{_A}(.*?)</a>", re.DOTALL)
_LINK_HOST = re.compile(r' ?<span class="link__host">[^<]*+</span>')


@dataclass(frozen=True, slots=True)
class Mark:
    """The meaning of one private-use character; for an opening mark, `end` is the character that closes it."""

    kind: Literal["marker", "link", "open", "close", "after"]
    number: int
    end: str = ""


Marks = dict[str, Mark]


def insert_marks(text: str, places: Iterable[CitationPlace]) -> tuple[str, Marks]:
    """Insert marks at the places. They are next to letters or digits, where Markdown takes them for another letter."""
    letters = unused_characters(text)
    marks: Marks = {}
    inserted: list[tuple[int, int, str]] = []

    def insert_mark(position: int, order: int, mark: Mark) -> str:
        letter = next(letters)
        marks[letter] = mark
        inserted.append((position, order, letter))
        return letter

    for place in places:
        if place.kind == "words":
            closing = insert_mark(place.end, 0, Mark("close", place.number))
            insert_mark(place.start, 1, Mark("open", place.number, closing))
        else:
            insert_mark(place.end if place.kind == "after" else place.start, 0, Mark(place.kind, place.number))
    return _insert(text, inserted), marks


def mark_links(html: str, text: str, places: Sequence[CitationPlace]) -> tuple[str, Marks] | None:
    """Insert the marks of cited links into the HTML of a text; None unless each place is a link that is found there.

    A link that stands in the HTML as often as in the text stands there in the same order. But its URL may stand nowhere
    else in the text, or another way to write the link could be meant.
    """
    if len(places) > _MAX_SOUGHT:
        return None
    letters = unused_characters(text)
    marks: Marks = {}
    inserted: list[tuple[int, int, str]] = []
    for place in places:
        link = _PLAIN_LINK.match(text, place.start - 1)
        if not (link and place.kind in ("marker", "link") and place.end == link.end("label")):
            return None
        before = f'<a href="{escape(link["url"])}">'
        drawn = f"{before}{link['label']}</a>"
        if not html.count(drawn) == text.count(link[0]) == text.count(link["url"]):
            return None
        rest = html.split(drawn, text.count(link[0], 0, link.start()) + 1)[-1]
        letter = next(letters)
        marks[letter] = Mark(place.kind, place.number)
        inserted.append((len(html) - len(rest) - len(drawn) + len(before), 0, letter))
    return _insert(html, inserted), marks


def _insert(text: str, letters: Iterable[tuple[int, int, str]]) -> str:
    """Insert letters, each with its position and its order among those at the same."""
    pieces, last = list[str](), 0
    for position, _, letter in sorted(letters):
        pieces += [text[last:position], letter]
        last = position
    return "".join([*pieces, text[last:]])


def remove_marks(text: str, marks: Marks) -> tuple[str, str]:
    """Remove the marks from a text or a URL; return it without them, and the marks."""
    if not marks or (text.isascii() and "%F" not in text):
        return text, ""
    removed: list[str] = []

    def remove(match: re.Match[str]) -> str:
        letter = unquote(match[0])
        if letter not in marks:
            return match[0]
        removed.append(letter)
        return ""

    return _MARK.sub(remove, text), "".join(removed)


def insert_chips(html: str, marks: Marks, sources: tuple[CitedSource, ...]) -> str:
    """Replace the marks in sanitised HTML by chips and underlines. Every character of the text is kept, once."""
    if not marks:
        return html

    bare: list[str] = []  # marks of markers that were removed, around which there is no link or code

    def without_marker(link: re.Match[str]) -> str:
        _, removed = remove_marks(link[1], marks)
        if not any(marks[letter].kind == "marker" for letter in removed):
            return link[0]
        bare.extend(letter for letter in removed if marks[letter].kind == "marker")
        return removed

    def without_link(link: re.Match[str]) -> str:
        label, removed = remove_marks(_LINK_HOST.sub("", link[1]), marks)
        is_cited = any(marks[letter].kind in ("marker", "link") for letter in removed)
        return f'<span class="cited">{label}</span>{removed}' if is_cited else link[0]

    html = _MARKER_LINK.sub(without_marker, html)
    if len(set(bare)) == len(bare) == sum(letter in marks for letter in _PRIVATE.findall(html)):
        chips = {letter: _chip(sources[mark.number - 1]) for letter, mark in marks.items()}
        return _PRIVATE.sub(lambda letter: chips.get(letter[0], letter[0]), html)
    return _ChipWriter(marks, sources).write(_ANY_LINK.sub(without_link, html))


def name_markers(html: str, has_sources: bool) -> str:
    """Replace the source markers of ChatGPT and Assistants by small notes, keeping the text in them.

    ChatGPT writes text between U+E200 and U+E201, which fonts show as boxes. Assistants write `【4:0†policy.pdf】`; the
    API returns that file next to the text, or not at all.
    """
    if html.isascii() or not _MARKER_START.search(html):
        return html
    note = gettext("Source") if has_sources else gettext("Source not stored")

    def mark(match: re.Match[str]) -> str:
        if match["file"]:
            return f'<span class="image-note">{match["file"]} <small>{note}</small></span>'
        if match["name"]:
            name = match["name"].replace("\ue202", " ")
            return f'<span class="image-note"><small>{note}</small><span class="visually-hidden"> {name}</span></span>'
        return match[0]

    return _MARKER.sub(mark, html)


class _ChipWriter:
    """Goes through HTML once and writes underlines around its text nodes, and chips in place of its marks."""

    def __init__(self, marks: Marks, sources: tuple[CitedSource, ...]) -> None:
        self._marks = marks
        self._sources = sources
        self._out: list[str] = []
        self._text = ""  # since the last tag, chip or edge of an underline
        self._open_until: set[str] = set()
        self._atomic_depth = 0  # links and code blocks that are open
        self._waiting: dict[int, None] = {}
        self._done: set[str] = set()
        self._present: set[str] = set()

    def write(self, html: str) -> str:
        self._present = set(_PRIVATE.findall(html))
        position = 0
        while token := self._next(html, position):
            self._text += html[position : token.start()]
            if token["name"] is None:
                self._read_mark(token[0])
            else:
                self._write_tag(token)
            position = token.end()
        self._text += html[position:]
        self._write_text()
        return "".join(self._out)

    def _next(self, html: str, position: int) -> re.Match[str] | None:
        """Find the next mark or relevant tag: any tag in an underline, otherwise only those of `_ATOMIC`."""
        pattern = _TAG_OR_MARK if self._open_until else _ATOMIC_OR_MARK
        token = pattern.search(html, position)
        while token and token["name"] is None and token[0] not in self._marks:
            token = pattern.search(html, token.end())
        return token

    def _read_mark(self, letter: str) -> None:
        mark = self._marks[letter]
        if letter in self._done:  # the URL of an autolink is also in its href
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
        """Begin an underline if its end follows: it may have been in a link title that was removed."""
        if end in self._present and end not in self._done:
            if not self._open_until:
                self._write_text()
            self._open_until.add(end)

    def _write_tag(self, tag: re.Match[str]) -> None:
        self._write_text()
        self._out.append(tag[0])
        if _ATOMIC_OR_MARK.match(tag[0]):
            self._atomic_depth += -1 if tag[0].startswith("</") else 1
            self._write_chips()

    def _write_text(self) -> None:
        if self._open_until and not self._atomic_depth and self._text.strip():
            self._text = f'<span class="cited">{self._text}</span>'
        self._out.append(self._text)
        self._text = ""

    def _write_chips(self) -> None:
        if self._waiting and not self._atomic_depth:
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
