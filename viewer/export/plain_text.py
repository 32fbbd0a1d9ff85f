"""Writes the Markdown of an assistant as plain text that can be pasted into a ticket.

It reads the HTML that `to_html` makes of the Markdown, so that a transcript and a page agree about what is a list or a
link. `markdown_to_text` reads the same HTML for search, which needs one line per block and no URLs.

A table becomes one line per row, with the heading before each cell: `Plan: Basic; Price: €5`. Padded columns would
line up only in a font of fixed width and where lines do not wrap, and most tickets have neither.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import unquote

from django.utils.translation import gettext

from viewer.completions.addresses import web_address
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import first_line
from viewer.completions.markdown import MARKDOWN_LIMIT, to_html

_RULE = "-" * 8
_BOXES = ("☑", "☐")
_MAX_ADDRESS = 120  # characters, unless it is a web address: the data of an image would fill pages


def to_plain_text(markdown: str) -> str:
    """Return Markdown without its marks; as written if it is too long for a page to format."""
    html = to_html(markdown) if len(markdown) <= MARKDOWN_LIMIT else None
    if html is None:
        return markdown
    writer = _PlainTextWriter()
    writer.feed(html)
    writer.close()
    return escape_invisible(writer.finish())  # an entity can be a hidden character


@dataclass(slots=True)
class _Container:
    """The whole text, or an open quote, list or item, with the finished blocks in it."""

    tag: str
    number: int | None = None  # of an item, or of the next item of a list; None for bullets
    blocks: list[tuple[str, bool]] = field(default_factory=list)  # and whether each is a list

    @property
    def text(self) -> str:
        if self.tag in ("ul", "ol"):
            items = [text for text, _ in self.blocks]
            return ("\n\n" if any("\n\n" in item for item in items) else "\n").join(items)
        pieces: list[str] = []
        for text, is_list in self.blocks:
            pieces += ["\n" if is_list and self.tag == "li" else "\n\n", text]
        return "".join(pieces[1:])

    def next_item(self, number: str) -> _Container:
        if self.number is None:
            return _Container("li")
        self.number = int(number or self.number) + 1
        return _Container("li", self.number - 1)


class _PlainTextWriter(HTMLParser):
    """Reads HTML from `to_html`, in which every tag is closed and all text is escaped."""

    def __init__(self) -> None:
        super().__init__()
        self._containers = [_Container("")]
        self._inline: list[str] = []  # the paragraph, cell or code that is being read
        self._spans: list[tuple[int, dict[str, str]]] = []  # where open links and deletions begin, and their attributes
        self._headings: list[str] | None = None  # of the open table, once its first row was read
        self._rows: list[str] = []
        self._cells: list[str] | None = None  # of the open row

    def finish(self) -> str:
        self._end_paragraph()
        return self._containers[0].text

    def handle_data(self, data: str) -> None:
        self._inline.append(data)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        match tag:
            case "a" | "del":
                self._spans.append((len(self._inline), given))
            case "img":
                self._inline.append(_image(given))
            case "input":
                self._inline.append(_BOXES["checked" not in given])
            case "br":
                self._inline.append("\n" if self._cells is None else " / ")
            case "tr":
                self._cells = []
            case "p" if "".join(self._inline).strip() in _BOXES:  # the text of this box
                pass
            case "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre":
                self._end_paragraph()
            case "hr":
                self._end_paragraph()
                self._add(_RULE)
            case "table":
                self._end_paragraph()
                self._headings, self._rows = None, []
            case "ul" | "ol" | "blockquote":
                self._end_paragraph()
                self._containers.append(_Container(tag, int(given.get("start", 1)) if tag == "ol" else None))
            case "li":
                self._containers.append(self._containers[-1].next_item(given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "a":
                start, given = self._spans.pop()
                self._inline[start:] = [_link("".join(self._inline[start:]), given)]
            case "del":
                start, _ = self._spans.pop()
                self._inline[start:] = [gettext("[struck out: %(text)s]") % {"text": "".join(self._inline[start:])}]
            case "pre":
                self._add("".join(self._inline).removesuffix("\n"))
                self._inline = []
            case "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._end_paragraph()
            case "th" | "td" if self._cells is not None:
                self._cells.append("".join(self._inline).strip())
                self._inline = []
            case "tr":
                self._end_row()
            case "table":
                self._add("\n".join(self._rows or ["; ".join(filter(None, self._headings or []))]))
            case "li" | "blockquote" | "ul" | "ol":
                self._end_container()

    def _end_paragraph(self) -> None:
        if text := "".join(self._inline).strip():
            self._add(text)
        self._inline = []

    def _end_row(self) -> None:
        if self._headings is None:
            self._headings = [cell.rstrip(" :") for cell in self._cells or ()]
        else:
            named = zip(self._headings, self._cells or (), strict=False)
            self._rows.append(
                "; ".join(f"{name}: {cell or '–'}" if name else cell for name, cell in named if name or cell)
            )
        self._cells = None

    def _end_container(self) -> None:
        self._end_paragraph()
        ended = self._containers.pop()
        match ended.tag:
            case "li":
                mark = "- " if ended.number is None else f"{ended.number}. "
                self._add(_prefixed(ended.text, mark, " " * len(mark)))
            case "blockquote":  # marked as in e-mail, or somebody else's words would be the assistant's
                self._add(_prefixed(ended.text, "> ", "> "))
            case _:
                self._add(ended.text, is_list=True)

    def _add(self, text: str, *, is_list: bool = False) -> None:
        self._containers[-1].blocks.append((text, is_list))


def _prefixed(text: str, first: str, others: str) -> str:
    lines = text.split("\n")
    prefixes = [first, *[others] * (len(lines) - 1)]
    return "\n".join(prefix + line if line else prefix.rstrip() for prefix, line in zip(prefixes, lines, strict=True))


def _named(heading: str, cell: str) -> str:
    return f"{heading}: {cell or '–'}" if heading else cell


def _link(text: str, given: dict[str, str]) -> str:
    address = _address(given.get("href", ""))
    if _without_scheme(address) == _without_scheme(text):
        address = ""
    where = ", ".join(filter(None, (given.get("title"), address)))
    return f"{text} ({where})" if text and where else text or where


def _image(given: dict[str, str]) -> str:
    name = " ".join(filter(None, (given.get("alt"), given.get("title"))))
    name = gettext("Image “%(name)s”") % {"name": name} if name else gettext("Image")
    return f"{name} ({_address(given.get('src', ''))})"


def _address(address: str) -> str:
    address = address.removeprefix("mailto:")
    return address if web_address(address) else first_line(address, _MAX_ADDRESS)


def _without_scheme(address: str) -> str:
    return unquote(address).removeprefix("mailto:").removeprefix("https://").removeprefix("http://").rstrip("/")
