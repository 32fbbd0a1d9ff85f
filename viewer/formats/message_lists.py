"""Reads conversations that are a list of messages, alone or in an object with a few fields beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from viewer.completions.source_text import to_object

from .columns import CONVERSATIONS
from .document import Conversation, Document, NothingSaid
from .drafts import Draft, as_text
from .family import Shape, first_object, object_at
from .ids import id_within

_IDS = ("id", "conversation_id", "thread_id", "session_id", "chat_id", "uuid")
_TIMES = (
    "created", "created_at", "createdAt", "timestamp", "start_time", "startTime", "date", "time", "ts", "datetime",
    "@timestamp", "asctime", "when", "logged_at", "started_at", "startedAt", "request_time", "inserted_at",
    "requestedAt",
)  # fmt: skip
_MODELS = ("model", "model_name", "modelName", "model_id")
_SETTINGS = ("temperature", "top_p", "max_tokens", "seed", "tools", "tool_choice", "response_format", "usage")
_METADATA = (
    "user", "user_id", "userId", "customer", "customer_id", "session", "session_id", "sessionId", "conversation_id",
    "conversationId", "thread_id", "threadId", "chat_id", "ticket_id", "title", "name", "tags",
)  # fmt: skip


def is_list_of(shape: Shape, *names: str) -> Callable[[Any], bool]:
    """Return what says whether a value is a list of such messages, or an object with one under one of these names."""

    def matches(value: Any) -> bool:
        if isinstance(value, dict):
            held = (value[name] for name in names or ("messages",) if name in value)
            return any(shape.is_message(first_object(each)) for each in held)
        return isinstance(value, list) and shape.is_message(first_object(value))

    return matches


def reader_of(family: str, shape: Shape, *names: str) -> Callable[[Document], Iterator[Conversation]]:
    """Return what reads such a list, or the object around it."""

    def read(document: Document) -> Iterator[Conversation]:
        found = (document.at(name) for name in names or ("messages",))
        messages = next((one for one in found if one is not None), document)
        yield draft_of(family, document, shape.read(messages.items()), names or ("messages",)).finish(document)

    return read


def draft_of(family: str, record: Document, messages: Iterable[Any], read: Iterable[str]) -> Draft:
    """Start a draft of what stands in an object beside its messages, under the names that tools use for it.

    `read` are the names of the members that are read already; all others are kept as they are.
    """
    values = object_at(record.value)
    settings = {name: values[name] for name in _SETTINGS if name in values}
    pairs = {name: values[name] for name in _METADATA if isinstance(values.get(name), (str, int, list))}
    metadata = object_at(values, "tags") | object_at(values, "metadata")
    known = {*read, "metadata", *settings, *pairs} | ({"tags"} if object_at(values, "tags") else set())
    return Draft(
        family,
        id=id_within(family, first_of(values, _IDS)),
        created=first_of(values, _TIMES),
        model=str(first_of(values, _MODELS) or ""),
        metadata=pairs | metadata,
        messages=list(messages),
        fields=settings,
        source=source_of(record, known),
    )


def first_of(values: dict[str, Any], names: Iterable[str]) -> Any:
    """Return the first of these members that is neither missing nor empty, or None."""
    return next((values[name] for name in names if values.get(name) not in (None, "")), None)


def conversation_of(message: Any) -> str:
    """Return the id of the conversation that a message names; empty if it names none."""
    own = first_of(message, CONVERSATIONS) if isinstance(message, dict) else None
    return str(own) if isinstance(own, (str, int)) else ""


def id_under(*names: str) -> Callable[[Document], str]:
    """Return what names an object by the id under the first of these names; empty if it has none."""
    return lambda document: as_text(first_of(object_at(document.value), names))


def source_of(record: Document, known: Iterable[str] = ()) -> str:
    """Write the members of an object that are read nowhere else, as they are in the file; empty if there are none."""
    left = [(name, member.text) for name, member in record.members.items() if name not in set(known)]
    return to_object(left) if left else ""


def each_session(
    name_of: Callable[[Document], str], join: Callable[[list[Document]], Iterable[Conversation]]
) -> Callable[[list[Document]], Iterator[Conversation]]:
    """Return what reads the lines of a file in which several sessions may stand, one after the other.

    `name_of` names the session of the line with which one begins; of all other lines it returns nothing.
    """

    def read(lines: list[Document]) -> Iterator[Conversation]:
        is_said = False
        for own in _sessions(lines, name_of):
            try:
                for conversation in join(own):
                    is_said = True
                    yield conversation
            except NothingSaid:
                continue
        if not is_said:
            raise NothingSaid

    return read


def _sessions(lines: list[Document], name_of: Callable[[Document], str]) -> Iterator[list[Document]]:
    session, own = list[Document](), ""
    for line in lines:
        name = name_of(line)
        if name and own and name != own:
            yield session
            session = []
        own = name or own
        session.append(line)
    yield session


def lines_left(lines: Iterable[Document]) -> str:
    """Write lines of a file that are read nowhere else into a list; empty if there are none."""
    left = [line.text for line in lines]
    return f"[{','.join(left)}]" if left else ""
