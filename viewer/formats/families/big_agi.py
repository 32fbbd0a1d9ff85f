"""big-AGI: chats that were exported alone, or all of them. Messages are made of fragments, until 2024 of one text.

Facts from its source of 2024 to 2026 (`chats.converters.ts`, `chat.fragments.ts`, `chat.message.ts`). Pictures stay in
the browser; an export of all has the keys of the models’ services beside the chats, which is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    citation,
    file_part,
    image_part,
    note,
    text_file,
    text_part,
)
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "big-agi", "big-AGI"
_KNOWN = ("id", "messages", "systemPurposeId", "userTitle", "autoTitle", "created", "updated")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or "systemPurposeId" not in value or not isinstance(value.get("messages"), list):
        return False
    first = first_object(value["messages"])
    return not {"fragments", "text"}.isdisjoint(first) and "role" in first


def _read(document: Document) -> Iterator[Conversation]:
    value, held = document.value, document.members["messages"]
    models = [_model_of(message) for message in objects_at(value, "messages")]
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("created"),
        model=next(filter(None, reversed(models)), ""),
        metadata={
            "title": first_of(value, ("userTitle", "autoTitle")),
            "persona": value.get("systemPurposeId"),
        },
        messages=[draft for message in held.items() for draft in _messages(message)],
        source=source_of(document, _KNOWN),
    ).finish(document)


def _model_of(message: dict[str, Any]) -> str:
    return as_text(object_at(message, "generator").get("name") or message.get("originLLM"))


def _messages(message: Document) -> list[DraftMessage]:
    value, turn = object_at(message.value), Turn()
    if value.get("text"):
        turn.add(text_part(as_text(value["text"])))
    for fragment in objects_at(value, "fragments"):
        _take(turn, fragment)
    last = turn.last()
    if value.get("role") != "assistant":
        last.role = as_text(value.get("role"))
    stopped = object_at(value, "generator").get("tokenStopReason")
    if stopped in ("client-abort", "out-of-tokens"):
        last.notes.append(note("interrupted" if stopped == "client-abort" else "cut-off"))
    last.id, last.source = value.get("id"), message.text
    drafts = turn.messages()
    for draft in drafts:
        draft.created = value.get("created")
    return drafts


def _take(turn: Turn, fragment: dict[str, Any]) -> None:
    part = object_at(fragment, "part")
    match part.get("pt"):
        case "text":
            turn.add(text_part(as_text(part.get("text"))))
        case "ma":
            turn.think(as_text(part.get("aText")))
        case "error":
            turn.last().more["error"] = as_text(part.get("error"))
        case "ph":  # stands for what did not come
            turn.last().notes.append(note("cut-off"))
        case "doc":
            turn.add(_document(part))
        case "image_ref" | "reference":
            _take_picture(turn, part, as_text(fragment.get("title")))
        case "annotations":
            cited = objects_at(part, "annotations")
            turn.last().annotations += [citation(as_text(one.get("url")), as_text(one.get("title"))) for one in cited]
        case "tool_invocation":
            _take_call(turn, part)
        case "tool_response":
            result = turn.result(as_text(part.get("id")), as_text(object_at(part, "response").get("result")))
            result.more = {"is_error": True} if part.get("error") else {}
            if isinstance(part.get("error"), str) and not result.content:
                result.content = part["error"]
        case _:
            turn.add(fragment)


def _take_call(turn: Turn, part: dict[str, Any]) -> None:
    call = object_at(part, "invocation")
    name = as_text(call.get("name") or call.get("type"))
    turn.call(as_text(part.get("id")), name, first_of(call, ("args", "code")) or {})


def _take_picture(turn: Turn, part: dict[str, Any], title: str) -> None:
    legacy = object_at(part, "_legacyImageRefPart") or part
    caption = as_text(first_of(legacy, ("altText",)) or object_at(part, "zRefSummary").get("text") or title)
    url = as_text(object_at(legacy, "dataRef").get("url"))
    if part.get("assetType") == "audio":
        turn.add(file_part(caption))
        turn.last().notes.append(note("lost-file", by=_TITLE))
        return
    turn.add(image_part(url, caption=caption))
    turn.last().notes += [] if url else [note("lost-image", by=_TITLE)]


def _document(part: dict[str, Any]) -> dict[str, Any]:
    name = as_text(object_at(part, "meta").get("srcFileName") or part.get("l1Title") or part.get("ref"))
    return text_file(name, as_text(object_at(part, "data").get("text")))


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A big-AGI export"),
    seen="exports by its source of 2024 to 2026",
    keeps="texts, reasoning, tool calls, results and whether they failed, text files, sources, errors, titles, the "
    "persona’s name, the model, times",
    loses="pictures",
    matches=_matches,
    read=_read,
)
