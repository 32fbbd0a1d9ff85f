"""Sessions of Google's Agent Development Kit: as JSON, and the databases of its versions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

from .google import read_content

_NAME = "google-adk"
_APP, _USER = ("appName", "app_name"), ("userId", "user_id")
_DELTAS = (
    "stateDelta", "state_delta", "artifactDelta", "artifact_delta", "compaction", "transferToAgent",
    "rewindBeforeInvocationId", "rewind_before_invocation_id",
)  # fmt: skip
_TRANSCRIPTIONS = (
    ("user", ("inputTranscription", "input_transcription")),
    ("assistant", ("outputTranscription", "output_transcription")),
)
_NOTHING = "MODEL_RETURNED_NO_CONTENT"
_EVENTS = """
    SELECT id, timestamp, {} FROM events
    WHERE app_name = ? AND user_id = ? AND session_id = ? ORDER BY timestamp, rowid
"""
_OLD = ("author", "content", "grounding_metadata", "error_code", "error_message", "partial", "branch")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or first_of(value, _APP) is None or not isinstance(value.get("events"), list):
        return False
    return all("author" in object_at(event) or "actions" in object_at(event) for event in value["events"])


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    events = [event for event in document.members["events"].items() if not object_at(event.value).get("partial")]
    values = [object_at(event.value) for event in events]
    models = (first_of(each, ("modelVersion", "model_version")) for each in values)
    reasons = [first_of(each, ("finishReason", "finish_reason")) for each in values]
    authors = {as_text(each.get("author")) for each in values} - {"user", ""}
    draft = Draft(
        _NAME,
        id=_id_of(value),
        created=next((each["timestamp"] for each in values if each.get("timestamp")), None),
        model=as_text(next(filter(None, models), "")),
        metadata={"app": first_of(value, _APP), "user": first_of(value, _USER), "session": value.get("id")},
        messages=[message for event in events for message in _messages(event, has_team=len(authors) > 1)],
        finish_reason=as_text(reasons[-1]) or None if reasons else None,
        source=source_of(document, ("id", "events", *_APP, *_USER)),
    )
    yield draft.finish(document)


def _id_of(session: dict[str, Any]) -> Any:
    """Return an id that is unique: that of a session is so only among those of its app and its user."""
    session_id = session.get("id")
    if id_within(_NAME, session_id) == session_id:
        return session_id
    return "-".join(as_text(each) for each in (_NAME, first_of(session, _APP), first_of(session, _USER), session_id))


def _messages(event: Document, *, has_team: bool) -> list[DraftMessage]:
    """Read an event. One with neither words nor an error is kept if it has changed something."""
    value = event.value
    content = event.at("content")
    if content is not None and list_at(content.value, "parts"):
        found = read_content(content, value)
    else:
        found = _transcribed(value)
    code, text = (first_of(value, names) for names in (("errorCode", "error_code"), ("errorMessage", "error_message")))
    if not found and not (code or text):
        actions = object_at(value, "actions")
        found = [DraftMessage("event", [value])] if any(actions.get(name) for name in _DELTAS) else []
    elif code or text:
        found = found or [DraftMessage("assistant")]
        found[-1].more["error"] = {"code": as_text(code), "message": as_text(text)}
        found[-1].notes += [note("lost-refusal", by="ADK")] if code == _NOTHING else []
    for n, message in enumerate(found):
        message.source, message.created = message.source if n else event.text, value.get("timestamp")
        message.id = value.get("id") if n == 0 else None
        if has_team and message.role == "assistant":
            message.name = as_text(value.get("author"))
    return found


def _transcribed(event: dict[str, Any]) -> list[DraftMessage]:
    """Read what was spoken, of a live session."""
    texts = ((role, object_at(first_of(event, names)).get("text")) for role, names in _TRANSCRIPTIONS)
    return [DraftMessage(role, [text_part(text)]) for role, text in texts if isinstance(text, str) and text]


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the sessions. In the older schema an event has a column for each of its members."""
    names = {row[1] for row in database.execute("PRAGMA table_info(events)")}
    columns = ["event_data"] if "event_data" in names else [name for name in _OLD if name in names]
    events = _EVENTS.format(", ".join(columns))
    sessions = database.execute("SELECT app_name, user_id, id, state FROM sessions ORDER BY create_time, id").fetchall()
    for number, (app, user, session, state) in enumerate(sessions, start=1):
        found = (_event(columns, row) for row in database.execute(events, (app, user, session)))
        pairs = [("id", json.dumps(session)), ("appName", json.dumps(app)), ("userId", json.dumps(user))]
        pairs += [("state", _json_of(state)), ("events", f"[{','.join(found)}]")]
        yield number, to_object(pairs)


def _event(columns: list[str], row: tuple[Any, ...]) -> str:
    if columns == ["event_data"]:
        return _json_of(row[2])
    event_id, timestamp, *values = row
    time = timestamp if isinstance(timestamp, (int, float)) else f"{as_text(timestamp)[:19].replace(' ', 'T')}Z"
    pairs = [("id", json.dumps(event_id)), ("timestamp", json.dumps(time)), ("actions", "{}")]
    given = zip(columns, values, strict=True)
    texts = ((name, _json_of(value) if name in ("content", "grounding_metadata") else json.dumps(value))
             for name, value in given if value is not None)  # fmt: skip
    return to_object([*pairs, *texts])


def _json_of(text: Any) -> str:
    """Return JSON as it is in a column; anything else as a JSON string, so that it is seen."""
    try:
        json.loads(text)
    except (TypeError, ValueError):
        return json.dumps(None if text is None else str(text))
    return str(text)


FAMILY = Family(
    name=_NAME,
    title="Google ADK",
    what=gettext_lazy("A Google ADK session"),
    seen="google-adk 1.5.0, 2.13.0",
    keeps="texts, thoughts, tool calls and results, pictures, files, sources, errors, times, user, app and agents",
    loses="the system prompt; what a refusal says, of which there is only the code",
    matches=_matches,
    read=_read,
    tables=frozenset({"sessions", "events", "app_states", "user_states"}),
    rows=_rows,
)
