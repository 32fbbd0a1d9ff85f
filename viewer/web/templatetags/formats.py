"""Times and sizes as a reader says them, and the version."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext, pgettext

from viewer.completions.invisibles import escape_invisible

_CLOCKS_DIFFER_BY = 60  # seconds at the most, of two machines that are kept in time

register = template.Library()
register.filter("visible", escape_invisible)


@register.simple_tag
def lectern_version() -> str:
    """Give the version for whoever reports a problem."""
    return str(settings.VERSION)


@register.filter
def short_time(moment: datetime) -> str:
    """Say when, as briefly as today allows, in the reader's zone: 10:51, 20 Nov 10:51, 20 Nov 2025."""
    here, now = _here(moment), timezone.localtime()
    if here.date() == now.date():
        return date_format(here, pgettext("time", "H:i"))
    return date_format(here, pgettext("day, time", "j M, H:i") if here.year == now.year else pgettext("day", "j M Y"))


@register.filter
def long_time(moment: datetime) -> str:
    """Say when, with the reader's zone: 20 Nov 2026, 10:51 CET."""
    return date_format(_here(moment), pgettext("day, time, zone", "j M Y, H:i T"))


@register.filter
def utc_day(midnight: datetime) -> str:
    """Say a day that was chosen from a calendar and is kept as its midnight in UTC."""
    return date_format(midnight, pgettext("day", "j M Y"))


@register.filter
def iso(moment: datetime) -> str:
    """Say when for programs. Django's `date:"c"` fails at the edge of the calendar, west or east of Greenwich."""
    return moment.isoformat()


@register.filter
def ago(moment: datetime) -> str:
    """Say how long ago, in the largest unit that fits: 5 minutes ago, 3 days ago."""
    seconds = int((timezone.now() - moment).total_seconds())
    if seconds < -_CLOCKS_DIFFER_BY:
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
    """Say when in UTC, to the second, the same for every reader."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _here(moment: datetime) -> datetime:
    """Give a time in the reader's zone, or in UTC where that zone is past the first or the last day of the calendar."""
    try:
        return timezone.localtime(moment)
    except OverflowError:
        return moment


@register.filter
def bytes_size(count: int) -> str:
    """Say a size in the decimal units that people know: 61 kB, 1.4 MB."""
    if count < 1000:
        return ngettext("%(count)d byte", "%(count)d bytes", count) % {"count": count}
    if count < 1_000_000:
        return f"{number_format(round(count / 1000))} kB"
    return f"{number_format(round(count / 1_000_000, 1), 1)} MB"


@register.filter
def grouped(number: int) -> str:
    """Write a number with its thousands apart, as the reader's language does: 14,368."""
    return number_format(number, force_grouping=True)
