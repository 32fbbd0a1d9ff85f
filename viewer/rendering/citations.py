"""Numbers the sources that a message cites, and finds the place of each citation in its text.

What the servers send was measured (docs/api-facts.md#citations): OpenAI's range covers its marker `([host](url))`,
sometimes two characters to the left; Azure's covers a bare link; OpenRouter sends (0, 0); Google-style servers cover
the claim. So a range is believed only where its slice agrees with it, and a citation without a place is in the list of
sources.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import unescape
from itertools import accumulate
from typing import Literal

from django.utils.translation import gettext

from viewer.completions.addresses import host_of, key_of, web_address, without_campaign
from viewer.completions.invisibles import escape_invisible
from viewer.completions.types import Citation

_MAX_PLACES = 500  # chips in one text; further citations are in the list of sources only

_LINK = re.compile(
    r"(?<![!\\])\[(?P<label>(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*+\])*+)\]"
    r"\(\s*+<?(?P<url>(?:[^\s()<>\\]|\\.|\([^\s()<>]*+\))++)>?(?:\s++\"[^\"\n]*+\")?\s*+\)"
)
_HOST_LABEL = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?")
_URL_GOES_ON = re.compile(r"[\w/?#&=%~+-]")
_LETTER = re.compile(r"[^\W_]")
_LIST_NUMBER = re.compile(r"\d{1,9}[.)]\s")
_CLOSING = '.!?,;:…。！？、”’")»'


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


def _source(number: int, cited: Citation, title: str) -> CitedSource:
    address = web_address(cited.url)
    host = host_of(address)
    title = escape_invisible(title or host or cited.url or gettext("Source without a title"))
    return CitedSource(number, address or escape_invisible(cited.url), title, host, bool(address))
