"""Renders a bubble, or takes its HTML from the cache.

The cache key is a hash of all inputs: the bubble with its texts, citations and URLs, the language, the time zone if a
time is shown, and the code, templates and catalogues that render it. So HTML that another person read can only be found
with the whole bubble, which the reader must be allowed to read, and it reveals nothing new.
"""

from __future__ import annotations

from functools import cache as once
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from django import template
from django.conf import settings
from django.core.cache import caches
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from viewer.rendering.drawing import draw_bubble
from viewer.rendering.messages import Bubble

register = template.Library()
_UNFORMATTED = " data-unformatted>"  # a page had no time to format a text, but the next may; no text can contain this
_SECRET = "<secret>"  # stands for it in the cache; no text can contain this either
_A_DAY = 24 * 60 * 60  # seconds
_MAX_BYTES = 64_000  # bytes; with the cache's 1,000 entries this bounds its memory


@register.simple_tag(takes_context=True)
def render_bubble(context: template.Context, bubble: Bubble) -> SafeString:
    """Render a bubble with its frame.

    `secret` in the context is the part of its URLs that opens them to whoever has it: the cache does not hold it.
    """
    secret = context.get("secret") or ""
    zone = get_current_timezone_name() if bubble.has_times else ""
    key = sha256(f"{_version()}{get_language()}{zone}{bubble!r}".encode()).hexdigest()
    cache = caches["bubbles"]
    html: str | None = cache.get(key)
    if html is not None:
        return mark_safe(html.replace(_SECRET, secret))  # noqa: S308  # a template has rendered it
    html = draw_bubble(bubble)
    if len(html.encode()) <= _MAX_BYTES and _UNFORMATTED not in html:
        cache.set(key, html.replace(secret, _SECRET) if secret else html, _A_DAY)
    return mark_safe(html)  # noqa: S308  # a template has rendered it


class Beside(Protocol):
    """What a page gives as `beside`: what else it shows below its messages, which is not part of them."""

    def html_of(self, bubble: Bubble) -> str:
        """Return rendered HTML, or nothing."""


@register.simple_tag(takes_context=True)
def beside(context: template.Context, bubble: Bubble) -> SafeString:
    """Print what the page shows below a message. It is never cached with the message."""
    given: Beside | None = context.get("beside")
    return mark_safe(given.html_of(bubble) if given else "")  # noqa: S308  # a template has rendered it


@once
def _version() -> str:
    """Return a hash of the code, so that a shared cache never returns what another version rendered."""
    templates = settings.BASE_DIR / "templates" / "rendering"
    words = (settings.BASE_DIR / "locale").rglob("*.mo")
    files = [*templates.rglob("_*.html"), *Path(__file__).parent.parent.rglob("*.py"), *words]
    libraries = settings.BASE_DIR / "requirements.txt"
    return sha256(b"".join(file.read_bytes() for file in (*sorted(files), libraries))).hexdigest()
