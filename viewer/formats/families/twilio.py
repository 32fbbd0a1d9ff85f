"""Twilio: messages of its Conversations, which Flex has too, and the SMS and WhatsApp messages of an account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER
from viewer.formats.ids import id_within
from viewer.formats.message_lists import id_under

_NAME, _TITLE = "twilio", "Twilio"
_LISTS = ("messages", "participants")
_ADDRESS = re.compile(r"(?:whatsapp:|messenger:|rcs:)?\+?\d{5,20}|messenger:.+")
_FAILED = ("failed", "undelivered")
# What the log of messages calls its columns, which the console exports as CSV.
_COLUMNS = {
    "From": "from", "To": "to", "Body": "body", "Status": "status", "SentDate": "date_sent", "Sid": "sid",
    "Direction": "direction", "ErrorCode": "error_code",
}  # fmt: skip
_CODED = re.compile(r"_([0-9A-F]{2})")


def _is_said(value: Any) -> bool:
    """Whether a value is a message of a conversation."""
    return isinstance(value, dict) and {"conversation_sid", "author", "body"} <= value.keys()


def _is_participant(value: Any) -> bool:
    return isinstance(value, dict) and {"conversation_sid", "identity", "messaging_binding"} <= value.keys()


def _is_sms(value: Any) -> bool:
    is_one = isinstance(value, dict) and {"sid", "direction", "from", "to", "body", "num_media"} <= value.keys()
    is_row = isinstance(value, dict) and {"Sid", "Direction", "From", "To", "Body", "SentDate"} <= value.keys()
    return (is_one or is_row) and as_text(_sms_of(value)["direction"]).partition("-")[0] in ("inbound", "outbound")


def _sms_of(value: dict[str, Any]) -> dict[str, Any]:
    """Return a message with the names that the API has, also of a row of the log."""
    return {_COLUMNS.get(name, name): given for name, given in value.items()} if "Sid" in value else value


def _is_row(value: Any) -> bool:
    return _is_said(value) or _is_participant(value) or _is_sms(value)


def _list_in(value: dict[str, Any]) -> str:
    return next((name for name in _LISTS if _is_row(first_object(value.get(name)))), "")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and (_is_row(value) or _list_in(value) != "")


def _parts(document: Document) -> Iterator[Document]:
    page = document.at(_list_in(document.value))
    yield from (one for one in page.items() if _is_row(one.value)) if page else ()


def _key(row: Document) -> str:
    """Return the conversation, or the numbers between which an SMS went, the customer's last."""
    return " ".join(_numbers(_sms_of(row.value))) if _is_sms(row.value) else as_text(row.value["conversation_sid"])


def _numbers(sms: dict[str, Any]) -> tuple[str, str]:
    ends = as_text(sms["to"]), as_text(sms["from"])
    return ends if sms["direction"] == "inbound" else (ends[1], ends[0])


def _join(rows: list[Document]) -> Iterator[Conversation]:
    draft = _messaged(rows) if _is_sms(rows[0].value) else _conversation(rows)
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


def _messaged(rows: list[Document]) -> Draft:
    messages = sorted(map(_sms, rows), key=lambda message: as_text(message.created))
    own, customer = _numbers(_sms_of(rows[0].value))
    draft = Draft(
        _NAME, id=id_within(_NAME, re.sub(r"\W+", "-", f"{own}-{customer}".replace("+", ""))), messages=messages
    )
    draft.created, draft.metadata = messages[0].created, {"customer": customer, "number": own}
    return draft


def _sms(row: Document) -> DraftMessage:
    value = _sms_of(row.value)
    draft = DraftMessage(CUSTOMER if value["direction"] == "inbound" else COLLEAGUE, source=row.text, id=value["sid"])
    draft.content = [text_part(as_text(value["body"]))] if value["body"] else []
    draft.created = _time(value.get("date_sent") or value.get("date_created"))
    if value.get("status") in _FAILED:
        why = (as_text(value.get(name)) for name in ("status", "error_code", "error_message"))
        draft.more["error"] = ": ".join(filter(None, why))
    if as_text(value.get("num_media")) not in ("", "0"):
        draft.notes.append(note("missing-file"))
    elif "num_media" not in value and not value["body"]:  # the log names no files
        draft.notes.append(note("lost-file", by=_TITLE))
    return draft


def _time(given: Any) -> Any:
    """Return a time, which the API writes as e-mail does."""
    try:
        return parsedate_to_datetime(given).isoformat() if isinstance(given, str) and "," in given else given
    except ValueError:
        return given


def _conversation(rows: list[Document]) -> Draft:
    said = [row for row in rows if _is_said(row.value)]
    said.sort(key=lambda row: (as_text(row.value.get("date_created")), row.value.get("index") or 0))
    customers = _customers_of(rows, [row.value for row in said])
    messages = [_said(row, customers) for row in said]
    draft = Draft(_NAME, id=id_within(_NAME, rows[0].value["conversation_sid"]), messages=messages)
    draft.created = next((message.created for message in messages if message.created), None)
    draft.metadata = {"customer_name": next((one.name for one in messages if one.role == CUSTOMER), None)}
    draft.source = next((row.text for row in rows if _is_participant(row.value)), "")
    return draft


def _customers_of(rows: list[Document], said: list[dict[str, Any]]) -> set[str]:
    """Return the authors who are the customer: those who write from a phone; in a web chat, who wrote first."""
    outside = {
        row.value["sid"]
        for row in rows
        if _is_participant(row.value) and row.value.get("sid") and object_at(row.value, "messaging_binding")
    }
    authors = [as_text(value["author"]) for value in said]
    found = {author for author in authors if _ADDRESS.fullmatch(author)}
    found |= {as_text(value["author"]) for value in said if value.get("participant_sid") in outside}
    return found or set([author for author in authors if author != "system"][:1])


def _said(row: Document, customers: set[str]) -> DraftMessage:
    value = row.value
    author = as_text(value["author"])
    draft = DraftMessage(CUSTOMER if author in customers else COLLEAGUE, source=row.text, id=value.get("sid"))
    draft.name = _CODED.sub(lambda found: chr(int(found[1], 16)), author) if "_40" in author else author
    draft.created, draft.content = (
        value.get("date_created"),
        [text_part(as_text(value["body"]))] if value["body"] else [],
    )
    for file in objects_at(value, "media"):
        draft.content.append(file_part(as_text(file.get("filename")), file_id=as_text(file.get("sid"))))
    if object_at(value, "delivery").get("failed") not in (None, "none"):
        draft.more["error"] = {"message": "failed", "delivery": value["delivery"]}
    return draft


FAMILY = Family(
    name=_NAME,
    title="Twilio Conversations, Twilio Flex, Twilio SMS",
    what=gettext_lazy("Messages of Twilio"),
    seen="messages of Conversations v1 and of the API 2010-04-01, by its description and examples; its log as "
    "CSV, by programs that read it",
    keeps="texts, names of files, what was not delivered, numbers, times",
    loses="in web chats who is the customer: it is taken to be who wrote first; the bytes of files; in the "
    "log, files of messages that have a text, too",
    matches=_matches,
    parts=_parts,
    key=_key,
    own=id_under("sid", "Sid"),
    join=_join,
)
