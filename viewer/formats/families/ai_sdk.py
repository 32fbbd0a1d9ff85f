"""Messages of Vercel's AI SDK: those of the user interface, with `parts`, and those for models, with `tool-call`."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
    citation,
    data_url,
    file_part,
    media_part,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, Shape, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of

_NAME = "ai-sdk"
_LISTS = ("messages", "uiMessages", "initialMessages", "prompt")
_ROLES = ("system", "user", "assistant", "data", "tool")
_UI_TYPES = {
    "step-start", "source-url", "source-document", "dynamic-tool", "tool-invocation", "steering-message",
    "reasoning-file",
}  # fmt: skip
_MODEL_TYPES = ("tool-call", "tool-result", "tool-approval-request", "tool-approval-response", "reasoning-file")
_OF_IMAGES = {"type", "image", "mediaType", "mimeType", "providerOptions", "experimental_providerMetadata"}
_MEDIA_TYPES = ("mediaType", "mimeType", "contentType")
_CHATS = ("chatId", "chat_id", "threadId", "thread_id", "conversationId")


def is_message(value: Any) -> bool:
    """Whether a value is a message of the user interface, or one for models that no other tool writes so."""
    if not isinstance(value, dict) or value.get("role") not in _ROLES:
        return False
    if isinstance(value.get("toolInvocations"), list) or isinstance(value.get("experimental_attachments"), list):
        return True
    parts, content = value.get("parts"), value.get("content")
    if isinstance(parts, list):
        return any(_is_ui_part(part) for part in parts)
    return isinstance(content, list) and any(_is_model_part(part) for part in content)


def _is_ui_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        return False
    match part["type"]:
        case "text":
            return isinstance(part.get("text"), str)
        case "reasoning":
            return isinstance(part.get("text", part.get("reasoning")), str)
        case "file":
            return first_of(part, _MEDIA_TYPES[:2]) is not None
        case "source":
            return isinstance(part.get("source"), dict)
        case kind:
            is_tool = kind.startswith("tool-") and "toolCallId" in part
            return kind in _UI_TYPES or is_tool or (kind.startswith("data-") and "data" in part)


def _is_model_part(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    match part.get("type"):
        case "image":
            return "image" in part and part.keys() <= _OF_IMAGES  # Inspect has a `detail` beside it
        case "file":
            return "data" in part and first_of(part, _MEDIA_TYPES[:2]) is not None
        case "text" | "reasoning":
            return "providerOptions" in part
        case kind:
            return kind in _MODEL_TYPES and ("toolCallId" in part or "approvalId" in part or "data" in part)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages. What the assistant said in several steps becomes several messages, with results between them."""
    return [draft for message in messages if isinstance(message.value, dict) for draft in _messages(message)]


def _messages(message: Document) -> list[DraftMessage]:
    value = message.value
    parts = message.at("parts")
    turn = _Turn(message)
    if parts is not None and isinstance(parts.value, list) and parts.value:
        for part in parts.items():
            turn.add_ui_part(part)
    elif isinstance(value.get("content"), list):
        for part in message.members["content"].items():
            turn.add_model_part(part)
    else:
        turn.add_text(value.get("content"))
    if not any(object_at(part).get("type") == "tool-invocation" for part in list_at(value, "parts")):
        for call in map(object_at, list_at(value, "toolInvocations")):
            turn.add_call(call.get("toolName"), call, message)
    if not value.get("parts"):
        turn.add_reasoning(value.get("reasoning"))
    for name in ("experimental_attachments", "attachments"):
        for file in list_at(value, name):
            turn.add(_file(file) if isinstance(file, dict) else file)
    return turn.drafts()


def read_step(parts: Iterable[Document]) -> list[DraftMessage]:
    """Read the parts of one step of an assistant."""
    found = list(parts)
    turn = _Turn(Document('{"role":"assistant"}'))
    for part in found:
        turn.add_model_part(part)
    messages = turn.drafts()
    messages[0].source = f"[{','.join(part.text for part in found)}]"
    return messages


