"""The rail beside a list: the views that come ready, one's own and those of the team, each with its count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.utils.translation import gettext, gettext_noop

from viewer.archive.models import StoredCompletion
from viewer.archive.search.overview import MAX_COUNTED
from viewer.archive.search.query import read_query
from viewer.archive.search.results import count_results
from viewer.web.templatetags.formats import grouped

from .filters import list_url
from .models import SavedView

# Name, icon, query. Everybody has these.
_READY = (
    (gettext_noop("Not yet seen"), "dot", "seen:no"),
    (gettext_noop("Tool errors"), "alert", "has:error"),
    (gettext_noop("Refusals"), "shield", "has:refusal"),
    (gettext_noop("Cut off"), "cut", "has:cut-off"),
)


@dataclass(frozen=True, slots=True)
class RailLink:
    """A view in the rail. `count` is in words, and empty until it is asked for or where it would have to be guessed."""

    name: str
    icon: str
    url: str
    filters: dict[str, str]
    view: SavedView | None = None  # None if it came ready
    is_current: bool = False
    count: str = ""


@dataclass(frozen=True, slots=True)
class RailGroup:
    """Views under a title."""

    title: str
    links: tuple[RailLink, ...]


def build_rail(person: User, filters: dict[str, str]) -> list[RailGroup]:
    """Return all views of a person, and mark the one whose list has these filters."""
    saved = list(SavedView.objects.of(person))
    groups = (
        (gettext("Views"), [_link(gettext("All conversations"), "inbox", {}), *_ready_links()]),
        (gettext("My views"), [_saved_link(view) for view in saved if not view.is_shared]),
        (gettext("Team views"), [_saved_link(view) for view in saved if view.is_shared]),
    )
    return [RailGroup(title, tuple(_marked(links, filters))) for title, links in groups if links]


def with_counts(groups: Iterable[RailGroup], person: User) -> list[RailGroup]:
    """Count the conversations of each view."""
    return [
        replace(group, links=tuple(replace(link, count=_count(link, person)) for link in group.links))
        for group in groups
    ]


def current_link(groups: Iterable[RailGroup]) -> RailLink | None:
    """Return the view whose list is shown, if it is one."""
    return next((link for group in groups for link in group.links if link.is_current), None)


def _link(name: str, icon: str, filters: dict[str, str]) -> RailLink:
    return RailLink(name, icon, list_url(filters), filters)


def _ready_links() -> Iterable[RailLink]:
    return [_link(gettext(name), icon, {"q": query}) for name, icon, query in _READY]


def _saved_link(view: SavedView) -> RailLink:
    return RailLink(view.name, "search", view.url, view.filters, view)


def _marked(links: Iterable[RailLink], filters: dict[str, str]) -> Iterable[RailLink]:
    return (replace(link, is_current=link.filters == filters) for link in links)


def _count(link: RailLink, person: User) -> str:
    if not link.filters:
        return grouped(StoredCompletion.objects.count())
    query = link.filters.get("q", "")
    found = count_results(read_query(query, person.pk)) if query else None
    if found is None:
        return ""
    return f"{grouped(MAX_COUNTED)}+" if found > MAX_COUNTED else grouped(found)
