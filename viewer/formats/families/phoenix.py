"""Examples of Phoenix's datasets: an input and an output, as JSON Lines, as a page of examples, or as CSV.

Phoenix leaves out the ids of calls and results: a result belongs to the call at its place. Its spans are traces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, tool_call
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.message_lists import source_of

_NAME = "phoenix"
_KNOWN = ("input", "output", "metadata", "id", "node_id", "input.messages", "output.messages")


def _is_example(value: Any) -> bool:
    if not isinstance(value, dict) or "node_id" not in value:
        return False
    return {"input", "output"} <= value.keys() or any(name.startswith("input.") for name in value)


def _at(document: Document, *names: str) -> Document | None:
    """Return what stands under names, which are joined in the columns of a table."""
    return document.at(*names) or document.at(".".join(names))


def _read(document: Document) -> Iterator[Conversation]:
    asked, answered = _side(document, "input", "user"), _side(document, "output", "assistant")
    if not asked:
        raise NotReadable(_now("This example of a Phoenix dataset has neither messages nor a text as its input."))
    for answer in answered:
        if not (answer.content or answer.tool_calls):
            answer.notes.append(note("lost-refusal", "Phoenix"))
    tools = _at(document, "input", "tools")
    draft = Draft(
        _NAME,
        id=f"{_NAME}-{document.value.get('id') or document.value['node_id']}",  # every server counts from 1
        created=document.value.get("updated_at"),
        metadata=_metadata(document.value),
        messages=[*asked, *answered],
        fields={"tools": tools.value if tools else None},
        source=source_of(
            document, {"input", "output", "metadata", "id", "node_id", "input.messages", "output.messages"}
        ),
    )
    _tie(draft.messages)
    yield draft.finish(document)


def _side(document: Document, name: str, role: str) -> list[DraftMessage]:
    """Read the messages of the input or the output, or the only text that it is."""
    messages = _at(document, name, "messages")
    if messages is not None:
        return [_message(item) for item in messages.items() if isinstance(item.value, dict)]
    held = object_at(document.value, name) | {
        key: value for key, value in document.value.items() if key.startswith(f"{name}.")
    }
    texts = [value for value in held.values() if isinstance(value, str)]
    return [DraftMessage(role, texts[0])] if len(texts) == len(held) == 1 else []


def _message(document: Document) -> DraftMessage:
    value = document.value
    content = value.get("content")
    return DraftMessage(
        as_text(value.get("role")),
        content if isinstance(content, list) else as_text(content),
        document.text,
        name=as_text(value.get("name")),
        tool_calls=[_call(call) for call in objects_at(value, "tool_calls")],
        tool_call_id=as_text(value.get("tool_call_id")),
    )


def _call(call: dict[str, Any]) -> dict[str, Any]:
    function = object_at(call, "function")
    return tool_call(as_text(call.get("id")), as_text(function.get("name")), function.get("arguments"))


def _tie(messages: Iterable[DraftMessage]) -> None:
    """Number the calls without ids, and give the results that follow the ids of the calls at their places."""
    waiting: list[str] = []
    count = 0
    for message in messages:
        if message.tool_calls:
            for call in message.tool_calls:
                count += 1
                call["id"] = call["id"] or f"call-{count}"
            waiting = [call["id"] for call in message.tool_calls]
        elif message.role == "tool" and waiting:
            message.tool_call_id = message.tool_call_id or waiting[0]
            waiting = waiting[1:]


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    columns = {name.removeprefix("metadata."): each for name, each in value.items() if name.startswith("metadata.")}
    return object_at(value, "metadata") | columns


FAMILY = Family(
    name=_NAME,
    title="Phoenix datasets",
    what=gettext_lazy("A Phoenix dataset"),
    seen="arize-phoenix 20.26.1",
    keeps="texts, tool calls and results in their order, tools, metadata",
    loses="ids of calls, pictures, refusals, reasoning, sources, times; Phoenix's spans have more",
    matches=_is_example,
    read=_read,
)
