"""Reads Markdown: as HTML for a page, and as the words of that page for lines in which nothing is drawn.

comrak writes the HTML, with raw HTML shown as text. One property holds for every text: each letter and digit that is
not in an address stands in the HTML, once and in order. What CommonMark would lose is held (literals.py), the numbers
of a list are those that were written, and a table has a column for every cell.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from html import unescape

import comrak

from .literals import Held, hold
from .source_text import clean

MARKDOWN_LIMIT = 20_000  # characters; a longer text is plain, and the page folds it
_DEEPEST = 100  # lists and quotes in each other; nh3 takes 1.8 s for 20,000 of them
_MOST_CELLS = 10_000  # comrak fills short rows up: 20 kB of text would become 45 MB of table
_MOST_ADDRESSES = 500  # of mail; comrak takes time with the square of their number

_MARKER = re.compile(r" ?\(\[[^\[\]\n]*\]\([^()\s]*\)\)")
_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINE = re.compile(r"\n[ \t>]*(?=\n)")
_CELL_END = re.compile(r"(?<!\\)\|")
_CLOSED = re.compile(r"(?<!\\)\|[ \t]*$")
_PIPE_IN_CODE = re.compile(r"`[^`|\n]*+\|[^`\n]*+`")

# As comrak writes them: no > inside a tag.
_NEST = re.compile(r"<(/?)(?:blockquote|ul|ol)\b")
_ITEM_POSITION = re.compile(r'<li data-sourcepos="(\d+):(\d+)-')
_ITEM_NUMBER = re.compile(rb"\d{1,9}(?=[.)])")
_ITEM_OR_TEXT = re.compile(
    r"\n(?:(?P<before>[ \t>*+-]*+)(?P<number>\d{1,9})[.)](?:[ \t]++(?P<inner>(?:[*+-]|\d{1,9}[.)])(?!\S))?|$)"
    r"|[ \t]*\n(?=[^\s\d>*+-]))",
    re.MULTILINE,
)
_META_FIRST = re.compile(r'<code (data-meta="[^"]*") (class="[^"]*")>')
_LIST_TAG = re.compile(r'<(?:li|(?P<end>/?)(?P<list>[ou]l)(?: start="(?P<start>\d+)")?)>')
_CODE_OR_TAG = r"<pre>.*?</pre>|<code>[^<]*+</code>|<[^>]*+>"
_CELL = re.compile(r"<t[hd][ >].*?</t[hd]>", re.DOTALL)
_TAG = re.compile(
    r'<(?P<end>/?)(?P<name>[a-z0-9]++)(?: src="[^"]*")?(?: class="language-(?P<language>[^"]*)")?'
    r'(?: data-meta="(?P<meta>[^"]*)")?(?: href="[^"]*")?(?: alt="(?P<alt>[^"]*)")?'
    r'(?: title="(?P<title>[^"]*)")?(?: (?:start|value)="(?P<number>\d+)")?(?P<rest>[^>]*+)>'
)
_ADDRESS = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>|<img src="([^"]*)"', re.DOTALL)
_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "tr", "pre", "hr", "br", "blockquote", "table"}
_BLANKS = re.compile(r"\n\s*+|\s\s++")  # all that can hold a line break


@functools.cache
def _extensions(*, tables: bool, bare_links: bool) -> comrak.ExtensionOptions:
    options = comrak.ExtensionOptions()
    options.table = tables
    options.strikethrough = options.tasklist = options.cjk_friendly_emphasis = True
    options.autolink = bare_links
    return options


def _render_options(*, positions: bool = False) -> comrak.RenderOptions:
    options = comrak.RenderOptions()
    options.escape = True  # raw HTML is shown as the text it is
    options.unsafe_ = True  # concerns addresses only, beside `escape`: who frames a link judges its address
    options.hardbreaks = True  # models write a line break where they mean one
    options.compact_html = True  # no line breaks of its own, so that the page can keep those of the text
    options.full_info_string = True
    options.sourcepos = positions
    return options


_PARSE, _RENDER, _RENDER_WITH_POSITIONS = comrak.ParseOptions(), _render_options(), _render_options(positions=True)


def to_html(text: str) -> str | None:
    """Draw a text as comrak's HTML, in time in line with its length; None when it is nested beyond reason."""
    text = _LINE_END.sub("\n", clean(text)) if "\r" in text else clean(text)
    marked, held = hold(text)
    html = _to_html(marked, held)
    if held.has_definitions and (unread := held.lost(html)):
        marked, held = hold(text, unread)
        html = _to_html(marked, held)
    return None if _depth(html) > _DEEPEST else held.release(_with_places(html, held))


