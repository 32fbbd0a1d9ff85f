"""Answers of Ollama's own API, whole or streamed in pieces, as `/api/chat` and `/api/generate` give them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, list_at, object_at

_NAME = "ollama"
_COUNTS = {"prompt_eval_count": "prompt_tokens", "eval_count": "completion_tokens"}


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("done"), bool) or "created_at" not in value:
        return False
    if "messages" in value or "prompt" in value:  # what was asked, so that it is a pair
        return False
    return isinstance(value.get("message"), dict) or isinstance(value.get("response"), str)


def _join(documents: list[Document]) -> Iterator[Conversation]:
    """Put the pieces of each answer together; the last one says that it is done."""
    pieces = list[Document]()
    for document in documents:
        pieces.append(document)
        if document.value["done"]:
            yield _answer(pieces)
            pieces = []
    if pieces:
        yield _answer(pieces)


def _answer(pieces: list[Document]) -> Conversation:
    values = [piece.value for piece in pieces]
    said = [object_at(value, "message") or {"content": value.get("response"), **_thought(value)} for value in values]
    message: dict[str, Any] = {"role": "assistant"} | {
        name: "".join(as_text(one.get(name)) for one in said) for name in ("content", "thinking")
    }
    for name in ("tool_calls", "images"):
        message[name] = [each for one in said for each in list_at(one, name)]
    pairs = [(name, json.dumps(each, ensure_ascii=False)) for name, each in message.items() if each]
    first, last = pieces[0], values[-1]
    draft = Draft(_NAME, model=as_text(last.get("model")), created=values[0].get("created_at"))
    draft.notes = [note("lost-input")] + ([] if last["done"] else [note("cut-off")])
    draft.choices = [
        (DraftMessage.of(Document(to_object(pairs), first.place)), as_text(last.get("done_reason")) or None)
    ]
    counted = {_COUNTS[name]: each for name, each in last.items() if name in _COUNTS}
    draft.fields = {"usage": counted} if counted else {}
    draft.source = pieces[-1].text
    return draft.finish_at(first.place, *(piece.text for piece in pieces))


def _thought(value: dict[str, Any]) -> dict[str, Any]:
    return {"thinking": value["thinking"]} if value.get("thinking") else {}


FAMILY = Family(
    name=_NAME,
    title="Ollama",
    what=gettext_lazy("An Ollama log"),
    seen="by the description of its API",
    keeps="texts, thoughts, tool calls, pictures, usage, times, the model; pieces of a stream put together",
    loses="what was asked",
    matches=_matches,
    key=lambda document: f"stream {document.place.file}",
    join=_join,
)
