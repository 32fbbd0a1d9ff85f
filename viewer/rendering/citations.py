"""Finds the place of each citation in a text, and puts a numbered chip there, through Markdown and back.

As measured, OpenAI's range covers its marker `([host](url))`, sometimes
two characters to the left; Azure's covers a bare link; OpenRouter sends (0, 0); Google-style servers cover the claim.
So a range is believed only where its slice agrees with it, and a citation without a place is in the list of sources.

Between the two passes each place is held by marks: private-use characters that the text has not, planted in the
Markdown, carried through rendering and sanitising as plain letters, and taken out again by `insert_chips`.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from itertools import accumulate
from typing import Literal
from urllib.parse import unquote

from django.utils.translation import gettext

from viewer.completions.addresses import host_of, key_of, web_address, without_campaign
from viewer.completions.invisibles import escape_invisible
from viewer.completions.literals import unused_letters
from viewer.completions.types import Citation

REL = "noopener noreferrer nofollow ugc"
_MAX_PLACES = 500  # chips in one text; further citations are in the list of sources only
_MAX_LABEL = 200  # characters of a title on a chip; the list of sources has all of it

_LINK = re.compile(
    r"(?<![!\\])\[(?P<label>(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*+\])*+)\]"
    r"\(\s*+<?(?P<url>(?:[^\s()<>\\]|\\.|\([^\s()<>]*+\))++)>?(?:\s++\"[^\"\n]*+\")?\s*+\)"
)
_HOST_LABEL = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?")
_URL_GOES_ON = re.compile(r"[\w/?#&=%~+-]")
_LETTER = re.compile(r"[^\W_]")
_LIST_NUMBER = re.compile(r"\d{1,9}[.)]\s")
_CLOSING = '.!?,;:…。！？、”’")»'
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
class CitedSource:
    """A cited source, one number per address."""

    number: int
    url: str
    title: str
    host: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class CitationPlace:
    """Where a source is cited: a marker and a link are replaced, words are underlined, and a chip comes after each."""

    kind: Literal["marker", "link", "words", "after"]
    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What one private-use character stands for; `end` is the character that closes what this one opens."""

    kind: Literal["marker", "link", "open", "close", "after"]
    number: int
    end: str = ""


Marks = dict[str, Mark]


def list_sources(citations: Iterable[Citation]) -> tuple[CitedSource, ...]:
    """Number the sources in the order in which they are named; a web address only is a link."""
    named: dict[str, Citation] = {}
    titles: dict[str, str] = {}
    for cited in citations:
        key = key_of(cited)
        named.setdefault(key, cited)
        if cited.title.strip():
            titles.setdefault(key, cited.title)
    return tuple(_source(number, cited, titles.get(key, "")) for number, (key, cited) in enumerate(named.items(), 1))


def find_places(text: str, citations: Iterable[Citation], sources: Iterable[CitedSource]) -> list[CitationPlace]:
    """Find where each source is cited. Places may overlap; the same place is named once."""
    numbers = {without_campaign(source.url): source for source in sources if source.is_link}
    reader = _Reader(text)
    places: dict[CitationPlace, None] = {}
    for cited in citations:
        if len(places) == _MAX_PLACES:
            break
        source = numbers.get(without_campaign(web_address(cited.url)))
        if source is not None and (place := reader.place(cited, source)):
            places[place] = None
    return list(places)


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


