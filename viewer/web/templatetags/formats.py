"""Template filters for times and sizes, and the version."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext, ngettext, pgettext

from viewer.completions.invisibles import escape_invisible

_MAX_CLOCK_SKEW = 60  # seconds at most, between machines with synchronised clocks

register = template.Library()
register.filter("visible", escape_invisible)


@register.simple_tag
def lectern_version() -> str:
    """Return the version, for problem reports."""
    return str(settings.VERSION)


@register.filter
def short_time(moment: datetime) -> str:
    """Format a time briefly, in the reader's time zone: 10:51, 20 Nov 10:51, 20 Nov 2025."""
    local, now = _localize(moment), timezone.localtime()
    if local.date() == now.date():
        return date_format(local, pgettext("time", "H:i"))
    return date_format(local, pgettext("day, time", "j M, H:i") if local.year == now.year else pgettext("day", "j M Y"))


def clock(moment: datetime) -> str:
    """Format the time of a day, in the reader's time zone: 10:51."""
    return date_format(_localize(moment), pgettext("time", "H:i"))


@register.filter
def day_in_words(moment: datetime | None) -> str:
    """Format a day, in the reader's time zone: Today, Yesterday, Friday, 20 Nov 2026."""
    if (day := local_day(moment)) is None:
        return gettext("Date unknown")
    today = timezone.localdate()
    if day == today:
        return gettext("Today")
    if day == today - timedelta(days=1):
        return gettext("Yesterday")
    return _day_in_words(day, get_language())


@lru_cache(maxsize=1_000)
def _day_in_words(day: date, _language: str | None) -> str:
    return date_format(day, pgettext("weekday, day", "l, j M Y"))


def local_day(moment: datetime | None) -> date | None:
    """Return the day of a time, in the reader's time zone."""
    return None if moment is None else _localize(moment).date()


@register.filter
def long_time(moment: datetime) -> str:
    """Format a time with the reader's time zone: 20 Nov 2026, 10:51 CET."""
    return _long_time(moment, get_language(), timezone.get_current_timezone_name())


@lru_cache(maxsize=1_000)  # a page says the same times more than once, and each takes as long as many tags
def _long_time(moment: datetime, _language: str | None, _zone: str) -> str:
    return date_format(_localize(moment), pgettext("day, time, zone", "j M Y, H:i T"))


@register.filter
def utc_day(midnight: datetime) -> str:
    """Format a day that was chosen from a calendar and is stored as midnight UTC."""
    return date_format(midnight, pgettext("day", "j M Y"))


@register.filter
def iso(moment: datetime) -> str:
    """Format a time for programs. Django's `date:"c"` fails for the first and last day of the calendar."""
    return moment.isoformat()


@register.filter
def ago(moment: datetime) -> str:
    """Format how long ago something was, in the largest unit that fits: 5 minutes ago, 3 days ago."""
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < -_MAX_CLOCK_SKEW:
        return gettext("in the future")
    if (minutes := seconds // 60) < 1:
        return gettext("just now")
    if (hours := minutes // 60) < 1:
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", minutes) % {"count": minutes}
    if (days := hours // 24) < 1:
        return ngettext("%(count)d hour ago", "%(count)d hours ago", hours) % {"count": hours}
    if (months := days // 30) < 1:
        return ngettext("%(count)d day ago", "%(count)d days ago", days) % {"count": days}
    if (years := days // 365) < 1:
        return ngettext("%(count)d month ago", "%(count)d months ago", months) % {"count": months}
    return ngettext("%(count)d year ago", "%(count)d years ago", years) % {"count": years}


@register.filter
def utc_time(moment: datetime) -> str:
    """Format a time in UTC, to the second, the same for every reader."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _localize(moment: datetime) -> datetime:
    """Convert a time to the reader's time zone; outside the calendar's range it stays in UTC."""
    try:
        return timezone.localtime(moment)
    except OverflowError:
        return moment


@register.filter
def bytes_size(count: int) -> str:
    """Format a size in decimal units: 61 kB, 1.4 MB, 2.0 GB."""
    if count < 1000:
        return ngettext("%(count)d byte", "%(count)d bytes", count) % {"count": count}
    if count < 1_000_000:
        return f"{number_format(round(count / 1000))} kB"
    if count < 1_000_000_000:
        return f"{number_format(round(count / 1_000_000, 1), 1)} MB"
    return f"{number_format(round(count / 1_000_000_000, 1), 1)} GB"


@register.filter
def grouped(number: int) -> str:
    """Format a number with the thousands separator of the reader's language: 14,368."""
    return number_format(number, force_grouping=True)
