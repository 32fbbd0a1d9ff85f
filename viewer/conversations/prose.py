"""Draws the Markdown of an assistant as HTML that can do nothing but be read, with its citations as numbered chips.

Two walls, and each holds alone (threats, rows 2, 3 and 8). The first is comrak with raw HTML shown as text, and the
frames made of what it wrote: links to the web and to mail only, pictures named and never loaded. The second is nh3,
which lets through what the frames consist of and nothing else.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from urllib.parse import quote

import comrak
import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from viewer.completions.markdown import MARKDOWN_LIMIT
from viewer.completions.source_text import clean
from viewer.completions.types import Citation

from .citations import (
    REL,
    Marks,
    Place,
    Source,
    draw_chips,
    find_places,
    host_of,
    list_sources,
    plant,
    take_marks,
    unused_letters,
    web_address,
)
from .code_colours import colour
from .visible import make_visible, show_controls

_DEEPEST = 100  # lists and quotes in each other; nh3 takes 1.8 s for 20,000 of them
_MOST_CELLS = 10_000  # comrak fills short rows up: 20 kB of text would become 45 MB of table
_MOST_STARTS = 500  # of formulas, and of mail addresses: comrak takes time with the square of their number
_MOST_HALVINGS = 3
_SHOWN_ADDRESS = 120

_TAG = re.compile(r"<[^>]*>")  # as comrak writes them: no > inside
_NEST = re.compile(r"<(/?)(?:blockquote|ul|ol)\b")
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')
_LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_CODE = re.compile(r'<pre><code(?: class="language-([^"]*)")?>([^<]*)</code></pre>')
_FORMULA = re.compile(r'<span data-math-style="(inline|display)">([^<]*)</span>')
_BARE_HTML = re.compile(r"(^|<blockquote>|</(?:p|ul|ol|blockquote|h[1-6]|pre|table)>|<hr />)([^<]*[^<\s])\s*")
_LINE_END = re.compile(r"\r\n?|\n")
_BLANK_LINE = re.compile(r"\n[ \t>]*(?=\n)")
_CELL_END = re.compile(r"(?<!\\)\|")
_CLOSED = re.compile(r"(?<!\\)\|[ \t]*$")
_PIPE_IN_CODE = re.compile(r"`[^`|\n]*+\|[^`\n]*+`")
_HEADING = re.compile(r"<(/?)h([1-6])>")
_MAIL = re.compile(r"mailto:([^\s?]+)", re.IGNORECASE)
_WEB_START = re.compile(r"(?:https?://)?(?:www\.)?", re.IGNORECASE)


@functools.cache
def _extensions(*, tables: bool, formulas: bool, bare_links: bool) -> comrak.ExtensionOptions:
    options = comrak.ExtensionOptions()
    options.table = tables
    options.strikethrough = options.tasklist = True
    options.autolink = bare_links
    options.math_latex = formulas  # else `\\(` would lose its backslash, and a formula its underscores
    return options


def _render_options() -> comrak.RenderOptions:
    options = comrak.RenderOptions()
    options.escape = True  # raw HTML is shown as the text it is
    options.unsafe_ = (
        True  # concerns addresses only, beside `escape`: _draw_link judges them, and shows what is no link
    )
    options.hardbreaks = True  # models write a line break where they mean one
    options.compact_html = True  # no line breaks of its own, so that the page can keep those of the text
    return options


_PARSE, _RENDER = comrak.ParseOptions(), _render_options()
_CLEANER = nh3.Cleaner(
    tags={
        *("p", "br", "hr", "em", "strong", "del", "a", "ul", "ol", "li", "blockquote", "h4", "h5", "h6", "div", "span"),
        *("table", "thead", "tbody", "tr", "th", "td", "pre", "code", "figure", "figcaption", "copy-code"),
    },
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},  # without "*" nh3 lets title and lang through
    tag_attribute_values={
        "div": {"tabindex": {"0"}},
        "pre": {"tabindex": {"0"}},
        "th": {"align": {"left", "center", "right"}},
        "td": {"align": {"left", "center", "right"}},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes={
        "code": {"math"},
        "div": {"table-scroll"},
        "figure": {"code"},
        "span": {"k", "s", "m", "c", "task", "image-note", "link__host", "link__dead"},
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=REL,
)


@dataclass(frozen=True, slots=True)
class Prose:
    """What the Markdown of a message looks like, and the sources that it cites."""

    html: SafeString
    sources: tuple[Source, ...]


def is_harmless_elsewhere(markdown: str) -> bool:
    """Whether Markdown may be drawn by another program: it loads no picture, has no raw HTML, links to no script."""
    if len(markdown) > MARKDOWN_LIMIT or _PIPE_IN_CODE.search(markdown):  # a table would cut that code in two
        return False
    html = comrak.render_markdown(markdown, _extensions(tables=False, formulas=False, bare_links=False))
    return not any(sign in html for sign in ("<img ", "<!-- raw HTML omitted -->", 'href=""'))


def render_prose(text: str, citations: Sequence[Citation] = (), sources: tuple[Source, ...] | None = None) -> Prose:
    """Draw a text as Markdown, in time in line with its length. The indices of the citations count its characters.

    `sources` number them where the message cites more than this text does.
    """
    text = show_controls(clean(text))  # one character for one: the indices still hold
    sources = list_sources(citations) if sources is None else sources
    html = _draw(text, citations, sources)
    if not text.isascii() or "&" in text:  # an entity can spell a hidden character
        html = make_visible(html)
    return Prose(mark_safe(html), sources)  # noqa: S308 - two walls, above


def _draw(text: str, citations: Sequence[Citation], sources: tuple[Source, ...]) -> str:
    if len(text) > MARKDOWN_LIMIT:
        return _draw_plain(text)
    html = _to_html(text)
    if _depth(html) > _DEEPEST:
        return _draw_plain(text)
    marks: Marks = {}
    if places := find_places(text, citations, sources) if sources else []:
        with_all = _to_html_with(places, text, html)
        html, marks = with_all or _to_html_with(_harmless(places, text, html), text, html) or (html, {})
    return draw_chips(_sanitise(_frame(html, marks)), marks, sources)


def _draw_plain(text: str) -> str:
    return f"<p>{escape(text, quote=False)}</p>"


def _to_html(text: str) -> str:
    """Let comrak write HTML. GFM drops cells that a table has no column for, be it a wide row or a pipe in code."""
    if "|" not in text:
        return _render(text, tables=False)
    letters = unused_letters(text)
    pipe, filler = next(letters), next(letters)
    text = _PIPE_IN_CODE.sub(lambda code: code[0].replace("|", pipe), _LINE_END.sub("\n", text))
    blocks = _BLANK_LINE.split(text)
    tables = _has_small_tables(blocks)
    widened = "\n".join([_widen_table(block, filler) for block in blocks]) if tables else text
    html = _render(widened, tables=tables).replace(f"{filler}</th>", "</th>")
    if filler in html:  # what looked like a table is code that shows one
        html = _render(text, tables=False)
    return html.replace(pipe, "|").replace(quote(pipe), "%7C")


def _render(text: str, *, tables: bool) -> str:
    formulas = text.count("\\(") + text.count("\\[") <= _MOST_STARTS
    extensions = _extensions(tables=tables, formulas=formulas, bare_links=text.count("@") <= _MOST_STARTS)
    return comrak.render_markdown(text, extensions, _PARSE, _RENDER)


def _has_small_tables(blocks: list[str]) -> bool:
    """Tell whether tables stay small with every row as wide as the widest."""
    lines = [block.split("\n") for block in blocks]
    return sum(max(line.count("|") for line in block) * len(block) for block in lines) <= _MOST_CELLS


def _widen_table(block: str, filler: str) -> str:
    """Give the head of a table, and the line under it, as many cells as its widest row has."""
    if "|" not in block:
        return block
    lines = block.split("\n")
    widest = 0
    for n in range(len(lines) - 2, 0, -1):
        widest = max(widest, _cells(lines[n + 1]))
        if _is_under_head(lines[n]) and (missing := widest - _cells(lines[n])) > 0:
            lines[n - 1] = _with_cells(lines[n - 1], filler, missing)
            lines[n] = _with_cells(lines[n], "-", missing)
    return "\n".join(lines)


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


def _to_html_with(places: list[Place], text: str, html: str) -> tuple[str, Marks] | None:
    """Render a text with marks at its places; None when Markdown makes something else of it than the HTML without."""
    marked, marks = plant(text, places)
    drawn = _to_html(marked)
    return (drawn, marks) if take_marks(drawn, marks)[0] == html else None


def _harmless(places: list[Place], text: str, html: str, halvings: int = _MOST_HALVINGS) -> list[Place]:
    """Keep the places whose marks change nothing of what Markdown makes of the text; renders it 23 times at most."""
    if not places or _to_html_with(places, text, html):
        return places
    if not halvings or len(places) == 1:
        return []
    middle = len(places) // 2
    kept = [
        *_harmless(places[:middle], text, html, halvings - 1),
        *_harmless(places[middle:], text, html, halvings - 1),
    ]
    return _harmless(kept, text, html, halvings=0) if len(kept) < len(places) else []


def _frame(html: str, marks: Marks) -> str:
    """Put what comrak wrote into our own frames. Marks in an address or in code come after the link or the frame."""

    def draw_image(image: re.Match[str]) -> str:
        address, taken = take_marks(unescape(image[1]), marks)
        return _image_note(address, image[2]) + taken

    def draw_link(link: re.Match[str]) -> str:
        address, taken = take_marks(unescape(link[1]), marks)
        return _link(address, link[2], take_marks(link[2], marks)[0]) + taken

    def draw_code(block: re.Match[str]) -> str:
        language, in_language = take_marks(unescape(block[1] or ""), marks)
        code, in_code = take_marks(_unescape_code(block[2]), marks)
        return _code(code, language) + in_language + in_code

    def draw_formula(formula: re.Match[str]) -> str:
        opening, closing = ("\\(", "\\)") if formula[1] == "inline" else ("\\[", "\\]")
        return f'<code class="math">{opening}{formula[2]}{closing}</code>'

    html = _BARE_HTML.sub(r"\1<p>\2</p>", html)
    html = _LINK.sub(draw_link, _IMAGE.sub(draw_image, html))
    html = _CODE.sub(draw_code, html)
    html = _FORMULA.sub(draw_formula, html)
    html = _HEADING.sub(lambda tag: f"<{tag[1]}h{min(int(tag[2]) + 3, 6)}>", html)
    html = html.replace("<table>", '<div class="table-scroll" tabindex="0"><table>')
    html = html.replace("</table>", "</table></div>")
    html = html.replace('<input type="checkbox" checked="" disabled="" />', '<span class="task">☑</span>')
    return html.replace('<input type="checkbox" disabled="" />', '<span class="task">☐</span>')


def _image_note(address: str, alt: str) -> str:
    """Say which picture stands here and on which host; loading it would tell that host who reads."""
    name = gettext("Image “%(name)s”") % {"name": alt} if alt else gettext("Image")
    if host := host_of(web_address(address)):
        note = gettext("%(image)s on %(host)s, not loaded") % {"image": name, "host": host}
    else:
        note = gettext("%(image)s, not shown: %(address)s") % {"image": name, "address": escape(_short(address))}
    return f'<span class="image-note">{note}</span>'


def _link(address: str, label: str, text: str) -> str:
    """Draw a link to the web with its host, one to mail with its address, and any other as text with where it led."""
    text = unescape(_TAG.sub("", text)).strip()
    mail = _MAIL.match(address)
    where = mail[1] if mail else host_of(web_address(address))
    if not where:
        led_to = "" if address in ("", text) else f' <span class="link__host">({escape(_short(address))})</span>'
        return f'<span class="link__dead">{label}{led_to}</span>'
    says_so = text.removeprefix("mailto:").startswith(where) if mail else _names_host(text, where)
    host = "" if says_so else f' <span class="link__host">({escape(where)})</span>'
    return f'<a href="{escape(address)}" rel="{REL}" target="_blank">{label}{host}</a>'


def _names_host(text: str, host: str) -> bool:
    """Tell whether a label is the address or the host itself, so that naming the host would say it twice."""
    start = _WEB_START.match(text)
    text, host = text[start.end() if start else 0 :].lower(), host.removeprefix("www.")
    return text.startswith(host) and text[len(host) : len(host) + 1] in ("", "/", "?", "#", ":")


def _code(code: str, language: str) -> str:
    return (
        f'<copy-code><figure class="code"><figcaption>{escape(_short(language) or "code")}</figcaption>'
        f'<pre tabindex="0"><code>{colour(code, language)}</code></pre></figure></copy-code>'
    )


def _unescape_code(code: str) -> str:
    """Undo the four entities that comrak writes in code."""
    return code.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _short(address: str) -> str:
    return address if len(address) <= _SHOWN_ADDRESS else address[: _SHOWN_ADDRESS - 1] + "…"


def _sanitise(html: str) -> str:
    return _CLEANER.clean(html)
