"""Renders the Markdown of an assistant as harmless HTML, with its citations as numbered chips.

Two layers protect the reader, each on its own (docs/threats.md#markup-and-scripts-in-a-message). The first is comrak
with raw HTML shown as text, and the HTML that we wrap around its output: links to web and mail addresses only, images
named and never loaded. The second is nh3, which allows only the tags and attributes of that HTML. For blocks of code,
the first is that they are escaped before they get their colours, and the second a pattern that knows nothing but those:
to parse so many small elements would take nh3 most of its time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from itertools import chain

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from viewer.completions.addresses import host_of, web_address
from viewer.completions.invisibles import escape_invisible, show_controls
from viewer.completions.literals import unused_characters
from viewer.completions.markdown import MARKDOWN_LIMIT, html_to_text, to_html, to_standard_html
from viewer.completions.source_text import clean
from viewer.completions.types import Citation

from .chips import REL, Marks, insert_chips, insert_marks, mark_links, name_markers, remove_marks
from .citations import CitationPlace, CitedSource, find_places, list_sources
from .highlighting import colour
from .limits import TimeBudget

_NOT_PORTABLE = ("<img ", "<!-- raw HTML omitted -->", 'href=""', ' title="')
_MAX_HALVINGS = 3
_SECONDS_FOR_PLACES = 0.2  # of CPU time; each attempt renders the text again
_MAX_ADDRESS = 120

_TAG = re.compile(r"<[^>]*>")  # as comrak writes tags, without > inside
_TITLE = r'(?: title="([^"]*)")?'
_IMAGE = re.compile(rf'<img src="([^"]*)" alt="([^"]*)"{_TITLE}[^>]*>')
_LINK = re.compile(rf'<a href="([^"]*)"{_TITLE}[^>]*>(.*?)</a>', re.DOTALL)
_CODE = re.compile(r'<pre><code(?: class="language-([^"]*)")?(?: data-meta="([^"]*)")?>([^<]*)</code></pre>')
# Apart from the one at the beginning, so that the other begins with a character that is quickly found.
_BARE_BEGINNING = re.compile(r"\A([^<]*[^<\s])\s*")
_BARE_HTML = re.compile(r"(<(?:blockquote|/(?:p|ul|ol|blockquote|h[1-6]|pre|table)|hr /)>)([^<]*[^<\s])\s*")
_LONG_NUMBERS = re.compile(r'<ol (?=start="\d{3})')  # the numbers would stick out of the bubble
_EMPTY_HEADING = re.compile(r"<th( align=\"\w+\")?></th>")  # an empty cell is not a heading
_HEADING = re.compile(r"<(/?)h([1-6])>")
_COPY_CODE = (
    '<copy-code><figure class="code"><figcaption>{}</figcaption>'
    '<pre tabindex="0"><code>{}</code></pre></figure></copy-code>'
)
_CODE_BLOCK = re.compile(_COPY_CODE.format("[^<>]*+", r'[^<>]*+(?:<span class="[ksmc]">[^<>]*+</span>[^<>]*+)*+'))
_MAIL = re.compile(r"mailto:([^\s?]+)", re.IGNORECASE)
_WEB_START = re.compile(r"(?:https?://)?(?:www\.)?", re.IGNORECASE)


_CLEANER = nh3.Cleaner(
    tags={
        *("p", "br", "hr", "em", "strong", "del", "a", "ul", "ol", "li", "blockquote", "h4", "h5", "h6", "div", "span"),
        *("table", "thead", "tbody", "tr", "th", "td", "pre", "code", "figure", "figcaption", "copy-code"),
    },
    attributes={
        "*": set(),
        "a": {"href"},
        "ol": {"start"},
        "li": {"value"},
    },  # without "*" nh3 lets title and lang through
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
        "ol": {"long"},
        "span": {"k", "s", "m", "c", "task", "image-note", "link__host", "link__dead", "link__title"},
    },
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=REL,
)


@dataclass(frozen=True, slots=True)
class Prose:
    """The HTML of a text in Markdown, and the sources that it cites.

    If `is_unformatted`, the text is shown as written, because formatting it would take too long.
    """

    html: SafeString
    sources: tuple[CitedSource, ...]
    is_unformatted: bool = False


def is_portable(markdown: str) -> bool:
    """Whether another program renders Markdown safely: with the same text, and without images or scripts."""
    if len(markdown) > MARKDOWN_LIMIT:
        return False
    ours, html = to_html(markdown), to_standard_html(markdown)
    is_unchanged = ours is not None and "".join(html_to_text(ours).split()) == "".join(html_to_text(html).split())
    is_visible = "&" not in markdown or escape_invisible(html) == html  # an entity can be a hidden character
    return is_unchanged and is_visible and not any(sign in html for sign in _NOT_PORTABLE)


def render_prose(
    text: str,
    citations: Sequence[Citation] = (),
    sources: tuple[CitedSource, ...] | None = None,
    time_budget: TimeBudget | None = None,
) -> Prose:
    """Render a text as Markdown in linear time. The indices of the citations refer to this text.

    `sources` are those of the whole message, if it cites more than this text; `time_budget` is that of the page.
    """
    time_budget = time_budget or TimeBudget()
    text = show_controls(clean(text))  # one for one, so the indices still fit
    sources = list_sources(citations) if sources is None else sources
    with time_budget.running():
        formatted = None if time_budget.is_spent else _format(text, citations, sources)
    html = name_markers(_escape_plain(text) if formatted is None else formatted, bool(sources))
    if not text.isascii() or "&" in text:  # an entity can be a hidden character
        html = escape_invisible(html)
    return Prose(mark_safe(html), sources, formatted is None)  # noqa: S308 - sanitised, see above


def _format(text: str, citations: Sequence[Citation], sources: tuple[CitedSource, ...]) -> str | None:
    html = to_html(text) if len(text) <= MARKDOWN_LIMIT else None
    if html is None:
        return None
    marks: Marks = {}
    if places := find_places(text, citations, sources) if sources else []:
        marked = mark_links(html, text, places) or _insert_and_render(places, text, html)
        html, marks = marked or _insert_and_render(_keep_harmless(places, text, html), text, html) or (html, {})
    if "<pre>" not in html:
        return insert_chips(_sanitise(_wrap(html, marks)), marks, sources)
    place = next(letter for letter in unused_characters(text) if letter not in marks)
    return insert_chips(_sanitise_around_code(html, marks, place), marks, sources)


def _escape_plain(text: str) -> str:
    return f"<p>{escape(text, quote=False)}</p>"


def _insert_and_render(places: list[CitationPlace], text: str, html: str) -> tuple[str, Marks] | None:
    """Render a text with marks at its places; None if that changes anything else in the HTML."""
    marked, marks = insert_marks(text, places)
    with_marks = to_html(marked)
    is_unchanged = with_marks is not None and remove_marks(with_marks, marks)[0] == html
    return (with_marks, marks) if with_marks is not None and is_unchanged else None


def _keep_harmless(places: list[CitationPlace], text: str, html: str) -> list[CitationPlace]:
    """Keep the places whose marks change nothing else in the HTML; render the text at most 23 times.

    Places that were not tried in time are dropped: their sources are only in the list of sources.
    """
    until = time.thread_time() + _SECONDS_FOR_PLACES

    def keep(places: list[CitationPlace], halvings: int) -> list[CitationPlace]:
        if not places or time.thread_time() > until:
            return []
        if _insert_and_render(places, text, html):
            return places
        if not halvings or len(places) == 1:
            return []
        middle = len(places) // 2
        kept = [*keep(places[:middle], halvings - 1), *keep(places[middle:], halvings - 1)]
        return keep(kept, 0) if len(kept) < len(places) else []

    return keep(places, _MAX_HALVINGS)


def _sanitise_around_code(html: str, marks: Marks, place: str) -> str:
    """Wrap HTML, and let nh3 clean all of it but coloured code, in whose place there is a character meanwhile."""
    codes: list[str] = []

    def set_aside(code: str) -> str:
        if not _CODE_BLOCK.fullmatch(code):
            return code
        codes.append(code.replace("\xa0", "&nbsp;"))  # as nh3 writes it
        return place

    pieces = _sanitise(_wrap(html, marks, set_aside)).split(place)
    if len(pieces) != len(codes) + 1:  # nh3 has left one out
        return _sanitise(_wrap(html, marks))
    return "".join(chain.from_iterable(zip(pieces, [*codes, ""], strict=True)))


def _wrap(html: str, marks: Marks, set_aside: Callable[[str], str] = str) -> str:
    """Wrap links, images, code and tables. Marks in a URL or in code are moved after the link or the code."""

    def wrap_image(image: re.Match[str]) -> str:
        address, removed = remove_marks(unescape(image[1]), marks)
        return _build_image_note(address, image[2], image[3]) + removed

    def wrap_link(link: re.Match[str]) -> str:
        address, removed = remove_marks(unescape(link[1]), marks)
        title = f' <span class="link__title">({link[2]})</span>' if link[2] else ""
        return _build_link(address, link[3], remove_marks(link[3], marks)[0]) + title + removed

    def wrap_code(block: re.Match[str]) -> str:
        language, in_language = remove_marks(unescape(block[1] or ""), marks)
        meta, in_meta = remove_marks(unescape(block[2] or ""), marks)
        code, in_code = remove_marks(_unescape_code(block[3]), marks)
        caption = " ".join(filter(None, (language, meta))) or "code"
        return set_aside(_build_code(code, language, caption)) + in_language + in_meta + in_code

    if not html.startswith("<"):
        html = _BARE_BEGINNING.sub(r"<p>\1</p>", html)
    html = _BARE_HTML.sub(r"\1<p>\2</p>", html)
    html = _LINK.sub(wrap_link, _IMAGE.sub(wrap_image, html))
    html = _CODE.sub(wrap_code, html)
    html = _HEADING.sub(lambda tag: f"<{tag[1]}h{min(int(tag[2]) + 3, 6)}>", html)
    html = _LONG_NUMBERS.sub('<ol class="long" ', html)
    html = _EMPTY_HEADING.sub(r"<td\1></td>", html)
    html = html.replace("<table>", '<div class="table-scroll" tabindex="0"><table>')
    html = html.replace("</table>", "</table></div>")
    html = html.replace('<input type="checkbox" checked="" disabled="" />', '<span class="task">☑</span>')
    return html.replace('<input type="checkbox" disabled="" />', '<span class="task">☐</span>')


def _build_image_note(address: str, alt: str, title: str | None) -> str:
    """Name the image and its host. It is not loaded, because that would tell the host who reads."""
    name = f"{alt} ({title})" if alt and title else alt or title
    name = gettext("Image “%(name)s”") % {"name": name} if name else gettext("Image")
    if host := host_of(web_address(address)):
        note = gettext("%(image)s on %(host)s, not loaded") % {"image": name, "host": host}
    else:
        note = gettext("%(image)s, not shown: %(address)s") % {"image": name, "address": escape(_shorten(address))}
    return f'<span class="image-note">{note}</span>'


def _build_link(address: str, label: str, text: str) -> str:
    """Build a web link with its host, a mail link with its address, and any other link as text with its URL."""
    text = unescape(_TAG.sub("", text)).strip()
    mail = _MAIL.match(address)
    where = mail[1] if mail else host_of(web_address(address))
    if not where:
        target = "" if address in ("", text) else f' <span class="link__host">({escape(_shorten(address))})</span>'
        return f'<span class="link__dead">{label}{target}</span>'
    is_named = text.removeprefix("mailto:").startswith(where) if mail else _names_host(text, where)
    host = "" if is_named else f' <span class="link__host">({escape(where)})</span>'
    return f'<a href="{escape(address)}" rel="{REL}" target="_blank">{label}{host}</a>'


def _names_host(text: str, host: str) -> bool:
    """Whether the text of a link already names its host."""
    start = _WEB_START.match(text)
    text, host = text[start.end() if start else 0 :].lower(), host.removeprefix("www.")
    return text.startswith(host) and text[len(host) : len(host) + 1] in ("", "/", "?", "#", ":")


def _build_code(code: str, language: str, caption: str) -> str:
    return _COPY_CODE.format(escape(caption, quote=False), colour(code, language))


def _unescape_code(code: str) -> str:
    """Decode the four entities that comrak writes in code."""
    return code.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _shorten(address: str) -> str:
    return address if len(address) <= _MAX_ADDRESS else address[: _MAX_ADDRESS - 1] + "…"


def _sanitise(html: str) -> str:
    return _CLEANER.clean(html)
