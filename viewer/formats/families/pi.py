"""Sessions of pi, and of OpenClaw, which is made of it: entries on lines, of which each names the one before it.

Facts from @mariozechner/pi-coding-agent 0.73.1, and its description of the format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, image_part, text_part, tool_call
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import each_session, source_of
from viewer.formats.trees import Tree, kept, left_of, walk

_NAME = "pi"
_ENTRIES = (
    "message", "model_change", "thinking_level_change", "compaction", "branch_summary", "custom", "custom_message",
    "label", "session_info",
)  # fmt: skip
_SUMMARIES = ("compaction", "branch_summary", "compactionSummary", "branchSummary")
_ENDS = ("stop", "toolUse", "length")


def _is_head(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "session" and {"id", "timestamp", "cwd"} <= value.keys()


def _matches(value: Any) -> bool:
    if _is_head(value):
        return True
    if not isinstance(value, dict) or value.get("type") not in _ENTRIES or "timestamp" not in value:
        return False
    is_entry = "parentId" in value and "id" in value
    return (is_entry or value["type"] == "message") and (
        value["type"] != "message" or "role" in object_at(value, "message")
    )


def _begun(line: Document) -> str:
    """Return the session that begins with a line; empty if none does."""
    return as_text(line.value.get("id")) if _is_head(line.value) else ""


def _join(lines: list[Document]) -> Iterator[Conversation]:
    head = next((line for line in lines if _is_head(line.value)), Document("{}"))
    nodes, parents, before = dict[str, Document](), dict[str, Any](), ""
    for n, line in enumerate(line for line in lines if line is not head):
        own = as_text(line.value.get("id")) or str(n)  # of version 1, which has neither ids nor branches
        nodes[own], parents[own] = line, line.value.get("parentId", before)
        before = own
    if not any(line.value["type"] == "message" for line in nodes.values()):
        raise NothingSaid
    walked = walk(
        Tree(parents, before),
        lambda name: _role_of(nodes[name]) == CUSTOMER,
        lambda names: [draft for name in names for draft in _messages(nodes[name])],
    )
    entries = [line.value for line in nodes.values()]
    models = [as_text(object_at(entry, "message").get("model") or entry.get("modelId")) for entry in entries]
    titles = [as_text(entry.get("name")) for entry in entries if entry["type"] == "session_info"]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, head.value.get("id")),
        created=head.value.get("timestamp"),
        model=next(filter(None, reversed(models)), ""),
        metadata={
            "title": next(filter(None, reversed(titles)), ""),
            "cwd": head.value.get("cwd"),
            "session": head.value.get("parentSession"),
        },
        messages=walked.messages,
        choices=walked.choices,
        source=kept(session=source_of(head, ("id", "timestamp", "cwd")), entries=left_of(nodes, walked)),
    )
    yield draft.finish_at(lines[0].place, *(line.text for line in lines))


def _role_of(entry: Document) -> str:
    return as_text(object_at(entry.value, "message").get("role"))


def _messages(entry: Document) -> list[DraftMessage]:
    """Read an entry; one that is of no interest to readers is none."""
    value = entry.value
    message = object_at(value, "message")
    found = list(_of_message(message) if value["type"] == "message" else _of_entry(value))
    for draft in found:
        draft.created = value.get("timestamp")
    if found:
        found[0].id, found[0].source = value.get("id"), entry.text
    return found


def _of_entry(value: dict[str, Any]) -> Iterator[DraftMessage]:
    if value["type"] in _SUMMARIES:
        yield DraftMessage("system", as_text(value.get("summary")), name="summary")
    elif value["type"] == "custom_message":
        yield DraftMessage("system", _parts(value.get("content")), name=as_text(value.get("customType")))


def _of_message(message: dict[str, Any]) -> Iterator[DraftMessage]:
    role = as_text(message.get("role"))
    match role:
        case "assistant":
            yield _answer(message)
        case "toolResult":
            more = {"is_error": True} if message.get("isError") else {}
            call_id, name = as_text(message.get("toolCallId")), as_text(message.get("toolName"))
            yield DraftMessage("tool", _parts(message.get("content")), name=name, tool_call_id=call_id, more=more)
        case "bashExecution":
            yield DraftMessage(CUSTOMER, f"! {as_text(message.get('command'))}")
            yield DraftMessage(EVENT, as_text(message.get("output")), name=role)
        case "custom" | "hookMessage":
            yield DraftMessage("system", _parts(message.get("content")), name=as_text(message.get("customType")))
        case _ if role in _SUMMARIES:
            yield DraftMessage("system", as_text(message.get("summary")), name="summary")
        case _:
            yield DraftMessage(role, _parts(message.get("content")))


def _answer(message: dict[str, Any]) -> DraftMessage:
    blocks = objects_at(message, "content")
    draft = DraftMessage("assistant", [])
    thoughts = [as_text(block.get("thinking")) for block in blocks if block.get("type") == "thinking"]
    draft.reasoning = "\n\n".join(filter(None, thoughts))
    draft.content = _parts([block for block in blocks if block.get("type") not in ("thinking", "toolCall")])
    draft.tool_calls = [
        tool_call(as_text(block.get("id")), as_text(block.get("name")), block.get("arguments"))
        for block in blocks
        if block.get("type") == "toolCall"
    ]
    if message.get("stopReason") not in (None, *_ENDS):
        draft.more["error"] = as_text(message.get("errorMessage") or message["stopReason"])
    return draft


def _parts(content: Any) -> list[dict[str, Any]]:
    if not isinstance(content, list):
        return [text_part(as_text(content))] if content else []
    return [_part(block) for block in content if isinstance(block, dict)]


def _part(block: dict[str, Any]) -> dict[str, Any]:
    if block.get("type") == "text":
        return text_part(as_text(block.get("text")))
    if block.get("type") == "image" and isinstance(block.get("data"), str):
        return image_part(data_url(block["data"], as_text(block.get("mimeType")) or "image/png"))
    return block


FAMILY = Family(
    name=_NAME,
    title="pi, OpenClaw",
    what=gettext_lazy("A session of pi or OpenClaw"),
    seen="@mariozechner/pi-coding-agent 0.73.1",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, errors, summaries, times, the "
    "model; other branches in the JSON",
    loses="the system prompt",
    matches=_matches,
    key=lambda document: f"file {document.place.file}",
    join=each_session(_begun, _join),
    is_part=True,
)
