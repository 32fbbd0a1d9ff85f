"""Zed: threads of its agent, from its database or alone, and text threads (`.zed.json`), which are one text.

Facts from its source of 2025 and 2026 (`db.rs`, `legacy_thread.rs`, `text_thread.rs`). The database has each thread as
JSON that Zstandard has packed; until 0.3.0 of that JSON messages had roles and segments.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.zstandard import zstd
from viewer.formats.cells import rows_of
from viewer.formats.document import MAX_BYTES, Conversation, Document, NothingSaid, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, image_part, note, text_file, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME = "zed"
_KNOWN = ("title", "summary", "messages", "updated_at", "model", "version")
_ROLES = {"User": CUSTOMER, "Agent": "assistant"}


def _is_thread(value: Any) -> bool:
    """Whether a value is a thread, of now or of before."""
    first = first_object(object_at(value).get("messages"))
    return any("content" in object_at(first, name) for name in _ROLES) or {"role", "segments"} <= first.keys()


def _is_text(value: Any) -> bool:
    return object_at(value).get("zed") == "context" and isinstance(value.get("text"), str)


def _matches(value: Any) -> bool:
    return _is_thread(value) or _is_text(value) or (isinstance(value, dict) and value.keys() == {"zed_row", "thread"})


def _read(document: Document) -> Iterator[Conversation]:
    if _is_text(document.value):
        yield _of_text(document.value).finish(document)
        return
    row, thread = object_at(document.value, "zed_row"), document
    if "zed_row" in document.value:
        thread = document.members["thread"]
    if not isinstance(thread.value, dict):
        raise NotReadable(gettext("This thread of Zed is damaged, or longer than one conversation may be."))
    value, held = thread.value, thread.at("messages")
    messages = [draft for message in (held.items() if held else ()) for draft in _messages(message)]
    if not messages:
        raise NothingSaid
    yield Draft(
        _NAME,
        id=id_within(_NAME, row.get("id")),
        created=first_of(row, ("created_at", "updated_at")) or value.get("updated_at"),
        model=as_text(object_at(value, "model").get("model")),
        metadata={
            "title": first_of(value, ("title", "summary")) or row.get("summary"),
            "cwd": row.get("folder_paths"),
            "session": row.get("parent_id"),
        },
        messages=messages,
        source=source_of(thread, _KNOWN),
    ).finish(document)


def _messages(message: Document) -> list[DraftMessage]:
    """Read a message; that the agent went on after a stop is none."""
    value = object_at(message.value)
    kind = next((name for name in _ROLES if name in value), "")
    turn, held = Turn(), object_at(value, kind) if kind else value
    if not held:
        return []
    for block in objects_at(held, "content") if kind else objects_at(held, "segments"):
        _take(turn, block)
    for call in objects_at(held, "tool_uses"):
        turn.call(as_text(call.get("id")), as_text(call.get("name")), call.get("input"))
    results = held.get("tool_results")
    for result in results.values() if isinstance(results, dict) else objects_at(held, "tool_results"):
        _take_result(turn, object_at(result))
    if held.get("context"):
        turn.add(text_file("context", as_text(held["context"])))
    drafts, last = turn.messages(), turn.last()
    role = _ROLES.get(kind) or as_text(held.get("role"))
    last.role = last.role if role == "assistant" else role
    last.source, last.id = message.text, held.get("id")
    return drafts


def _take(turn: Turn, block: dict[str, Any]) -> None:
    thought, call, mention = (object_at(block, name) for name in ("Thinking", "ToolUse", "Mention"))
    text, image = as_text(first_of(block, ("Text", "text"))), object_at(block, "Image")
    if thought or block.get("type") == "thinking":
        turn.think(as_text(thought.get("text") or text))
    elif call:
        turn.call(as_text(call.get("id")), as_text(call.get("name")), first_of(call, ("raw_input", "input")) or {})
    elif mention:
        turn.add(text_file(_name_of(mention.get("uri")), as_text(mention.get("content"))))
    elif image:
        turn.add(_image(image))
    elif text:
        turn.add(text_part(text))
    elif not {"RedactedThinking", "Text", "text"} & block.keys() and block.get("type") != "RedactedThinking":
        turn.add(block)


def _take_result(turn: Turn, result: dict[str, Any]) -> None:
    content = result.get("content")
    parts = [_block(block) for block in (content if isinstance(content, list) else [content])]
    is_text = all(part.get("type") == "text" for part in parts)
    told = "\n".join(part["text"] for part in parts) if is_text else parts
    draft = turn.result(as_text(result.get("tool_use_id")), told, as_text(result.get("tool_name")))
    draft.more = {"is_error": True} if result.get("is_error") else {}


def _block(block: Any) -> dict[str, Any]:
    if image := object_at(block).get("Image"):
        return _image(object_at(image))
    return text_part(as_text(first_of(block, ("Text", "text")) if isinstance(block, dict) else block))


def _image(image: dict[str, Any]) -> dict[str, Any]:
    return image_part(data_url(as_text(image.get("source")), "image/png"))


def _name_of(uri: Any) -> str:
    """Return the name of what is mentioned: a path, a name, or its kind."""
    if not isinstance(uri, dict):
        return as_text(uri)
    kind = next(iter(uri), "")
    return as_text(first_of(object_at(uri, kind), ("abs_path", "name", "path", "url"))) or kind


# --- Text threads -----------------------------------------------------------------------------------------------------


def _of_text(value: dict[str, Any]) -> Draft:
    """Read a text thread, whose messages say at which byte of the text they begin."""
    text = value["text"].encode("utf-8", "replace")
    found = [message for message in objects_at(value, "messages") if isinstance(message.get("start"), int)]
    ends = [*(message["start"] for message in found), len(text)]
    draft = Draft(_NAME, id=id_within(_NAME, value.get("id")), metadata={"title": value.get("summary")})
    for message, (start, end) in zip(found, pairwise(ends), strict=True):
        about = object_at(message, "metadata")
        said = DraftMessage(as_text(about.get("role")), [text_part(text[start:end].decode("utf-8", "replace").strip())])
        if error := object_at(about, "status").get("Error"):
            said.more["error"] = as_text(error)
        said.notes = [note("interrupted")] if about.get("status") == "Canceled" else []
        draft.messages.append(said)
    if not text.strip():
        raise NothingSaid
    return draft


# --- The database -----------------------------------------------------------------------------------------------------


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the threads of a database with what its columns say of them."""
    rows = database.execute("SELECT * FROM threads ORDER BY updated_at, id")
    for number, values in enumerate(rows_of(rows), start=1):
        thread = _unpacked(values.pop("data"), values.get("data_type"))
        about = {name: value for name, value in values.items() if isinstance(value, (str, int))}
        yield number, f'{{"zed_row":{json.dumps(about)},"thread":{thread}}}'


def _unpacked(data: Any, kind: Any) -> str:
    """Return the JSON of a thread; `null` where it is damaged or too long."""
    packed = data.encode() if isinstance(data, str) else data if isinstance(data, bytes) else b""
    try:
        text = zstd.ZstdDecompressor().decompress(packed, max_length=MAX_BYTES + 1) if kind == "zstd" else packed
        written = text.decode() if len(text) <= MAX_BYTES else "null"
        json.loads(written)
    except (zstd.ZstdError, ValueError, RecursionError):
        return "null"
    return written


FAMILY = Family(
    name=_NAME,
    title="Zed",
    what=gettext_lazy("A thread of Zed"),
    seen="threads, text threads and the database, by its source of 2025 and 2026",
    keeps="texts, pictures, what was mentioned, reasoning, tool calls, results and whether they failed, titles, the "
    "model",
    loses="times of messages; the system prompt",
    matches=_matches,
    read=_read,
    tables=frozenset({"threads"}),
    told_by=frozenset({"threads.data", "threads.data_type", "threads.summary"}),
    rows=_rows,
)
