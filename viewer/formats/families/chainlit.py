"""Chainlit's threads: steps of people, the assistant and tools, and elements that belong to a step."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.help_desks import linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "chainlit", "Chainlit"
_SAID = {"user_message": "user", "system_message": "system"}
_TOOLS = ("tool", "retrieval", "embedding", "rerank", "undefined")
_TYPES = {*_SAID, *_TOOLS, "assistant_message", "run", "llm"}
_JSON_COLUMNS = ("metadata", "tags", "generation", "props", "modes")


def _matches(value: Any) -> bool:
    steps = list_at(value, "steps")
    is_step = steps and as_text(object_at(steps[0]).get("type")) in _TYPES and "output" in object_at(steps[0])
    return bool(is_step) and bool(value.keys() & {"elements", "userIdentifier", "userId", "createdAt"})


def _read(document: Document) -> Iterator[Conversation]:
    value, steps = document.value, document.at("steps")
    held = [one for one in steps.items() if isinstance(one.value, dict)] if steps else []
    held.sort(key=lambda one: str(first_of(one.value, ["createdAt", "start"]) or "~") if _are_timed(held) else "")
    generations = [made for one in held if (made := object_at(one.value, "generation"))]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("createdAt"),
        model=next((as_text(made["model"]) for made in reversed(generations) if made.get("model")), ""),
        metadata={
            "title": value.get("name"),
            "user": value.get("userIdentifier") or value.get("userId"),
            "tags": value.get("tags"),
            **object_at(value, "metadata"),
        },
        messages=_messages(held, list_at(value, "elements")),
        source=source_of(document, ["id", "createdAt", "name", "steps", "metadata"]),
    )
    yield draft.finish(document)


def _are_timed(steps: list[Document]) -> bool:
    return all(first_of(one.value, ["createdAt", "start"]) for one in steps)


def _messages(steps: list[Document], elements: list[Any]) -> list[DraftMessage]:
    """Read steps in their order. A run only holds others together, and a model's call repeats what is said."""
    is_answered = any(one.value.get("type") == "assistant_message" for one in steps)
    drafts, turn = list[DraftMessage](), Turn()
    for step in steps:
        value, kind = step.value, as_text(step.value.get("type"))
        parts, notes = _elements(value, elements)
        if kind in _SAID:
            drafts += [] if turn.is_empty else turn.messages()
            turn = Turn()
            text = as_text(value.get("output") or value.get("input"))
            draft = DraftMessage(_SAID[kind], [text_part(text), *parts], name=as_text(value.get("name")))
            drafts.append(draft)
        elif kind in _TOOLS:
            call_id = as_text(value.get("id"))
            turn.call(call_id, as_text(value.get("name")), value.get("input"))
            turn.last().created = turn.last().created or _time(value)
            failed = {"is_error": True} if value.get("isError") else {}
            draft = turn.result(call_id, [text_part(as_text(value.get("output"))), *parts], "", **failed)
        elif kind == "assistant_message" or (kind == "llm" and not is_answered):
            drafts += [] if turn.is_empty or turn.ends_with_result else turn.messages()
            turn = turn if turn.ends_with_result else Turn()
            turn.add(text_part(as_text(value.get("output"))), *parts)
            draft = turn.last()
            draft.name = as_text(value.get("name"))
            if value.get("isError"):
                draft.more["error"], draft.content = as_text(value.get("output")), parts or None
        else:
            continue
        draft.id, draft.created, draft.source = value.get("id"), _time(value), step.text
        draft.notes += notes
        if value.get("feedback"):
            draft.more["feedback"] = value["feedback"]
    return drafts + ([] if turn.is_empty else turn.messages())


def _time(value: dict[str, Any]) -> Any:
    return first_of(value, ["createdAt", "start"])


def _elements(step: dict[str, Any], elements: list[Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    parts, notes = list[dict[str, Any]](), list[dict[str, Any]]()
    for element in elements:
        if object_at(element).get("forId") != step.get("id") or not step.get("id"):
            continue
        url, name, kind = as_text(element.get("url")), as_text(element.get("name")), element.get("type")
        media_type = as_text(element.get("mime")) or {"image": "image/*", "audio": "audio/"}.get(str(kind), "")
        if url.startswith(("http://", "https://", "data:")):
            parts.append(linked_file(url, media_type, name))
        elif element.get("props"):
            parts.append({**element, "type": as_text(kind) or "element"})
        else:
            parts.append(file_part(name, file_id=as_text(element.get("chainlitKey") or element.get("objectKey"))))
            notes.append(note("lost-image" if media_type.startswith("image/") else "lost-file", by=_TITLE))
    return parts, notes


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the threads of the database of Chainlit's SQLAlchemy layer, as its API gives them."""
    database.row_factory = sqlite3.Row
    for number, row in enumerate(database.execute("SELECT * FROM threads ORDER BY createdAt").fetchall(), start=1):
        thread = _values(row)
        for name in ("steps", "elements"):
            query = f"SELECT * FROM {name} WHERE threadId = ? ORDER BY rowid"  # noqa: S608 (our own two names)
            thread[name] = [_values(one) for one in database.execute(query, (row["id"],))]
        given = database.execute("SELECT * FROM feedbacks WHERE threadId = ?", (row["id"],))
        feedbacks = {one["forId"]: _values(one) for one in given}
        for step in thread["steps"]:
            step |= {"feedback": feedbacks[step["id"]]} if step["id"] in feedbacks else {}
        yield number, json.dumps(thread, ensure_ascii=False)


def _values(row: sqlite3.Row) -> dict[str, Any]:
    pairs = ((name, row[name]) for name in row.keys())  # noqa: SIM118 (a row without its names yields its values)
    return {name: _decoded(value) if name in _JSON_COLUMNS else value for name, value in pairs if value is not None}


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


FAMILY = Family(
    name=_NAME,
    title="Chainlit",
    what=gettext_lazy("A Chainlit export"),
    seen="chainlit 2.12.0",
    keeps="texts, tools with input and result, elements, feedback, the user, tags, the model, times",
    loses="reasoning, citations and refusals; the bytes of files that are stored elsewhere",
    matches=_matches,
    read=_read,
    tables=frozenset({"threads", "steps", "elements", "feedbacks"}),
    rows=_rows,
)
