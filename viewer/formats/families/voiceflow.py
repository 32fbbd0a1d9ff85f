"""Voiceflow's transcripts: logs as its Analytics API gives them, and turns as the API before that gave them.

Both have the same actions of customers and the same traces, which are what the agent did. Traces of the way through the
flow stay in the JSON of the conversation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.cells import object_of
from viewer.formats.document import Conversation, Document, NotAConversation, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of

_NAME = "voiceflow"
_TIMES = ("createdAt", "startTime")
_SILENT = {"block", "flow", "path", "debug", "set", "goto", "log"}
_ENDS = {"end", "exit", "live-agent-handoff"}
_FAILED = re.compile(r"\b(?:errors?|fail\w*)\b", re.IGNORECASE)
_READ = ("id", "sessionID", "createdAt", "logs", "recordingURL")


def _is_turn(value: Any) -> bool:
    return {"turnID", "format", "payload"} <= object_at(value).keys()


def _is_transcript(value: Any) -> bool:
    return {"sessionID", "projectID"} <= object_at(value).keys()


def _transcripts_in(value: Any) -> Any:
    """Return one of the transcripts of a list of them, which says nothing of what was said; None if it is none."""
    listed = value if isinstance(value, list) else object_at(value).get("transcripts")
    one = first_object(listed)
    return one if _is_transcript(one) and "logs" not in one else None


def _matches(value: Any) -> bool:
    held = object_at(value, "transcript") or value
    is_read = _is_turn(first_object(value)) or (_is_transcript(held) and "logs" in held)
    return is_read or _transcripts_in(value) is not None


def _read(document: Document) -> Iterator[Conversation]:
    if _transcripts_in(document.value) is not None:
        raise NotAConversation(gettext("This is a list of Voiceflow's transcripts, without what was said."))
    held = document.at("transcript")
    record = document if held is None else held
    logs = record.at("logs") if isinstance(record.value, dict) else record
    entries = [one for one in logs.items() if isinstance(one.value, dict)] if logs else []
    if all(first_of(one.value, _TIMES) for one in entries):
        entries.sort(key=lambda one: as_text(first_of(one.value, _TIMES)))
    messages, others = _messages(entries)
    if all(message.role == EVENT for message in messages):
        raise NothingSaid
    draft = Draft(_NAME, messages=messages, metadata=_about(object_at(record.value)))
    draft.id = id_within(_NAME, object_at(record.value).get("id") or entries[0].value.get("turnID"))
    draft.created = first_of(object_at(record.value), _TIMES) or messages[0].created
    left = [("logs", f"[{','.join(one.text for one in others)}]")] if others else []
    left += [(name, member.text) for name, member in record.members.items() if name not in _READ]
    draft.source = to_object(left) if left else ""
    yield draft.finish(document)


def _about(transcript: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a session: variables that were kept as properties, and how it was judged."""
    judged = [*objects_at(transcript, "properties"), *objects_at(transcript, "evaluations")]
    about = {"session": transcript.get("sessionID"), "recording": transcript.get("recordingURL")}
    return about | {as_text(each.get("name")): each.get("value") for each in judged if each.get("name")}


def _messages(entries: list[Document]) -> tuple[list[DraftMessage], list[Document]]:
    """Read actions and traces; what says only how the agent went through its flow is returned beside."""
    messages, others = list[DraftMessage](), list[Document]()
    for entry in entries:
        is_action, step = _step(entry.value)
        draft = _action(step) if is_action else _trace(step)
        if draft is None:
            others.append(entry)
            continue
        draft.source, draft.created = entry.text, step.get("time") or first_of(entry.value, _TIMES)
        if step.get("type") == "choice" and messages and messages[-1].role == COLLEAGUE:
            others.append(entry)  # buttons belong to what was said before them
            messages[-1].content = [*_parts_of(messages[-1]), *_parts_of(draft)]
        else:
            messages.append(draft)
    return messages, others


