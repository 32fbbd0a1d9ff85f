"""LM Studio's conversations: messages with versions, of which one is shown, and answers in steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "lm-studio", "LM Studio"
_KNOWN = ("messages", "name", "createdAt", "systemPrompt")


def _matches(value: Any) -> bool:
    first = first_object(object_at(value).get("messages"))
    return isinstance(first.get("versions"), list) and "currentlySelected" in first


def _read(document: Document) -> Iterator[Conversation]:
    value, held = document.value, document.at("messages")
    prompt = as_text(value.get("systemPrompt"))
    draft = Draft(_NAME, created=value.get("createdAt"), metadata={"title": value.get("name")})
    draft.messages = [DraftMessage("system", prompt)] if prompt else []
    for message in held.items() if held else ():
        versions = list_at(message.value, "versions")
        selected = message.value.get("currentlySelected")
        n = selected if isinstance(selected, int) and 0 <= selected < len(versions) else 0
        said = list(_messages(object_at(versions[n]), message.text)) if versions else []
        if said and len(versions) > 1:
            said[0].notes.append(note("other-branches", count=len(versions) - 1))
        draft.messages += said
        model = _model(object_at(versions[n])) if versions else ""
        draft.model = model or draft.model
    draft.source = source_of(document, _KNOWN)
    yield draft.finish(document)


def _model(version: dict[str, Any]) -> str:
    models = (object_at(step, "genInfo").get("identifier") for step in objects_at(version, "steps"))
    return as_text(next(filter(None, models), object_at(version, "senderInfo").get("senderName")))


def _messages(version: dict[str, Any], source: str) -> list[DraftMessage]:
    if version.get("type") != "multiStep":
        draft = DraftMessage(as_text(version.get("role")), source=source)
        draft.content = [_part(part, draft.notes) for part in objects_at(version, "content")]
        return [draft]
    turn = Turn()
    for step in objects_at(version, "steps"):
        is_thought = object_at(step, "style").get("type") == "thinking"
        for part in objects_at(step, "content"):
            _take(turn, part, is_thought)
    turn.last().source = source
    return turn.messages()


def _take(turn: Turn, part: dict[str, Any], is_thought: bool) -> None:
    call_id = as_text(first_of(part, ("toolCallId", "callId", "toolCallRequestId")))
    match part.get("type"):
        case "text" if is_thought:
            turn.think(as_text(part.get("text")))
        case "toolCallRequest":
            turn.call(call_id, as_text(part.get("name")), first_of(part, ("parameters", "arguments")))
        case "toolCallResult":
            turn.result(call_id, as_text(part.get("content")))
        case _:
            notes = list[dict[str, Any]]()
            turn.add(_part(part, notes))
            turn.last().notes += notes


def _part(part: dict[str, Any], notes: list[dict[str, Any]]) -> dict[str, Any]:
    if part.get("type") == "text":
        return text_part(as_text(part.get("text")))
    if part.get("type") == "file":
        is_picture = part.get("fileType") == "image"
        name = as_text(first_of(part, ("name", "fileName", "fileIdentifier")))
        notes.append(note("lost-image" if is_picture else "lost-file", by=_TITLE))
        return image_part("", caption=name) if is_picture else file_part(name)
    return part


FAMILY = Family(
    name=_NAME,
    title="LM Studio",
    what=gettext_lazy("An LM Studio conversation"),
    seen="conversation files of 0.3.x, by programs that read them",
    keeps="texts, reasoning, tool calls and results, the model; other versions in the JSON",
    loses="times of messages; the bytes of files and pictures",
    matches=_matches,
    read=_read,
)
