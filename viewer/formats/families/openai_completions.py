"""Chat completions as OpenAI's API answers with them, without what was asked; and with it, as OGX lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.chunks import completion_of_chunks, is_chunk
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, first_object, object_at, objects_at

_NAME = "openai-completion"
_STREAM = "openai-stream"


def _is_completion(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("choices"), list) or is_chunk(value):
        return False
    if "messages" in value and value["messages"] is not None:
        return False
    first = first_object(value["choices"])
    return value.get("object") == "chat.completion" or isinstance(first.get("message"), dict) or _has_text(first)


def _has_text(choice: dict[str, Any]) -> bool:
    return isinstance(choice.get("text"), str) and "finish_reason" in choice


def _read(document: Document) -> Iterator[Conversation]:
    draft = Draft(_NAME)
    fill(draft, None, document)
    yield draft.finish(document)


def _key(document: Document) -> str:
    """Chunks have the id of their completion; servers that give none write one stream to a file."""
    return f"{document.place.file}\n{document.value.get('id') or ''}"


def _is_older(value: Any) -> bool:
    """Whether a value is an answer of the older completions, of which pieces of a stream look like whole ones."""
    return isinstance(value, dict) and value.get("object") == "text_completion" and bool(value.get("id"))


def _as_chunk(piece: Document) -> Document:
    choices = [{**choice, "delta": {"content": choice.get("text")}} for choice in objects_at(piece.value, "choices")]
    chunk = piece.value | {"choices": [{name: each for name, each in one.items() if name != "text"} for one in choices]}
    return Document(json.dumps(chunk, ensure_ascii=False), piece.place, piece.find)


def _join(documents: list[Document]) -> Iterator[Conversation]:
    if _is_older(documents[0].value):
        if len(documents) == 1:
            yield from _read(documents[0])
            return
        documents = [_as_chunk(piece) for piece in documents]
    draft = Draft(_STREAM)
    fill(draft, None, completion_of_chunks(documents))
    yield draft.finish_at(documents[0].place, *(document.text for document in documents))


FAMILY = Family(
    name=_NAME,
    title="OpenAI: answers alone",
    what=gettext_lazy("A file of OpenAI answers"),
    seen="openai 1.30.1, 1.109.1 and 3.57.0, ogx 1.5.0",
    keeps="everything, as it was written",
    loses="what was asked; OGX keeps it, without usage, metadata and reasoning",
    matches=_is_completion,
    read=_read,
)
STREAM = Family(
    name=_STREAM,
    title="OpenAI: streams",
    what=gettext_lazy("A recorded OpenAI stream"),
    seen="openai 1.30.1, 1.109.1 and 3.57.0",
    keeps="the answer, put together from its chunks",
    loses="what was asked",
    matches=lambda value: (
        (is_chunk(value) and not object_at(value, "message")) or (_is_older(value) and _is_completion(value))
    ),
    key=_key,
    join=_join,
)
