"""The rail beside a list: the views that come ready, one's own and those of the team, each with its count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_noop

from viewer.archive.models import StoredCompletion
from viewer.archive.search.overview import MAX_COUNTED
from viewer.archive.search.query import read_query
from viewer.archive.search.results import count_results
from viewer.archive.seen import count_unseen
from viewer.deployment.prepared import Prepared, columns_of, read_row
from viewer.web.templatetags.formats import grouped

from .filters import as_search, list_url, without
from .models import SavedView

_NOT_SEEN = {"q": "seen:no"}
# Name, icon, query. Everybody has these.
_READY = (
    (gettext_noop("Not yet seen"), "dot", _NOT_SEEN["q"]),
    (gettext_noop("Tool errors"), "alert", "has:error"),
    (gettext_noop("Refusals"), "shield", "has:refusal"),
    (gettext_noop("Cut off"), "cut", "has:cut-off"),
    (gettext_noop("Assigned to me"), "person", "assignee:me"),
    (gettext_noop("Escalated"), "flag", "status:escalated"),
)


@dataclass(frozen=True, slots=True)
class RailLink:
    """A view in the rail. `count` is in words, and empty until it is asked for or if it is not known.

    `owner` is named where another view of the team has the same name.
    """

    name: str
    icon: str
    url: str
    filters: dict[str, str]
    view: SavedView | None = None  # None if it came ready
    is_current: bool = False
    count: str = ""
    uncounted: str = ""  # why there is no count
    owner: str = ""


@dataclass(frozen=True, slots=True)
class RailGroup:
    """Views under a title."""

    title: str
    links: tuple[RailLink, ...]


def build_rail(person: User, filters: dict[str, str]) -> list[RailGroup]:
    """Return all views of a person, and mark the one whose list has these filters."""
    saved = _saved_views(person)
    groups = (
        (gettext("Views"), [_link(gettext("All conversations"), "inbox", {}), *_ready_links()]),
        (gettext("My views"), [_saved_link(view) for view in saved if not view.is_shared]),
        (gettext("Team views"), _with_owners([_saved_link(view) for view in saved if view.is_shared])),
    )
    return [RailGroup(title, tuple(_marked(links, filters))) for title, links in groups if links]


_OWNER = ("id", "username", "first_name", "last_name")


@Prepared
def _views_of(person: int) -> QuerySet[SavedView, Any]:
    owner = [f"owner__{name}" for name in _OWNER]
    return SavedView.objects.of(person).values_list(*columns_of(SavedView), *owner)


def _saved_views(person: User) -> list[SavedView]:
    """Read the views that a person may use, with the names of their owners."""
    views = []
    for values in map(iter, _views_of(person.pk)):
        view = read_row(SavedView, values)
        view.owner = read_row(User, values, _OWNER)
        views.append(view)
    return views


def with_counts(groups: Iterable[RailGroup], person: User, *, is_archive: bool) -> list[RailGroup]:
    """Count the conversations of each view in the archive; how many another server has is not known."""
    return [
        replace(group, links=tuple(_counted(link, person, is_archive=is_archive) for link in group.links))
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


def _with_owners(links: list[RailLink]) -> list[RailLink]:
    """Name the owners of views that have the same name."""
    names = Counter(link.name for link in links)
    return [replace(link, owner=link.view.owner_name) if link.view and names[link.name] > 1 else link for link in links]


def _marked(links: Iterable[RailLink], filters: dict[str, str]) -> Iterable[RailLink]:
    """Mark the link of a list, in whichever order that is shown."""
    shown = _without_order(filters)
    return (replace(link, is_current=_without_order(link.filters) == shown) for link in links)


def _without_order(filters: dict[str, str]) -> dict[str, str]:
    return without(as_search(filters) or filters, "order")


def _counted(link: RailLink, person: User, *, is_archive: bool) -> RailLink:
    if link.filters == _NOT_SEEN:
        return replace(link, count=grouped(count_unseen(person.pk)))
    if not ("q" in link.filters or is_archive):
        return replace(link, uncounted=gettext("How many another server has is not known."))
    if not link.filters:
        return replace(link, count=grouped(StoredCompletion.objects.count_visible(person.pk)))
    text = link.filters.get("q", "") or as_search(link.filters).get("q", "")
    found = count_results(read_query(text, person.pk))
    if found is None:
        return replace(link, uncounted=gettext("To count these, all their messages would have to be read."))
    return replace(link, count=f"{grouped(MAX_COUNTED)}+" if found > MAX_COUNTED else grouped(found))
