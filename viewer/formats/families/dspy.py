"""DSPy's history of a language model: each call with its prompt and what came out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.message_lists import source_of
from viewer.formats.messages import read_messages

_NAME = "dspy"
_READ = ("prompt", "messages", "outputs", "usage", "timestamp", "uuid", "model", "response_model")


def _matches(value: Any) -> bool:
    is_call = isinstance(value, dict) and isinstance(value.get("outputs"), list) and "kwargs" in value
    return is_call and ("messages" in value or "prompt" in value) and "model" in value


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    messages = document.at("messages")
    draft = Draft(_NAME, id=value.get("uuid"), created=value.get("timestamp"), source=source_of(document, _READ))
    draft.model = as_text(value.get("response_model") or value.get("model"))
    draft.messages = read_messages(messages.items()) if messages is not None else []
    if not draft.messages:
        draft.messages = [DraftMessage("user", as_text(value.get("prompt")))]
    outputs = document.at("outputs")
    draft.choices = [(_answer(output), None) for output in (outputs.items() if outputs is not None else ())]
    usage = object_at(value, "usage")
    draft.fields["usage"] = {name: usage.get(name) for name in usage if name.endswith("_tokens")} or None
    yield draft.finish(document)


def _answer(output: Document) -> DraftMessage:
    """Read an output: a text, or an object where the model also called tools or thought; null is what a refusal is."""
    value = output.value
    if not isinstance(value, dict):
        notes = [] if value else [note("lost-refusal", by="DSPy")]
        return DraftMessage("assistant", as_text(value) or None, output.text, notes=notes)
    draft = DraftMessage("assistant", as_text(value.get("text")) or None, output.text)
    draft.reasoning = as_text(value.get("reasoning_content"))
    draft.tool_calls = objects_at(value, "tool_calls")
    return draft


FAMILY = Family(
    name=_NAME,
    title="DSPy",
    what=gettext_lazy("A DSPy history"),
    seen="dspy 3.4.1",
    keeps="prompts with their markers, every output, tool calls, times, the model, usage",
    loses="refusals: an output that is null; sources",
    matches=_matches,
    read=_read,
)
