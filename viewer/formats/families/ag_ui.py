"""AG-UI: events of runs as an agent streams them, and the input of a run, which has all messages of its thread.

Events are put together as AG-UI's own clients do it: into messages, which a snapshot replaces.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, media_part, note, text_part, tool_call
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "ag-ui"
_ENDS = ("START", "CONTENT", "END", "CHUNK", "ARGS", "RESULT", "STARTED", "FINISHED", "ERROR", "SNAPSHOT", "DELTA")
_KINDS = (
    "TEXT_MESSAGE", "TOOL_CALL", "REASONING", "REASONING_MESSAGE", "THINKING", "THINKING_TEXT_MESSAGE", "ACTIVITY",
    "SUBAGENT",
)  # fmt: skip
_EVENTS = {f"{kind}_{end}" for kind in _KINDS for end in _ENDS} | {"REASONING_ENCRYPTED_VALUE"}
# What these have, and what other programs name so has not.
_MARKS = {
    "CUSTOM": {"name", "value"}, "RAW": {"event"}, "MESSAGES_SNAPSHOT": {"messages"}, "STATE_SNAPSHOT": {"snapshot"},
    "STATE_DELTA": {"delta"}, "STEP_STARTED": {"stepName"}, "STEP_FINISHED": {"stepName"}, "RUN_ERROR": {"message"},
    "RUN_STARTED": {"threadId", "runId"}, "RUN_FINISHED": set(),
}  # fmt: skip
_INPUT = {"threadId", "runId", "messages"}
_ROLES = {"user", "assistant", "system", "developer", "tool", "reasoning", "activity"}
_FOREIGN = {"parts", "type", "tool_calls", "kwargs", "data"}
_MEDIA = {"image": "image/*", "audio": "audio/", "video": "video/", "document": "", "binary": ""}
_DELTAS = ("TEXT_MESSAGE_CONTENT", "TOOL_CALL_ARGS", "REASONING_MESSAGE_CONTENT", "THINKING_TEXT_MESSAGE_CONTENT")


def _is_event(value: Any) -> bool:
    kind = object_at(value).get("type")
    return isinstance(kind, str) and (kind in _EVENTS or (kind in _MARKS and _MARKS[kind] <= value.keys()))


def _is_message(value: Any) -> bool:
    """Whether a value is a message of AG-UI; other tools have threads and runs too, with messages of their own."""
    if object_at(value).get("role") not in _ROLES or not _FOREIGN.isdisjoint(value):
        return False
    return all(_is_part(part) for part in objects_at(value, "content"))


def _is_part(part: dict[str, Any]) -> bool:
    is_known = part.get("type") == "text" or part.get("type") in _MEDIA
    return is_known and object_at(part, "source").get("type") in (None, "data", "url", "file")


def _matches(value: Any) -> bool:
    if _is_event(value):
        return True
    return object_at(value).keys() >= _INPUT and all(map(_is_message, objects_at(value, "messages")))


def _key(document: Document) -> str:
    return f"stream {document.place.file}" if _is_event(document.value) else ""


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    drafts = _drafts_of(value["messages"])
    if not drafts:
        raise NothingSaid
    _mark(drafts, document.members["messages"].items())
    draft = Draft(_NAME, id=id_within(_NAME, value["threadId"]), messages=drafts)
    draft.source = source_of(document, ("messages", "threadId"))
    yield draft.finish(document)


def _mark(drafts: list[DraftMessage], messages: Iterable[Document]) -> None:
    """Give each draft the message that it was made of as its source."""
    made = defaultdict[str, deque[DraftMessage]](deque)
    for draft in drafts:
        made[as_text(draft.id)].append(draft)
    for message in messages:
        if waiting := made.get(as_text(object_at(message.value).get("id"))):
            waiting.popleft().source = message.text


def _join(events: list[Document]) -> Iterator[Conversation]:
    """Read the runs of a file, by their threads; events before any run belong to the first."""
    threads, current = dict[str, list[Document]](), ""
    for event in events:
        if event.value["type"] == "RUN_STARTED":
            current = as_text(event.value.get("threadId"))
            threads[current] = threads.pop("", []) + threads.get(current, [])
        threads.setdefault(current, []).append(event)
    for name, found in threads.items():
        yield from _conversation(name, found)


def _conversation(name: str, events: list[Document]) -> Iterator[Conversation]:
    thread = _Thread(event.value for event in events)
    drafts = _drafts_of(thread.messages)
    if not drafts and not thread.ends:
        raise NothingSaid
    for draft in drafts:
        draft.created = thread.times.get(as_text(draft.id))
    others = [event.text for event in events if event.value["type"] not in _DELTAS]
    yield Draft(
        _NAME,
        id=id_within(_NAME, name),
        created=next((event.value["timestamp"] for event in events if event.value.get("timestamp")), None),
        messages=[*drafts, *thread.ends],
        notes=[note(code) for code in _missing(drafts, events)],
        source=f"[{','.join(others)}]",
    ).finish_at(events[0].place, *(event.text for event in events))


def _missing(drafts: list[DraftMessage], events: list[Document]) -> Iterator[str]:
    """Yield what is missing from events: the question, where no run repeats it, and the end of the last run."""
    if not any(draft.role == "user" for draft in drafts):
        yield "lost-input"
    kinds = [event.value["type"] for event in events]
    last = max((n for n, kind in enumerate(kinds) if kind == "RUN_STARTED"), default=0)
    if not {"RUN_FINISHED", "RUN_ERROR"} & {*kinds[last:]}:
        yield "cut-off"


class _Thread:
    """The messages of a thread, which grow event by event, when they began, and how runs ended that did not succeed."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self.messages, self.times, self.ends = list[dict[str, Any]](), dict[str, Any](), list[DraftMessage]()
        self._by_id, self._calls = dict[str, dict[str, Any]](), dict[str, dict[str, Any]]()
        self._last: dict[str, str] = {}
        for event in events:
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        kind = as_text(event["type"]).replace("THINKING_TEXT_MESSAGE", "REASONING_MESSAGE")
        match kind:
            case "RUN_STARTED" if given := objects_at(event, "input", "messages"):
                self._replace(given)
            case "MESSAGES_SNAPSHOT":
                self._replace(objects_at(event, "messages"))
            case "TEXT_MESSAGE_START" | "TEXT_MESSAGE_CONTENT" | "TEXT_MESSAGE_CHUNK":
                self._say(event, as_text(event.get("role")) or "assistant", kind)
            case "REASONING_MESSAGE_START" | "REASONING_MESSAGE_CONTENT" | "REASONING_MESSAGE_CHUNK":
                self._say(event, "reasoning", kind)
            case "TOOL_CALL_START" | "TOOL_CALL_ARGS" | "TOOL_CALL_CHUNK":
                self._call(event)
            case "TOOL_CALL_RESULT":
                message = self._message(event, event.get("messageId"), "tool")
                message |= {"content": event.get("content"), "toolCallId": event.get("toolCallId")}
            case "ACTIVITY_SNAPSHOT":
                message = self._message(event, event.get("messageId"), "activity")
                message |= {"activityType": event.get("activityType"), "content": event.get("content")}
            case "RUN_ERROR" | "SUBAGENT_ERROR":
                self._end(DraftMessage("assistant", more={"error": as_text(event.get("message"))}), event)
            case "RUN_FINISHED":
                for each in objects_at(event, "outcome", "interrupts"):
                    told = ": ".join(filter(None, ("interrupt", as_text(first_of(each, ("message", "reason"))))))
                    self._end(DraftMessage(EVENT, told), event)

    def _replace(self, messages: list[dict[str, Any]]) -> None:
        self.messages = [dict(message) for message in messages]
        calls = [call for message in reversed(self.messages) for call in objects_at(message, "toolCalls")[::-1]]
        self._by_id = {as_text(message.get("id")): message for message in reversed(self.messages)}
        self._calls = {as_text(call.get("id")): call for call in calls}

    def _end(self, draft: DraftMessage, event: dict[str, Any]) -> None:
        draft.created = event.get("timestamp")
        self.ends.append(draft)

    def _message(self, event: dict[str, Any], message_id: Any, role: str) -> dict[str, Any]:
        """Return the message with this id, which begins now if there is none."""
        own = as_text(message_id)
        if own not in self._by_id:
            self._by_id[own] = {"id": message_id, "role": role}
            self.messages.append(self._by_id[own])
            self.times[own] = event.get("timestamp")
        return self._by_id[own]

    def _say(self, event: dict[str, Any], role: str, kind: str) -> None:
        """Add to a text. A chunk may leave out its id, and thoughts of older versions have none."""
        if kind.endswith("_START") and not event.get("messageId"):
            self._last[role] = f"{role}-{len(self.messages)}"
        message_id = event.get("messageId") or self._last.get(role) or f"{role}-{len(self.messages)}"
        self._last[role] = message_id
        message = self._message(event, message_id, role)
        message["content"] = as_text(message.get("content")) + as_text(event.get("delta"))
        if event.get("name"):
            message["name"] = event["name"]

    def _call(self, event: dict[str, Any]) -> None:
        call_id = as_text(event.get("toolCallId")) or self._last.get("call", "")
        self._last["call"] = call_id
        if call_id not in self._calls:
            message = self._message(event, event.get("parentMessageId") or call_id, "assistant")
            self._calls[call_id] = {"id": call_id, "function": {"name": event.get("toolCallName"), "arguments": ""}}
            message["toolCalls"] = [*objects_at(message, "toolCalls"), self._calls[call_id]]
        self._calls[call_id]["function"]["arguments"] += as_text(event.get("delta"))


