"""Chatbox: the export of all data, in which each session stands under its own key, with threads and forks.

Facts from its source of 2026 (`session.ts`, `StoreStorage.ts`); before 2025 the sessions were one list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "chatbox", "Chatbox"
_OLD, _LIST, _SESSION = "chat-sessions", "chat-sessions-list", "session:"
_KNOWN = ("id", "name", "messages", "threads", "threadName", "type")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return _LIST in value or "__exported_items" in value or isinstance(value.get(_OLD), list)


def _read(document: Document) -> Iterator[Conversation]:
    """Read the sessions of an export. What it has of settings, such as keys of APIs, is not kept."""
    sessions = [member for name, member in document.members.items() if name.startswith(_SESSION)]
    if held := document.at(_OLD):
        sessions += held.items()
    drafts = [draft for session in sessions for draft in _threads(session)]
    if not drafts:
        raise NothingSaid
    for draft, thread in drafts:
        yield draft.finish(thread)


def _threads(session: Document) -> Iterator[tuple[Draft, Document]]:
    """Yield the threads of a session, of which each is a conversation; the current one has the id of the session."""
    value = object_at(session.value)
    older = session.at("threads")
    for thread in [*(older.items() if older else ()), session]:
        said = thread.at("messages")
        if said is None or not said.value:
            continue
        own = thread.value
        forks = object_at(value, "messageForksHash")
        messages = [message for each in said.items() for message in _messages(each, forks)]
        models = [as_text(message.get("model")) for message in objects_at(own, "messages")]
        draft = Draft(
            _NAME,
            id=id_within(_NAME, own.get("id")),
            created=own.get("createdAt") or next((one.created for one in messages if one.created), None),
            model=next(filter(None, reversed(models)), ""),
            metadata={"title": own.get("threadName") or own.get("name"), "session": value.get("name")},
            messages=messages,
            source=source_of(thread, _KNOWN),
        )
        yield draft, thread


def _messages(message: Document, forks: dict[str, Any]) -> list[DraftMessage]:
    value, turn = message.value, Turn()
    turn.think(as_text(value.get("reasoningContent")))
    for part in objects_at(value, "contentParts"):
        _take(turn, part)
    if isinstance(value.get("content"), str) and value["content"]:  # before there were parts
        turn.add(text_part(value["content"]))
    last = turn.last()
    _add_files(turn, value)
    drafts = turn.messages()
    if value.get("role") != "assistant":
        last.role = as_text(value.get("role"))
    if value.get("isSummary"):
        last.role, last.name = "system", "summary"
    if value.get("error"):
        last.more["error"] = as_text(value["error"])
    if value.get("generating"):
        last.notes.append(note("cut-off"))
    others = len(list_at(forks, as_text(value.get("id")), "lists")) - 1
    if others > 0:
        last.notes.append(note("other-branches", count=others))
    last.id, last.source = value.get("id"), message.text
    for draft in drafts:
        draft.created = value.get("timestamp")
    return drafts


def _take(turn: Turn, part: dict[str, Any]) -> None:
    match part.get("type"):
        case "text":
            turn.add(*([text_part(as_text(part["text"]))] if part.get("text") else []))
        case "reasoning":
            turn.think(as_text(part.get("text")))
        case "image":
            turn.add(image_part("", caption=as_text(part.get("ocrResult"))))
            turn.last().notes.append(note("lost-image", by=_TITLE))
        case "tool-call":
            call_id = as_text(part.get("toolCallId"))
            turn.call(call_id, as_text(part.get("toolName")), part.get("args"))
            if part.get("state") in ("result", "error") or "result" in part:
                result = turn.result(call_id, as_text(part.get("result")))
                result.more = {"is_error": True} if part.get("state") == "error" else {}
        case _:
            turn.add(part)


def _add_files(turn: Turn, value: dict[str, Any]) -> None:
    for file in objects_at(value, "files"):
        turn.add(file_part(as_text(file.get("name")), data=as_text(file.get("url"))))
        if not file.get("url"):
            turn.last().notes.append(note("lost-file", by=_TITLE))
    for link in objects_at(value, "links"):
        turn.add(file_part(as_text(link.get("title")), data=as_text(link.get("url"))))
    for picture in objects_at(value, "pictures"):
        turn.add(image_part(as_text(first_of(picture, ("url",)))))


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A Chatbox export"),
    seen="exports by its source of 2026",
    keeps="texts, reasoning, tool calls, results and whether they failed, errors, titles, the model, times; each "
    "thread as a conversation of its own, and other answers in the JSON",
    loses="pictures and files",
    matches=_matches,
    read=_read,
)
