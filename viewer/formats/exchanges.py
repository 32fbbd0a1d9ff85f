"""Reads a request and the response to it into a draft, whatever API they belong to."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext

from viewer.completions.source_text import to_object

from .chunks import completion_of_chunks, is_chunk
from .document import Document, NotReadable
from .drafts import Draft, DraftMessage, as_text, note
from .family import first_object, object_at
from .messages import is_message, read_messages
from .pairs import Path

_SETTINGS = (
    "tools", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "max_tokens", "max_completion_tokens",
    "seed", "response_format", "reasoning_effort", "presence_penalty", "frequency_penalty", "service_tier",
)  # fmt: skip
_SYSTEMS = ("instructions", "system", "system_prompt", "systemPrompt")  # beside the messages
_LISTS = ("messages", "input_messages", "chat_history", "history", "input", "contents", "prompt", "conversation")
_QUESTIONS = ("input", "prompt", "question", "query", "text", "message", "content", "user_input", "human_input")
_ANSWERS = (
    "output_text", "output", "answer", "response", "completion", "content", "text", "reply", "result", "generated_text",
    "final_output", "value",
)  # fmt: skip
_INSIDE = ("input", "inputs", "kwargs", "args", "body", "data")
_HOLDERS = ("body", "response", "output", "outputs", "result", "data", "message")
_REASONS = ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason")
_MAX_DEPTH = 4
_MEDIA = {"image_url": "lost-image", "input_audio": "lost-audio", "file": "lost-file"}


def is_asked(value: Any) -> bool:
    """Whether a value is a request to a model, by its messages."""
    if isinstance(value, list):
        first = value[0] if value else None
        return is_asked(first) if isinstance(first, list) else is_message(first)
    return isinstance(value, dict) and any(is_asked(value.get(name)) for name in _LISTS)


def is_answered(value: Any) -> bool:
    """Whether a value is the answer of a model, not just any text."""
    if isinstance(value, list):
        return bool(value) and (is_message(value[0]) or is_answered(value[0]))
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("choices"), list) or value.get("object") == "response" or is_message(value):
        return True
    return is_message(value.get("message")) or is_asked(value.get("messages"))


def fill(draft: Draft, request: Document | None, response: Document | None) -> set[Path]:
    """Read a request and a response into a draft. Raises NotReadable.

    Returns the paths inside of the request that were read; all of the response is.
    """
    read = set[Path]()
    if request is None and response is not None:
        request = response.at("input_messages")  # as OGX and Llama Stack list stored completions
    if request is None:
        draft.notes.append(note("lost-input"))
    else:
        draft.messages, read = _asked(request)
        read |= _take_settings(draft, request)
    if response is not None:
        _answer(draft, response)
    return read


def messages_of(messages: Document) -> list[DraftMessage]:
    """Read a list of messages; lists in it are joined, and texts alone are the user's."""
    found = list[DraftMessage]()
    batch = list[Document]()
    for item in messages.items():
        if isinstance(item.value, dict):
            batch.append(item)
            continue
        found += _batch(batch)
        batch = []
        if isinstance(item.value, list):
            found += messages_of(item)
        elif item.value is not None:
            found.append(DraftMessage("user", as_text(item.value)))
    return found + _batch(batch)


def _batch(messages: list[Document]) -> list[DraftMessage]:
    found = read_messages(messages) if messages else []
    if found and not any(message.role for message in found):
        raise NotReadable(gettext("Its messages do not say who speaks: none has a role."))
    return found


def lost_media(message: DraftMessage, mark: str, by: str) -> None:
    """Note on a message which of its parts a tool has replaced by a text with this mark."""
    parts = message.content if isinstance(message.content, list) else []
    for part in parts:
        kind = as_text(part.get("type")) if isinstance(part, dict) else ""
        if kind in _MEDIA and mark in json.dumps(part.get(kind)):
            message.notes.append(note(_MEDIA[kind], by=by))
    audio = message.given.value.get("audio") if message.given else message.audio
    if isinstance(audio, dict) and mark in as_text(audio.get("data")):
        message.notes.append(note("lost-audio", by=by))


