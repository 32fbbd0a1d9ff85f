"""Logs of Anthropic's Messages API: requests, responses, both together, message batches and recorded streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.message_lists import draft_of, source_of
from viewer.formats.pairs import REQUESTS, RESPONSES, at, opened, place_of, rest_of_pair

from .anthropic import is_message, read_messages

_NAME = "anthropic"
_RESPONSES = (*RESPONSES, ("message",), ("result", "message"), ("completion",))
_SETTINGS = ("temperature", "top_p", "top_k", "max_tokens", "tools", "tool_choice", "service_tier", "thinking")
_READ = {
    "id", "type", "role", "content", "model", "stop_reason", "stop_details", "usage", "messages", "system", "metadata",
    *_SETTINGS,
}  # fmt: skip
_EVENTS = (
    "message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta",
    "content_block_stop",
)  # fmt: skip
_DELTAS = {
    "text_delta": ("text", "text"), "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}  # fmt: skip


def is_response(value: Any) -> bool:
    """Whether a value is an answer as it comes from the API."""
    return isinstance(value, dict) and value.get("type") == "message" and "stop_reason" in value and is_message(value)


def _is_request(value: Any) -> bool:
    """Whether a value is a request that has marks of this API; one with nothing but texts has none but `system`."""
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return False
    return _is_system(value.get("system")) or any(is_message(each) for each in value["messages"])


def _is_system(value: Any) -> bool:
    """Whether a value is a text, or blocks; those of Converse have no type."""
    return isinstance(value, str) or (isinstance(value, list) and object_at(first_object(value)).get("type") == "text")


def _may_be_request(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("messages"), list)


def _is_event(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in _EVENTS and ("index" in value or len(value) <= 4)


def _is_stream(value: Any) -> bool:
    """Whether a value is a recorded stream: a list of events, or the text as it came."""
    if isinstance(value, str):
        return value.lstrip().startswith(("event: message_start", 'data: {"type":"message_start"'))
    return _is_event(first_object(value))


def _is_answer(value: Any) -> bool:
    return is_response(value) or _is_stream(value)


def _is_of_batch(value: Any) -> bool:
    if not isinstance(value, dict) or not value.get("custom_id"):
        return False
    kind = object_at(value, "result").get("type")
    return kind in ("succeeded", "errored", "canceled", "expired") or _may_be_request(value.get("params"))


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return any(is_message(each) for each in value) and not all(is_response(each) for each in value)
    if not isinstance(value, dict):
        return False
    if is_response(value) or _is_request(value) or _is_event(value) or _is_of_batch(value):
        return True
    return place_of(value, _RESPONSES, _is_answer) is not None or place_of(value, REQUESTS, _is_request) is not None


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if isinstance(value, list):
        yield draft_of(_NAME, document, read_messages(document.items()), ()).finish(document)
        return
    answered = () if is_response(value) else place_of(value, _RESPONSES, is_response)
    asked = place_of(value, ((), *REQUESTS), _may_be_request)
    response = at(document, answered)
    if answered is None and (answered := place_of(value, RESPONSES, bool)) is not None:
        response = as_response(at(document, answered) or document)
        if response is None:
            raise NotReadable(gettext("It has an answer that cannot be read, so none of it was taken."))
    elif answered is None and "stop_reason" in value and "content" in value:
        response = _answer_in(document)
    draft = draft_of_pair(at(document, asked), response)
    beside = draft_of(_NAME, document, (), ())  # such as the time of a log
    draft.created, draft.metadata = draft.created or beside.created, beside.metadata | draft.metadata
    draft.source = rest_of_pair(document, (asked, answered), _READ)
    yield draft.finish(document)


def as_response(answer: Document) -> Document | None:
    """Return an answer as that of the API, of which a log may have kept the events, the blocks or the text."""
    found = opened(answer)
    value = found.value
    if isinstance(value, str):
        return _of_blocks(json.dumps([{"type": "text", "text": value}]), answer)
    if isinstance(value, dict):
        return _answer_in(found) if isinstance(value.get("content"), (str, list)) else None
    events = [event for event in found.items() if _is_event(event.value)]
    if events:
        return response_of(events)[0]
    return _of_blocks(found.text, answer) if isinstance(value, list) else None


def _answer_in(record: Document) -> Document:
    """Return the members of an answer that are in a record."""
    names = ("id", "type", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage")
    given = {name: member.text for name, member in record.members.items() if name in names}
    return Document(to_object(list(({"role": '"assistant"'} | given).items())), record.place, record.find)


def _of_blocks(blocks: str, beside: Document) -> Document:
    return Document(f'{{"role":"assistant","content":{blocks}}}', beside.place, beside.find)


def draft_of_pair(request: Document | None, response: Document | None) -> Draft:
    """Start the draft of a request, a response or both."""
    asked, answer = object_at(request.value if request else None), object_at(response.value if response else None)
    messages = _system(request) + (read_messages(request.members["messages"].items()) if request else [])
    settings = {name: asked[name] for name in _SETTINGS if asked.get(name) not in (None, [])}
    user = object_at(asked, "metadata").get("user_id")
    draft = Draft(
        _NAME,
        id=answer.get("id") or asked.get("id"),
        created=answer.get("created_at") or asked.get("created_at"),
        model=as_text(answer.get("model") or asked.get("model")),
        metadata={"user": user} if user else {},
        messages=messages,
        fields=settings | _usage(answer),
    )
    if response is not None:
        _add_answer(draft, response)
    if request is None:
        draft.notes.append(note("lost-input"))
    return draft


def _add_answer(draft: Draft, response: Document) -> None:
    """Add the answer; one that is refused may have an explanation, and nothing else."""
    *before, answer = read_messages([response])
    reason = response.value.get("stop_reason")
    answer.more = {name: each for name, each in answer.more.items() if name != "stop_reason"}
    explanation = object_at(response.value, "stop_details").get("explanation")
    if reason == "refusal" and isinstance(explanation, str):
        answer.refusal = explanation
    draft.messages += before
    draft.choices = [(answer, reason if isinstance(reason, str) else None)]


def _system(request: Document | None) -> list[DraftMessage]:
    system = request.at("system") if request is not None else None
    if system is None or system.value in ("", []):
        return []
    blocks = system.value if isinstance(system.value, list) else [system.value]
    texts = [as_text(block.get("text") if isinstance(block, dict) else block) for block in blocks]
    return [DraftMessage("system", "\n\n".join(texts), system.text if isinstance(system.value, list) else "")]


def _usage(answer: dict[str, Any]) -> dict[str, Any]:
    """Name the numbers of tokens as chat completions do."""
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    usage = {names.get(name, name): each for name, each in object_at(answer, "usage").items() if each is not None}
    return {"usage": usage} if usage else {}


# --- Batches and streams ---------------------------------------------------------------------------------------------


def _key(document: Document) -> str:
    value = document.value
    if _is_event(value):
        return f"stream {document.place.file}"
    return f"batch {value['custom_id']}" if isinstance(value, dict) and _is_of_batch(value) else ""


def _join(documents: list[Document]) -> Iterator[Conversation]:
    if _is_event(documents[0].value):
        for events in _streams(documents):
            response, is_whole = response_of(events)
            draft = draft_of_pair(None, response)
            draft.notes += [] if is_whole else [note("cut-off")]
            yield draft.finish_at(events[0].place, response.text)
        return
    requests = [each for each in documents if "params" in each.value]
    results = [each for each in documents if "params" not in each.value]
    for request, result in zip_longest(requests, results):
        yield _of_batch(request, result)


def _of_batch(request: Document | None, result: Document | None) -> Conversation:
    first = request or result
    answer = result.at("result", "message") if result else None
    if first is None or (request is None and answer is None):
        raise NotReadable(gettext("This answer of a batch has an error, and its request is not among the files."))
    draft = draft_of_pair(request.at("params") if request else None, answer)
    draft.metadata["custom_id"] = first.value["custom_id"]
    outcome = object_at(result.value, "result") if result else {}
    if outcome.get("error"):
        draft.fields["error"] = object_at(outcome, "error", "error") or outcome["error"]
    elif answer is None:
        draft.notes.append(note("lost-answer"))
    draft.source = source_of(answer, _READ) if answer is not None else ""
    return draft.finish_at(first.place, *(each.text for each in (request, result) if each))


def _streams(events: list[Document]) -> Iterator[list[Document]]:
    stream = list[Document]()
    for event in events:
        if event.value["type"] == "message_start" and stream:
            yield stream
            stream = []
        stream.append(event)
    if stream:
        yield stream


def response_of(events: list[Document]) -> tuple[Document, bool]:
    """Put the response of a stream together; say whether it came to its end."""
    message: dict[str, Any] = {"type": "message", "role": "assistant", "content": [], "stop_reason": None}
    blocks, inputs = dict[Any, dict[str, Any]](), dict[Any, str]()
    for event in events:
        value, index = event.value, event.value.get("index")
        match value["type"]:
            case "message_start":
                message |= json.loads(event.members["message"].text) if "message" in value else {}
            case "content_block_start":
                blocks[index] = dict(object_at(value, "content_block"))
            case "content_block_delta":
                _add_delta(blocks.setdefault(index, {"type": "text", "text": ""}), object_at(value, "delta"))
                inputs[index] = inputs.get(index, "") + as_text(object_at(value, "delta").get("partial_json"))
            case "message_delta":
                message |= object_at(value, "delta")
                message["usage"] = object_at(message, "usage") | object_at(value, "usage")
    for index, text in inputs.items():
        if text:
            blocks[index]["input"] = _parsed(text)
    message["content"] = list_at(message, "content") + [blocks[index] for index in sorted(blocks, key=str)]
    text = to_object([(name, json.dumps(each, ensure_ascii=False)) for name, each in message.items()])
    is_whole = any(event.value["type"] == "message_stop" for event in events)
    return Document(text, events[0].place, events[0].find), is_whole


def _add_delta(block: dict[str, Any], delta: dict[str, Any]) -> None:
    kind = as_text(delta.get("type"))
    if kind in _DELTAS:
        name, given = _DELTAS[kind]
        block[name] = as_text(block.get(name)) + as_text(delta.get(given))
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta.get("citation")]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # the stream broke off in the middle


FAMILY = Family(
    name=_NAME,
    title="Anthropic Messages",
    what=gettext_lazy("An Anthropic Messages log"),
    seen="anthropic 0.25.0, 0.64.0 and 2.14.0",
    keeps="texts, thinking, tool calls and results, those of Anthropic's own tools too, citations, pictures, files",
    loses="times; why an answer was refused, in a list of messages; the text of thinking that is encrypted",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
