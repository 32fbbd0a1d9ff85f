"""AnythingLLM: its database, chats of its API, and what it exports as JSON or CSV, which has each question alone.

Facts from its source of 2026 (`schema.prisma`, `convertTo.js`, `responses.js`). A row has a question with its answer.
An export names no thread, so that nothing tells which of its rows belong together.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import object_of, rows_of
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, data_url, file_part, image_part, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of, id_under, source_of

_NAME = "anything-llm"
_PLACES = ("workspaceId", "thread_id", "user_id", "api_session_id", "embed_id", "session_id")
_RATINGS = {"GOOD": "positive", "BAD": "negative", 1: "positive", 0: "negative"}
_OF_WORKSPACES = """
    SELECT chats.*, workspaces.name AS workspace, workspaces.openAiPrompt AS prompt_of_workspace,
    users.username AS username, threads.name AS thread FROM workspace_chats AS chats
    LEFT JOIN workspaces ON workspaces.id = chats.workspaceId LEFT JOIN users ON users.id = chats.user_id
    LEFT JOIN workspace_threads AS threads ON threads.id = chats.thread_id ORDER BY chats.id
"""
_OF_EMBEDDED = """
    SELECT chats.*, workspaces.name AS workspace, workspaces.openAiPrompt AS prompt_of_workspace
    FROM embed_chats AS chats LEFT JOIN embed_configs ON embed_configs.id = chats.embed_id
    LEFT JOIN workspaces ON workspaces.id = embed_configs.workspace_id ORDER BY chats.id
"""


def _is_row(value: Any) -> bool:
    if not isinstance(value, dict) or not {"prompt", "response"} <= value.keys():
        return False
    is_stored = "include" in value and ("workspaceId" in value or "embed_id" in value)
    return is_stored or {"sent_at", "workspace"} <= value.keys()


def _is_history(value: Any) -> bool:
    return "sentAt" in first_object(object_at(value).get("history"))


def _key(document: Document) -> str:
    """Return the thread of a stored row, of which chats outside of threads are one for each person."""
    value = document.value
    if not _is_row(value) or "include" not in value:
        return ""
    return " ".join(f"{name}={value[name]}" for name in _PLACES if value.get(name) not in (None, ""))


def _join(rows: list[Document]) -> Iterator[Conversation]:
    first = rows[0].value
    draft = Draft(_NAME, id=f"{_NAME}-{_key(rows[0]).replace(' ', '-').replace('=', '-')}", created=_time_of(first))
    draft.metadata = _about(first)
    prompt = as_text(first.get("prompt_of_workspace"))
    draft.messages = [DraftMessage("system", prompt)] if prompt else []
    draft.messages += [message for row in rows for message in _exchange(row)]
    draft.model = as_text(object_at(object_of(rows[-1].value.get("response")), "metrics").get("model"))
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if _is_row(value):
        draft = Draft(_NAME, id=_id_of(value), created=_time_of(value), metadata=_about(value))
        draft.messages = _exchange(document)
    else:
        draft = Draft(_NAME, messages=[_said(message) for message in document.members["history"].items()])
        first = first_object(value["history"])
        draft.created = first.get("sentAt")
        draft.id = id_of_beginning(_NAME, draft.created, first.get("content"))
        draft.source = source_of(document, ("history",))
    yield draft.finish(document)


def _id_of(row: dict[str, Any]) -> Any:
    """Return the id of an exported row. Chats in web pages, which have no user, are counted on their own."""
    own = as_text(row.get("id"))
    return id_within(_NAME, own if not own or {"username", "rating"} & row.keys() else f"embed-{own}")


def _about(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "workspace": value.get("workspace"),
        "title": value.get("thread"),
        "user": first_of(value, ("username", "user_id")),
        "session": first_of(value, ("session_id", "api_session_id")),
    }


def _time_of(value: dict[str, Any]) -> Any:
    """Return a time: milliseconds, ISO 8601, or as JavaScript writes it, in CSV."""
    given = first_of(value, ("createdAt", "sent_at"))
    try:
        return datetime.strptime(as_text(given).partition(" (")[0], "%a %b %d %Y %H:%M:%S GMT%z").isoformat()
    except ValueError:
        return given


def _exchange(row: Document) -> list[DraftMessage]:
    """Read a question with its answer, which is a text, or JSON with what belongs to it."""
    value = row.value
    held = object_of(value.get("response"))
    asked = DraftMessage("user", [text_part(as_text(value.get("prompt")))], row.text, created=_time_of(value))
    attached = objects_at(held, "attachments") or objects_at(value, "attachments")
    asked.content = [text_part(as_text(value.get("prompt"))), *map(_attachment, attached)]
    text = as_text(held.get("text") if held else value.get("response"))
    answer = DraftMessage("assistant", [text_part(text)] if text else None, created=_time_of(value))
    return [asked, _with_sources(answer, held, first_of(value, ("feedbackScore", "rating")))]


def _said(message: Document) -> DraftMessage:
    """Read a message of the API."""
    value, text = message.value, as_text(message.value.get("content"))
    draft = DraftMessage(as_text(value.get("role")), None, message.text, created=value.get("sentAt"))
    draft.content = [*([text_part(text)] if text else []), *map(_attachment, objects_at(value, "attachments"))]
    return _with_sources(draft, value, value.get("feedbackScore"))


def _with_sources(draft: DraftMessage, value: dict[str, Any], rating: Any) -> DraftMessage:
    for source in objects_at(value, "sources"):
        title = as_text(source.get("title"))
        draft.annotations.append(citation(as_text(first_of(source, ("url", "chunkSource"))) or title, title))
    if rating in _RATINGS:
        draft.more["feedback"] = _RATINGS[rating]
    if list_at(value, "outputs"):
        draft.more["outputs"] = value["outputs"]
    return draft


def _attachment(file: dict[str, Any]) -> dict[str, Any]:
    """Read a file that was sent with a question: mostly a picture."""
    media_type, data = as_text(file.get("mime")) or "image/png", as_text(first_of(file, ("contentString", "image")))
    name = as_text(file.get("name"))
    url = data_url(data, media_type)
    return image_part(url) if url.startswith("data:image/") else file_part(name, data=url)


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the chats of the workspaces, and of what is embedded in web pages."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    queries = [_OF_WORKSPACES, *([_OF_EMBEDDED] if {"embed_chats", "embed_configs"} <= tables else [])]
    numbers = count(1)
    for query in queries:
        for row in rows_of(database.execute(query)):
            yield next(numbers), json.dumps(row, ensure_ascii=False)


FAMILY = Family(
    name=_NAME,
    title="AnythingLLM",
    what=gettext_lazy("An AnythingLLM export"),
    seen="the database, chats of the API, and exports as JSON and CSV, by its source of 2026",
    keeps="texts, pictures, sources, feedback, users, workspaces, times; in the database threads, prompts, the model",
    loses="tool calls; which questions belong together, in exports; lines of texts, in CSV",
    matches=lambda value: _is_row(value) or _is_history(value),
    read=_read,
    key=_key,
    own=id_under("id"),
    join=_join,
    tables=frozenset({"workspace_chats", "workspaces", "workspace_threads", "users"}),
    rows=_rows,
)