def _parts_of(draft: DraftMessage) -> list[dict[str, Any]]:
    return draft.content if isinstance(draft.content, list) else []


def _step(entry: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Return whether an entry is an action of the customer, and the action or the trace."""
    if "turnID" in entry:
        return entry.get("format") != "trace", object_at(entry, "payload")
    return entry.get("type") == "action", object_of(entry.get("data"))


def _action(step: dict[str, Any]) -> DraftMessage:
    """Read what came from the customer: a text, a button, or that they opened the chat or kept silent."""
    kind, payload = as_text(step.get("type")), step.get("payload")
    text = payload if isinstance(payload, str) else as_text(first_of(object_at(payload), ("query", "label")))
    if text:
        return DraftMessage(CUSTOMER, [text_part(text)])
    named = as_text(object_at(payload, "event").get("name") or object_at(payload, "intent").get("name"))
    return DraftMessage(EVENT, ": ".join(filter(None, (kind or "action", named))))


def _trace(step: dict[str, Any]) -> DraftMessage | None:
    """Read what the agent said, showed or did; None if it only says where in the flow it was."""
    kind, payload = as_text(step.get("type")), object_at(step, "payload")
    told = as_text(payload.get("message"))
    if kind in _ENDS:
        return DraftMessage(EVENT, kind)
    if kind == "debug" and (payload.get("type") == "api" or _FAILED.search(told)):
        return DraftMessage(EVENT, told)
    if kind in _SILENT:
        return None
    parts = list(_shown(kind, step))
    return DraftMessage(COLLEAGUE, parts) if parts else None


def _shown(kind: str, step: dict[str, Any]) -> Iterator[dict[str, Any]]:
    payload = object_at(step, "payload")
    match kind:
        case "text" | "speak":
            text = as_text(payload.get("message")) or _slate(payload)
            if text and payload.get("type") != "audio":
                yield text_part(text)
            if payload.get("src") and payload.get("type") == "audio":
                yield linked_file(as_text(payload["src"]), "audio/")
        case "visual" if payload.get("image"):
            yield linked_file(as_text(payload["image"]), "image/*")
        case "choice":
            yield from _buttons(payload)
        case "cardV2" | "card":
            yield from _card(payload)
        case "carousel":
            yield from (part for card in objects_at(payload, "cards") for part in _card(card))
        case _:
            yield {**step, "type": kind or "trace"}


def _card(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    description = card.get("description")
    told = description if isinstance(description, str) else as_text(object_at(description).get("text"))
    if lines := [line for line in (as_text(card.get("title")), told or _slate(object_at(description))) if line]:
        yield text_part("\n".join(lines))
    if card.get("imageUrl"):
        yield linked_file(as_text(card["imageUrl"]), "image/*")
    yield from _buttons(card)


def _buttons(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if names := [as_text(each["name"]) for each in objects_at(holder, "buttons") if each.get("name")]:
        yield text_part("\n".join(f"[{name}]" for name in names))


def _slate(payload: dict[str, Any]) -> str:
    """Return the text of a rich text, line by line."""
    lines = objects_at(payload, "slate", "content") or objects_at(payload, "slate")
    return "\n".join("".join(_leaves(line)) for line in lines)


def _leaves(node: dict[str, Any]) -> Iterator[str]:
    yield as_text(node.get("text"))
    for child in list_at(node, "children"):
        yield from _leaves(object_at(child))


FAMILY = Family(
    name=_NAME,
    title="Voiceflow",
    what=gettext_lazy("A transcript of Voiceflow"),
    seen="Analytics API v1 and transcripts of API v2, by published examples and programs that read them",
    keeps="texts, buttons, cards, pictures, what customers pressed, calls of APIs as the agent tells them, errors, "
    "hand-offs, times, properties, evaluations; the way through the flow in the JSON",
    loses="what APIs were sent and answered; which knowledge an answer is from",
    matches=_matches,
    read=_read,
)
