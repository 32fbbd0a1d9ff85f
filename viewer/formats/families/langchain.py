"""LangChain's messages as its functions write them: dicts, serialised objects, models, and rows of a history.

The same message is `{"type", "data"}` by `messages_to_dict`, `{"lc", "id", "kwargs"}` by `dumpd`, and plain fields by
`model_dump`. What a model said as blocks is in `content`, where tool calls stand a second time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, citation, note, text_part, tool_call
from viewer.formats.family import Family, Shape, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of

from .langchain_blocks import Blocks, read_blocks
from .n8n_memory import unfolded

NAME = "langchain"
_ROLES = {
    "human": "user", "ai": "assistant", "system": "system", "developer": "developer", "tool": "tool",
    "function": "function", "chat": "", "generic": "", "remove": "remove",
}  # fmt: skip
_REPEATED = ("function_call", "tool_call", "invalid_tool_call", "tool_use")
_PLACES = (("messages",), ("chat_history",), ("history",), ("chat_memory", "messages"), ("kwargs", "messages"))
_SESSIONS = ("session_id", "SessionId", "sessionId", "thread_id", "conversation_id")
_ROW_MESSAGES = ("message", "History", "history")
_ROW_FIELDS = {*_SESSIONS, *_ROW_MESSAGES, "id", "_id", "created_at", "timestamp"}


def _kind(name: Any) -> str:
    """Return the kind of a message by its type or its class: `ai` for `ai`, `AIMessage` and `AIMessageChunk`."""
    return name.removesuffix("Chunk").removesuffix("Message").casefold() if isinstance(name, str) else ""


def _body(value: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the type of a message, and its fields; an empty type if it is none."""
    if value.get("lc") and isinstance(value.get("id"), list) and isinstance(value.get("kwargs"), dict):
        names = value["id"]
        is_message = bool(names) and str(names[-1]).removesuffix("Chunk").endswith("Message")
        return (value["kwargs"].get("type") or names[-1], value["kwargs"]) if is_message else ("", {})
    if isinstance(value.get("data"), dict) and "content" in value["data"]:
        return value.get("type") or "", value["data"]
    return value.get("type") or "", value


def fields_of(value: Any) -> dict[str, Any]:
    """Return the fields of a message, such as `content` and `id`, whatever its form."""
    return _body(value)[1] if isinstance(value, dict) else {}


def is_message(value: Any) -> bool:
    """Whether a value is a message in one of LangChain's forms."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("role"), str) and "type" not in value:
        return _is_converted(value)
    name, fields = _body(value)
    kind = _kind(name)
    if kind not in _ROLES:
        return False
    is_sure = fields is not value or kind in ("human", "ai")
    return is_sure or ("content" in fields and ("additional_kwargs" in fields or "response_metadata" in fields))


def _is_converted(value: dict[str, Any]) -> bool:
    """Whether `convert_to_openai_messages` wrote a message of which blocks repeat the tool calls."""
    repeated = [part for part in objects_at(value, "content") if part.get("type") in _REPEATED and "name" in part]
    is_anthropic = bool(repeated) and repeated[0]["type"] == "tool_use" and not value.get("tool_calls")
    return value["role"] == "assistant" and bool(repeated) and not is_anthropic


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages of any of the forms."""
    return [_message(message) for message in messages if isinstance(message.value, dict)]


def _message(message: Document) -> DraftMessage:
    if isinstance(message.value.get("role"), str) and not message.value.get("type"):
        return _converted(message) if _is_converted(message.value) else DraftMessage.of(message)
    name, fields = _body(message.value)
    role = _ROLES.get(_kind(name), "") or str(fields.get("role") or name)
    more_fields = object_at(fields, "additional_kwargs")
    blocks = read_blocks(_content_of(fields))
    draft = _draft_of(role, blocks, message)
    draft.role = str(more_fields.get("__openai_role__") or role)
    draft.id, draft.name = fields.get("id"), str(fields.get("name") or "")
    draft.refusal = blocks.refusal or str(more_fields.get("refusal") or "")
    draft.reasoning = blocks.reasoning or _reasoning(more_fields)
    draft.tool_calls = _calls(fields, blocks) + blocks.hosted
    draft.tool_call_id = str(fields.get("tool_call_id") or "")
    draft.annotations = _citations(more_fields)
    audio = more_fields.get("audio")
    draft.audio = audio if isinstance(audio, dict) else None
    draft.created = _created(fields)
    if fields.get("status") == "error":
        draft.more["status"] = "error"
    if isinstance(more_fields.get("function_call"), dict) and not draft.tool_calls:
        draft.more["function_call"] = more_fields["function_call"]
    if draft.role == "user" and (added_by := more_fields.get("lc_source")):  # such as a summary: no person wrote it
        draft.role, draft.name = "developer", str(added_by)
    if _lost_refusal(str(name), fields, draft):
        draft.notes.append(note("lost-refusal", by="LangChain"))
    return draft


