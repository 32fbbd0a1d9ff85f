"""Chats of WhatsApp that a phone has exported as text, alone or in a ZIP with what was sent.

The text does not say who is the customer, but in a chat of two WhatsApp names the file, and on an iPhone the first
line, after the other one than whose phone it is. All words that are WhatsApp's own are in the language of the phone, so
they are told by the marks of direction that it puts before them, where there are some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.containers.chats import APP
from viewer.formats.document import Conversation, Document, Find, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, file_part, image_part, note, text_part
from viewer.formats.family import Family
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_of_beginning
from viewer.formats.media import data_part
from viewer.formats.written_days import moment_of, orders_of, plain

_NAME = "whatsapp"
_MARK = "\u200e"
_LONG = 40  # characters; what WhatsApp says of a file is shorter, what it says of the chat longer
_EDITED = re.compile(rf"{_MARK}<[^<>:\n]{{4,80}}>\Z")
_ATTACHED = re.compile(rf"{_MARK}*<[^<>:\n]{{1,30}}:\s*{_MARK}?(?P<name>[^<>\n/]+\.\w{{1,5}})>")
_FILE = re.compile(rf"{_MARK}*(?P<name>[^\n/\\<>]{{1,200}}\.\w{{0,5}}) \([^()\n]{{3,40}}\)(?:\n|$)")
_NUMBERED = re.compile(r"(?:IMG|VID|PTT|AUD|STK|DOC)-\d{8}-WA\d+\.")
_LEFT_OUT = re.compile(r"<[^<>:\n]{3,40}>")
_LEFT_OUT_WORDS = {
    "omitted", "weggelassen", "ausgeschlossen", "omitida", "omitido", "absente", "omis", "manquant", "manquante",
    "retiré", "omessa", "omesso", "ocultada", "ocultado", "revelada", "revelado", "weggelaten", "відсутнє", "відсутня",
    "пропущено", "отсутствует", "пропущен", "bỏ",
}  # fmt: skip
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic")
_MAX_FILES = 40_000_000  # bytes of one chat
_TITLED = re.compile(
    r"(?:whatsapp[ -]chat (?:with|mit|met|-)|chat (?:de )?whatsapp con|conversa do whatsapp com"
    r"|discussion whatsapp avec|чат whatsapp с)\s",
    re.IGNORECASE,
)
_COPY = re.compile(r" ?\(\d{1,3}\)$")  # a browser adds it to a name that it has
_WORD = re.compile(r"\w+")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and value.get("app") == APP and isinstance(value.get("messages"), list)


def _read(document: Document) -> Iterator[Conversation]:
    rows = list(document.members["messages"].items())
    values = [row.value for row in rows]
    people = _People.of(values, document.place.file)
    if not people.is_group and people.customer is None:
        raise NotReadable(
            gettext(
                "This is a chat of WhatsApp that does not say who in it is the customer: give the file a name that "
                "ends with the customer's, as it stands in the chat."
            )
        )
    order = _order_of(values)
    find = _bounded(document.find)
    draft = Draft(_NAME, messages=[_message(row, people, find) for row in rows])
    for message, value in zip(draft.messages, values, strict=True):
        message.created = moment_of(value["date"], value["time"], order)
    draft.created = next((message.created for message in draft.messages if message.created), None)
    draft.metadata = {"chat": people.title} if people.is_group else {"customer_name": people.customer}
    draft.id = id_of_beginning(_NAME, f"{people.customer}\n{people.title}\n{rows[0].text}")
    yield draft.finish(document)


@dataclass(frozen=True)
class _People:
    """Who is in a chat. `customer` is None where nobody can tell, and empty where the customer said nothing."""

    customer: str | None
    is_group: bool
    title: str

    @classmethod
    def of(cls, values: list[dict[str, Any]], file: str) -> _People:
        said = list(dict.fromkeys(value["author"] for value in values if value["author"] and not _is_notice(value)))
        told = values[0]["author"] if _is_notice(values[0]) else None
        names = [part.rpartition(".")[0] or part for part in reversed(file.split("/"))]
        everybody = {*said, *([told] if told else [])}
        if len(everybody) > 2:
            if not told or told in said:
                told = next((_COPY.sub("", name) for name in names if name.strip("_") != "chat"), "")
            return cls(None, True, told)
        named = (author for name in names for author in sorted(said, key=len, reverse=True) if _is_named(author, name))
        customer = told or next(named, None)
        if customer is None and len(said) == 1 and any(map(_TITLED.match, names)):
            customer = ""
        return cls(customer, False, "")


def _is_named(author: str, name: str) -> bool:
    """Whether the name of a file begins or ends with that of a person."""
    words, whole = _words_of(author), _words_of(_COPY.sub("", name))
    return bool(words) and words in (whole[: len(words)], whole[-len(words) :])


def _words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _is_notice(value: dict[str, Any]) -> bool:
    """Whether a line is what WhatsApp says of the chat: an iPhone writes it as if the customer or the group said it."""
    text = value["text"]
    if not value["author"]:
        return True
    is_own = text.startswith(_MARK) and len(text) > _LONG
    return is_own and not any(sign in text for sign in ("<", "\n", "•", "://")) and _MARK not in text.lstrip(_MARK)


def _message(row: Document, people: _People, find: Find) -> DraftMessage:
    value = row.value
    author, text = value["author"] or "", value["text"]
    if _is_notice(value) or (people.is_group and author == people.title):
        return DraftMessage(EVENT, text.replace(_MARK, ""), row.text)
    is_customer = people.is_group or author == people.customer
    draft = DraftMessage(CUSTOMER if is_customer else COLLEAGUE, source=row.text, name=author)
    if (edited := _EDITED.search(text)) and edited.start():
        draft.notes.append(note("edited"))
        text = text[: edited.start()]
    attached = _ATTACHED.search(text) or _file_in(text, find)
    if attached:
        text = text[: attached.start()] + text[attached.end() :]
    elif _is_left_out(text):
        draft.notes.append(note("lost-file", by=APP))
    said = text.replace(_MARK, "").strip()
    draft.content = [text_part(said)] if said else []
    if attached:
        data = find(f"/{attached['name']}")
        draft.content.append(data_part(data, attached["name"]) if data else _missing(attached["name"]))
        draft.notes += [] if data else [note("missing-file")]
    return draft


def _file_in(text: str, find: Find) -> re.Match[str] | None:
    """Return the file that Android names with words of its language in brackets, if it is one."""
    found = _FILE.match(text)
    is_file = found and (text.startswith(_MARK) or _NUMBERED.match(text) or find(f"/{found['name']}"))
    return found if is_file else None


def _missing(name: str) -> dict[str, Any]:
    return image_part("", caption=name) if name.lower().endswith(_PICTURES) else file_part(name)


def _is_left_out(text: str) -> bool:
    """Whether a text stands for a file that was not exported."""
    plain = text.replace(_MARK, "").strip()
    if _LEFT_OUT.fullmatch(plain) and (" " in plain or not plain.isascii()):
        return True
    own = text.rpartition(_MARK)[2] if _MARK in text else ""
    return 0 < len(own) <= _LONG and not _LEFT_OUT_WORDS.isdisjoint(_words_of(own))


def _bounded(find: Find) -> Find:
    """Return what finds files until they are too many for one conversation; those behind them are not in it."""
    length = 0
    last: tuple[str, bytes | None] = "", None

    def find_file(name: str) -> bytes | None:
        nonlocal length, last
        if name != last[0]:
            data = find(name) if length <= _MAX_FILES else None
            length += len(data or b"")
            last = name, data if length <= _MAX_FILES else None
        return last[1]

    return find_file


def _order_of(values: Iterable[dict[str, Any]]) -> str:
    """Return the order of year, month and day in the dates of a chat; empty if it cannot be told."""
    said = [value for value in values if value["author"]]  # what happened to a chat may stand before what was said
    written = [day for day, _rows in groupby(plain(value["date"]) for value in said)]
    orders = orders_of(written)
    if len(orders) > 1:
        orders = _usual(written, [value["time"] for value in said])
    return orders[0] if written and orders else ""


def _usual(written: list[str], times: list[str]) -> list[str]:
    """Return the order that such dates have: months come first in the USA alone, with `/`, AM and PM, and no zeros."""
    if re.match(r"\d{4}", written[0]):
        return ["YMD"]
    has_zeros = any(re.match(r"0|\d+\D0", each) for each in written)
    if "/" not in written[0] or has_zeros or re.search(r"\d{4}$", written[0]):
        return ["DMY"]
    is_single = any(re.match(r"\d\D|\d+\D\d\D", each) for each in written)
    if any(time.endswith(("AM", "PM")) for time in times):
        return ["MDY"] if is_single else []
    return ["DMY"] if any(re.search(r"[ap]\.?\s?m", time) for time in times) else []


FAMILY = Family(
    name=_NAME,
    title="WhatsApp (a chat as text)",
    what=gettext_lazy("A chat of WhatsApp"),
    seen="exports of phones with Android and iOS from 2018 to 2026, by their description",
    keeps="texts, names, files that are in the same ZIP or folder, what was edited, events, times by the clock of "
    "the phone",
    loses="in groups who is the customer: people are shown as users, by their names; files of exports without media; "
    "quotes and reactions; all but the newest messages of long chats; the zone of times; in dates such as 1/2/25 "
    "which is the month, where nothing else tells",
    matches=_matches,
    read=_read,
)
