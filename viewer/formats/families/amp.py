"""Amp: threads as it keeps them, one in each JSON file.

Amp is closed: the facts are from what reads its threads, of 2026 (`houston`, `cross_agent_session_resumer`). Messages
have Anthropic's blocks, but the result of a tool stands in its `run`, and summaries in messages of the role `info`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, image_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME = "amp"
_KNOWN = ("v", "id", "title", "created", "messages", "env")
_MARKS = {"v", "env", "agentMode", "nextMessageId"}
_FAILED = ("error", "cancelled", "rejected-by-user")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not as_text(value.get("id")).startswith("T-") or _MARKS.isdisjoint(value):
        return False
    first = first_object(value.get("messages"))
    return "role" in first and isinstance(first.get("content"), list)


def _read(document: Document) -> Iterator[Conversation]:
    value, messages = document.value, list(document.members["messages"].items())
    models = (as_text(object_at(message.value, "usage").get("model")) for message in reversed(messages))
    tree = first_object(list_at(value, "env", "initial", "trees"))
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("created"),
        model=next(filter(None, models), ""),
        metadata={"title": value.get("title"), "project": tree.get("displayName")},
        messages=[draft for message in messages for draft in _messages(message)],
        source=source_of(document, _KNOWN),
    ).finish(document)


def _messages(message: Document) -> list[DraftMessage]:
    value, turn = object_at(message.value), Turn()
    blocks, role = objects_at(value, "content"), as_text(value.get("role"))
    for block in blocks:
        _take(turn, block)
    drafts = turn.messages()
    if len(drafts) > 1 and _is_empty(drafts[-1]):  # a message with nothing but results
        drafts.pop()
    is_summary = any(block.get("type") == "summary" for block in blocks)
    for draft in drafts:
        draft.created = object_at(value, "meta").get("sentAt")
        if draft.role == "assistant" and role != "assistant":
            draft.role, draft.name = ("system" if role == "info" else role), "summary" if is_summary else ""
    if object_at(value, "state").get("type") == "cancelled":
        drafts[-1].notes.append(note("interrupted"))
    drafts[-1].source = message.text
    return drafts


def _is_empty(draft: DraftMessage) -> bool:
    return draft.role != "tool" and not (draft.content or draft.tool_calls or draft.reasoning)


def _take(turn: Turn, block: dict[str, Any]) -> None:
    match block.get("type"):
        case "text":
            turn.add(*([text_part(as_text(block["text"]))] if block.get("text") else []))
        case "thinking":
            turn.think(as_text(block.get("thinking")))
        case "tool_use":
            turn.call(as_text(block.get("id")), as_text(block.get("name")), block.get("input"))
        case "tool_result":
            _take_result(turn, block)
        case "image":
            source = object_at(block, "source")
            data = data_url(as_text(source.get("data")), as_text(first_of(source, ("mediaType", "media_type"))))
            turn.add(image_part(as_text(source.get("url")) or data))
        case "summary":
            summary = object_at(block, "summary")
            turn.add(text_part(as_text(first_of(summary, ("summary", "thread")))))
        case _:
            turn.add(block)


def _take_result(turn: Turn, block: dict[str, Any]) -> None:
    """Add what a tool gave: its result, why it failed, or what it had shown until it was stopped."""
    run = object_at(block, "run")
    progress = object_at(run, "progress").get("output") or run.get("progress")
    found = (run.get("result"), object_at(run, "error").get("message"), run.get("error"), run.get("reason"), progress)
    content = next((each for each in found if each not in (None, "", [], {})), block.get("content"))
    result = turn.result(as_text(first_of(block, ("toolUseID", "tool_use_id"))), as_text(content))
    result.more = {"is_error": True} if run.get("status") in _FAILED else {}


FAMILY = Family(
    name=_NAME,
    title="Amp",
    what=gettext_lazy("A thread of Amp"),
    seen="threads of 2026, by what reads them",
    keeps="texts, reasoning, tool calls, results and whether they failed, summaries, pictures, what was interrupted, "
    "titles, the project, the model, times",
    loses="times of answers",
    matches=_matches,
    read=_read,
)
