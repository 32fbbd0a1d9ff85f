"""The HTML of a bubble, from the cache if that has it.

The cache key is a hash of all inputs: the bubble with its texts, citations and URLs, the language, the time zone if a
time is shown, and the code, templates and catalogues that render it. So HTML that another person read can only be found
with the whole bubble, which the reader must be allowed to read, and it reveals nothing new.
"""

from __future__ import annotations

from functools import cache as once
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.core.cache import caches
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from .drawing import draw_bubble
from .messages import Bubble

_UNFORMATTED = " data-unformatted>"  # a page had no time to format a text, but the next may; no text can contain this
_SECRET = "<secret>"  # stands for it in the cache; no text can contain this either
_A_DAY = 24 * 60 * 60  # seconds
_MAX_BYTES = 64_000  # bytes; with the cache's 1,000 entries this bounds its memory


def html_of(bubble: Bubble, secret: str = "") -> SafeString:
    """Return a bubble with its frame.

    `secret` is the part of its URLs that opens them to whoever has it: the cache does not hold it.
    """
    zone = get_current_timezone_name() if bubble.has_times else ""
    key = sha256(f"{_version()}{get_language()}{zone}{bubble!r}".encode()).hexdigest()
    cache = caches["bubbles"]
    html: str | None = cache.get(key)
    if html is not None:
        return mark_safe(html.replace(_SECRET, secret))  # noqa: S308  # a template has rendered it
    html = draw_bubble(bubble)
    if len(html.encode()) <= _MAX_BYTES and is_lasting(html):
        plain = str.__str__(html)  # pickled at once, unlike Django's safe strings
        cache.set(key, plain.replace(secret, _SECRET) if secret else plain, _A_DAY)
    return mark_safe(html)  # noqa: S308  # a template has rendered it


def is_lasting(html: str) -> bool:
    """Whether the bubble would look the same again: whether there was time to format all of it."""
    return _UNFORMATTED not in html


@once
def _version() -> str:
    """Return a hash of the code, so that a shared cache never returns what another version rendered."""
    templates = settings.BASE_DIR / "templates" / "rendering"
    words = (settings.BASE_DIR / "locale").rglob("*.mo")
    files = [*templates.rglob("_*.html"), *Path(__file__).parent.rglob("*.py"), *words]
    libraries = settings.BASE_DIR / "requirements.txt"
    return sha256(b"".join(file.read_bytes() for file in (*sorted(files), libraries))).hexdigest()
