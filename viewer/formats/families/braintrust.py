"""Logs of Braintrust: its spans, as its SDK sends them, its API lists them and its pages export them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.calls import Span, conversations_of
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.exchanges import fill, lost_media
from viewer.formats.family import Family, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.pairs import at, rest_of

_NAME, _TOOL = "braintrust", "Braintrust"
_ATTACHMENT = "attachment"  # in the type of what it puts in the place of bytes
_THREADS = ("session_id", "thread_id", "conversation_id")
_PARAMETERS = ("model", "tools", "temperature", "top_p", "max_tokens", "stream", "n")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("root_span_id"), str):
        return False
    return "span_id" in value and any(name in value for name in ("input", "output", "span_attributes"))


def _key(document: Document) -> str:
    thread = first_of(object_at(document.value, "metadata"), _THREADS)
    return f"thread {thread}" if thread else f"trace {document.value['root_span_id']}"


def _span(record: Document) -> Span:
    value = record.value
    metadata = object_at(value, "metadata")
    attributes = object_at(value, "span_attributes")
    draft = Draft(_NAME, id=first_of(value, ("id", "span_id")), created=value.get("created"))
    draft.model = as_text(metadata.get("model"))
    draft.metadata = {name: each for name, each in metadata.items() if name not in _PARAMETERS}
    draft.metadata |= {"name": attributes.get("name"), "tags": value.get("tags")}
    draft.fields = {name: metadata[name] for name in _PARAMETERS if name != "model" and metadata.get(name) is not None}
    read = fill(draft, at(record, ("input",)), at(record, ("output",)))
    if value.get("error"):
        draft.fields["error"] = value["error"]
    for message in (*draft.messages, *(message for message, _reason in draft.choices)):
        _note_losses(message)
    paths = {("input", *path) for path in read} | {("output",), ("metadata",), ("tags",)}
    parents = value.get("span_parents")
    return Span(
        draft,
        record,
        trace=value["root_span_id"],
        is_call=attributes.get("type") == "llm",
        is_root=not parents or value["root_span_id"] == value["span_id"],
        rest=[rest_of(record, paths)],
    )


def _note_losses(message: DraftMessage) -> None:
    lost_media(message, f'_{_ATTACHMENT}"', _TOOL)
    audio = message.given.value.get("audio") if message.given else None
    if isinstance(audio, dict) and "file" in audio and not audio.get("data"):
        message.notes.append(note("lost-audio", by=_TOOL))


def _join(documents: list[Document]) -> Iterator[Conversation]:
    yield from conversations_of(_span(document) for document in documents)


FAMILY = Family(
    name=_NAME,
    title="Braintrust",
    what=gettext_lazy("A Braintrust log"),
    seen="braintrust 0.48.1",
    keeps="calls of models, joined by trace and session; tools, refusals, citations, reasoning, errors, metadata",
    loses="pictures and sound, which it keeps elsewhere; citations of streams",
    matches=_matches,
    key=_key,
    join=_join,
)
