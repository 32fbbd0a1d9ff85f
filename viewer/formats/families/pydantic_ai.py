"""Pydantic AI's messages: requests and responses, each with parts of many kinds (`all_messages_json`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    citation,
    data_url,
    file_part,
    media_part,
    note,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, Shape, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of, is_list_of

_NAME = "pydantic-ai"
_CONVERSATIONS = ("conversation_id", "session_id", "thread_id", "chat_id")
_RESULTS = ("tool-return", "builtin-tool-return")
_URLS = {"image-url": "image/*", "audio-url": "audio/*", "video-url": "video/*", "document-url": "application/*"}


def is_message(value: Any) -> bool:
    """Whether a value is a request to a model, or its response."""
    return (
        isinstance(value, dict)
        and value.get("kind") in ("request", "response")
        and isinstance(value.get("parts"), list)
    )


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read requests and responses. A request may be several messages, such as the results of tools."""
    found: list[DraftMessage] = []
    instructions = ""
    for message in messages:
        if not is_message(message.value):
            found.append(DraftMessage.of(message))
            continue
        said = message.value.get("instructions")
        if isinstance(said, str) and said and said != instructions:
            found.append(DraftMessage("system", said))
            instructions = said
        found += _request(message) if message.value["kind"] == "request" else _response(message)
    return found


def _request(message: Document) -> Iterator[DraftMessage]:
    for part in objects_at(message.value, "parts"):
        if part.get("part_kind") == "instruction-baseline":  # what the `instructions` were made of
            continue
        draft = _asked(part, message)
        draft.created = first_of(part, ("timestamp",)) or message.value.get("timestamp")
        yield draft


def _asked(part: dict[str, Any], message: Document) -> DraftMessage:
    match part.get("part_kind"):
        case "system-prompt" | "instruction":
            return DraftMessage("system", as_text(part.get("content")), message.text)
        case "instruction-delta" if part.get("content"):  # null where an instruction was withdrawn
            return DraftMessage("system", as_text(part["content"]), message.text)
        case "user-prompt":
            return DraftMessage("user", _content(part.get("content")), message.text)
        case "tool-return" | "builtin-tool-return":
            return _result(part, message)
        case "retry-prompt" if part.get("tool_name"):
            return _result(part | {"outcome": "failed"}, message)
        case "retry-prompt" | "retry-feedback":  # what the app answers to the model in the user's place
            return DraftMessage("developer", as_text(part.get("content")), message.text)
    return DraftMessage("developer", [_named(part)], message.text)