class _Turn:
    """Collects the messages that one message of the SDK becomes: a new one begins where a step ends."""

    def __init__(self, message: Document) -> None:
        self._message, self._value = message, message.value
        self._done = list[DraftMessage]()
        self._results = list[DraftMessage]()
        self._sources = list[str]()
        self._draft = self._new()

    def drafts(self) -> list[DraftMessage]:
        """Return the messages. The first has the id, the time and the JSON of all."""
        self.end_step()
        first = self._done[0] if self._done else self._draft
        first.source, first.id = self._message.text, self._value.get("id") or None
        metadata = object_at(self._value, "metadata")
        first.created = first_of(self._value, ("createdAt", "created_at")) or metadata.get("createdAt")
        kept = {name: self._value[name] for name in ("metadata", "data") if self._value.get(name)}
        first.more = kept | first.more
        if isinstance(self._value.get("annotations"), list):
            first.annotations += self._value["annotations"]
        return self._done or [first]

    def end_step(self) -> None:
        """Begin a new message, unless nothing was said since the last."""
        draft = self._draft
        if draft.content or draft.tool_calls or draft.reasoning or draft.annotations:
            draft.source = f"[{','.join(self._sources)}]" if self._sources else ""
            self._done.append(draft)
        self._done += self._results
        self._draft, self._results, self._sources = self._new(), [], []

    def add_ui_part(self, part: Document) -> None:
        """Add a part of the user interface."""
        value = object_at(part.value)
        kind = as_text(value.get("type"))
        if kind == "step-start" or (self._results and kind in ("text", "reasoning")):
            self.end_step()
        if kind != "step-start":
            self._sources.append(part.text)
        match kind:
            case "step-start":
                pass
            case "text":
                self.add(text_part(as_text(value.get("text")), _citations(value)))
            case "reasoning":
                self.add_reasoning(value.get("text") or value.get("reasoning"))
            case "source-url" | "source-document":
                self._cite(value)
            case "source":
                self._cite(object_at(value, "source"))
            case "file" | "reasoning-file":
                self.add(_file(value))
            case "tool-invocation":
                call = object_at(value, "toolInvocation")
                self.add_call(call.get("toolName"), call, part)
            case "steering-message":
                self._steer(part)
            case _ if "toolCallId" in value:
                self.add_call(value.get("toolName") or kind.removeprefix("tool-"), value, part)
            case _:
                self.add(part.value)

    def add_model_part(self, part: Document) -> None:
        """Add a part of a message for models."""
        value = object_at(part.value)
        match value.get("type"):
            case "text":
                self.add(text_part(as_text(value.get("text")), _citations(value)))
            case "reasoning":
                self.add_reasoning(value.get("text"))
            case "source":
                self._cite(value)
            case "image" | "file" | "reasoning-file":
                self.add(_file(value))
            case "tool-call":
                arguments = value.get("input", value.get("args"))
                call = tool_call(as_text(value.get("toolCallId")), as_text(value.get("toolName")), arguments)
                self._draft.tool_calls.append(call | _kept(value, ("providerExecuted",)))
            case "tool-result" | "tool-error":
                self._results.append(_model_result(value, part))
            case "tool-approval-response":
                self._results.append(DraftMessage("tool", as_text(value), part.text))
            case _:
                self.add(part.value if isinstance(part.value, dict) else text_part(as_text(part.value)))

    def add_text(self, text: Any) -> None:
        """Add a text, if there is one."""
        if text not in (None, ""):
            self.add(text_part(as_text(text)))

    def add_reasoning(self, text: Any) -> None:
        """Add thoughts, if there are any."""
        self._draft.reasoning = "\n\n".join(filter(None, (self._draft.reasoning, as_text(text))))

    def add(self, part: Any) -> None:
        """Add a part."""
        content = self._draft.content if isinstance(self._draft.content, list) else []
        self._draft.content = [*content, part]

    def add_call(self, name: Any, value: dict[str, Any], part: Document) -> None:
        """Add a call with its result, if it has one; what stands for it otherwise is kept on the call."""
        call_id, state = as_text(value.get("toolCallId")), value.get("state")
        arguments = next((value[key] for key in ("input", "args", "rawInput") if value.get(key) is not None), None)
        call = tool_call(call_id, as_text(name), arguments) | _kept(value, ("approval", "providerExecuted", "title"))
        result = _ui_result(value, part)
        if result is None:
            call["state"] = state
        else:
            self._results.append(result)
        self._draft.tool_calls.append(call)

    def _cite(self, source: dict[str, Any]) -> None:
        url = as_text(first_of(source, ("url", "filename", "sourceId", "id")))
        in_texts = (part.get("annotations") or [] for part in self._draft.content or [] if isinstance(part, dict))
        if not any(cited["url_citation"]["url"] == url for each in in_texts for cited in each):
            self._draft.annotations.append(citation(url, as_text(source.get("title"))))

    def _steer(self, part: Document) -> None:
        """Add what the person wrote while the assistant was at work."""
        self._sources.pop()
        self.end_step()
        inner = _Turn(part)
        inner._draft.role = "user"
        parts = part.at("parts")
        for each in parts.items() if parts is not None else ():
            inner.add_ui_part(each)
        self._done += inner.drafts()

    def _new(self) -> DraftMessage:
        return DraftMessage(as_text(self._value.get("role")) or "assistant")


