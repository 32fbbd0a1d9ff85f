"""Puts a streamed chat completion together from its chunks."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

from .document import Document
from .drafts import as_text
from .family import first_object, list_at, object_at

_CHOICE_LISTS = ("content", "refusal")  # of log probabilities
_JOINED = ("content", "refusal", "reasoning_content", "reasoning", "thinking", "text")


def is_chunk(value: Any) -> bool:
    """Whether a value is a chunk of a streamed chat completion."""
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
        return False
    return value.get("object") == "chat.completion.chunk" or isinstance(
        first_object(value["choices"]).get("delta"), dict
    )


def completion_of_chunks(chunks: Iterable[Document]) -> Document:
    """Return the completion that the chunks of one stream make, in the order in which they came."""
    documents = [chunk for chunk in chunks if isinstance(chunk.value, dict)]
    fields, choices = dict[str, Any](), dict[int, dict[str, Any]]()
    for chunk in documents:
        named = {name: value for name, value in chunk.value.items() if name not in ("choices", "obfuscation")}
        fields |= {name: value for name, value in named.items() if value is not None or name not in fields}
        for choice in list_at(chunk.value, "choices"):
            if isinstance(choice, dict):
                index = choice.get("index")
                key = index if isinstance(index, int) else 0
                _add_choice(choices.setdefault(key, {"message": {"role": "assistant"}}), choice)
    written = [{"index": index, **choice} for index, choice in sorted(choices.items())]
    for choice in written:
        _finish(choice["message"])
    fields |= {"object": "chat.completion", "choices": written}
    return Document(json.dumps(fields, ensure_ascii=False), documents[0].place, documents[0].find)


def _add_choice(choice: dict[str, Any], part: dict[str, Any]) -> None:
    for name, value in part.items():
        if name == "delta" and isinstance(value, dict):
            _add(choice["message"], value)
        elif name == "logprobs" and isinstance(value, dict) and isinstance(choice.get(name), dict):
            for kind in _CHOICE_LISTS:
                choice[name][kind] = (list_at(choice[name], kind) + list_at(value, kind)) or None
        elif name not in ("index", "delta") and (value is not None or name not in choice):
            choice[name] = value


def _add(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name, value in delta.items():
        if value is None:
            continue
        if name == "tool_calls" and isinstance(value, list):
            _add_calls(message.setdefault(name, []), value)
        elif name == "audio" and isinstance(value, dict):
            _add_audio(message.setdefault(name, {}), value)
        elif name == "function_call" and isinstance(value, dict):
            _join(message.setdefault(name, {}), value)
        elif isinstance(value, list):
            message[name] = list_at(message, name) + value
        elif name in _JOINED and isinstance(value, str):
            message[name] = as_text(message.get(name)) + value
        else:
            message[name] = value


def _add_calls(calls: list[dict[str, Any]], deltas: list[Any]) -> None:
    """Add the pieces of tool calls. Some servers send whole calls without an index, each with an id of its own."""
    for delta in deltas:
        if not isinstance(delta, dict):
            continue
        index, call_id = delta.get("index"), delta.get("id")
        call = next((each for each in calls if index is not None and each.get("index") == index), None)
        if call is None and index is None and calls and not call_id:
            call = calls[-1]
        if call is None:
            call = {"index": index, "type": "function", "function": {}}
            calls.append(call)
        call |= {name: value for name, value in delta.items() if name != "function" and value not in (None, "")}
        _join(call["function"], object_at(delta, "function"))


def _join(function: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a piece of a function: its arguments come in pieces, its name at once."""
    if delta.get("name"):
        function["name"] = delta["name"]
    if isinstance(delta.get("arguments"), str):
        function["arguments"] = function.get("arguments", "") + delta["arguments"]


def _add_audio(audio: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add a piece of a spoken answer. Each piece is base64 on its own."""
    for name, value in delta.items():
        if name == "data" and isinstance(value, str):
            audio.setdefault("pieces", []).append(value)
        elif name == "transcript" and isinstance(value, str):
            audio[name] = audio.get(name, "") + value
        else:
            audio[name] = value


def _finish(message: dict[str, Any]) -> None:
    message.setdefault("content", None)
    for call in list_at(message, "tool_calls"):
        if isinstance(call, dict):
            call.pop("index", None)
    audio = object_at(message, "audio")
    if pieces := audio.pop("pieces", None):
        try:
            audio["data"] = b64encode(b"".join(b64decode(piece) for piece in pieces)).decode()
        except ValueError:
            audio["data"] = "".join(pieces)
