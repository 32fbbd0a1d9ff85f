"""Gemini CLI: sessions as it keeps them, until 2026 as JSON and since then on lines.

Facts from its source of 2026 (`chatRecordingTypes.ts`, `chatRecordingService.ts`). A line repeats a message with what
has come since; when the history is compressed, a `$set` has what is left of it, of which only what is new is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, media_part, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import each_session, first_of, lines_left
from viewer.formats.turns import Turn

_NAME = "gemini-cli"
_REPORTED = ("info", "error", "warning")
_MESSAGE = {"id", "timestamp", "type", "content"}
_BESIDE = {"displayContent", "toolCalls", "thoughts", "tokens", "model"}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)  # unlike those of most logs
_ABOUT = ("messages", "sessionId", "startTime", "summary")


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or not value.keys() >= _MESSAGE:
        return False
    if value["type"] not in ("gemini", CUSTOMER, *_REPORTED) or not value.keys() <= _MESSAGE | _BESIDE:
        return False
    is_plain = value["type"] != "gemini" and isinstance(value["content"], str)
    return not is_plain or bool(_ID.fullmatch(as_text(value["id"])))


def _is_session(value: Any) -> bool:
    return isinstance(value, dict) and {"sessionId", "projectHash"} <= value.keys()


def _is_whole(value: Any) -> bool:
    return _is_session(value) and isinstance(value.get("messages"), list)


def _is_line(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    is_change = value.keys() == {"$rewindTo"} or (value.keys() == {"$set"} and isinstance(value["$set"], dict))
    return is_change or _is_message(value) or _is_session(value)


def _read(document: Document) -> Iterator[Conversation]:
    session = _Session()
    for message in document.members["messages"].items():
        session.take(message)
    yield _draft(session, document.value).finish(document)


def _begun(line: Document) -> str:
    """Return the session that begins with a line; empty if none does."""
    return as_text(line.value["sessionId"]) if _is_session(line.value) else ""


def _join(lines: list[Document]) -> Iterator[Conversation]:
    session, about = _Session(), dict[str, Any]()
    for line in lines:
        value = line.value
        if "$rewindTo" in value:
            session.rewind(as_text(value["$rewindTo"]))
        elif _is_message(value):
            session.take(line)
        else:
            about |= object_at(value, "$set") or value
            held = line.at("$set", "messages")
            for message in held.items() if held else ():
                session.take(message, is_repeated=True)
    yield _draft(session, about).finish_at(lines[0].place, *(line.text for line in lines))


class _Session:
    """The messages of a session by their ids; `left` has those that were taken back."""

    def __init__(self) -> None:
        self.messages: dict[str, Document] = {}
        self.left: list[Document] = []
        self.forks: dict[str, int] = {}
        self._waiting = 0

    def take(self, message: Document, *, is_repeated: bool = False) -> None:
        """Take a message, in the place where it came first."""
        own = as_text(message.value.get("id"))
        if own not in self.messages and self._waiting:
            self.forks[own], self._waiting = self._waiting, 0
        if own not in self.messages or not is_repeated:
            self.messages[own] = message

    def rewind(self, own: str) -> None:
        """Leave a message and those after it."""
        gone = list[Document]()
        while own in self.messages:
            gone.append(self.messages.popitem()[1])
        self.left += reversed(gone)
        self._waiting += bool(gone)


def _draft(session: _Session, about: dict[str, Any]) -> Draft:
    messages, answered = list[DraftMessage](), set[str]()
    for own, message in session.messages.items():
        drafts = _messages(message, answered)
        if drafts and own in session.forks:
            drafts[0].notes.append(note("other-branches", count=session.forks[own]))
        messages += drafts
    if not messages:
        raise NothingSaid
    models = [as_text(message.value.get("model")) for message in session.messages.values()]
    return Draft(
        _NAME,
        id=id_within(_NAME, about.get("sessionId")),
        created=about.get("startTime") or messages[0].created,
        model=next(filter(None, reversed(models)), ""),
        metadata={"title": about.get("summary")},
        messages=messages,
        source=lines_left(session.left),
    )


def _messages(message: Document, answered: set[str]) -> list[DraftMessage]:
    """Read a message; `answered` has the calls whose results were read, which a history repeats."""
    value, turn = message.value, Turn()
    for thought in objects_at(value, "thoughts"):
        turn.think("\n".join(filter(None, (as_text(thought.get(name)) for name in ("subject", "description")))))
    turn.add(*_parts(value.get("content"), turn, answered))
    for call in objects_at(value, "toolCalls"):
        _take_call(turn, call, answered)
    if turn.is_empty:
        return []
    drafts, last = turn.messages(), turn.last()
    if value["type"] != "gemini" and not turn.ends_with_result:
        last.role = CUSTOMER if value["type"] == CUSTOMER else EVENT
        last.name = "" if value["type"] == CUSTOMER else value["type"]
    last.id, last.source = value.get("id"), message.text
    for draft in drafts:
        draft.created = value.get("timestamp")
    return [draft for draft in drafts if draft.role == "tool" or draft.content or draft.tool_calls or draft.reasoning]


def _parts(content: Any, turn: Turn, answered: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the parts of a content: a text, a part, or a list of both."""
    for part in content if isinstance(content, list) else [content]:
        held = object_at(part)
        inline, file, result = (object_at(held, name) for name in ("inlineData", "fileData", "functionResponse"))
        if isinstance(part, str) or isinstance(held.get("text"), str):
            text = part if isinstance(part, str) else held["text"]
            if held.get("thought"):
                turn.think(text)
            elif text:
                yield text_part(text)
        elif inline:
            media_type = as_text(inline.get("mimeType"))
            yield media_part(media_type, data_url(as_text(inline.get("data")), media_type))
        elif file:
            yield linked_file(as_text(file.get("fileUri")), as_text(file.get("mimeType")))
        elif result:
            if as_text(result.get("id")) not in answered:
                turn.result(as_text(result.get("id")), as_text(result.get("response")), as_text(result.get("name")))
        elif held and "functionCall" not in held:  # which stands with its result
            yield held


def _take_call(turn: Turn, call: dict[str, Any], answered: set[str]) -> None:
    call_id, name, status = as_text(call.get("id")), as_text(call.get("name")), call.get("status")
    turn.call(call_id, name, call.get("args") or {})
    response = object_at(first_object(call.get("result")), "functionResponse", "response")
    output = first_of(response, ("output", "error")) or call.get("result")
    if output is not None or status in ("error", "cancelled"):
        answered.add(call_id)
        result = turn.result(call_id, as_text(output or call.get("resultDisplay")), name)
        result.more = {"status": "failed"} if status == "error" else {"status": status} if status == "cancelled" else {}


FAMILY = Family(
    name=_NAME,
    title="Gemini CLI",
    what=gettext_lazy("A session of Gemini CLI"),
    seen="sessions as JSON and on lines, by its source of 2026",
    keeps="texts, pictures, thoughts, tool calls, results and whether they failed, what it reported, times, the model; "
    "what was taken back in the JSON",
    loses="the system prompt",
    matches=lambda value: _is_whole(value) or _is_line(value),
    read=_read,
    key=lambda document: "" if _is_whole(document.value) else f"file {document.place.file}",
    join=each_session(_begun, _join),
    is_part=True,
)
