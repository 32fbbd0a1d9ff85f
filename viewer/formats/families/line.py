"""Chats of LINE: with an official account, as CSV, and what a phone or a computer has exported as text.

The text does not say who is the customer, but its title has the name of the other party. All words that are LINE's own
are in the language of the application, so the kinds of messages are known by their brackets alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.containers.line_chats import LINE
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, note, text_part
from viewer.formats.family import Family
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_of_beginning
from viewer.formats.written_days import day_of, moment_of, orders_of

_NAME = "line"
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_MEDIA = re.compile(r"\[[^\[\]\n]{1,30}\]")  # [Photo], [スタンプ]
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and value.get("app") == LINE and isinstance(value.get("messages"), list)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    rows = list(document.members["messages"].items())
    customers = _customers_in(value)
    order = "YMD" if "account" in value else _order_of([row.value["day"] for row in rows])
    draft = Draft(_NAME, messages=[_message(row, customers, order, value.get("zone", "")) for row in rows])
    draft.created = next((message.created for message in draft.messages if message.created), None)
    title = value.get("title") or value["account"]
    draft.metadata = {
        "customer_name": next(iter(customers)) if len(customers) == 1 else None,
        "chat" if "title" in value else "account": title,
    }
    # Many chats of an account begin with the same message to all, so what the customer first said is in the id, too.
    asked = next((row.text for row in rows if row.value["author"] in customers), "")
    begun = "\n".join([title, *(row.text for row in rows[:1]), asked])
    draft.id = id_of_beginning(_NAME, begun)
    yield draft.finish(document)


def _customers_in(chat: dict[str, Any]) -> set[str]:
    """Return the names of the customers: after one of two a chat is named; in a group all may be."""
    if "account" in chat:
        return {message["author"] for message in chat["messages"] if message["type"] == "User"}
    authors = {message["author"] for message in chat["messages"] if message["author"]}
    named = sorted((author for author in authors if author in chat["title"]), key=len)
    return {named[-1]} if named and len(authors) <= 2 else authors


def _message(message: Document, customers: set[str], order: str, zone: str) -> DraftMessage:
    value = message.value
    author, text = value["author"] or "", value["text"]
    is_customer = value["type"] == "User" if "type" in value else author in customers
    draft = DraftMessage(CUSTOMER if is_customer else COLLEAGUE, source=message.text, name=author)
    if written := _DATE.search(value["day"]):
        moment = moment_of(written[0], value["time"], order)
        draft.created = f"{moment}{zone}" if moment else None
    draft.content = [text_part(text)]
    if not author:
        draft.role, draft.content = EVENT, text
    elif "type" not in value and _MEDIA.fullmatch(text):
        draft.notes.append(note("lost-file", by=LINE))
    return draft


def _order_of(days: list[str]) -> str:
    """Return the order of year, month and day; empty if it cannot be told, also not by the days of the week."""
    days = list(dict.fromkeys(days))
    written = [found[0] if (found := _DATE.search(day)) else "" for day in days]
    if not all(written):
        return ""
    orders = orders_of(written)
    if len(orders) > 1:
        told = [(each, _weekday_in(day)) for each, day in zip(written, days, strict=True)]
        orders = [order for order in orders if all(_fits(day_of(each, order), weekday) for each, weekday in told)]
    if len(orders) > 1 and re.match(r"\d{4}", written[0]):
        return "YMD"
    return orders[0] if len(orders) == 1 else ""


def _weekday_in(day: str) -> int | None:
    return next((n for n, name in enumerate(_WEEKDAYS) if name in day.casefold()), None)


def _fits(day: date | None, weekday: int | None) -> bool:
    return day is None or weekday is None or day.weekday() == weekday


FAMILY = Family(
    name=_NAME,
    title="LINE",
    what=gettext_lazy("A chat of LINE"),
    seen="CSV of official accounts from 2025 and 2026 in three languages, and texts of the applications from 2020 to "
    "2026, by published examples",
    keeps="texts, names, what was taken back as events, times",
    loses="pictures, files and stickers; in groups, and where the title names nobody in the chat, who is the customer: "
    "people are shown as users, by their names; in texts the zone of times",
    matches=_matches,
    read=_read,
)
