"""What the palette offers: an id or URL to open, a search, views, customers, conversations and pages of this site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.accounts.roles import may_administer, may_curate
from viewer.archive.identity_keys import identity_keys
from viewer.archive.search.query import Query, read_query, with_operator
from viewer.archive.search.results import search
from viewer.archive.search.values import values_of
from viewer.archive.summaries import summaries_of
from viewer.conversations.filters import customer_url, list_url
from viewer.conversations.hits import row_of
from viewer.conversations.rail import build_rail
from viewer.rendering.places import url_of

from .targets import is_id_or_url

_SHOWN = 5  # of each kind
_MIN_TEXT = 2  # letters; one is in nearly everything
_PAGES = (
    (gettext_noop("All conversations"), "inbox", "completions"),
    (gettext_noop("Views"), "star", "rail"),
    (gettext_noop("For you"), "message", "for-you"),
    (gettext_noop("Shares"), "share", "my-shares"),
    (gettext_noop("Labels"), "star", "labels"),
    (gettext_noop("Verdicts"), "check", "verdicts"),
    (gettext_noop("API keys"), "plug", "api-keys"),
    (gettext_noop("Access tokens"), "key", "tokens"),
    (gettext_noop("Read log"), "file", "my-read-log"),
    (gettext_noop("Keyboard shortcuts"), "keys", "shortcuts"),
    (gettext_noop("Your account"), "shield", "mfa_index"),
    (gettext_noop("Change password"), "shield", "account_change_password"),
)
_CURATORS_PAGES = ((gettext_noop("Import"), "inbox", "import"),)
_ADMINISTRATORS_PAGES = ((gettext_noop("People"), "people", "people"),)


@dataclass(frozen=True, slots=True)
class Item:
    """Something to go to."""

    label: str
    icon: str
    url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """Items under a title; it is empty for what Enter does."""

    title: str
    links: tuple[Item, ...]


def items_of(text: str, person: User, opened: list[str], searches: list[str]) -> list[ItemGroup]:
    """Return what a text leads to; without one what was opened and searched last."""
    if not text:
        groups = [
            (gettext("Recently opened"), _recent(opened[:_SHOWN], person)),
            (gettext("Recent searches"), [_search_item(each, each) for each in searches[:_SHOWN]]),
            (gettext("Go to"), _pages("", person)),
        ]
    else:
        groups = [
            ("", _target(text, person)),
            (gettext("Views"), _views(text, person)),
            (gettext("Customers and tickets"), _people(text, person)),
            (gettext("Conversations"), _conversations(text, person)),
            (gettext("Go to"), _pages(text, person)),
        ]
    return [ItemGroup(title, tuple(items)) for title, items in groups if items]


def _target(text: str, person: User) -> list[Item]:
    if is_id_or_url(text, person.pk):
        url = f"{reverse('open')}?{urlencode({'id': text})}"
        return [Item(gettext("Open %(given)s") % {"given": text}, "link", url)]
    return [_search_item(gettext("Search the archive for “%(text)s”") % {"text": text}, text)]


def _search_item(label: str, text: str) -> Item:
    return Item(label, "search", list_url({"q": text}))


def _views(text: str, person: User) -> list[Item]:
    links = (link for group in build_rail(person, {}) for link in group.links if link.filters)
    return [Item(link.name, link.icon, link.url) for link in links if _is_in(text, link.name)][:_SHOWN]


def _people(text: str, person: User) -> list[Item]:
    """Return customers, who have a page, and tickets, which are a list."""
    if len(text) < _MIN_TEXT:
        return []
    keys, items = identity_keys(), []
    for each in values_of(Query(reader=person.pk), text).values:
        if each.name in (f"meta.{keys.customer}", f"meta.{keys.ticket}") and _is_in(text, each.value):
            is_customer = each.name == f"meta.{keys.customer}"
            url = is_customer and customer_url(each.value)
            operator = with_operator(read_query(""), each.name, each.value)
            items.append(Item(each.value, "search", url or list_url({"q": operator}), each.name[5:]))
    return items[:_SHOWN]


def _conversations(text: str, person: User) -> list[Item]:
    """Return the best results; the last word may be unfinished."""
    if len(text) < _MIN_TEXT:
        return []
    is_unfinished = re.search(r"(?:^|\s)\w{3,}$", text)
    query = read_query(f"{text}*" if is_unfinished else text, person.pk)
    rows = (row_of(group, identity_keys(), query) for group in search(query, order="best").groups[:_SHOWN])
    return [Item(row.title, "message", row.url, ", ".join(value for _, value in row.metadata[:2])) for row in rows]


def _pages(text: str, person: User) -> list[Item]:
    curators = _CURATORS_PAGES if may_curate(person) else ()
    allowed = (*_PAGES, *curators, *(_ADMINISTRATORS_PAGES if may_administer(person) else ()))
    pages = [(gettext(name), icon, url) for name, icon, url in allowed]
    return [Item(name, icon, reverse(url)) for name, icon, url in pages if _is_in(text, name)]


def _recent(ids: list[str], person: User) -> Iterable[Item]:
    summaries = summaries_of(ids, person.pk)
    return [Item((one in summaries and summaries[one].question) or one, "message", url_of(one, "")) for one in ids]


def _is_in(text: str, words: str) -> bool:
    return text.casefold() in words.casefold()