def to_html_elsewhere(text: str) -> str:
    """Draw a text as other programs do, which hold nothing; raw HTML is left out."""
    tables = "|" in text and _has_small_tables(_BLANK_LINE.split(text))
    return comrak.render_markdown(clean(text), _extensions(tables=tables, bare_links=False))


def without_marks(text: str) -> str:
    """Give the words of a text as its page shows them, a line for each block of it."""
    html = _html_of(text) if len(text) <= MARKDOWN_LIMIT else None
    return text if html is None else words_in(html)


@functools.lru_cache(4)
def _html_of(text: str) -> str | None:
    """Draw a text once for its words and for its addresses, which are asked for one after the other."""
    return to_html(text)


def words_in(html: str) -> str:
    """Read HTML of `to_html` as lines of words: with the numbers of lists, the titles of links, the names of code."""
    words = unescape(_WordReader().read(html))
    return _BLANKS.sub(lambda blanks: "\n" if "\n" in blanks[0] else blanks[0], words).strip()


def without_markers(text: str) -> str:
    """Take out where sources are cited: `([site](address))`. A page has chips in their place."""
    return _MARKER.sub("", text)


def addresses_in(text: str) -> list[str]:
    """List where the links and pictures of a text lead, but for links that are their own address."""
    html = _html_of(text) if "](" in text or "]:" in text else None
    found = _ADDRESS.finditer(html) if html else ()
    return [unescape(link[1] or link[3] or "") for link in found if link[1] is None or not link[1].endswith(link[2])]


def _to_html(text: str, held: Held) -> str:
    """Let comrak write HTML. GFM drops cells that a table has no column for, be it a wide row or a pipe in code."""
    if "|" not in text:
        return _render(text, held, tables=False)
    pipe, filler = held.letter("|"), held.letter("cell")
    text = _PIPE_IN_CODE.sub(lambda code: code[0].replace("|", pipe), text)
    widened = _widen_tables(_BLANK_LINE.split(text), filler)
    html = _render(text if widened is None else widened, held, tables=widened is not None)
    html = html.replace(f"{filler}</th>", "</th>")
    if filler in html:  # what looked like a table is code that shows one
        html = _render(text, held, tables=False)
    return html


def _render(text: str, held: Held, *, tables: bool) -> str:
    # comrak stops at references that lead to more characters of addresses than the text has; blank lines are some
    text = "\n" * (3 * len(text) if held.has_definitions else 0) + text
    extensions = _extensions(tables=tables, bare_links=text.count("@") <= _MOST_ADDRESSES)
    html = comrak.render_markdown(text, extensions, _PARSE, _RENDER)
    html = _META_FIRST.sub(r"<code \2 \1>", html)  # comrak writes these two in another order at every call
    if "<ol" not in html or _counts_on(text):
        return html
    return _with_numbers(html, _numbers(text, comrak.render_markdown(text, extensions, _PARSE, _RENDER_WITH_POSITIONS)))


def _counts_on(text: str) -> bool:
    """Tell fast that the numbers of all lists count on, as HTML does; a list within anything is looked at closely."""
    expected = 0
    for item in _ITEM_OR_TEXT.finditer(f"\n{text}"):
        if item["number"] is None:
            expected = 0
            continue
        number = int(item["number"])
        if item["before"] or item["inner"] or (expected and number != expected):
            return False
        expected = number + 1
    return True


def _numbers(text: str, html: str) -> Iterator[int | None]:
    """Read the number that was written at each item of a list; an item without one begins with a mark."""
    lines = text.encode().split(b"\n")
    for item in _ITEM_POSITION.finditer(html):
        number = _ITEM_NUMBER.match(lines[int(item[1]) - 1], int(item[2]) - 1)
        yield int(number[0]) if number else None


def _with_numbers(html: str, numbers: Iterator[int | None]) -> str:
    """Write the number of an item where HTML, which counts on from the first, would show another."""
    expected: list[int] = []  # of each open list

    def write(tag: re.Match[str]) -> str:
        if tag["end"]:
            del expected[-1:]
        elif tag["list"]:
            expected.append(int(tag["start"] or 1))
        elif expected and (number := next(numbers, None)) is not None:
            is_expected = number == expected[-1]
            expected[-1] = number + 1
            return tag[0] if is_expected else f'<li value="{number}">'
        return tag[0]

    return _LIST_TAG.sub(write, html)


def _has_small_tables(blocks: list[str]) -> bool:
    """Tell whether tables stay small with every row as wide as the widest."""
    lines = [block.split("\n") for block in blocks]
    return sum(max(line.count("|") for line in block) * len(block) for block in lines) <= _MOST_CELLS


