"""One message on each line or row, and lists of messages alone or under any of their usual names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.columns import CONVERSATIONS, ROLES, plain, told
from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.exchanges import messages_of
from viewer.formats.family import Family, first_object
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of
from viewer.formats.messages import can_read, has_shape, is_message, read_messages

_LIST, _ROWS = "messages", "message-rows"
_NAMES = (
    "messages", "input_messages", "conversation", "history", "chat_history", "dialog", "dialogue", "turns", "chat",
    "transcript", "thread", "data",
)  # fmt: skip
_TIMES = ("created_at", "createdAt", "created", "timestamp", "time", "date")
_TEXTS = ("content", "text", "message", "body")
_OWN = {"role", "tool_calls", "tool_call_id", "name", "id"}
_FOREIGN = ROLES.keys() - {"user", "assistant", "system"}


def name_in(value: dict[str, Any]) -> str:
    """Return the name of the list of messages in an object; empty if there is none."""
    return next((name for name in _NAMES if name in value and is_message(first_object(value[name]))), "")


def _is_list(value: Any) -> bool:
    if isinstance(value, list):
        return is_message(first_object(value))
    if not isinstance(value, dict) or "choices" in value:
        return False
    return name_in(value) not in ("", "messages") or _is_told(first_object(value.get("messages")))


def _is_told(message: dict[str, Any]) -> bool:
    """Whether a message has what is said under another name than OpenAI's."""
    is_said = any(isinstance(message.get(name), str) for name in _TEXTS[1:])
    return is_said and "content" not in message and isinstance(message.get("role"), str)


def _read_list(document: Document) -> Iterator[Conversation]:
    name = name_in(document.value) if isinstance(document.value, dict) else ""
    held = document.members[name] if name else document
    is_told = _is_told(first_object(held.value))
    messages = [one for row in held.items() for one in _messages(row)] if is_told else messages_of(held)
    yield draft_of(_LIST, document, messages, (name, "object", "first_id", "last_id", "has_more")).finish(document)


def _is_row(value: Any) -> bool:
    if not isinstance(value, dict) or has_shape(value):
        return isinstance(value, dict)
    if not isinstance(value.get("role"), str) or not value["role"]:
        holds_more = any(isinstance(member, list) and first_object(member) for member in value.values())
        return "role" not in value and not holds_more and told(value) is not None
    return any(isinstance(value.get(name), (str, list, dict)) for name in (*_TEXTS, "parts", "tool_calls", "refusal"))


def _is_told_by_columns(row: Document) -> bool:
    """Whether a row has other names than those of messages, such as “Author” and “Message Text”."""
    return "role" not in row.value and not has_shape(row.value)


def _key(document: Document) -> str:
    """Rows of one conversation have its id; without ids a file is one conversation."""
    value = (told(document.value) or {}) if _is_told_by_columns(document) else document.value
    own = first_of(value, CONVERSATIONS)
    return f"id {own}" if isinstance(own, (str, int)) else f"file {document.place.file}"


def as_list(rows: list[Document]) -> Document | None:
    """Return the rows of a file as the list that they would be in JSON; None where they name their conversation."""
    if not rows or first_of(rows[0].value, CONVERSATIONS):
        return None
    return Document(f"[{','.join(row.text for row in rows)}]", rows[0].place, rows[0].find)


def _join(rows: list[Document]) -> Iterator[Conversation]:
    if all(map(_is_told_by_columns, rows)):
        yield _of_columns(rows)
        return
    first = rows[0].value
    given, rows = rows, [_without_empty(row) for row in rows]
    draft = Draft(_ROWS, created=first_of(first, _TIMES), model=as_text(first.get("model")))
    draft.id = id_within(_ROWS, first_of(first, CONVERSATIONS))
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


def _of_columns(rows: list[Document]) -> Conversation:
    """Read rows whose columns have names of their own. Who is neither customer nor anything else known answers.

    Raises NotReadable where nobody is known to be the customer.
    """
    read = [(row, values) for row in rows if (values := told(row.value))]
    times = [as_text(values.get("created_at")) for _row, values in read]
    messages = [_told(row, values) for row, values in read]
    if all(times) and times == sorted(times, reverse=True) and (times[0] != times[-1] or _answers_first(messages)):
        read.reverse()  # the newest first, as exports of activity have them
        messages.reverse()
    if not any(message.role == "user" for message in messages):
        raise NotReadable(
            gettext(
                "This is a table with names of people and what they say, but none of it says who is the customer: put "
                "“user” or “customer” into the column with the names."
            )
        )
    own = read[0][1].get("conversation_id")
    draft = Draft(_ROWS, created=messages[0].created, messages=messages)
    if any(isinstance(own, kind) for kind in (int, str)) and not any(character.isspace() for character in str(own)):
        draft.id = id_within(_ROWS, own)
    else:
        draft.metadata = {"title": own}
    return draft.finish_at(rows[0].place, *(row.text for row in rows))


def _answers_first(messages: list[DraftMessage]) -> bool:
    """Whether messages of one time stand in the wrong order: Copilot gives a question the time of its answer."""
    return messages[0].role == "assistant" and messages[-1].role == "user"


def _told(row: Document, values: dict[str, Any]) -> DraftMessage:
    speaker = values["role"]
    role = ROLES.get(plain(speaker))
    name = as_text(values.get("name")) or ("" if role else speaker)
    draft = DraftMessage(role or "assistant", values.get("content"), row.text, name=name)
    draft.created, draft.more = values.get("created_at"), values["rest"]
    return draft


def _messages(row: Document) -> list[DraftMessage]:
    """Read a row. It stays as it is if it has only OpenAI's names; a column without a value is nothing."""
    value = row.value
    is_plain = value.keys().isdisjoint((*_TEXTS[1:], *CONVERSATIONS, *_TIMES)) and "" not in value.values()
    is_plain = is_plain and not isinstance(value.get("content"), dict)
    if "role" not in value or (is_plain and value["role"] not in _FOREIGN):
        return messages_of(Document(f"[{row.text}]", row.place, row.find))
    role = value["role"].casefold()
    name = next((name for name in _TEXTS if isinstance(value.get(name), (str, list, dict))), "")
    text = row.members[name].text if isinstance(value.get(name), dict) else value.get(name)  # JSON in a cell
    read = {*_OWN, *_TEXTS, *CONVERSATIONS, *_TIMES}
    return [
        DraftMessage(
            ROLES.get(plain(role), role),
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
