"""What stands around every list: the rail of views, the filters as chips, and what can be done with the whole list."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext

from viewer.archive.search.query import Operator, Query, read_query
from viewer.web.request import Request

from .filter_choices import name_in_words, value_in_words
from .filters import (
    Pair,
    as_search,
    filter_labels,
    list_url,
    order_alone,
    order_of,
    search_order_of,
    source_of,
    with_query,
    with_search,
    without,
    without_operators,
)
from .models import SavedView
from .rail import build_rail, current_link


def list_frame(request: Request, filters: dict[str, str], *, is_empty: bool = False) -> dict[str, Any]:
    """Return what the pages of lists have in common, for the list with these filters."""
    rail = build_rail(request.user, filters)
    current = current_link(rail)
    query = read_query(filters.get("q", ""), request.user.pk)
    return {
        "rail": rail,
        "list_name": current.name if current else "",
        "is_search": bool(query.terms or query.within),
        "can_mark": not is_empty and query_of_list(request, filters) is not None,
        "rail_url": with_query(reverse("rail"), filters),
        "chips": chips_of(filters, request.user.pk),
        "clear_url": list_url(with_search(order_alone(filters), without_operators(query))),
        "first_unseen_url": with_query(reverse("first-unseen"), filters),
        "choices_url": with_query(reverse("filter-choices"), filters),
        "list_query": urlencode(filters),
        "can_save": not is_empty and bool(without(filters, "order")) and current is None,
        "edit_view_url": edit_url(current.view, request.user) if current and current.view else "",
    }


def query_of_list(request: Request, filters: dict[str, str]) -> Query | None:
    """Return the query that finds what a list shows, empty for the whole archive; None if it is no list of the archive.

    A query that finds nothing, because nothing of it was understood, is no query for everything.
    """
    filters, source = without(filters, "order"), source_of(request, filters)
    if not filters:
        return Query() if source.is_archive else None
    query = read_query(filters.get("q", "") or as_search(filters).get("q", ""), request.user.pk)
    is_of_archive = "q" in filters or source.is_archive
    return query if is_of_archive and not query.is_empty else None


def edit_url(view: SavedView, person: User) -> str:
    """Return the URL to edit a view; empty if the person may not."""
    is_editable = SavedView.objects.editable_by(person).filter(pk=view.pk).exists()
    return reverse("saved-view", args=[view.pk]) if is_editable else ""


def chips_of(filters: dict[str, str], reader: int) -> list[Pair]:
    """Return each filter in words, with the URL of the list without it."""
    if not filters.get("q"):
        return filter_labels(filters)
    return [
        Pair(*_in_words(operator), list_url(with_search(filters, operator.rest)))
        for operator in read_query(filters["q"], reader).operators
    ]


def _in_words(operator: Operator) -> tuple[str, str]:
    """Return the name and the value of a chip so that they read as one phrase."""
    name, value = name_in_words(operator.name), value_in_words(operator.name, operator.value)
    if operator.name == "seen":  # the value says it
        return "", value_in_words("seen", "no" if (operator.value == "yes") == operator.is_excluded else "yes")
    if not operator.is_excluded:
        return "" if operator.name == "after" and value != operator.value else name, value
    return (
        (gettext("Without"), value) if operator.name == "has" else (name, gettext("not %(value)s") % {"value": value})
    )


def name_of_list(filters: dict[str, str], reader: int) -> str:
    """Name a list: a search by what was typed, another one by its filters in words."""
    query = read_query(filters.get("q", ""), reader)
    if query.terms or query.within:
        return gettext("Results for %(words)s") % {"words": query.text}
    return ", ".join(chip.value for chip in chips_of(filters, reader)) or gettext("All conversations")


def order_in_words(filters: dict[str, str], reader: int) -> str:
    """Return the order of a list as its page names it."""
    query = read_query(filters.get("q", ""), reader)
    order = search_order_of(filters, query) if query.text else order_of(filters)
    names = {"best": gettext("Best match"), "oldest": gettext("Oldest first"), "asc": gettext("Oldest first")}
    return names.get(order, gettext("Newest first"))