def text_of(message: DraftMessage) -> str:
    """Return all text of a message."""
    if isinstance(message.content, list):
        return " ".join(as_text(part.get("text")) for part in message.content if isinstance(part, dict))
    return as_text(message.content)


def is_silent(message: DraftMessage) -> bool:
    """Whether an answer says and does nothing at all, as where a refusal was not recorded."""
    value = message.given.value if message.given else {}
    others = ("refusal", "audio", "function_call", "reasoning_content", "reasoning")
    is_empty = not (message.content or message.tool_calls or message.refusal or message.reasoning or message.audio)
    return message.role == "assistant" and is_empty and not any(value.get(name) for name in others)


def _asked(request: Document) -> tuple[list[DraftMessage], set[Path]]:
    value = request.value
    if isinstance(value, list):
        return messages_of(request), {()}
    if not isinstance(value, dict):
        return [DraftMessage("user", as_text(value))], {()}
    if is_message(value):
        return _batch([request]), {()}
    systems = [(name, text) for name in _SYSTEMS if (text := request.at(name)) is not None and text.value]
    read = {(name,) for name, _text in systems}
    messages = [_system(text) for _name, text in systems]
    if (name := next((name for name in _LISTS if is_asked(value.get(name))), "")) and (held := request.at(name)):
        inner, deeper = _asked(held)
        return messages + inner, read | {(name, *path) for path in deeper}
    if name := next((name for name in _QUESTIONS if _is_texts(value.get(name))), ""):
        texts = [value[name]] if isinstance(value[name], str) else value[name]
        return [*messages, *(DraftMessage("user", text) for text in texts)], read | {(name,)}
    given = [name for name, each in value.items() if each not in (None, "", [], {})]
    inside = next((name for name in _INSIDE if isinstance(value.get(name), (dict, list)) and value[name]), "")
    if inside and given == [inside]:
        inner, deeper = _asked(request.members[inside])
        return messages + inner, read | {(inside, *path) for path in deeper}
    texts = [text for text in value.values() if isinstance(text, str)]
    return [*messages, DraftMessage("user", texts[0] if len(texts) == len(value) == 1 else request.text)], read | {()}


def _is_texts(value: Any) -> bool:
    """Whether a value is a text, or a list of several, as the older completions take them."""
    texts = value if isinstance(value, list) else [value]
    return bool(value) and all(isinstance(text, str) for text in texts)


def _system(text: Document) -> DraftMessage:
    if isinstance(text.value, str):
        return DraftMessage("system", text.value)
    parts = [part if isinstance(part, dict) else {"type": "text", "text": as_text(part)} for part in text.value]
    return DraftMessage("system", parts, text.text)


def _take_settings(draft: Draft, request: Document) -> set[Path]:
    """Take the parameters of a request, its model, its metadata and its user."""
    values = object_at(request.value)
    found = {name: values[name] for name in _SETTINGS if values.get(name) is not None}
    draft.fields = found | draft.fields
    draft.metadata = object_at(values, "metadata") | draft.metadata
    if isinstance(values.get("user"), str):
        draft.metadata = {"user": values["user"]} | draft.metadata
    draft.model = draft.model or as_text(values.get("model"))
    return {(name,) for name in (*found, "metadata", "user", "model")}


def _answer(draft: Draft, response: Document, depth: int = 0) -> None:
    """Read a response into a draft. Raises NotReadable if it is none."""
    value = response.value
    if isinstance(value, list):
        _list_of_answers(draft, response, depth)
    elif not isinstance(value, dict):
        draft.choices.append((DraftMessage("assistant", as_text(value)), None))
    elif isinstance(value.get("choices"), list):
        _completion(draft, response)
    elif value.get("object") == "response" or is_asked(value.get("output")):
        _response(draft, response)
    elif is_message(value):
        reason = next((as_text(value[name]) for name in _REASONS if value.get(name)), None)
        draft.choices += [(message, reason) for message in _batch([response])]
        _take_facts(draft, response)
    elif value.get("error") and not any(value.get(name) for name in (*_ANSWERS, *_HOLDERS, "messages")):
        draft.fields["error"] = value["error"]
    else:
        _held_answer(draft, response, depth)


