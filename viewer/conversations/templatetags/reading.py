"""Times and sizes as a reader says them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe

from viewer.conversations.code_colours import colour
from viewer.conversations.visible import make_visible

register = template.Library()
register.filter("visible", make_visible)


@register.filter
@lru_cache(64)
def coloured(json: str) -> SafeString:
    """Colour JSON; a result stands in its own message and in the card of its call."""
    return mark_safe(colour(json, "json"))  # noqa: S308  # it escapes what it colours


@register.filter
def short_time(moment: datetime) -> str:
    """Say when, as briefly as today allows, in the reader's zone: 10:51, 20 Nov 10:51, 20 Nov 2025."""
    here, now = timezone.localtime(moment), timezone.localtime()
    if here.date() == now.date():
        return date_format(here, "H:i")
    return date_format(here, "j M, H:i" if here.year == now.year else "j M Y")


@register.filter
def long_time(moment: datetime) -> str:
    """Say when, with the reader's zone: 20 Nov 2026, 10:51 CET."""
    return date_format(timezone.localtime(moment), "j M Y, H:i T")


@register.filter
def utc_time(moment: datetime) -> str:
    """Say when in UTC, to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def bytes_size(count: int) -> str:
    """Say a size in the decimal units that people know: 61 kB, 1.4 MB."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


@register.filter
def grouped(number: int) -> str:
    """Write a number with its thousands apart: 14,368."""
    return f"{number:,}"
