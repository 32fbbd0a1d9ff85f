"""Converts Markdown to HTML for a page, and to plain text for search, find and one-line summaries.

comrak writes the HTML, with raw HTML shown as text. For every text, each letter and digit outside of URLs is in the
HTML, once and in order: characters that CommonMark would drop are protected (literals.py), list items keep the numbers
that were written, and a table has a column for every cell.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from html import unescape

import comrak

from .literals import Placeholders, protect_literals
from .source_text import clean

MARKDOWN_LIMIT = 20_000  # characters; a longer text is shown as written and folded
_MAX_DEPTH = 100  # levels of lists and quotes; nh3 takes 1.8 s for 20,000
_MAX_CELLS = 10_000  # comrak pads short rows: 20 kB of text would become a table of 45 MB
_MAX_AT_SIGNS = 500  # mail addresses; comrak's time for them is quadratic

_MARKER = re.compile(r" ?\(\[[^\[\]\n]*\]\([^()\s]*\)\)")
_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINE = re.compile(r"\n[ \t>]*(?=\n)")
_CELL_END = re.compile(r"(?<!\\)\|")
_ENDS_WITH_PIPE = re.compile(r"(?<!\\)\|[ \t]*$")
_PIPE_IN_CODE = re.compile(r"`[^`|\n]*+\|[^`\n]*+`")

# Tags as comrak writes them, without > inside.
_NESTING = re.compile(r"<(/?)(?:blockquote|ul|ol)\b")
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
# Most tags, of which a text has nothing, or a line break.
_SILENT = re.compile(r"</?(?:strong|em|del|code|thead|tbody)>")
_BREAK = re.compile(r"</?(?:h[1-6]|br|tr|pre|hr|blockquote|table)(?: /)?>|</(?:p|li)>")
_BREAK_OUTSIDE_NUMBERS = re.compile(r"<(?:p|li|/?ul)>")
_TAG = re.compile(
    r'<(?P<end>/?)(?P<name>[a-z0-9]++)(?: src="[^"]*")?(?: class="language-(?P<language>[^"]*)")?'
    r'(?: data-meta="(?P<meta>[^"]*)")?(?: href="[^"]*")?(?: alt="(?P<alt>[^"]*)")?'
    r'(?: title="(?P<title>[^"]*)")?(?: (?:start|value)="(?P<number>\d+)")?(?P<rest>[^>]*+)>'
)
_LINK_URL = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>|<img src="([^"]*)"', re.DOTALL)
_BLOCKS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "tr", "pre", "hr", "br", "blockquote", "table"}
# Lines that begin with a letter, with nothing that means something in Markdown there or within.
_LETTER = "A-Za-zÀ-ÖØ-öø-ɏЀ-ҁҊ-ԯぁ-ゖァ-ヺ一-鿿"
_UNMARKED_LINE = rf"[{_LETTER}][-{_LETTER}0-9 ,.;:?!'\"()%–—…’“”、。，！？€]*+"
_UNMARKED = re.compile(rf"{_UNMARKED_LINE}(?:\n+{_UNMARKED_LINE})*+")


@functools.cache
def _extensions(*, tables: bool, bare_links: bool) -> comrak.ExtensionOptions:
    options = comrak.ExtensionOptions()
    options.table = tables
    options.strikethrough = options.tasklist = options.cjk_friendly_emphasis = True
    options.autolink = bare_links
    return options


def _render_options(*, positions: bool = False) -> comrak.RenderOptions:
    options = comrak.RenderOptions()
    options.escape = True  # show raw HTML as text
    options.unsafe_ = True  # with `escape`, affects URLs only; whoever shows a link checks its URL
    options.hardbreaks = True  # a line break of a model is meant as one
    options.compact_html = True  # add no line breaks, so that the page can keep those of the text
    options.full_info_string = True
    options.sourcepos = positions
    return options


_PARSE, _RENDER, _RENDER_WITH_POSITIONS = comrak.ParseOptions(), _render_options(), _render_options(positions=True)


def to_html(text: str) -> str | None:
    """Convert a text to HTML with comrak, in linear time; None if it is nested too deeply."""
    text = _LINE_END.sub("\n", clean(text)) if "\r" in text else clean(text)
    protected, placeholders = protect_literals(text)
    html = _to_html(protected, placeholders)
    if placeholders.has_definitions and (unused := placeholders.missing_from(html)):
        protected, placeholders = protect_literals(text, unused)
        html = _to_html(protected, placeholders)
    return None if _depth(html) > _MAX_DEPTH else placeholders.restore(_replace_placeholders(html, placeholders))


def to_standard_html(text: str) -> str:
    """Convert a text to HTML as other programs do, without protecting literals; raw HTML is omitted."""
    tables = "|" in text and _has_small_tables(_BLANK_LINE.split(text))
    return comrak.render_markdown(clean(text), _extensions(tables=tables, bare_links=False))


def markdown_to_text(text: str) -> str:
    """Return the text that a page shows for Markdown, one line per block."""
    if len(text) > MARKDOWN_LIMIT:
        return text
    if _UNMARKED.fullmatch(text):
        return _without_empty_lines(text)
    html = _cached_html(text)
    return text if html is None else html_to_text(html)


@functools.lru_cache(4)
def _cached_html(text: str) -> str | None:
    """Convert a text once for `markdown_to_text` and `link_urls`, which are called one after the other."""
    return to_html(text)


def html_to_text(html: str) -> str:
    """Convert HTML from `to_html` to lines of text, with list numbers, link titles and the languages of code."""
    return _without_empty_lines(unescape(_TextWriter().write(html)))


def _without_empty_lines(text: str) -> str:
    return "\n".join([line for each in text.split("\n") if (line := each.strip())])


def without_citation_markers(text: str) -> str:
    """Remove citation markers, `([site](URL))`, which a page replaces by chips."""
    return _MARKER.sub("", text)


def citation_markers(text: str) -> list[tuple[int, int]]:
    """Return the start and the end of each citation marker, with the space before it."""
    return [marker.span() for marker in _MARKER.finditer(text)]


def link_urls(text: str) -> list[str]:
    """List the URLs of the links and images of a text, except of links whose text is their URL."""
    html = _cached_html(text) if "](" in text or "]:" in text else None
    links = _LINK_URL.finditer(html) if html else ()
    return [unescape(link[1] or link[3] or "") for link in links if link[1] is None or not link[1].endswith(link[2])]


def _to_html(text: str, placeholders: Placeholders) -> str:
    """Convert with comrak. GFM drops cells that have no column: a row may be too wide, or have a pipe in code."""
    if "|" not in text:
        return _render(text, placeholders, tables=False)
    pipe, filler = placeholders.of("|"), placeholders.of("cell")
    text = _PIPE_IN_CODE.sub(lambda code: code[0].replace("|", pipe), text)
    widened = _widen_tables(_BLANK_LINE.split(text), filler)
    html = _render(text if widened is None else widened, placeholders, tables=widened is not None)
    html = html.replace(f"{filler}</th>", "</th>")
    if filler in html:  # not a table, but code that shows one
        html = _render(text, placeholders, tables=False)
    return html


def _render(text: str, placeholders: Placeholders, *, tables: bool) -> str:
    # comrak stops resolving references when their URLs together are longer than the text, so make it longer.
    text = "\n" * (3 * len(text) if placeholders.has_definitions else 0) + text
    extensions = _extensions(tables=tables, bare_links=text.count("@") <= _MAX_AT_SIGNS)
    html = comrak.render_markdown(text, extensions, _PARSE, _RENDER)
    if "data-meta" in html:
        html = _META_FIRST.sub(r"<code \2 \1>", html)  # comrak writes these two in random order
    if "<ol" not in html or _is_numbered_in_order(text):
        return html
    with_positions = comrak.render_markdown(text, extensions, _PARSE, _RENDER_WITH_POSITIONS)
    return _set_numbers(html, _written_numbers(text, with_positions))


def _is_numbered_in_order(text: str) -> bool:
    """Check quickly whether all lists count up as HTML does; False for any list inside something else."""
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


def _written_numbers(text: str, html: str) -> Iterator[int | None]:
    """Yield the number that was written at each list item; None for bullets."""
    lines = text.encode().split(b"\n")
    for item in _ITEM_POSITION.finditer(html):
        number = _ITEM_NUMBER.match(lines[int(item[1]) - 1], int(item[2]) - 1)
        yield int(number[0]) if number else None


def _set_numbers(html: str, numbers: Iterator[int | None]) -> str:
    """Set the number of each item for which HTML, which counts from the first, would show another."""
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
    """Whether tables stay small if every row is as wide as the widest."""
    lines = [block.split("\n") for block in blocks if "|" in block]
    return sum(max(line.count("|") for line in block) * len(block) for block in lines) <= _MAX_CELLS


def _widen_tables(blocks: list[str], filler: str) -> str | None:
    """Widen the header of every table, and the delimiter row below it, to the number of cells of the widest row.

    Return None if the tables would become too large. A row of a table may itself be a header, so each line can widen
    the one above it: the limit counts the widened rows.
    """
    if not _has_small_tables(blocks):
        return None
    widened, cells = [], 0
    for block in blocks:
        if "|" not in block:
            widened.append(block)
            continue
        lines = block.split("\n")
        widest = 0
        for n in range(len(lines) - 2, 0, -1):
            widest = max(widest, _count_cells(lines[n + 1]))
            if cells + widest * len(lines) > _MAX_CELLS:
                return None
            if _is_delimiter_row(lines[n]) and (missing := widest - _count_cells(lines[n])) > 0:
                lines[n - 1] = _add_cells(lines[n - 1], filler, missing)
                lines[n] = _add_cells(lines[n], "-", missing)
        cells += widest * len(lines)
        widened.append("\n".join(lines))
    return "\n".join(widened)


def _is_delimiter_row(line: str) -> bool:
    return "-" in line and ("|" in line or ":" in line) and not line.strip("|:- \t>")


def _count_cells(line: str) -> int:
    line = line.strip(" \t>").removeprefix("|")
    return len(_CELL_END.findall(line)) + (not _ENDS_WITH_PIPE.search(line))


def _add_cells(line: str, cell: str, count: int) -> str:
    return _ENDS_WITH_PIPE.sub("", line) + f"|{cell}" * count + "|"


def _depth(html: str) -> int:
    """Return how deeply lists and quotes are nested."""
    if html.count("<blockquote>") + html.count("<ul>") + html.count("<ol") <= _MAX_DEPTH:
        return 0
    depth = deepest = 0
    for tag in _NESTING.finditer(html):
        depth += -1 if tag[1] else 1
        deepest = max(deepest, depth)
    return deepest


def _replace_placeholders(html: str, placeholders: Placeholders) -> str:
    """Replace the placeholders of formulas, line breaks in cells, ends of URLs and numbers in links."""
    if placeholders.has("formula"):
        html = _replace_formulas(html, placeholders.of("formula"), placeholders.of("end of formula"))
    if placeholders.has("break"):
        html = _replace_breaks(html, placeholders.of("break"))
    if placeholders.has("end of url"):
        html = html.replace(f" {placeholders.of('end of url')}", "")
    if placeholders.has("number"):
        start, end = placeholders.of("number"), placeholders.of("end of number")
        html = re.sub(rf"(<a [^>]*>){start}([^<]*){end}(?=</a>)", r"\1[\2]", html)
    return html


def _replace_formulas(html: str, start: str, end: str) -> str:
    def format_formula(match: re.Match[str]) -> str:
        return match[0] if match[1] is None else f'<code class="math">{match[1]}</code>'

    formula = rf"{_CODE_OR_TAG}|{start}((?:[^<{start}{end}]|<br />)*+){end}"
    return re.sub(formula, format_formula, html, flags=re.DOTALL)


def _replace_breaks(html: str, placeholder: str) -> str:
    def break_lines(cell: re.Match[str]) -> str:
        return re.sub(
            rf"{_CODE_OR_TAG}|{placeholder}&lt;br\s*/?&gt;", break_line, cell[0], flags=re.IGNORECASE | re.DOTALL
        )

    def break_line(match: re.Match[str]) -> str:
        return "<br />" if match[0][0] == placeholder else match[0]

    return _CELL.sub(break_lines, html)


class _TextWriter:
    """Replaces the tags of HTML by text."""

    def __init__(self) -> None:
        self._lists: list[int | None] = []  # the next number of each open list; None for bullets
        self._titles: list[str] = []  # of the open links
        self._number_ends = -1

    def write(self, html: str) -> str:
        html = _BREAK.sub("\n", _SILENT.sub("", html))
        return _TAG.sub(self._replace, html if "<ol" in html else _BREAK_OUTSIDE_NUMBERS.sub("\n", html))

    def _replace(self, tag: re.Match[str]) -> str:
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
