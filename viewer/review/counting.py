"""Counts verdicts by model, label, channel, week or reason, and lays out the bars of their chart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncWeek
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy, pgettext

from viewer.archive.models import CompletionLabel, Label, fit
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line

from .models import Verdict
from .verdicts import VERDICTS

By = Literal["week", "model", "label", "channel", "reason"]
BY: dict[str, Any] = {
    "week": gettext_lazy("Week"),
    "model": gettext_lazy("Model"),
    "label": gettext_lazy("Label"),
    "channel": gettext_lazy("Channel"),
    "reason": gettext_lazy("Reason"),
}
PERIODS = {
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "365": gettext_lazy("A year"),
    "all": gettext_lazy("All"),
}
_YEARS = (1970, 2999)  # of days; those beyond have no place in a calendar
_MAX_ROWS = 26  # of a table; half a year of weeks
_ROW, _BAR, _TEXT = 40, 14, 14  # pixels: a row of the chart, the bar in it, and where its text stands


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which verdicts were given: so many days with today, or from one day to another, both included."""

    days: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def params(self) -> dict[str, str]:
        """Return the period as the query of a URL."""
        given = {"days": self.days, "from": self.first, "to": self.last}
        return {name: str(value) for name, value in given.items() if value}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The same for a template, which would use a key named `items` instead of the method."""
        return list(self.params.items())

    def of(self, verdicts: QuerySet[Verdict]) -> QuerySet[Verdict]:
        """Keep the verdicts of this time, by the reader's days."""
        is_counted = self.days.isdecimal()
        first = timezone.localdate() - timedelta(days=int(self.days) - 1) if is_counted else self.first
        if first:
            verdicts = verdicts.filter(at__gte=_start_of(first))
        return verdicts.filter(at__lt=_start_of(self.last + timedelta(days=1))) if self.last else verdicts


@dataclass(frozen=True, slots=True)
class Number:
    """How many verdicts of one kind, and the URL of their list; the place of their part in the bar, in percent."""

    verdict: str
    words: str
    count: int
    url: str
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """The verdicts of one model, label, channel, week or reason; `y` and `bar_y` are its places in the chart."""

    name: str
    numbers: tuple[Number, ...]
    total: int
    url: str
    y: int
    bar_y: int


@dataclass(frozen=True, slots=True)
class Table:
    """All rows, the height of their chart in pixels, and how many rows were left out."""

    rows: tuple[CountRow, ...]
    height: int
    left_out: int


def read_period(query: QueryDict) -> Period:
    """Read the period of a URL; what is no date is ignored."""
    first, last = _read_day(query.get("from", "")), _read_day(query.get("to", ""))
    if first or last:
        return Period("", first, last)
    days = query.get("days", "90")
    return Period(days if days in PERIODS else "90")


def count_verdicts(by: By, period: Period) -> Table:
    """Count the verdicts of a time: the newest weeks, else what has most of them."""
    counts = _counts(by, period.of(Verdict.objects.all()))
    keys = sorted(counts, key=lambda key: (key if by == "week" else counts[key].total(), str(key)), reverse=True)
    names = _names(by, keys)
    most = max((counter.total() for counter in counts.values()), default=1)
    rows = [
        _row(n, names[key], counts[key], most, {"by": by, "value": _as_param(key)} | period.params)
        for n, key in enumerate(keys[:_MAX_ROWS])
    ]
    return Table(tuple(rows), len(rows) * _ROW, max(0, len(keys) - _MAX_ROWS))


def verdicts_behind(query: QueryDict) -> QuerySet[Verdict]:
    """Return the verdicts that a number of a table counts, the newest first."""
    found = read_period(query).of(Verdict.objects.all()).order_by("-at", "-pk")
    if query.get("verdict") in VERDICTS:
        found = found.filter(verdict=query["verdict"])
    by, value = query.get("by", ""), query.get("value", "")
    if by in ("model", "channel", "reason"):
        return found.filter(**{by: fit(value)})
    if by == "label":
        ids = CompletionLabel.objects.filter(label=_read_number(value)).values("completion_id")
        return found.filter(completion_id__in=ids)
    if by == "week" and (monday := _read_day(value)):
        return found.filter(at__gte=_start_of(monday), at__lt=_start_of(monday + timedelta(days=7)))
    return found


def name_behind(query: QueryDict) -> str:
    """Say in words which verdicts a number counts."""
    by, value = query.get("by", ""), query.get("value", "")
    key = _read_day(value) if by == "week" else _read_number(value) if by == "label" else value
    name = _names(by, [key])[key] if by in BY and key is not None else ""
    verdict = str(query.get("verdict", ""))
    words = [str(VERDICTS[verdict])] if verdict in VERDICTS else []
    return ", ".join([*([f"{BY[by]}: {name}"] if name else []), *words])


def _counts(by: By, verdicts: QuerySet[Verdict]) -> dict[Any, Counter[str]]:
    counts: dict[Any, Counter[str]] = defaultdict(Counter)
    if by == "label":
        for label, verdict, count in _counts_of_labels(verdicts):
            counts[label][verdict] += count
        return counts
    key = TruncWeek("at") if by == "week" else by
    grouped = verdicts.values_list(key, "verdict").annotate(count=Count("pk")).order_by()
    for value, verdict, count in grouped:
        counts[timezone.localtime(value).date() if by == "week" else value][verdict] += count
    return counts


def _counts_of_labels(verdicts: QuerySet[Verdict]) -> list[tuple[int, str, int]]:
    """Count by the labels that conversations have today. They are named by their id, which is no foreign key."""
    chosen, values = verdicts.values("completion_id", "verdict").query.sql_with_params()
    with connection.cursor() as cursor:
        joined = f"({chosen}) v JOIN archive_completionlabel m ON m.completion_id = v.completion_id"
        sql = f"SELECT m.label_id, v.verdict, COUNT(*) FROM {joined} GROUP BY 1, 2"  # noqa: S608  # Django wrote it
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _names(by: str, keys: list[Any]) -> dict[Any, str]:
    if by == "label":
        return dict.fromkeys(keys, "?") | {
            one.pk: escape_invisible(one.name) for one in Label.objects.filter(pk__in=keys)
        }
    if by == "week":
        return {key: gettext("Week of %(day)s") % {"day": date_format(key, pgettext("day", "j M Y"))} for key in keys}
    unknown = gettext("none")
    return {key: in_one_line(escape_invisible(key), 60) or unknown for key in keys}


def _row(n: int, name: str, counts: Mapping[str, int], most: int, params: dict[str, str]) -> CountRow:
    numbers, start = [], 0
    for verdict, words in VERDICTS.items():
        count = counts.get(verdict, 0)
        url = _list_url(params | {"verdict": verdict}) if count else ""
        numbers.append(Number(verdict, str(words), count, url, _percent(start, most), _percent(count, most)))
        start += count
    return CountRow(name, tuple(numbers), start, _list_url(params), n * _ROW + _TEXT, n * _ROW + _TEXT + 6)


def _percent(count: int, most: int) -> str:
    """Write a share for SVG, which takes no decimal comma."""
    return f"{100 * count / most:.2f}%"


def _list_url(params: dict[str, str]) -> str:
    return f"{reverse('verdict-list')}?{urlencode(params)}"


def _as_param(key: Any) -> str:
    return key.isoformat() if isinstance(key, date) else str(key)


def _read_day(text: str) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(text)
        return day if _YEARS[0] <= day.year <= _YEARS[1] else None
    return None


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