def _named(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part that is shown as JSON, with its kind as its type."""
    return {"type": part.get("part_kind") or part.get("kind") or "part"} | part


def _content(content: Any) -> str | list[dict[str, Any]]:
    if not isinstance(content, list):
        return as_text(content)
    return [part for item in content for part in _input(item)]


def _input(item: Any) -> Iterator[dict[str, Any]]:
    """Yield the part of something that a user or a tool sent: a text, bytes, a URL, an uploaded file."""
    if not isinstance(item, dict):
        yield text_part(as_text(item))
        return
    kind, media_type = item.get("kind"), str(item.get("media_type") or "")
    if kind == "binary" and isinstance(item.get("data"), str):
        yield media_part(media_type, data_url(item["data"], media_type), str(item.get("identifier") or ""))
    elif kind in _URLS and isinstance(item.get("url"), str):
        yield media_part(media_type or _URLS[kind], item["url"])
    elif kind == "text-content":
        yield text_part(as_text(item.get("content")))
    elif kind == "uploaded-file":
        yield file_part(file_id=str(item.get("file_id") or ""))
    elif kind != "cache-point":
        yield _named(item)


def _result(part: dict[str, Any], message: Document) -> DraftMessage:
    content = part.get("content")
    has_files = isinstance(content, list) and any(isinstance(item, dict) and item.get("kind") for item in content)
    draft = DraftMessage("tool", _content(content) if has_files else as_text(content), message.text)
    if isinstance(content, dict) and content.get("kind") == "binary":
        draft.content = list(_input(content))
    draft.name, draft.tool_call_id = str(part.get("tool_name") or ""), str(part.get("tool_call_id") or "")
    if part.get("outcome") not in (None, "success"):
        draft.more = {"is_error": True, "outcome": part["outcome"]}
    return draft


def _response(message: Document) -> Iterator[DraftMessage]:
    """Yield the answer, in pieces around summaries, and the results of tools that the provider of the model ran."""
    value = message.value
    details = object_at(value, "provider_details")
    started = DraftMessage("assistant", source=message.text, id=value.get("provider_response_id"))
    started.created, started.refusal = value.get("timestamp"), as_text(details.get("refusal"))
    draft = started
    for part in objects_at(value, "parts"):
        if (between := _between(part, message)) is None:
            _add(draft, part)
            continue
        if _has_own(draft):
            yield draft
        yield between
        draft = DraftMessage("assistant", source=message.text, created=value.get("timestamp"))
    if value.get("state") == "interrupted":
        draft.notes.append(note("interrupted"))
    elif draft is started and not _has_own(draft):
        draft.notes.append(note("lost-refusal", by="Pydantic AI"))
    if _has_own(draft) or draft.notes:
        yield draft


def _between(part: dict[str, Any], message: Document) -> DraftMessage | None:
    """Return what stands between two pieces of an answer, if a part is such."""
    if part.get("part_kind") in _RESULTS:
        return _result(part, message)
    if part.get("part_kind") == "compaction" and part.get("content"):  # OpenAI's is encrypted
        return DraftMessage("system", as_text(part["content"]), message.text, name="summary")
    return None


def _has_own(draft: DraftMessage) -> bool:
    return bool(draft.content or draft.tool_calls or draft.refusal or draft.reasoning)


def _add(draft: DraftMessage, part: dict[str, Any]) -> None:
    """Add a part of a response to the message."""
    parts = draft.content if isinstance(draft.content, list) else []
    match part.get("part_kind"):
        case "text":
            if part.get("content"):
                parts.append(text_part(as_text(part["content"]), _citations(part)))
        case "thinking" if part.get("content"):
            draft.reasoning += ("\n\n" if draft.reasoning else "") + as_text(part["content"])
        case "tool-call" | "builtin-tool-call":
            call_id, name = str(part.get("tool_call_id") or ""), str(part.get("tool_name") or "")
            draft.tool_calls.append(tool_call(call_id, name, _arguments(part.get("args"))))
        case "file":
            parts += _input(part.get("content"))
        case "speech":
            parts += [text_part(as_text(part["transcript"]))] if part.get("transcript") else []
            parts += _input(part["audio"]) if part.get("audio") else []
        case _:
            parts.append(_named(part))
    draft.content = parts or None


def _arguments(given: Any) -> Any:
    """Return the arguments of a call; up to version 0.0.24 they are inside of an object."""
    if isinstance(given, dict) and len(given) == 1:
        return given.get("args_json") or given.get("args_dict") or given
    return given


def _citations(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the citations of a text: in the common form, otherwise as the provider sent them."""
    found = []
    for each in objects_at(part, "citations"):
        anchor = object_at(each, "anchor")
        for source in objects_at(each, "sources"):
            url, title = as_text(source.get("url")), as_text(source.get("title") or source.get("document_id"))
            found.append(citation(url, title, anchor.get("start"), anchor.get("end")))
    return found or objects_at(part, "provider_details", "citations")


def _read(document: Document) -> Iterator[Conversation]:
    messages = _of(document)
    draft = draft_of(_NAME, document, read_messages(messages.items()), ["messages"])
    draft.id = id_within(_NAME, draft.id)
    yield _complete(draft, list(messages.items())).finish(document)


def _complete(draft: Draft, messages: list[Document]) -> Draft:
    """Add what the messages say of the whole conversation."""
    values = [message.value for message in messages if is_message(message.value)]
    draft.id = draft.id or first_of(values[0], ("conversation_id",))
    draft.created = draft.created or next((message.created for message in draft.messages if message.created), None)
    for value in values:
        draft.metadata |= object_at(value, "metadata")
    responses = [value for value in values if value["kind"] == "response"]
    if responses:
        last = responses[-1]
        draft.model = str(last.get("model_name") or "")
        ended = object_at(last, "provider_details").get("finish_reason") or last.get("finish_reason")
        draft.finish_reason = ended if isinstance(ended, str) else None
        usage = object_at(last, "usage")
        counts = {
            "prompt_tokens": usage.get("input_tokens", usage.get("request_tokens")),
            "completion_tokens": usage.get("output_tokens", usage.get("response_tokens")),
        }
        draft.fields["usage"] = counts if any(counts.values()) else None
    return draft


def _key(document: Document) -> str:
    """Return the conversation of a run, of which an app may have stored one after the other."""
    value = document.value
    held = first_object(value) if isinstance(value, list) else value
    return as_text(first_of(held, _CONVERSATIONS))


def _join(runs: list[Document]) -> Iterator[Conversation]:
    """Join runs. A run may have the messages of those before it, which are then left out."""
    messages: list[Document] = []
    for run in sorted(runs, key=lambda run: str(first_object(list_at(_of(run).value[0], "parts")).get("timestamp"))):
        before = {message.text for message in messages if '"timestamp"' in message.text}
        messages += [message for message in _of(run).items() if message.text not in before]
    draft = draft_of(_NAME, runs[0], read_messages(messages), ["messages", *_CONVERSATIONS])
    draft.id = id_within(_NAME, first_of(object_at(runs[0].value), _CONVERSATIONS))
    yield _complete(draft, messages).finish_at(runs[0].place, *(message.text for message in messages))


def _of(run: Document) -> Document:
    return run.at("messages") or run


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Pydantic AI",
    what=gettext_lazy("A Pydantic AI history"),
    seen="pydantic-ai-slim 0.0.20, 0.4.11, 1.20.0 and 2.68.0",
    keeps=(
        "texts, pictures, sound, tool calls, results and retries, reasoning, sources since 2.x, summaries, what was "
        "interrupted, times, the model"
    ),
    loses="refusals: an answer without parts; sources before 2.x",
    matches=is_list_of(SHAPE),
    read=_read,
    key=_key,
    join=_join,
)