def _completion(draft: Draft, completion: Document) -> None:
    asked = [(name, member.text) for name, member in completion.members.items() if name != "input_messages"]
    draft.completion = Document(to_object(asked), completion.place, completion.find)
    draft.choices += [_choice(choice) for choice in completion.members["choices"].items()]


def _choice(choice: Document) -> tuple[DraftMessage, str | None]:
    """Read a choice; those of the older completions have only a text."""
    reason = object_at(choice.value).get("finish_reason")
    message = choice.at("message")
    if message is None:
        text = object_at(choice.value).get("text")
        return DraftMessage("assistant", as_text(text)), reason
    read = read_messages([message]) if is_message(message.value) else [_with_role(message)]
    return read[0], reason


def _with_role(message: Document) -> DraftMessage:
    text = to_object([("role", '"assistant"'), *((n, m.text) for n, m in message.members.items() if n != "role")])
    return DraftMessage.of(Document(text, message.place, message.find))


def _response(draft: Draft, response: Document) -> None:
    """Read a response of the Responses API: its items become messages."""
    if (output := response.at("output")) is not None:
        draft.messages += messages_of(output)
    _take_facts(draft, response)
    if error := response.value.get("error"):
        draft.fields["error"] = error


def _take_facts(draft: Draft, response: Document) -> None:
    values = response.value
    draft.id = draft.id or values.get("id")
    draft.created = draft.created or values.get("created_at") or values.get("created")
    draft.model = as_text(values.get("model")) or draft.model
    draft.metadata = object_at(values, "metadata") | draft.metadata
    if object_at(values, "usage"):
        draft.fields["usage"] = values["usage"]


def _list_of_answers(draft: Draft, answers: Document, depth: int) -> None:
    """Read a list: chunks of a stream, choices, messages one after the other, or answers to choose from."""
    first = first_object(answers.value)
    if is_chunk(first):
        _completion(draft, completion_of_chunks(list(answers.items())))
    elif isinstance(first.get("message"), dict) and "role" not in first:
        draft.choices += [_choice(choice) for choice in answers.items()]
    elif answers.value and isinstance(answers.value[0], list):
        for inner in answers.items():
            _list_of_answers(draft, inner, depth)
    elif is_message(first):
        messages = messages_of(answers)
        is_choice = len(messages) > 1 and all(each.role == "assistant" for each in messages)
        if is_choice and len(messages) == len(answers.value):
            draft.choices += [(message, None) for message in messages]
        else:
            _continue(draft, messages)
    else:
        for inner in answers.items():
            _answer(draft, inner, depth + 1)


def _continue(draft: Draft, messages: list[DraftMessage]) -> None:
    """Add messages that follow the request, or that repeat it and go on."""
    said = {text_of(message) for message in messages if message.role != "assistant"}
    asked = [message for message in draft.messages if message.role not in ("assistant", "system", "developer")]
    if asked and all(text_of(message) in said for message in asked):
        draft.messages = [
            each for each in draft.messages if each.role in ("system", "developer") and text_of(each) not in said
        ]
    draft.messages += messages


def _held_answer(draft: Draft, response: Document, depth: int) -> None:
    """Read an answer that stands deeper inside of an object."""
    value = response.value
    if isinstance(value.get("model"), str):
        _take_facts(draft, response)
    if is_asked(value.get("messages")):
        _continue(draft, messages_of(response.members["messages"]))
        return
    if isinstance(value.get("generations"), list):
        _list_of_answers(draft, response.members["generations"], depth)
        return
    holders = [name for name in _HOLDERS if isinstance(value.get(name), (dict, list)) and value[name]]
    for name in holders if depth < _MAX_DEPTH else ():
        if is_answered(value[name]) or name in ("body", "message") or len(value) == 1:
            _answer(draft, response.members[name], depth + 1)
            return
    if text := next((value[name] for name in _ANSWERS if isinstance(value.get(name), str)), ""):
        draft.choices.append((DraftMessage("assistant", text, response.text), None))
    elif value.get("tool_calls") or "content" in value:
        draft.choices.append((_with_role(response), None))
    elif value.get("error"):
        draft.fields["error"] = value["error"]
    elif any(each not in (None, "", [], {}) for each in value.values()):
        draft.choices.append((DraftMessage("assistant", response.text, response.text), None))
