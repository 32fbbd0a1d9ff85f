"""One message on each line or row, and lists of messages alone or under any of their usual names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.exchanges import messages_of
from viewer.formats.family import Family, first_object
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of
from viewer.formats.messages import can_read, is_message, read_messages

_LIST, _ROWS = "messages", "message-rows"
_NAMES = (
    "messages", "input_messages", "conversation", "history", "chat_history", "dialog", "dialogue", "turns", "chat",
    "transcript", "thread", "data",
)  # fmt: skip
_CONVERSATIONS = (
    "conversation_id", "conversationId", "conversation", "session_id", "sessionId", "session", "thread_id", "threadId",
    "chat_id", "chatId", "dialogue_id", "dialog_id", "ticket_id", "case_id",
)  # fmt: skip
_TIMES = ("created_at", "createdAt", "created", "timestamp", "time", "date")
_TEXTS = ("content", "text", "message", "body")
_OWN = {"role", "tool_calls", "tool_call_id", "name", "id"}
_ROLES = {
    "human": "user", "customer": "user", "visitor": "user", "ai": "assistant", "bot": "assistant", "agent": "assistant",
}  # fmt: skip


def _name_in(value: dict[str, Any]) -> str:
    return next((name for name in _NAMES if is_message(first_object(value.get(name)))), "")


def _is_list(value: Any) -> bool:
    if isinstance(value, list):
        return is_message(first_object(value))
    return isinstance(value, dict) and "choices" not in value and _name_in(value) not in ("", "messages")


def _read_list(document: Document) -> Iterator[Conversation]:
    name = _name_in(document.value) if isinstance(document.value, dict) else ""
    messages = messages_of(document.members[name] if name else document)
    yield draft_of(_LIST, document, messages, (name, "object", "first_id", "last_id", "has_more")).finish(document)


def _is_row(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("role"), str) or not value["role"]:
        return is_message(value)
    return any(isinstance(value.get(name), (str, list, dict)) for name in (*_TEXTS, "parts", "tool_calls", "refusal"))


def _key(document: Document) -> str:
    """Rows of one conversation have its id; without ids a file is one conversation."""
    own = first_of(document.value, _CONVERSATIONS)
    return f"id {own}" if isinstance(own, (str, int)) else f"file {document.place.file}"


def _join(rows: list[Document]) -> Iterator[Conversation]:
    first = rows[0].value
    given, rows = rows, [_without_empty(row) for row in rows]
    draft = Draft(_ROWS, created=first_of(first, _TIMES), model=as_text(first.get("model")))
    draft.id = id_within(_ROWS, first_of(first, _CONVERSATIONS))
    if any("role" not in row.value for row in rows) and can_read(rows):
        draft.messages = read_messages(rows)  # of a shape of which one message may say what the next one means
    else:
        draft.messages = [message for row in rows for message in _messages(row)]
    yield draft.finish_at(given[0].place, *(row.text for row in given))


def _without_empty(row: Document) -> Document:
    """Return a row of a table without its empty cells, which stand for what a message of another kind has."""
    if row.place.unit != "row":
        return row
    text = to_object([(name, member.text) for name, member in row.members.items() if member.value != ""])
    return Document(text, row.place, row.find)


def _messages(row: Document) -> list[DraftMessage]:
    """Read a row. It stays as it is if it has only OpenAI's names; a column without a value is nothing."""
    value = row.value
    is_plain = value.keys().isdisjoint((*_TEXTS[1:], *_CONVERSATIONS, *_TIMES)) and "" not in value.values()
    is_plain = is_plain and not isinstance(value.get("content"), dict)
    if "role" not in value or (is_plain and value["role"] not in _ROLES):
        return messages_of(Document(f"[{row.text}]", row.place, row.find))
    role = value["role"].casefold()
    name = next((name for name in _TEXTS if isinstance(value.get(name), (str, list, dict))), "")
    text = row.members[name].text if isinstance(value.get(name), dict) else value.get(name)  # JSON in a cell
    read = {*_OWN, *_TEXTS, *_CONVERSATIONS, *_TIMES}
    return [
        DraftMessage(
            _ROLES.get(role, role),
            text,
            row.text,
            id=value.get("id"),
            name=as_text(value.get("name")),
            tool_calls=value["tool_calls"] if isinstance(value.get("tool_calls"), list) else [],
            tool_call_id=as_text(value.get("tool_call_id")),
            created=first_of(value, _TIMES),
            more={name: each for name, each in value.items() if name not in read and each not in ("", None)},
        )
    ]


FAMILY = Family(
    name=_LIST,
    title="Lists of messages",
    what=gettext_lazy("A list of messages"),
    seen="",
    keeps="all messages, of whatever shape, and the fields beside them",
    loses="",
    matches=_is_list,
    read=_read_list,
)
ROWS = Family(
    name=_ROWS,
    title="Tables of messages",
    what=gettext_lazy("A table of messages"),
    seen="",
    keeps="messages with role, text, time and tool calls, by the id of their conversation",
    loses="",
    matches=_is_row,
    key=_key,
    join=_join,
    is_part=True,
)
