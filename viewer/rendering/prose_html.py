"""The HTML of a text in Markdown, from the cache if that has it: to format it is the dearest of what a page draws.

The cache key is a hash of all inputs: the text, its citations and the sources of its message, the language, and the
code and catalogues that format it. So HTML that another person read can only be found with the whole text, which the
reader must be allowed to read, and it reveals nothing new. It has no address of ours, such as that of a share.
"""

from __future__ import annotations

from functools import cache as once
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from .markdown_html import render_prose
from .parts import MarkdownView

_UNFORMATTED = " data-unformatted>"  # a page had no time to format a text, but the next may; no text can contain this
_A_DAY = 24 * 60 * 60  # seconds
_MAX_BYTES = 64_000  # bytes; with the cache's 1,000 entries this bounds its memory


def html_of(view: MarkdownView) -> SafeString:
    """Return a text as harmless HTML; as written, with a note, if the page has no time left to format it."""
    key = sha256(f"{_version()}{get_language()}{view!r}".encode()).hexdigest()
    cache = caches["bubbles"]
    html: str | None = cache.get(key)
    if html is not None:
        return mark_safe(html)  # noqa: S308  # `render_prose` has made it
    prose = render_prose(view.text, view.citations, view.sources, view.time)
    if prose.is_unformatted:
        note = gettext("Shown as written, because formatting would take too long")
        return prose.html + format_html('<p class="message__note" data-unformatted>{}</p>', note)
    if len(prose.html.encode()) <= _MAX_BYTES:
        cache.set(key, str.__str__(prose.html), _A_DAY)  # pickled at once, unlike Django's safe strings
    return prose.html


def is_lasting(html: str) -> bool:
    """Whether a bubble would look the same again: whether there was time to format all of it."""
    return _UNFORMATTED not in html


@once
def _version() -> str:
    """Return a hash of the code, so that a shared cache never returns what another version formatted."""
    ours = Path(__file__).parent
    words = (settings.BASE_DIR / "locale").rglob("*.mo")
    files = [*ours.rglob("*.py"), *(ours.parent / "completions").rglob("*.py"), *words]
    libraries = settings.BASE_DIR / "requirements.txt"
    return sha256(b"".join(file.read_bytes() for file in (*sorted(files), libraries))).hexdigest()
