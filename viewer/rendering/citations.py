"""Numbers the sources that a message cites, and finds the place of each citation in its text.

Servers differ, as measured in docs/api-facts.md#citations: OpenAI's range covers its marker `([host](url))`, sometimes
two characters to the left; Azure's covers a bare link; OpenRouter sends (0, 0); Google-style servers cover the claim.
So a range is used only if the text there fits, and a citation without a place is only in the list of sources.
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

from viewer.completions.addresses import citation_key, host_of, web_address, without_campaign
from viewer.completions.invisibles import escape_invisible
from viewer.completions.types import Citation

_MAX_PLACES = 500  # chips in one text; further citations are only in the list of sources

_LINK = re.compile(
    r"\[(?<![!\\]\[)(?P<label>(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]*+\])*+)\]"
    r"\(\s*+<?(?P<url>(?:[^\s()<>\\]|\\.|\([^\s()<>]*+\))++)>?(?:\s++\"[^\"\n]*+\")?\s*+\)"
)
_HOST_LABEL = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?")
_URL_CHARACTER = re.compile(r"[\w/?#&=%~+-]")
_LETTER = re.compile(r"[^\W_]")
_LIST_NUMBER = re.compile(r"\d{1,9}[.)]\s")
_CLOSING = '.!?,;:…。！？、”’")»'


@dataclass(frozen=True, slots=True)
class CitedSource:
    """A cited source; each URL has one number."""

    number: int
    url: str
    title: str
    host: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class CitationPlace:
    """Where a source is cited. Markers and links are replaced, words are underlined; a chip comes after each."""

    kind: Literal["marker", "link", "words", "after"]
    start: int
    end: int
    number: int


def list_sources(citations: Iterable[Citation]) -> tuple[CitedSource, ...]:
    """Number the sources in the order of the citations; only a web address is a link."""
    first: dict[str, Citation] = {}
    titles: dict[str, str] = {}
    for cited in citations:
        key = citation_key(cited)
        first.setdefault(key, cited)
        if cited.title.strip():
            titles.setdefault(key, cited.title)
    return tuple(_source(number, cited, titles.get(key, "")) for number, (key, cited) in enumerate(first.items(), 1))


def find_places(text: str, citations: Iterable[Citation], sources: Iterable[CitedSource]) -> list[CitationPlace]:
    """Find where each source is cited. Places may overlap, but none is returned twice."""
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
    """Finds the places of citations in one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._links_used: Counter[str] = Counter()

    def place(self, cited: Citation, source: CitedSource) -> CitationPlace | None:
        key = without_campaign(source.url)
        for start, end in self._ranges(cited):
            if link := self._link_within(start, end, key):
                return self._at_link(link, key, source)
            if cited.url in self._text[start:end]:
                return self._at_words(start, end, source)
        return self._by_url(cited, key, source) or self._at_claim(cited, source)

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
        return [index for index, letter in enumerate(self._text) if letter.isalnum()]

    @cached_property
    def _utf16(self) -> list[int]:
        """The UTF-16 offset of every character."""
        return [0, *accumulate(1 + (letter > "\uffff") for letter in self._text)]

    def _ranges(self, cited: Citation) -> Iterator[tuple[int, int]]:
        """Interpret the indices as characters, end exclusive and inclusive, then as UTF-16 units."""
        if cited.start is None or cited.end is None or not (self._text and 0 <= cited.start < cited.end):
            return
        if cited.end <= len(self._text):
            yield cited.start, cited.end
        if cited.end < len(self._text):
            yield cited.start, cited.end + 1
        if max(self._text) > "\uffff" and cited.end <= self._utf16[-1]:
            yield bisect_left(self._utf16, cited.start), bisect_left(self._utf16, cited.end)

    def _link_within(self, start: int, end: int, key: str) -> re.Match[str] | None:
        """Find a link to the source with its URL in the range, otherwise any link that is completely in the range."""
        links = self._links_by_key.get(key, [])
        n = bisect_left(links, start, key=lambda link: link.end("url"))
        if n < len(links) and links[n].start("url") >= start and links[n].end("url") <= end:
            return links[n]
        n = bisect_left(self._link_starts, start)
        return self._links[n] if n < len(self._links) and self._links[n].end() <= end else None

    def _at_link(self, link: re.Match[str], key: str, source: CitedSource) -> CitationPlace:
        start, end = link.span("label")
        letter = _LETTER.search(self._text, start, end)
        start = letter.start() if letter else start
        if without_campaign(web_address(unescape(link["url"]))) != key:
            return CitationPlace("after", start, start, source.number)
        is_marker = self._text[link.start() - 1 : link.start()] == "(" and self._text[link.end() :].startswith(")")
        is_its_name = _HOST_LABEL.fullmatch(link["label"]) or link["label"].strip() == source.title
        return CitationPlace("marker" if is_marker and is_its_name else "link", start, end, source.number)

    def _by_url(self, cited: Citation, key: str, source: CitedSource) -> CitationPlace | None:
        """Find the URL in the text: the first after the start of the range, or without a range, the next unused one."""
        if links := self._links_by_key.get(key):
            if cited.start and 0 < cited.start < len(self._text):
                n = bisect_left(links, cited.start, key=re.Match.end)
            else:
                n = self._links_used[key]
                self._links_used[key] += 1
            return self._at_link(links[min(n, len(links) - 1)], key, source)
        end = self._end_of_bare(cited.url)
        return CitationPlace("after", end, end, source.number) if end else None

    def _end_of_bare(self, url: str) -> int:
        """Find the end of a URL; 0 if the text does not contain it, or only as the beginning of another."""
        start = self._text.find(url)
        while start >= 0:
            end = start + len(url)
            if not _URL_CHARACTER.match(self._text, end):
                return end
            start = self._text.find(url, end)
        return 0

    def _at_claim(self, cited: Citation, source: CitedSource) -> CitationPlace | None:
        """Use the range as it is, in characters, when it covers plain words."""
        if cited.start is None or cited.end is None or not 0 <= cited.start < cited.end <= len(self._text):
            return None
        return self._at_words(cited.start, cited.end, source)

    def _at_words(self, start: int, end: int, source: CitedSource) -> CitationPlace | None:
        """Shrink a range to its letters: a mark before `**` or `1.` would change how Markdown reads them."""
        first, last = bisect_left(self._letters, start), bisect_right(self._letters, end - 1) - 1
        if first > last:
            return None
        begin = self._letters[first]
        if _LIST_NUMBER.match(self._text, begin) and self._starts_line(begin):
            begin = next((index for index in self._letters[first : last + 1] if index > begin + 1), begin)
        stop = self._letters[last] + 1
        closing = stop
        while closing < end and self._text[closing] in _CLOSING:
            closing += 1
        if self._text[closing : closing + 1] not in ("*", "_", "~"):
            stop = closing
        return CitationPlace("words", begin, stop, source.number) if begin < stop else None

    def _starts_line(self, index: int) -> bool:
        return not self._text[self._text.rfind("\n", 0, index) + 1 : index].strip(" \t>*+-")


def _source(number: int, cited: Citation, title: str) -> CitedSource:
    address = web_address(cited.url)
    host = host_of(address)
    title = escape_invisible(title or host or cited.url or gettext("Source without a title"))
    return CitedSource(number, address or escape_invisible(cited.url), title, host, bool(address))
