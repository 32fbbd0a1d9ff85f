"""Renders the Markdown of an assistant as HTML that can do nothing but be read, with its citations as numbered chips.

Two walls, and each holds alone (docs/threats.md#markup-and-scripts-in-a-message). The first is comrak with raw HTML
shown as text, and the frames made of what it wrote: links to the web and to mail only, pictures named and never loaded.
The second is nh3, which lets through what the frames consist of and nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape

import nh3
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from viewer.completions.addresses import host_of, web_address
from viewer.completions.invisibles import escape_invisible, show_controls
from viewer.completions.markdown import MARKDOWN_LIMIT, to_html, to_html_elsewhere, words_in
from viewer.completions.source_text import clean
from viewer.completions.types import Citation

from .chips import REL, Marks, insert_chips, name_markers, plant, take_marks
from .citations import CitationPlace, CitedSource, find_places, list_sources
from .highlighting import colour
from .limits import TimeBudget

_NOT_ELSEWHERE = ("<img ", "<!-- raw HTML omitted -->", 'href=""', ' title="')
_MAX_HALVINGS = 3
_SECONDS_FOR_PLACES = 0.2  # of CPU; each look renders the text again
_SHOWN_ADDRESS = 120

_TAG = re.compile(r"<[^>]*>")  # as comrak writes them: no > inside
_TITLE = r'(?: title="([^"]*)")?'
_IMAGE = re.compile(rf'<img src="([^"]*)" alt="([^"]*)"{_TITLE}[^>]*>')
_LINK = re.compile(rf'<a href="([^"]*)"{_TITLE}[^>]*>(.*?)</a>', re.DOTALL)
_CODE = re.compile(r'<pre><code(?: class="language-([^"]*)")?(?: data-meta="([^"]*)")?>([^<]*)</code></pre>')
_BARE_HTML = re.compile(r"(^|<blockquote>|</(?:p|ul|ol|blockquote|h[1-6]|pre|table)>|<hr />)([^<]*[^<\s])\s*")
_LONG_NUMBERS = re.compile(r'<ol (?=start="\d{3})')  # they would be left of the bubble
_EMPTY_HEADING = re.compile(r"<th( align=\"\w+\")?></th>")  # a heading without a name heads nothing
_HEADING = re.compile(r"<(/?)h([1-6])>")
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
    """What the Markdown of a message looks like, and the sources that it cites.

    One that `is_unformatted` is shown as it was written, because formatting it would take too long.
    """

    html: SafeString
    sources: tuple[CitedSource, ...]
    is_unformatted: bool = False


def is_harmless_elsewhere(markdown: str) -> bool:
    """Whether Markdown may be rendered by another program: it says the same there, loads no picture, runs no script."""
    if len(markdown) > MARKDOWN_LIMIT:
        return False
    ours, html = to_html(markdown), to_html_elsewhere(markdown)
    is_the_same = ours is not None and "".join(words_in(ours).split()) == "".join(words_in(html).split())
    return is_the_same and not any(sign in html for sign in _NOT_ELSEWHERE)


def render_prose(
    text: str,
    citations: Sequence[Citation] = (),
    sources: tuple[CitedSource, ...] | None = None,
    time_budget: TimeBudget | None = None,
) -> Prose:
    """Render a text as Markdown, in time in line with its length. The indices of the citations count its characters.

    `sources` number them where the message cites more than this text does; `time_budget` is that of the page.
    """
    time_budget = time_budget or TimeBudget()
    text = show_controls(clean(text))  # one character for one: the indices still hold
    sources = list_sources(citations) if sources is None else sources
    with time_budget.running():
        formatted = None if time_budget.is_spent else _format(text, citations, sources)
    html = name_markers(_as_written(text) if formatted is None else formatted, bool(sources))
    if not text.isascii() or "&" in text:  # an entity can spell a hidden character
        html = escape_invisible(html)
    return Prose(mark_safe(html), sources, formatted is None)  # noqa: S308 - two walls, above


def _format(text: str, citations: Sequence[Citation], sources: tuple[CitedSource, ...]) -> str | None:
    html = to_html(text) if len(text) <= MARKDOWN_LIMIT else None
    if html is None:
        return None
    marks: Marks = {}
    if places := find_places(text, citations, sources) if sources else []:
        with_all = _to_html_with(places, text, html)
        html, marks = with_all or _to_html_with(_harmless(places, text, html), text, html) or (html, {})
    return insert_chips(_sanitise(_frame(html, marks)), marks, sources)


def _as_written(text: str) -> str:
    return f"<p>{escape(text, quote=False)}</p>"


def _to_html_with(places: list[CitationPlace], text: str, html: str) -> tuple[str, Marks] | None:
    """Render a text with marks at its places; None when Markdown makes something else of it than the HTML without."""
    marked, marks = plant(text, places)
    with_marks = to_html(marked)
    is_the_same = with_marks is not None and take_marks(with_marks, marks)[0] == html
    return (with_marks, marks) if with_marks is not None and is_the_same else None


def _harmless(places: list[CitationPlace], text: str, html: str) -> list[CitationPlace]:
    """Keep the places whose marks change nothing of what Markdown makes of the text; renders it 23 times at most.

    When the time is over, what was not looked at is left out: its source is in the list of sources alone.
    """
    until = time.thread_time() + _SECONDS_FOR_PLACES

    def keep(places: list[CitationPlace], halvings: int) -> list[CitationPlace]:
        if not places or time.thread_time() > until:
            return []
        if _to_html_with(places, text, html):
            return places
        if not halvings or len(places) == 1:
            return []
        middle = len(places) // 2
        kept = [*keep(places[:middle], halvings - 1), *keep(places[middle:], halvings - 1)]
        return keep(kept, 0) if len(kept) < len(places) else []

    return keep(places, _MAX_HALVINGS)


def _frame(html: str, marks: Marks) -> str:
    """Put what comrak wrote into our own frames. Marks in an address or in code come after the link or the frame."""

    def frame_image(image: re.Match[str]) -> str:
        address, taken = take_marks(unescape(image[1]), marks)
        return _image_note(address, image[2], image[3]) + taken

    def frame_link(link: re.Match[str]) -> str:
        address, taken = take_marks(unescape(link[1]), marks)
        title = f' <span class="link__title">({link[2]})</span>' if link[2] else ""
        return _link(address, link[3], take_marks(link[3], marks)[0]) + title + taken

    def frame_code(block: re.Match[str]) -> str:
        language, in_language = take_marks(unescape(block[1] or ""), marks)
        meta, in_meta = take_marks(unescape(block[2] or ""), marks)
        code, in_code = take_marks(_unescape_code(block[3]), marks)
        return _code(code, language, meta) + in_language + in_meta + in_code

    html = _BARE_HTML.sub(r"\1<p>\2</p>", html)
    html = _LINK.sub(frame_link, _IMAGE.sub(frame_image, html))
    html = _CODE.sub(frame_code, html)
    html = _HEADING.sub(lambda tag: f"<{tag[1]}h{min(int(tag[2]) + 3, 6)}>", html)
    html = _LONG_NUMBERS.sub('<ol class="long" ', html)
    html = _EMPTY_HEADING.sub(r"<td\1></td>", html)
    html = html.replace("<table>", '<div class="table-scroll" tabindex="0"><table>')
    html = html.replace("</table>", "</table></div>")
    html = html.replace('<input type="checkbox" checked="" disabled="" />', '<span class="task">☑</span>')
    return html.replace('<input type="checkbox" disabled="" />', '<span class="task">☐</span>')


def _image_note(address: str, alt: str, title: str | None) -> str:
    """Say which picture stands here and on which host; to load it would show that host who reads."""
    name = f"{alt} ({title})" if alt and title else alt or title
    name = gettext("Image “%(name)s”") % {"name": name} if name else gettext("Image")
    if host := host_of(web_address(address)):
        note = gettext("%(image)s on %(host)s, not loaded") % {"image": name, "host": host}
    else:
        note = gettext("%(image)s, not shown: %(address)s") % {"image": name, "address": escape(_short(address))}
    return f'<span class="image-note">{note}</span>'


def _link(address: str, label: str, text: str) -> str:
    """Write a link to the web with its host, one to mail with its address, and any other as text with where it led."""
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


def _code(code: str, language: str, meta: str) -> str:
    caption = " ".join(filter(None, (language, meta))) or "code"
    return (
        f'<copy-code><figure class="code"><figcaption>{escape(caption)}</figcaption>'
        f'<pre tabindex="0"><code>{colour(code, language)}</code></pre></figure></copy-code>'
    )


def _unescape_code(code: str) -> str:
    """Undo the four entities that comrak writes in code."""
    return code.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _short(address: str) -> str:
    return address if len(address) <= _SHOWN_ADDRESS else address[: _SHOWN_ADDRESS - 1] + "…"


def _sanitise(html: str) -> str:
    return _CLEANER.clean(html)
