"""Continue: sessions of its extensions for VS Code and JetBrains, and of its CLI.

Facts from the types of 1.3.40 and from programs that read the sessions. What was attached to a question stands beside
it; the state of a call has its output, which a message of the tool mostly repeats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, image_part, text_file, text_part, tool_call
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME = "continue"
_KNOWN = ("sessionId", "title", "workspaceDirectory", "history")
_FAILED: dict[str, dict[str, Any]] = {"errored": {"is_error": True}, "canceled": {"status": "cancelled"}}


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not {"sessionId", "history"} <= value.keys():
        return False
    return "role" in object_at(first_object(value["history"]), "message") or (
        value["history"] == [] and "workspaceDirectory" in value
    )


def _read(document: Document) -> Iterator[Conversation]:
    value, session = document.value, _Session(document.value)
    for item in document.members["history"].items():
        session.take(item)
    session.end()
    if not session.messages:
        raise NothingSaid
    logs = [log for item in objects_at(value, "history") for log in objects_at(item, "promptLogs")]
    models = [as_text(log.get("modelTitle")) for log in logs] or [as_text(value.get("chatModelTitle"))]
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("sessionId")),
        created=value.get("dateCreated"),
        model=models[-1],
        metadata={"title": value.get("title"), "cwd": value.get("workspaceDirectory")},
        messages=session.messages,
        source=source_of(document, _KNOWN),
    ).finish(document)


class _Session:
    """The messages of a session while its items are read; `thoughts` is what was thought before the next."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.messages: list[DraftMessage] = []
        items = objects_at(value, "history")
        self._states = {as_text(each.get("toolCallId")): each for item in items for each in _states(item)}
        said = [object_at(item, "message") for item in items]
        self._answered = {as_text(each.get("toolCallId")) for each in said if each.get("role") == "tool"}
        self._thoughts = ""

    def take(self, item: Document) -> None:
        value = object_at(item.value)
        message = object_at(value, "message")
        if message.get("role") == "thinking":
            self._thoughts = "\n\n".join(filter(None, (self._thoughts, _text_of(message.get("content")))))
            return
        found = self._read(value, message)
        found[0].source, found[0].id = item.text, message.get("id")
        self.messages += found

    def end(self) -> None:
        """Take what was thought before nothing came any more."""
        if self._thoughts:
            self.messages.append(DraftMessage("assistant", reasoning=self._thoughts))

    def _read(self, item: dict[str, Any], message: dict[str, Any]) -> list[DraftMessage]:
        role, content = as_text(message.get("role")), message.get("content")
        if role == "tool":
            return [self._result(as_text(message.get("toolCallId")), _text_of(content))]
        draft = DraftMessage(role, _parts(content))
        if role == CUSTOMER:
            draft.content = [*_parts(content), *map(_file, objects_at(item, "contextItems"))]
        if role != "assistant":
            return [draft]
        thought = as_text(object_at(item, "reasoning").get("text"))
        draft.reasoning, self._thoughts = "\n\n".join(filter(None, (self._thoughts, thought))), ""
        calls = objects_at(message, "toolCalls") or [object_at(state, "toolCall") for state in _states(item)]
        draft.tool_calls = [
            tool_call(as_text(call.get("id")), as_text(object_at(call, "function").get("name")),
                      object_at(call, "function").get("arguments") or {})
            for call in calls
        ]  # fmt: skip
        states = [state for state in _states(item) if as_text(state.get("toolCallId")) not in self._answered]
        ended = [state for state in states if state.get("status") in ("done", *_FAILED)]
        return [draft, *(self._result(as_text(state.get("toolCallId")), _output(state)) for state in ended)]

    def _result(self, call_id: str, text: str) -> DraftMessage:
        state = self._states.get(call_id, {})
        name = as_text(object_at(state, "toolCall", "function").get("name"))
        more = _FAILED.get(as_text(state.get("status")), {})
        return DraftMessage("tool", text or _output(state), tool_call_id=call_id, name=name, more=dict(more))


def _states(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the states of the calls of an answer, of which there was one until 2025."""
    return objects_at(item, "toolCallStates") or list(filter(None, [object_at(item, "toolCallState")]))


def _output(state: dict[str, Any]) -> str:
    return "\n\n".join(as_text(each.get("content")) for each in objects_at(state, "output"))


def _parts(content: Any) -> list[dict[str, Any]]:
    if not isinstance(content, list):
        return [text_part(as_text(content))] if content else []
    return [_part(part) for part in content if isinstance(part, dict)]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") == "text":
        return text_part(as_text(part.get("text")))
    return image_part(as_text(object_at(part, "imageUrl").get("url"))) if part.get("type") == "imageUrl" else part


def _text_of(content: Any) -> str:
    return "\n".join(as_text(part.get("text")) for part in _parts(content))


def _file(item: dict[str, Any]) -> dict[str, Any]:
    return text_file(as_text(item.get("name")), as_text(item.get("content")))


FAMILY = Family(
    name=_NAME,
    title="Continue",
    what=gettext_lazy("A session of Continue"),
    seen="sessions by the types of 1.3.40",
    keeps="texts, pictures, what was attached, reasoning, tool calls, results and whether they failed, titles, the "
    "model",
    loses="times; the system prompt",
    matches=_matches,
    read=_read,
)
