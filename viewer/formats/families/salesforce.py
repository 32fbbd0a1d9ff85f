"""Salesforce: cases with their mails and comments, messaging sessions, and transcripts of its former chat.

They are rows of tables, as queries, the Data Loader and the weekly export give them, in files of their own; what is of
one case is joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.reading import read_time
from viewer.formats.document import Conversation, Document, NotAConversation, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "salesforce", "Salesforce"
_ENTRY = {"ActorType", "EntryType", "EntryTime", "Message"}
_MAIL = {"Incoming", "MessageDate"}
_CASE = {"Id", "CaseNumber", "Subject"}
_CHAT = ({"Body", "ChatKey"}, {"Body", "LiveChatVisitorId"})
_SHORT_ID = 15  # characters; the other three of 18 say which of these are capitals
_ABOUT = {
    "ticket": "CaseNumber", "title": "Subject", "status": "Status", "priority": "Priority", "origin": "Origin",
}  # fmt: skip
_CUSTOMER_OF_CASE = ("ContactEmail", "SuppliedEmail", "SuppliedName", "ContactId")
_DRAFT = ("Draft", "5")
_LINE = re.compile(r"<(p|div) align=\"center\">(?P<event>[^<]{0,500})</\1>|\( (?P<after>(?:\d{1,6}[hms] ){1,3})\)")
_AGENT = re.compile(r"(?:Agent|Chatbot) (.+)")
_STARTED = re.compile(r", ([A-Z][a-z]{2,8} \d{1,2}, \d{4}, \d{1,2}:\d{2}:\d{2} \([+-]\d{4}\))")


def _has(value: Any, *shapes: set[str]) -> bool:
    return isinstance(value, dict) and any(shape <= value.keys() for shape in shapes)


def _is_mail(value: Any) -> bool:
    return _has(value, _MAIL) and not {"TextBody", "HtmlBody"}.isdisjoint(value)


def _is_comment(value: Any) -> bool:
    return _has(value, {"CommentBody", "ParentId"})


def _is_case(value: Any) -> bool:
    return _has(value, _CASE)


def _is_entry(value: Any) -> bool:
    return _has(value, _ENTRY)


def _matches(value: Any) -> bool:
    return _is_mail(value) or _is_comment(value) or _is_case(value) or _is_entry(value) or _has(value, *_CHAT)


def _key(row: Document) -> str:
    """Return the case or the session of a row; a mail may be of something else, and a chat stands alone."""
    value = row.value
    if _is_entry(value):
        return as_text(value.get("ConversationId"))[:_SHORT_ID] or f"file {row.place.file}"
    if _has(value, *_CHAT):
        return ""
    own = as_text(value.get("Id"))
    return (own if _is_case(value) else as_text(first_of(value, ("ParentId", "RelatedToId"))) or own)[:_SHORT_ID]


def _join(rows: list[Document]) -> Iterator[Conversation]:
    draft = _session(rows) if _is_entry(rows[0].value) else _case(rows)
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


def _session(rows: list[Document]) -> Draft:
    rows.sort(key=lambda row: as_text(row.value["EntryTime"]))
    messages = [_entered(row) for row in rows]
    customer = next((message.name for message in messages if message.role == CUSTOMER and message.name), "")
    draft = Draft(_NAME, id=id_within(_NAME, rows[0].value.get("ConversationId")), messages=messages)
    draft.created, draft.metadata = messages[0].created, {"customer_name": customer}
    return draft


def _entered(row: Document) -> DraftMessage:
    value = row.value
    speaker, kind, text = (as_text(value[name]) for name in ("ActorType", "EntryType", "Message"))
    draft = DraftMessage(CUSTOMER if speaker == "EndUser" else COLLEAGUE, [text_part(text)] if text else [])
    if speaker == "System" or kind not in ("Text", "Message"):
        draft.role, draft.content = EVENT, ": ".join(filter(None, (kind, text)))
    draft.source, draft.id, draft.created = row.text, value.get("Id"), value["EntryTime"]
    draft.name = as_text(value.get("ActorName"))
    draft.notes = [note("missing-file")] if _is_true(value.get("HasAttachments")) else []
    return draft


def _case(rows: list[Document]) -> Draft:
    """Join a case with its mails and comments. What it was opened with is also the first mail, if it was one."""
    case = next((row for row in rows if _is_case(row.value)), None)
    about = case.value if case else {}
    messages = [_mailed(row) if _is_mail(row.value) else _commented(row) for row in rows if row is not case]
    messages.sort(key=lambda message: as_text(message.created))
    subject = next((row.value["Subject"] for row in rows if row.value.get("Subject")), None)
    customer = next((message.name for message in messages if message.role == CUSTOMER), None)
    draft = Draft(_NAME, id=id_within(_NAME, _key(rows[0])), messages=messages)
    draft.notes = [] if messages else [note("only-first", by=_TITLE)]
    if about.get("Description") and not any(message.role == CUSTOMER for message in messages):
        opened = DraftMessage(CUSTOMER, [text_part(as_text(about["Description"]))], created=about.get("CreatedDate"))
        opened.name = as_text(about.get("SuppliedName"))
        draft.messages.insert(0, opened)
    if not draft.messages:
        raise NotAConversation(gettext("This is a Salesforce case without mails, comments and a description."))
    draft.created = about.get("CreatedDate") or next((one.created for one in draft.messages if one.created), None)
    draft.metadata = {name: about.get(field) for name, field in _ABOUT.items()} | {"title": subject}
    draft.metadata["customer"] = first_of(about, _CUSTOMER_OF_CASE) or customer
    draft.source = source_of(case, (*_ABOUT.values(), "Id")) if case else ""
    return draft


def _mailed(row: Document) -> DraftMessage:
    value = row.value
    html, text = as_text(value.get("HtmlBody")), as_text(value.get("TextBody"))
    draft = DraftMessage(CUSTOMER if _is_true(value["Incoming"]) else COLLEAGUE, source=row.text, id=value.get("Id"))
    draft.content = parts_of(html, is_html=True) if html else [text_part(text)] if text else []
    draft.name, draft.created = as_text(first_of(value, ("FromName", "FromAddress"))), value["MessageDate"]
    draft.notes = [note("missing-file")] if _is_true(value.get("HasAttachment")) else []
    return as_private(draft) if as_text(value.get("Status")) in _DRAFT else draft


def _commented(row: Document) -> DraftMessage:
    value = row.value
    draft = DraftMessage(COLLEAGUE, [text_part(as_text(value["CommentBody"]))], row.text, id=value.get("Id"))
    draft.created = value.get("CreatedDate")
    return draft if _is_true(value.get("IsPublished")) else as_private(draft)


def _is_true(value: Any) -> bool:
    """Whether a value is true: in CSV it is a text, in the weekly export 1."""
    return as_text(value).casefold() in ("true", "1")


def _read(chat: Document) -> Iterator[Conversation]:
    """Read the transcript of a chat, which is HTML: events in the middle, and seconds before each thing said."""
    value = chat.value
    messages = _said_in(as_text(value["Body"]))
    begun = next((found for one in messages if one.role == EVENT and (found := _begun(as_text(one.content)))), None)
    begun = begun or read_time(value.get("StartTime"))
    if not messages:
        raise NothingSaid
    for message in messages:
        after = message.created
        message.created = (begun + timedelta(seconds=after)).isoformat() if begun and after is not None else None
    names = [message.name for message in messages if message.role == CUSTOMER]
    draft = Draft(
        _NAME, id=id_within(_NAME, value.get("Id")), messages=messages, source=source_of(chat, ("Id", "Body"))
    )
    draft.created = begun.isoformat() if begun else value.get("CreatedDate")
    draft.metadata = {"customer_name": names[0] if names else None, "case": value.get("CaseId")}
    yield draft.finish(chat)


def _said_in(body: str) -> list[DraftMessage]:
    found = list(_LINE.finditer(body))
    if body.strip() and not found:
        raise ValueError("a transcript that is written in another way")
    ends = [one.start() for one in found[1:]] + [len(body)] * bool(found)
    messages, agents = list[DraftMessage](), set[str]()
    for one, end in zip(found, ends, strict=True):
        if one["after"] is None:
            event = unescape(one["event"]).strip()
            messages.append(DraftMessage(EVENT, event))
            agents.update(agent[1] for agent in [_AGENT.fullmatch(event)] if agent)
            continue
        said = body[one.end() : end].strip().removesuffix("<br>")
        name, _, text = said.partition(":")
        if text.strip():
            name = unescape(name).strip()
            messages.append(DraftMessage(COLLEAGUE, parts_of(text.strip(), is_html=True), name=name))
            messages[-1].created = _seconds(one["after"])
    speakers = {message.name for message in messages if message.role == COLLEAGUE}
    customers = {"Visitor"} & speakers or speakers - agents
    for message in messages:
        message.role = CUSTOMER if message.name and message.name in customers else message.role
    return messages


def _seconds(after: str) -> int:
    return sum(int(each[:-1]) * {"h": 3600, "m": 60, "s": 1}[each[-1]] for each in after.split())


def _begun(event: str) -> datetime | None:
    found = _STARTED.search(event)
    try:
        return datetime.strptime(found[1], "%B %d, %Y, %H:%M:%S (%z)") if found else None
    except ValueError:
        return None


FAMILY = Family(
    name=_NAME,
    title="Salesforce Service Cloud",
    what=gettext_lazy("A Salesforce case or chat"),
    seen="Case, EmailMessage, CaseComment and ConversationEntry, by their description of 2026; chats of 2017 to 2021",
    keeps="mails, comments, private ones and drafts as notes, bots, events, names, times; what was said in chats",
    loses="files; who wrote comments, who is taken to be a colleague; in the former chat who is a bot, unless it says",
    matches=_matches,
    read=_read,
    key=_key,
    own=lambda row: as_text(row.value.get("Id"))[:_SHORT_ID],
    join=_join,
)
