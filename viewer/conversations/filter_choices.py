"""What a list can be filtered by, with counts and URLs: what conversations have, what the team says, what was seen."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from viewer.archive.identity_keys import identity_keys
from viewer.archive.labels import STATUSES, key_of_label
from viewer.archive.models import Label
from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.values import Value, Values, values_of

from .filters import list_url, without_operators

_MAX_NAMES = 12  # of metadata
_NAMES = {
    "model": gettext_lazy("Model"),
    "has": gettext_lazy("Contains"),
    "seen": gettext_lazy("Seen"),
    "label": gettext_lazy("Label"),
    "status": gettext_lazy("Status"),
    "assignee": gettext_lazy("Assignee"),
    "after": gettext_lazy("From"),
    "before": gettext_lazy("Before"),
    "role": gettext_lazy("Said by"),
    "tool": gettext_lazy("Tool"),
    "id": gettext_lazy("Within"),
}
_VALUES = {
    ("after", "1d"): gettext_lazy("Today"),
    ("after", "7d"): gettext_lazy("Last 7 days"),
    ("after", "30d"): gettext_lazy("Last 30 days"),
    ("has", "tool"): gettext_lazy("Tool calls"),
    ("has", "error"): gettext_lazy("Tool errors"),
    ("has", "refusal"): gettext_lazy("Refusals"),
    ("has", "cut-off"): gettext_lazy("Cut-off answers"),
    ("has", "filtered"): gettext_lazy("Answers stopped by a filter"),
    ("has", "image"): gettext_lazy("Images"),
    ("has", "audio"): gettext_lazy("Audio"),
    ("has", "file"): gettext_lazy("Files"),
    ("has", "citation"): gettext_lazy("Cited sources"),
    ("has", "reasoning"): gettext_lazy("Reasoning"),
    ("role", "customer"): gettext_lazy("Customer"),
    ("role", "assistant"): gettext_lazy("Assistant"),
    ("role", "tools"): gettext_lazy("Tools"),
    ("role", "prompts"): gettext_lazy("Prompts"),
    ("status", "open"): pgettext_lazy("state", "Open"),
    ("status", "escalated"): gettext_lazy("Escalated"),
    ("status", "reviewed"): gettext_lazy("Reviewed"),
    ("status", "none"): gettext_lazy("No status"),
    ("assignee", "me"): gettext_lazy("Me"),
    ("assignee", "nobody"): gettext_lazy("Nobody"),
    ("seen", "yes"): gettext_lazy("Seen by me"),
    ("seen", "no"): gettext_lazy("Not yet seen"),
}
_PERIODS = ("1d", "7d", "30d")  # they move with the day, also in a saved view


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter to add, with the URL of the list that has it; `count` is None where it was not counted."""

    value: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Choices under the name of what they filter by."""

    name: str
    choices: tuple[Choice, ...]
    is_cut: bool = False  # there are more values


def name_in_words(operator: str) -> str:
    """Return what an operator of a query filters by: of metadata its key."""
    return operator[5:] if operator.startswith("meta.") else str(_NAMES.get(operator, operator))


def value_in_words(operator: str, value: str) -> str:
    """Return the value of an operator as pages show it."""
    return str(_VALUES.get((operator, value), value))


def choices_of(query: Query, filters: dict[str, str], text: str) -> tuple[list[ChoiceGroup], int | None]:
    """Return the filters that can be added to a query, those with a text in them if there is one.

    The second value is how many conversations were counted, if not all.
    """
    found = values_of(query, text)
    keys = identity_keys()
    first = [f"meta.{key}" for key in (keys.customer, keys.ticket) if key]
    others = {value.name for value in found.values if value.name.startswith("meta.")} - {"meta.", *first}
    groups = [
        *(_group(query, filters, name, found) for name in (*first, "has")),
        _periods(query, filters),
        _seen(query, filters),
        *_marks(query, filters),
        *(_group(query, filters, name, found) for name in ("model", *sorted(others)[:_MAX_NAMES])),
    ]
    if text:
        groups = [_matching(group, text) for group in groups]
    return [group for group in groups if group.choices], found.newest


def _group(query: Query, filters: dict[str, str], name: str, found: Values) -> ChoiceGroup:
    choices = tuple(_choice(query, filters, value) for value in found.values if value.name == name)
    return ChoiceGroup(name_in_words(name), choices, is_cut=name in found.cut)


def _choice(query: Query, filters: dict[str, str], value: Value) -> Choice:
    url = _url_with(query, filters, value.name, value.value)
    return Choice(value_in_words(value.name, value.value), url, value.count)


def _url_with(query: Query, filters: dict[str, str], name: str, value: str) -> str:
    return list_url(filters | {"q": with_operator(query, name, value)})


def without_dates(query: Query) -> Query:
    """Return the query in which other dates can be put."""
    return read_query(without_operators(query, "after", "before"), query.reader)


def days_of(query: Query) -> tuple[str, str]:
    """Return the first and the last day of the dates of a query, each empty if there is none."""
    return _day_of(query.since, 0), _day_of(query.until, 1)


def _day_of(moment: int | None, days_later: int) -> str:
    with suppress(ValueError, OverflowError):  # the first or the last day of all
        if moment is not None:
            day = datetime.fromtimestamp(moment, timezone.get_current_timezone()).date()
            return f"{day - timedelta(days=days_later)}"
    return ""


def _periods(query: Query, filters: dict[str, str]) -> ChoiceGroup:
    """Offer periods instead of the dates of the query."""
    others, present = without_dates(query), {(operator.name, operator.value) for operator in query.operators}
    periods = [period for period in _PERIODS if ("after", period) not in present]
    return ChoiceGroup(
        gettext("Date"),
        tuple(
            Choice(value_in_words("after", period), _url_with(others, filters, "after", period)) for period in periods
        ),
    )


def _seen(query: Query, filters: dict[str, str]) -> ChoiceGroup:
    if query.is_seen is not None:
        return ChoiceGroup("", ())
    values = [(value_in_words("seen", value), value) for value in ("no", "yes")]
    return ChoiceGroup(
        name_in_words("seen"), tuple(Choice(name, _url_with(query, filters, "seen", value)) for name, value in values)
    )


def _marks(query: Query, filters: dict[str, str]) -> list[ChoiceGroup]:
    """Offer the labels, states and people that the query does not ask for already. They are not counted."""
    people = User.objects.filter(is_active=True).exclude(pk=query.reader or 0).order_by("username")
    offered = {
        "label": [*Label.objects.values_list("name", flat=True)],
        "status": [*STATUSES, "none"],
        "assignee": ["me", "nobody", *people.values_list("username", flat=True)],
    }
    asked = {mark.name for mark in query.marks}
    present = {key_of_label(mark.value) for mark in query.marks if mark.name == "label"}
    return [
        ChoiceGroup(
            name_in_words(name),
            tuple(
                Choice(value_in_words(name, value), _url_with(query, filters, name, value))
                for value in values
                if (key_of_label(value) not in present if name == "label" else name not in asked)
            ),
        )
        for name, values in offered.items()
    ]


def _matching(group: ChoiceGroup, text: str) -> ChoiceGroup:
    """Keep what has the text in its name or value: contents are named in the reader's language."""
    if text.casefold() in group.name.casefold():
        return group
    choices = tuple(choice for choice in group.choices if text.casefold() in choice.value.casefold())
    return replace(group, choices=choices)