def _ui_result(value: dict[str, Any], part: Document) -> DraftMessage | None:
    """Return the result of a call of the user interface; None if it has none yet."""
    call_id = as_text(value.get("toolCallId"))
    match value.get("state"):
        case "output-error":
            return DraftMessage(
                "tool", as_text(value.get("errorText")), part.text, tool_call_id=call_id, more={"status": "error"}
            )
        case "output-denied":
            return DraftMessage(
                "tool", as_text(value.get("approval")), part.text, tool_call_id=call_id, more={"state": "output-denied"}
            )
        case _ if "output" in value or "result" in value:
            output = value.get("output", value.get("result"))
            return DraftMessage("tool", _output(output), part.text, tool_call_id=call_id)
    return None


def _model_result(value: dict[str, Any], part: Document) -> DraftMessage:
    output = value.get("output", value.get("result", value.get("error")))
    held = object_at(output)
    kind = held.get("type")
    message = DraftMessage("tool", None, part.text, name=as_text(value.get("toolName")))
    message.tool_call_id = as_text(value.get("toolCallId"))
    if kind in ("text", "json", "error-text", "error-json", "content") and "value" in held:
        message.content = _output(held["value"])
    else:
        message.content = _output(value.get("experimental_content") or output)
    if value.get("isError") or value.get("type") == "tool-error" or kind in ("error-text", "error-json"):
        message.more = {"status": "error"}
    elif kind == "execution-denied":
        message.more = {"state": kind}
    return message


def _output(value: Any) -> str | list[dict[str, Any]]:
    """Read what a tool returned: parts, or anything else as text."""
    parts = value if isinstance(value, list) else []
    if parts and all(isinstance(part, dict) and part.get("type") in _OUTPUT_TYPES for part in parts):
        return [text_part(as_text(part.get("text"))) if part["type"] == "text" else _file(part) for part in parts]
    return as_text(value)


_OUTPUT_TYPES = (
    "text", "file", "media", "image", "image-data", "image-url", "file-data", "file-url", "file-id", "image-file-id",
)  # fmt: skip


def _file(part: dict[str, Any]) -> dict[str, Any]:
    """Read a file: its bytes or its address may stand under several names, and the bytes in several ways."""
    part = part | object_at(part, "file")  # as a model makes one
    media_type = as_text(first_of(part, _MEDIA_TYPES))
    is_image = as_text(part.get("type")).startswith("image")
    media_type = media_type or ("image/png" if is_image else "application/octet-stream")
    name = as_text(first_of(part, ("filename", "name")))
    data = first_of(part, ("url", "image", "data", "fileId", "base64", "base64Data"))
    if isinstance(data, dict) and data.get("type") in ("data", "url", "reference", "text"):
        data = first_of(data, ("url", "data", "text", "reference"))
    reference = part.get("providerReference") or (data if isinstance(data, dict) and _bytes_of(data) is None else None)
    if isinstance(reference, dict) and not isinstance(part.get("url"), str):
        return file_part(name, file_id=", ".join(as_text(each) for each in reference.values()))
    raw = _bytes_of(data)
    text = data_url(base64.b64encode(raw).decode(), media_type) if raw is not None else as_text(data)
    is_address = "://" in text[:20] or text.startswith(("data:", "/"))
    made = media_part(media_type, text if is_address or not text else data_url(text, media_type), name)
    if name and "image_url" in made:
        made["image_url"]["title"] = name
    return made


