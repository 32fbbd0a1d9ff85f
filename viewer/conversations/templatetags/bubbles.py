"""Draws a bubble, or takes it from the cache: its HTML depends on what it says and on nothing else."""

from __future__ import annotations

from functools import cache as once
from hashlib import sha256

from django import template
from django.conf import settings
from django.core.cache import cache
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from viewer.conversations.bubbles import Bubble

register = template.Library()
_A_DAY = 24 * 60 * 60  # seconds
_LARGEST = 64_000  # characters; with the cache's 10,000 entries this bounds its memory


@register.simple_tag
def drawn(bubble: Bubble) -> SafeString:
    """Print one bubble. The key is its whole content, permalink included, so nobody gets what they did not ask for."""
    key = f"bubble-{sha256(f'{_templates()}{bubble!r}'.encode()).hexdigest()}"
    html: str | None = cache.get(key)
    if html is None:
        html = render_to_string("conversations/_bubble.html", {"bubble": bubble})
        if len(html) <= _LARGEST:
            cache.set(key, html, _A_DAY)
    return mark_safe(html)  # noqa: S308  # a template has drawn it


@once
def _templates() -> str:
    """Name this version of the templates, so that a shared cache gives nothing drawn by another."""
    folder = settings.BASE_DIR / "templates" / "conversations"
    return sha256(b"".join(file.read_bytes() for file in sorted(folder.rglob("_*.html")))).hexdigest()