def _kept(messages: Any) -> list[dict[str, Any]]:
    return [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []


def _drafts_of(messages: Any) -> list[DraftMessage]:
    """Read messages; what was thought belongs to the answer that follows."""
    drafts, thoughts = list[DraftMessage](), list[DraftMessage]()
    for message in _kept(messages):
        draft = _draft_of(message)
        if message.get("role") == "reasoning":
            thoughts.append(draft)
            continue
        if thoughts and draft.role == "assistant":
            draft.reasoning = "\n\n".join(thought.reasoning for thought in thoughts)
        else:
            drafts += thoughts
        thoughts = []
        drafts.append(draft)
    return drafts + thoughts


def _draft_of(message: dict[str, Any]) -> DraftMessage:
    role, content = as_text(message.get("role")), message.get("content")
    draft = DraftMessage(role, id=message.get("id"), name=as_text(message.get("name")))
    if role == "reasoning":
        draft.role, draft.reasoning = "assistant", as_text(content)
    elif role == "activity":
        draft.role = EVENT
        draft.content = [{"type": as_text(message.get("activityType")) or role, "content": content}]
    else:
        draft.content = [_part(each) for each in content] if isinstance(content, list) else as_text(content)
    draft.tool_call_id = as_text(message.get("toolCallId"))
    if message.get("error"):
        draft.more["error"] = message["error"]
    draft.tool_calls = [_call_of(call) for call in objects_at(message, "toolCalls")]
    return draft


def _call_of(call: dict[str, Any]) -> dict[str, Any]:
    function = object_at(call, "function")
    return tool_call(as_text(call.get("id")), as_text(function.get("name")), function.get("arguments"))


def _part(part: Any) -> dict[str, Any]:
    """Read a part of a message; a picture has its bytes or its address in a source, and in older versions beside."""
    if not isinstance(part, dict):
        return {"type": "part", "part": part}
    kind, source = as_text(part.get("type")), object_at(part, "source") or part
    if kind == "text":
        return text_part(as_text(part.get("text")))
    media_type = as_text(first_of(source, ("mimeType", "mime_type"))) or _MEDIA.get(kind, "")
    value = as_text(first_of(source, ("value", "url", "data")))
    is_data = source.get("type") == "data" or (source is part and not part.get("url"))
    if kind in _MEDIA and value and source.get("type") != "file":
        return media_part(media_type, data_url(value, media_type) if is_data else value, as_text(part.get("filename")))
    return part


FAMILY = Family(
    name=_NAME,
    title="AG-UI",
    what=gettext_lazy("A thread of AG-UI"),
    seen="ag-ui-protocol 1.0.0 and its events before that",
    keeps="texts, pictures, sound, files, tool calls, results and errors, reasoning, activities, interrupts, times of "
    "events; states and steps in the JSON",
    loses="what was asked, in events that do not repeat the input of their run; times of messages; the model",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