def _widen_tables(blocks: list[str], filler: str) -> str | None:
    """Give the head of every table, and the line under it, as many cells as its widest row has.

    None where the tables would not stay small. What stands under one head may be a head too, so each line can make
    the one above it grow: what they grow to is what counts.
    """
    if not _has_small_tables(blocks):
        return None
    widened, cells = [], 0
    for block in blocks:
        lines = block.split("\n")
        widest = 0
        for n in range(len(lines) - 2, 0, -1) if "|" in block else ():
            widest = max(widest, _cells(lines[n + 1]))
            if cells + widest * len(lines) > _MOST_CELLS:
                return None
            if _is_under_head(lines[n]) and (missing := widest - _cells(lines[n])) > 0:
                lines[n - 1] = _with_cells(lines[n - 1], filler, missing)
                lines[n] = _with_cells(lines[n], "-", missing)
        cells += widest * len(lines)
        widened.append("\n".join(lines))
    return "\n".join(widened)


def _is_under_head(line: str) -> bool:
    return "-" in line and ("|" in line or ":" in line) and not line.strip("|:- \t>")


def _cells(line: str) -> int:
    line = line.strip(" \t>").removeprefix("|")
    return len(_CELL_END.findall(line)) + (not _CLOSED.search(line))


def _with_cells(line: str, cell: str, count: int) -> str:
    return _CLOSED.sub("", line) + f"|{cell}" * count + "|"


def _depth(html: str) -> int:
    """Count how deep lists and quotes stand in each other."""
    if html.count("<blockquote>") + html.count("<ul>") + html.count("<ol") <= _DEEPEST:
        return 0
    depth = deepest = 0
    for tag in _NEST.finditer(html):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest


def _with_places(html: str, held: Held) -> str:
    """Draw what the named letters stand for: formulas, line breaks in cells, ends of addresses, numbers in links."""
    if held.has("formula"):
        html = _with_formulas(html, held.letter("formula"), held.letter("end of formula"))
    if held.has("break"):
        html = _with_breaks(html, held.letter("break"))
    if held.has("end of address"):
        html = html.replace(f" {held.letter('end of address')}", "")
    if held.has("number"):
        start, end = held.letter("number"), held.letter("end of number")
        html = re.sub(rf"(<a [^>]*>){start}([^<]*){end}(?=</a>)", r"\1[\2]", html)
    return html


def _with_formulas(html: str, start: str, end: str) -> str:
    def frame(found: re.Match[str]) -> str:
        return found[0] if found[1] is None else f'<code class="math">{found[1]}</code>'

    formula = rf"{_CODE_OR_TAG}|{start}((?:[^<{start}{end}]|<br />)*+){end}"
    return re.sub(formula, frame, html, flags=re.DOTALL)


def _with_breaks(html: str, letter: str) -> str:
    def break_lines(cell: re.Match[str]) -> str:
        return re.sub(rf"{_CODE_OR_TAG}|{letter}&lt;br\s*/?&gt;", draw, cell[0], flags=re.IGNORECASE | re.DOTALL)

    def draw(found: re.Match[str]) -> str:
        return "<br />" if found[0][0] == letter else found[0]

    return _CELL.sub(break_lines, html)


class _WordReader:
    """Writes the words of HTML in place of its tags."""

    def __init__(self) -> None:
        self._lists: list[int | None] = []  # the next number of each open list; None where it has marks
        self._titles: list[str] = []  # of the open links
        self._number_ends = -1

    def read(self, html: str) -> str:
        return _TAG.sub(self._words, html)

    def _words(self, tag: re.Match[str]) -> str:
        name, is_end = tag["name"], bool(tag["end"])
        match name:
            case "ol" | "ul" if is_end:
                if self._lists:
                    self._lists.pop()
            case "ol" | "ul":
                self._lists.append(int(tag["number"] or 1) if name == "ol" else None)
            case "li" if not is_end and self._lists and (number := self._lists[-1]) is not None:
                number = int(tag["number"] or number)
                self._lists[-1] = number + 1
                self._number_ends = tag.end()
                return f"\n{number}. "
            case "p" if tag.start() == self._number_ends:
                return ""
            case "a" if is_end:
                return self._titles.pop() if self._titles else ""
            case "a":
                self._titles.append(_title(tag))
            case "img":
                return f"{tag['alt'] or ''}{_title(tag)}"
            case "code" if not is_end and (tag["language"] or tag["meta"]):
                return " ".join(filter(None, (tag["language"], tag["meta"]))) + "\n"
            case "input":
                return "☑" if "checked" in tag["rest"] else "☐"
            case "th" | "td" if is_end:
                return " "
        return "\n" if name in _BLOCKS else ""


def _title(tag: re.Match[str]) -> str:
    return f" ({tag['title']})" if tag["title"] else ""
