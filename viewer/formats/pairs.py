"""Finds the request and the response in a record that has both, under the names that logs give them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from viewer.completions.source_text import to_object

from .document import Document
from .object_texts import object_in

Path = tuple[str, ...]  # names of members, one inside the other; an empty one is the record itself
# Where the answer stands beside the messages.
REPLIES = (
    "response", "output", "completion", "answer", "reply", "assistant", "bot", "ai", "output_text", "response_text",
    "generated_text", "generation", "prediction", "final_answer", "final_output", "assistant_response",
    "assistant_message", "bot_response", "bot_message", "ai_response", "model_response", "model_output",
    "llm_response", "llm_output",
)  # fmt: skip
ANSWERS = (*REPLIES, "response_body", "outputs", "result", "ideal")
# Where logs put a request and the response to it.
PATHS: tuple[tuple[Path, Path], ...] = (
    (("request", "body"), ("response", "body")),
    (("request",), ("response",)),
    (("request_body",), ("response_body",)),
    (("requestBody",), ("responseBody",)),
    (("req", "body"), ("res", "body")),
    (("req",), ("res",)),
    (("req_payload",), ("resp_payload",)),
    (("body",), ("response",)),
    (("inputs",), ("outputs",)),
    (("inputs",), ("output",)),
    (("spanInputs",), ("spanOutputs",)),
    (("data", "prompt"), ("data", "sampled")),  # oaieval
    (("sample", "input"), ("sample", "output")),  # evals of the API
    (("item",), ("sample",)),
    (("params",), ("result",)),
    (("kwargs",), ("response",)),
    (("input_messages",), ("output_messages",)),
    (("input_messages",), ("output",)),
    (("input", "value"), ("output", "value")),
    (("input",), ("output",)),
    (("input",), ("response",)),
    (("input",), ("completion",)),
    (("input",), ("ideal",)),
    (("prompt",), ("response",)),
    (("prompt",), ("completion",)),
    (("prompt",), ("output",)),
    (("messages",), ("choices",)),
    *(((), (name,)) for name in ANSWERS),
)
REQUESTS = tuple(dict.fromkeys(request for request, _response in PATHS if request))
RESPONSES = tuple(dict.fromkeys(response for _request, response in PATHS))


def value_at(value: Any, path: Path) -> Any:
    """Return what stands at a path, with the JSON that a log has written as a text opened; None if nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    inner = json_in(value) if isinstance(value, str) else ""
    return json.loads(inner) if inner else value


def place_of(value: Any, places: Iterable[Path], is_wanted: Callable[[Any], bool]) -> Path | None:
    """Return the first of some places in a record at which there is what is wanted. Every record is asked for many."""
    names = value if isinstance(value, dict) else ()
    there = (path for path in places if not path or path[0] in names)
    return next((path for path in there if is_wanted(value_at(value, path))), None)


def at(record: Document, path: Path | None) -> Document | None:
    """Return what stands at a path, opened as `value_at` does; None if nothing does, or if there is no path."""
    found = None if path is None else record
    for name in path or ():
        found = opened(found).at(name) if found is not None else None
    return None if found is None else opened(found)


def opened(document: Document) -> Document:
    """Return the JSON that stands in a text, also in a text in a text, and of a recorded stream the list of chunks."""
    text = json_in(document.value) if isinstance(document.value, str) else ""
    if not text and isinstance(document.value, str) and (shown := object_in(document.value)) is not None:
        text = json.dumps(shown, ensure_ascii=False)
    return opened(Document(text, document.place, document.find)) if text else document


def json_in(text: str) -> str:
    """Return the JSON that a text is; empty if it is none."""
    text = text.strip()
    if text.startswith(("data:", "event:")):
        lines = (line[5:].strip() for line in text.splitlines() if line.startswith("data:"))
        text = "[" + ",".join(line for line in lines if line and line != "[DONE]") + "]"
    if text[:1] + text[-1:] not in ("{}", "[]", '""'):
        return ""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return text


def rest_of(document: Document, paths: Iterable[Path]) -> str:
    """Write what stands nowhere in these paths, as it is in the file; empty if there is nothing."""
    inner = dict[str, set[Path]]()
    for path in paths:
        if not path:
            return ""
        inner.setdefault(path[0], set()).add(path[1:])
    pairs = [
        (name, rest_of(opened(member), inner[name]) if name in inner else member.text)
        for name, member in document.members.items()
    ]
    left = [(name, text) for name, text in pairs if text and text != "null"]
    return to_object(left) if left else "" if document.members or paths else document.text


def rest_of_pair(record: Document, paths: Iterable[Path | None], read: Iterable[str]) -> str:
    """Write what stands in a record beside its request and response, and what of these is not read."""
    found = [path for path in paths if path is not None]
    return rest_of(record, {(*path, name) for path in found for name in read})
