"""Transcripts of Microsoft's Bot Framework, and of Copilot Studio, whose table `conversationtranscript` has them.

Both are lists of activities. Of Copilot Studio's, most are events and traces of how the bot came to what it said: they
stay in the JSON of the conversation, and only errors and hand-offs stand among the messages.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.cards import CARD, lines_of_card
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "bot-framework"
_TYPES = {
    "message", "messageUpdate", "messageDelete", "messageReaction", "typing", "event", "trace", "handoff", "command",
    "commandResult", "conversationUpdate", "endOfConversation", "invoke", "invokeResponse", "installationUpdate",
    "suggestion", "contactRelationUpdate", "deleteUserData", "delay",
}  # fmt: skip
_MARKS = {"channelId", "conversation", "recipient", "serviceUrl", "replyToId", "textFormat", "valueType", "name"}
_CONTENT, _METADATA = (
    ("content", "Content"),
    ("metadata", "Metadata"),
)  # columns of the table, in its API and in its export
_IDS = ("conversationtranscriptid", "ConversationTranscript", "(Do Not Modify) ConversationTranscript")
_BOT, _USER = ("bot", "skill", 0), ("user", 1)
_SESSION = {"session": "type", "outcome": "outcome", "outcome_reason": "outcomeReason"}
_SHOWN = {"ErrorTraceData", "HandOff", "EscalationRequested", "handoff.initiate", "handoff.status"}


def _is_activity(value: Any) -> bool:
    is_typed = isinstance(value, dict) and isinstance(value.get("type"), str) and value["type"] in _TYPES
    return is_typed and isinstance(value.get("from"), dict) and not _MARKS.isdisjoint(value)


def _is_transcript(value: Any) -> bool:
    return isinstance(value, dict) and any(map(_is_activity, objects_at(value, "activities")))


def _is_row(value: Any) -> bool:
    """Whether a value is a row of the table: its API gives JSON in a text, and a CSV file in a cell."""
    content = first_of(value, _CONTENT) if isinstance(value, dict) else None
    is_written = isinstance(content, str) and content.lstrip()[:1] == "{" and '"activities"' in content[:200]
    return is_written or _is_transcript(content)


def _matches(value: Any) -> bool:
    return _is_activity(value) or _is_transcript(value) or _is_row(value)


def _key(document: Document) -> str:
    """Return the conversation of an activity that stands alone; of one that names none, the file."""
    if not _is_activity(document.value):
        return ""
    return as_text(object_at(document.value, "conversation").get("id")) or f"file {document.place.file}"


def _join(activities: list[Document]) -> Iterator[Conversation]:
    ordered = sorted(activities, key=lambda one: (isinstance(_time_of(one.value), str), _time_of(one.value) or 0))
    yield _draft(ordered).finish_at(ordered[0].place, *(one.text for one in ordered))


def _read(document: Document) -> Iterator[Conversation]:
    if _is_transcript(document.value):
        yield _draft(_activities_of(document)).finish(document)
        return
    row = document.value
    draft = _draft(_activities_of(_content_of(document)))
    draft.id = id_within(_NAME, first_of(row, _IDS)) or draft.id
    draft.metadata = _about_bot(first_of(row, _METADATA)) | draft.metadata
    draft.created = first_of(row, ("conversationstarttime", "ConversationStartTime")) or draft.created
    others = source_of(document, (*_CONTENT, *_METADATA, *_IDS))
    draft.source = f"[{others},{draft.source}]" if others and draft.source else others or draft.source
    yield draft.finish(document)


def _content_of(row: Document) -> Document:
    held = next(member for name in _CONTENT if (member := row.at(name)) is not None)
    return Document(held.value, row.place) if isinstance(held.value, str) else held


def _activities_of(transcript: Document) -> list[Document]:
    """Return the activities. Raises NotAConversation where there is none."""
    held = transcript.at("activities")
    found = [one for one in held.items() if isinstance(one.value, dict)] if held is not None else []
    if not found:
        raise NothingSaid
    return found


def _about_bot(metadata: Any) -> dict[str, Any]:
    """Return the name of the bot, which the table has in JSON, and its API as a text."""
    try:
        name = object_at(json.loads(metadata) if isinstance(metadata, str) else metadata).get("BotName")
    except ValueError:
        return {}
    return {"bot": name} if name else {}


def _draft(activities: list[Document]) -> Draft:
    values = [one.value for one in activities]
    read = [(one, _message(one)) for one in activities]
    messages = [message for _, message in read if message is not None]
    updated = {value.get("id") for value in values if value["type"] == "messageUpdate"}
    for one, message in read:
        if message is not None and message.id in updated and one.value["type"] == "message":
            message.notes.append(note("edited"))
    if not any(message.role != EVENT for message in messages):
        raise NothingSaid
    others = [one.text for one, message in read if message is None]
    sessions = (object_at(value, "value") for value in values if value.get("valueType") == "SessionInfo")
    session = next(sessions, {})
    conversation = next(filter(None, (object_at(value, "conversation").get("id") for value in values)), None)
    channel = next(filter(None, (value.get("channelId") for value in values)), None)
    return Draft(
        _NAME,
        id=id_within(_NAME, conversation),
        created=next((message.created for message in messages if message.created), None),
        metadata={"channel": channel} | {name: session[key] for name, key in _SESSION.items() if session.get(key)},
        messages=messages,
        source=to_object([("activities", f"[{','.join(others)}]")]) if others else "",
    )


def _time_of(activity: dict[str, Any]) -> Any:
    return first_of(activity, ("timestamp", "localTimestamp"))


def _message(activity: Document) -> DraftMessage | None:
    """Read an activity; None if it is one of those that only say how the bot came to what it said."""
    value = activity.value
    kind, name = value["type"], as_text(first_of(value, ("name", "valueType")))
    if kind in ("message", "messageUpdate"):
        draft = _said(value)
    elif kind in ("handoff", "messageDelete", "endOfConversation") or name in _SHOWN:
        error = as_text(object_at(value, "value").get("errorMessage"))
        draft = DraftMessage(EVENT, ": ".join(filter(None, (kind, name, error))))
    else:
        return None
    draft.source, draft.id, draft.created = activity.text, value.get("id"), _time_of(value)
    return draft


def _said(value: dict[str, Any]) -> DraftMessage:
    draft = DraftMessage(_role_of(value), name=as_text(object_at(value, "from").get("name")))
    text = as_text(value.get("text"))
    draft.content = ([text_part(text)] if text else []) + [_attached(each) for each in objects_at(value, "attachments")]
    if suggested := list(lines_of_card(object_at(value, "suggestedActions"))):
        draft.content.append(text_part("\n".join(suggested)))
    if not draft.content and value.get("value") is not None:  # a button of a card sends no text, but what it stands for
        draft.content = [{"type": "value", "value": value["value"]}]
    if not draft.content and draft.role == COLLEAGUE:
        draft.notes.append(note("lost-text", by="Copilot Studio"))
    return draft


def _role_of(value: dict[str, Any]) -> str:
    """Return who speaks. A bot may leave out its own role; then it is the one to whom a customer does not speak."""
    role, to = object_at(value, "from").get("role"), object_at(value, "recipient").get("role")
    if role in _BOT or to in _USER:
        return COLLEAGUE
    if role in _USER or to in _BOT or not value.get("replyToId"):
        return CUSTOMER
    return COLLEAGUE


def _attached(file: dict[str, Any]) -> dict[str, Any]:
    kind = as_text(file.get("contentType"))
    if file.get("contentUrl"):
        return linked_file(as_text(file["contentUrl"]), kind, as_text(file.get("name")))
    if kind.startswith(CARD) and (lines := list(lines_of_card(object_at(file, "content")))):
        return text_part("\n".join(lines))
    return {**file, "type": kind or "attachment"}


FAMILY = Family(
    name=_NAME,
    title="Microsoft Bot Framework, Copilot Studio",
    what=gettext_lazy("A transcript of a Microsoft bot"),
    seen="botbuilder 4.17.1 for Python; Copilot Studio by its description",
    keeps="texts, what cards say, suggested answers, files, errors and hand-offs, names, times; events and traces in "
    "the JSON",
    loses="in Copilot Studio answers from sources whose text may not be kept",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
