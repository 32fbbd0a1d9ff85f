"""Words for a row of the read log."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext

from viewer.read_log.actions import LABELS
from viewer.read_log.forms import SOURCES
from viewer.read_log.models import Reading

register = template.Library()


@register.filter
def action_label(action: str) -> str:
    """Name an action in the reader's language; one of another version as it is."""
    return str(LABELS.get(action, action))


@register.filter
def source_label(row: Reading) -> str:
    """Name the source of a row: the archive, a share with its number, or a key with its host."""
    if row.share is not None:
        return gettext("Share %(number)d") % {"number": row.share}
    return row.source_name or str(SOURCES.get(row.source, row.source))


@register.filter
def to_the_second(moment: datetime) -> str:
    """Format a time to the second, in the reader's time zone: 20 Nov 2026, 10:51:07."""
    return date_format(timezone.localtime(moment), pgettext("day, time", "j M Y, H:i:s"))
