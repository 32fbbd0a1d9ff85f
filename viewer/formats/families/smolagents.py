"""The memory of smolagents' agents as steps (`get_full_steps`, `get_succinct_steps`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, tool_call
from viewer.formats.family import Family, first_object, object_at, objects_at

_NAME = "smolagents"
_ROLES = {"tool-call": "assistant", "tool-response": "tool"}


def _is_first(step: dict[str, Any]) -> bool:
    return step.keys() == {"system_prompt"} or ("task" in step and "task_images" in step)


def _matches(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return _is_first(first_object(value)) or any(object_at(one).get("role") in _ROLES for one in value)


def _read(document: Document) -> Iterator[Conversation]:
    draft = Draft(_NAME)
    if not _is_first(first_object(document.value)):
        draft.messages = [_for_model(message) for message in document.items() if isinstance(message.value, dict)]
        yield draft.finish(document)
        return
    for step in document.items():
        if isinstance(step.value, dict):
            draft.messages += _messages(step)
            draft.model = as_text(object_at(step.value, "model_output_message", "raw").get("model")) or draft.model
            draft.created = draft.created or object_at(step.value, "timing").get("start_time")
    yield draft.finish(document)


def _for_model(message: Document) -> DraftMessage:
    """Read a message as the model gets it (`write_memory_to_messages`), in which calls and results are texts."""
    role, content = as_text(message.value.get("role")), message.value.get("content")
    return DraftMessage(
        _ROLES.get(role, role), content if isinstance(content, list) else as_text(content), message.text
    )


def _messages(step: Document) -> Iterator[DraftMessage]:
    value = step.value
    if "system_prompt" in value:
        yield DraftMessage("system", as_text(value["system_prompt"]), step.text)
    elif "task" in value:
        notes = [note("lost-image", by="smolagents")] if value.get("task_images") else []
        yield DraftMessage("user", as_text(value["task"]), step.text, notes=notes)
    elif "plan" in value:
        yield DraftMessage("assistant", as_text(value["plan"]), step.text)
    else:
        yield from _action(step)


def _action(step: Document) -> Iterator[DraftMessage]:
    """Yield what the model said and called, what it observed of all calls together, and the final answer."""
    value = step.value
    created = object_at(value, "timing").get("end_time")
    said = value.get("model_output")
    if said is None:
        said = object_at(value, "model_output_message").get("content")
    calls = [
        tool_call(
            as_text(call.get("id")),
            as_text(object_at(call, "function").get("name")),
            object_at(call, "function").get("arguments"),
        )
        for call in objects_at(value, "tool_calls")
    ]
    if said or calls:
        content = said if isinstance(said, list) else as_text(said) or None
        yield DraftMessage("assistant", content, step.text, tool_calls=calls, created=created)
    error = value.get("error")
    seen = as_text(value.get("observations")) or (as_text(object_at(value, "error").get("message")) if error else "")
    if seen:
        call_id = calls[0]["id"] if len(calls) == 1 else ""
        notes = [note("lost-image", by="smolagents")] if value.get("observations_images") else []
        more = {"error": error} if error else {}
        yield DraftMessage("tool", seen, tool_call_id=call_id, created=created, notes=notes, more=more)
    answer = as_text(value.get("action_output"))
    if answer and answer != said and (value.get("is_final_answer") or said is None):
        yield DraftMessage("assistant", answer, created=created)


FAMILY = Family(
    name=_NAME,
    title="smolagents",
    what=gettext_lazy("A smolagents memory"),
    seen="smolagents 1.10.0, 1.20.0 and 1.26.0",
    keeps="the task, what the model said and called, what it observed, errors, times, the model",
    loses="pictures; which of several calls has which result; refusals, except in the raw answer of full steps",
    matches=_matches,
    read=_read,
)