class _Reader:
    """Finds the places of one citation after another in one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._looked_up: Counter[str] = Counter()

    def place(self, cited: Citation, source: CitedSource) -> CitationPlace | None:
        key = without_campaign(source.url)
        for start, end in self._ranges(cited):
            if link := self._link_within(start, end, key):
                return self._at_link(link, key, source)
            if cited.url in self._text[start:end]:
                return self._at_words(start, end, source)
        return self._by_address(cited, key, source) or self._at_claim(cited, source)

    @cached_property
    def _links(self) -> list[re.Match[str]]:
        return list(_LINK.finditer(self._text))

    @cached_property
    def _link_starts(self) -> list[int]:
        return [link.start() for link in self._links]

    @cached_property
    def _links_by_key(self) -> dict[str, list[re.Match[str]]]:
        links = defaultdict(list)
        for link in self._links:
            links[without_campaign(web_address(unescape(link["url"])))].append(link)
        return links

    @cached_property
    def _letters(self) -> list[int]:
        return [at for at, letter in enumerate(self._text) if letter.isalnum()]

    @cached_property
    def _utf16(self) -> list[int]:
        """The UTF-16 offset of every character."""
        return [0, *accumulate(1 + (letter > "\uffff") for letter in self._text)]

    def _ranges(self, cited: Citation) -> Iterator[tuple[int, int]]:
        """Read the indices as characters, end exclusive and inclusive, then as UTF-16 units."""
        if cited.start is None or cited.end is None or not (self._text and 0 <= cited.start < cited.end):
            return
        if cited.end <= len(self._text):
            yield cited.start, cited.end
        if cited.end < len(self._text):
            yield cited.start, cited.end + 1
        if max(self._text) > "\uffff" and cited.end <= self._utf16[-1]:
            yield bisect_left(self._utf16, cited.start), bisect_left(self._utf16, cited.end)

    def _link_within(self, start: int, end: int, key: str) -> re.Match[str] | None:
        """Find the link to the source whose address lies in the range, else any link that lies in it whole."""
        own = self._links_by_key.get(key, [])
        at = bisect_left(own, start, key=lambda link: link.end("url"))
        if at < len(own) and own[at].start("url") >= start and own[at].end("url") <= end:
            return own[at]
        at = bisect_left(self._link_starts, start)
        return self._links[at] if at < len(self._links) and self._links[at].end() <= end else None

    def _at_link(self, link: re.Match[str], key: str, source: CitedSource) -> CitationPlace:
        start, end = link.span("label")
        letter = _LETTER.search(self._text, start, end)
        start = letter.start() if letter else start
        if without_campaign(web_address(unescape(link["url"]))) != key:
            return CitationPlace("after", start, start, source.number)
        is_marker = self._text[link.start() - 1 : link.start()] == "(" and self._text[link.end() :].startswith(")")
        is_its_name = _HOST_LABEL.fullmatch(link["label"]) or link["label"].strip() == source.title
        return CitationPlace("marker" if is_marker and is_its_name else "link", start, end, source.number)

    def _by_address(self, cited: Citation, key: str, source: CitedSource) -> CitationPlace | None:
        """Find the address in the text, nearest to the start; without a range, the next one at every asking."""
        if links := self._links_by_key.get(key):
            if cited.start and 0 < cited.start < len(self._text):
                at = bisect_left(links, cited.start, key=re.Match.end)
            else:
                at = self._looked_up[key]
                self._looked_up[key] += 1
            return self._at_link(links[min(at, len(links) - 1)], key, source)
        end = self._end_of_bare(cited.url)
        return CitationPlace("after", end, end, source.number) if end else None

    def _end_of_bare(self, url: str) -> int:
        """Find where the whole address ends, 0 when the text has it not or only as the beginning of another."""
        at = self._text.find(url)
        while at >= 0:
            end = at + len(url)
            if not _URL_GOES_ON.match(self._text, end):
                return end
            at = self._text.find(url, end)
        return 0

    def _at_claim(self, cited: Citation, source: CitedSource) -> CitationPlace | None:
        """Take a range over plain words at its word, counted in characters."""
        if cited.start is None or cited.end is None or not 0 <= cited.start < cited.end <= len(self._text):
            return None
        return self._at_words(cited.start, cited.end, source)

    def _at_words(self, start: int, end: int, source: CitedSource) -> CitationPlace | None:
        """Narrow a range to its letters: a mark before `**` or `1.` would change what Markdown makes of them."""
        first, last = bisect_left(self._letters, start), bisect_right(self._letters, end - 1) - 1
        if first > last:
            return None
        begin = self._letters[first]
        if _LIST_NUMBER.match(self._text, begin) and self._starts_line(begin):
            begin = next((at for at in self._letters[first : last + 1] if at > begin + 1), begin)
        stop = self._letters[last] + 1
        closing = stop
        while closing < end and self._text[closing] in _CLOSING:
            closing += 1
        if self._text[closing : closing + 1] not in ("*", "_", "~"):
            stop = closing
        return CitationPlace("words", begin, stop, source.number) if begin < stop else None

    def _starts_line(self, at: int) -> bool:
        return not self._text[self._text.rfind("\n", 0, at) + 1 : at].strip(" \t>*+-")


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


def _source(number: int, cited: Citation, title: str) -> CitedSource:
    address = web_address(cited.url)
    host = host_of(address)
    title = escape_invisible(title or host or cited.url or gettext("Source without a title"))
    return CitedSource(number, address or escape_invisible(cited.url), title, host, bool(address))