def _content_of(fields: dict[str, Any]) -> Any:
    """Return the content, with what versions before 1 put beside it: the calls of tools that OpenAI ran."""
    content, beside = fields.get("content"), list_at(fields, "additional_kwargs", "tool_outputs")
    return [*(content if isinstance(content, list) else filter(None, [content])), *beside] if beside else content


def _draft_of(role: str, blocks: Blocks, message: Document) -> DraftMessage:
    return DraftMessage(role, blocks.text if blocks.text is not None else blocks.parts or None, message.text)


def _converted(message: Document) -> DraftMessage:
    value = message.value
    blocks = read_blocks(value.get("content"))
    draft = _draft_of(value["role"], blocks, message)
    draft.id, draft.name = value.get("id"), str(value.get("name") or "")
    draft.refusal, draft.reasoning = blocks.refusal or str(value.get("refusal") or ""), blocks.reasoning
    given = {call.get("id"): object_at(call, "function") for call in objects_at(value, "tool_calls")}
    calls = {call: (each.get("name"), each.get("arguments")) for call, each in given.items()}
    draft.tool_calls = _merged(calls, blocks, {})
    return draft


def _calls(fields: dict[str, Any], blocks: Blocks) -> list[dict[str, Any]]:
    """Return the tool calls, with arguments as the model wrote them where the file has that."""
    listed = [*objects_at(fields, "tool_calls"), *objects_at(fields, "invalid_tool_calls")]
    calls = {call.get("id"): (call.get("name"), call.get("args")) for call in listed}
    raw = {}
    for call in objects_at(fields, "additional_kwargs", "tool_calls"):
        function = object_at(call, "function")
        calls.setdefault(call.get("id"), (function.get("name"), function.get("arguments")))
        raw[call.get("id")] = function.get("arguments")
    # A streamed call that broke off was mended to be JSON in `tool_calls`, but not in its chunks.
    for chunk in objects_at(fields, "tool_call_chunks"):
        raw[chunk.get("id")] = chunk.get("args")
    return _merged(calls, blocks, raw)


def _merged(calls: dict[Any, tuple[Any, Any]], blocks: Blocks, raw: dict[Any, Any]) -> list[dict[str, Any]]:
    for call_id, (name, arguments) in blocks.calls.items():
        known = calls.get(call_id)
        if known is None or (isinstance(arguments, str) and arguments):
            calls[call_id] = (known[0] if known else name, arguments)
    return [
        tool_call(str(call_id or ""), str(name or ""), raw.get(call_id) or arguments)
        for call_id, (name, arguments) in calls.items()
    ]


def _reasoning(more_fields: dict[str, Any]) -> str:
    """Return the reasoning that integrations put beside the content: a text, or OpenAI's summary."""
    text = more_fields.get("reasoning_content")
    if isinstance(text, str):
        return text
    summary = objects_at(more_fields, "reasoning", "summary")
    return "\n\n".join(str(each["text"]) for each in summary if each.get("text"))


def _citations(more_fields: dict[str, Any]) -> list[dict[str, Any]]:
    urls = (url for url in list_at(more_fields, "citations") if isinstance(url, str))
    return [*(citation(url) for url in urls), *list_at(more_fields, "annotations")]


def _created(fields: dict[str, Any]) -> Any:
    given = first_of(object_at(fields, "response_metadata"), ("created_at", "created"))
    return int(given) if isinstance(given, float) else given


def _lost_refusal(name: str, fields: dict[str, Any], draft: DraftMessage) -> bool:
    """Whether a streamed answer ended as usual and is empty: Chat Completions' stream loses a refusal."""
    is_empty = not (draft.content or draft.tool_calls or draft.refusal or draft.audio or draft.reasoning)
    ended = object_at(fields, "response_metadata").get("finish_reason")
    return is_empty and name == "AIMessageChunk" and ended == "stop"


def complete(draft: Draft, messages: Iterable[Document]) -> Draft:
    """Add to a draft what its answers say of the model, the usage, the end and the time."""
    for message in messages:
        name, fields = _body(message.value) if isinstance(message.value, dict) else ("", {})
        answer = object_at(fields, "response_metadata")
        draft.created = draft.created or _created(fields)
        if _kind(name) != "ai":
            continue
        draft.model = str(first_of(answer, ("model_name", "model", "model_id", "modelId")) or draft.model)
        ended = first_of(answer, ("finish_reason", "stop_reason", "done_reason"))
        draft.finish_reason = ended if isinstance(ended, str) else None
        if usage := object_at(fields, "usage_metadata"):
            names = ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"), ("total_tokens",) * 2
            draft.fields["usage"] = {ours: usage.get(theirs) for ours, theirs in names}
    return draft