def _bytes_of(data: Any) -> bytes | None:
    """Return bytes that JSON has as numbers: Node's `Buffer` as a list, a `Uint8Array` by their places."""
    numbers = data.get("data") if isinstance(data, dict) and data.get("type") == "Buffer" else data
    if isinstance(numbers, dict) and numbers and all(key.isdigit() for key in numbers):
        numbers = list(numbers.values())
    if not isinstance(numbers, list):
        return None
    try:
        return bytes(numbers)
    except (TypeError, ValueError):
        return None


def _citations(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the citations of a text."""
    options = (object_at(part, name) for name in ("providerOptions", "providerMetadata"))
    given = [each for held in options for name in held for each in objects_at(held, name, "annotations")]
    cited = [each for each in list_at(part, "citations") if isinstance(each, dict)]
    if not cited:
        return [_annotation(each) for each in given]
    return [
        citation(
            as_text(first_of(object_at(each, "source"), ("url", "filename", "id"))),
            as_text(object_at(each, "source").get("title")),
            each.get("startIndex"),
            each.get("endIndex"),
        )
        for each in cited
    ]


def _annotation(value: dict[str, Any]) -> dict[str, Any]:
    """Read an annotation of OpenAI's Responses, which the SDK keeps among the options of the text."""
    url = as_text(first_of(value, ("url", "file_id")))
    title = as_text(first_of(value, ("title", "filename")))
    return citation(url, title, value.get("start_index"), value.get("end_index"))


def _kept(value: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value[name] for name in names if value.get(name)}


# --- Records ---------------------------------------------------------------------------------------------------------


def _is_row(value: Any) -> bool:
    """Whether a value is a message with the chat it belongs to, as a row of a database."""
    return is_message(value) and first_of(value, _CHATS) is not None


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return any(is_message(each) for each in value)
    if not isinstance(value, dict):
        return False
    lists = (value[name] for name in _LISTS if isinstance(value.get(name), list))
    return _is_row(value) or any(is_message(each) for messages in lists for each in messages)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    names = [name for name in _LISTS if isinstance(value, dict) and isinstance(value.get(name), list)]
    name = next((name for name in names if any(is_message(each) for each in value[name])), "")
    messages = list((document.members[name] if name else document).items())
    draft = draft_of(_NAME, document, read_messages(messages), (name, "system") if name else ())
    system = value.get("system") if isinstance(value, dict) else None
    if system:
        draft.messages.insert(0, DraftMessage("system", as_text(system)))
    draft.model = draft.model or _model_of(messages)
    draft.id = id_within(_NAME, draft.id)
    draft.created = draft.created or (draft.messages[0].created if draft.messages else None)
    yield draft.finish(document)


def _model_of(messages: list[Document]) -> str:
    metadata = (object_at(message.value, "metadata") for message in messages)
    return as_text(next(filter(None, (first_of(each, ("model", "modelId")) for each in metadata)), ""))


def _key(document: Document) -> str:
    return f"{first_of(document.value, _CHATS)}" if _is_row(document.value) else ""


def _join(rows: list[Document]) -> Iterator[Conversation]:
    """Join the rows of a chat, in the order of their times where all have one."""
    times = [first_of(row.value, ("createdAt", "created_at")) for row in rows]
    if len({type(time) for time in times}) == 1 and times[0] is not None:
        order = sorted(range(len(rows)), key=lambda n: times[n])
        rows = [rows[n] for n in order]
    messages = read_messages(rows)
    draft = draft_of(_NAME, Document("{}"), messages, ())
    draft.id, draft.model = id_within(_NAME, first_of(rows[0].value, _CHATS)), _model_of(rows)
    draft.created = first_of(rows[0].value, ("createdAt", "created_at"))
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Vercel AI SDK",
    what=gettext_lazy("A Vercel AI SDK chat"),
    seen="ai 4.3.19, 5.0.277, 6.0.326, 7.0.173",
    keeps="texts, reasoning, tool calls with results and errors, files, sources, citations, metadata, data parts",
    loses="the system prompt and times; a refusal is plain text",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