def _messages_at(record: Document) -> tuple[tuple[str, ...], Document]:
    """Return where the messages stand in a record, and the list itself."""
    found = ((names, record.at(*names)) for names in _PLACES)
    return next(((names, list_) for names, list_ in found if list_ and list_.value), ((), record))


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return is_message(first_object(value)) or any(map(_is_doubled, value))
    if not isinstance(value, dict):
        return False
    lists = (list_at(value, *names) for names in _PLACES)
    return any(is_message(first_object(found)) or any(map(_is_doubled, found)) for found in lists) or _is_row(value)


def _is_doubled(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and _is_converted(value)


def _read(document: Document) -> Iterator[Conversation]:
    names, messages = _messages_at(document)
    read = unfolded(read_messages(messages.items()))
    if names == ("chat_history",):  # of an agent, which has the last question and its answer beside
        read += _turn(document)
    draft = draft_of(NAME, document, read, [*names[:1], *(("input", "output") if names == ("chat_history",) else ())])
    draft.id = id_within(NAME, draft.id or first_of(object_at(document.value), _SESSIONS))
    yield complete(draft, messages.items()).finish(document)


def _turn(document: Document) -> Iterator[DraftMessage]:
    for name, role in (("input", "user"), ("output", "assistant")):
        if isinstance(text := document.value.get(name), str) and text:
            yield DraftMessage(role, [text_part(text)], document.members[name].text)


# --- Rows of a history: one message each, under the name of its session -----------------------------------------------


def _row_message(row: Document) -> Document:
    """Return the message of a row, which databases keep as JSON or as a text with JSON."""
    name = next(name for name in _ROW_MESSAGES if row.value.get(name))
    given = row.value[name]
    return Document(given, row.place) if isinstance(given, str) else row.members[name]


def _is_row(value: dict[str, Any]) -> bool:
    if first_of(value, _SESSIONS) is None:
        return False
    message = first_of(value, _ROW_MESSAGES)
    if isinstance(message, str) and message.startswith("{") and '"type"' in message:
        try:
            message = json.loads(message)
        except (ValueError, RecursionError):
            return False
    return is_message(message)


def _key(document: Document) -> str:
    if not isinstance(document.value, dict) or not _is_row(document.value):
        return ""
    return str(first_of(document.value, _SESSIONS))


def _join(rows: list[Document]) -> Iterator[Conversation]:
    if all(isinstance(row.value.get("id"), int) for row in rows):
        rows = sorted(rows, key=lambda row: row.value["id"])
    messages = [_row_message(row) for row in rows]
    first = rows[0].value
    draft = Draft(NAME, id=id_within(NAME, first_of(first, _SESSIONS)), created=_time_of(first))
    draft.messages = read_messages(messages)
    for row, message in zip(rows, draft.messages, strict=True):
        message.created = message.created or _time_of(row.value)
    draft.messages = unfolded(draft.messages)
    draft.metadata = {name: value for name, value in first.items() if name not in _ROW_FIELDS}
    yield complete(draft, messages).finish_at(rows[0].place, *(row.text for row in rows))


def _time_of(row: dict[str, Any]) -> Any:
    return first_of(row, ("created_at", "timestamp"))


def _sessions(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the messages of each session of `SQLChatMessageHistory`, as a list in an object."""
    rows = database.execute("SELECT session_id, message FROM message_store ORDER BY session_id, id")
    for number, (session, group) in enumerate(groupby(rows, key=lambda row: row[0]), start=1):
        yield number, f'{{"session_id":{json.dumps(session)},"messages":[{",".join(text for _, text in group)}]}}'


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=NAME,
    title="LangChain",
    what=gettext_lazy("A LangChain history"),
    seen="langchain-core 0.1.52, 0.3.79 and 1.8.3, langchain-openai 1.7.4, langchain-community 0.4.2",
    keeps=(
        "texts, pictures, sound, files, tool calls as the model wrote them, results and whether they failed, refusals; "
        "reasoning and sources of OpenAI's Responses"
    ),
    loses="reasoning and sources of Chat Completions, refusals of its streams, and mostly times",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
    tables=frozenset({"message_store"}),
    rows=_sessions,
    renamed="message_store",
    columns=frozenset({"id", "session_id", "message"}),
)
