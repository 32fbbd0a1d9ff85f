"""Agno's sessions and runs: messages with pictures and files beside the text, and sources on the run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    citation,
    data_url,
    file_part,
    media_part,
    note,
    text_part,
)
from viewer.formats.family import Family, Shape, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "agno"
_MARKS = ("from_history", "stop_after_tool_call")
_MEDIA = (
    ("images", "image/png", "lost-image"),
    ("audio", "audio/wav", "lost-audio"),
    ("videos", "video/mp4", "lost-file"),
    ("files", "application/octet-stream", "lost-file"),
    ("image_output", "image/png", "lost-image"),
)
_WHO = ("user_id", "agent_id", "agent_name", "team_id", "team_name", "workflow_id")


def is_message(value: Any) -> bool:
    """Whether a value is a message of a run."""
    return isinstance(value, dict) and isinstance(value.get("role"), str) and any(mark in value for mark in _MARKS)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages. Those that a run repeats from the ones before, and the same system prompt, are left out."""
    found, system = [], ""
    for message in messages:
        if not isinstance(message.value, dict) or message.value.get("from_history"):
            continue
        if message.value.get("role") in ("system", "developer"):
            said = as_text(message.value.get("content"))
            if said == system:
                continue
            system = said
        found.append(_message(message))
    answered = {message.tool_call_id for message in found}
    for draft in found:
        draft.tool_calls = [_tied(call, answered) for call in draft.tool_calls]
    return found


def _tied(call: dict[str, Any], answered: set[str]) -> dict[str, Any]:
    """Return a call under the id that its result has: those of Responses have two."""
    return call | {"id": call["call_id"]} if call.get("call_id") in answered else call


def _message(message: Document) -> DraftMessage:
    value = message.value
    draft = DraftMessage(as_text(value.get("role")), source=message.text, id=value.get("id"))
    draft.name = as_text(value.get("name") or value.get("tool_name"))
    draft.tool_calls, draft.tool_call_id = objects_at(value, "tool_calls"), as_text(value.get("tool_call_id"))
    draft.reasoning = as_text(value.get("reasoning_content"))
    draft.created = value.get("created_at")
    if value.get("tool_call_error"):
        draft.more["is_error"] = True
    content = value.get("content")
    text = content if isinstance(content, list) else as_text(content)
    parts = [part for name, kind, lost in _MEDIA for part in _media(value.get(name), (kind, lost), draft)]
    if parts:
        texts = content if isinstance(content, list) else [text_part(as_text(content))] if content else []
        draft.content = [*texts, *parts]
    else:
        draft.content = text or None
    said = object_at(value, "audio_output")
    draft.audio = {"data": said.get("content"), "transcript": said.get("transcript")} if said else None
    _cite(draft, object_at(value, "citations"))
    if draft.role == "assistant" and not (draft.content or draft.tool_calls or draft.audio or draft.reasoning):
        draft.notes.append(note("lost-refusal", by="Agno"))
    return draft


def _media(given: Any, kind: tuple[str, str], draft: DraftMessage) -> Iterator[dict[str, Any]]:
    """Yield the parts of pictures, sound or files: base64, a URL, or the path on the app's machine."""
    for item in given if isinstance(given, list) else [given]:
        if not isinstance(item, dict):
            continue
        media_type = as_text(item.get("mime_type")) or kind[0]
        path = as_text(item.get("filename") or item.get("name") or item.get("filepath"))
        name = path.replace("\\", "/").rpartition("/")[2]
        if isinstance(item.get("content"), str) and item["content"]:
            yield media_part(media_type, data_url(item["content"], media_type), name)
        elif item.get("url"):
            yield media_part(media_type, as_text(item["url"]), name)
        else:
            draft.notes.append(note(kind[1], by="Agno"))
            yield file_part(name)


def _cite(draft: DraftMessage, citations: dict[str, Any]) -> None:
    """Add sources to a message: as the model's API sent them, or with only their addresses."""
    raw = [each for each in objects_at(citations, "raw") if each.get("type") == "url_citation"]
    urls = [
        citation(as_text(each["url"]), as_text(each.get("title")))
        for each in objects_at(citations, "urls")
        if each.get("url")
    ]
    draft.annotations += raw or urls


def _is_run(value: Any) -> bool:
    if not (isinstance(value, dict) and "run_id" in value and ("session_id" in value or "messages" in value)):
        return False
    return is_message(first_object(value.get("messages"))) or "input_content" in object_at(value, "input")


def _with_answer(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run; up to version 1.3, and in phidata, it stands beside what was asked, which it has as well."""
    return object_at(run, "response") or run


def _runs_in(value: dict[str, Any]) -> tuple[str, ...]:
    """Return where the runs of a session are; versions before 2 had them in its memory."""
    for names in (("runs",), ("memory", "runs")):
        if any(_is_run(_with_answer(run)) for run in objects_at(value, *names)):
            return names
    return ()


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return is_message(first_object(value))
    return isinstance(value, dict) and (_is_run(value) or ("session_id" in value and bool(_runs_in(value))))


def _read(document: Document) -> Iterator[Conversation]:
    if isinstance(document.value, list):
        yield Draft(_NAME, messages=read_messages(document.items())).finish(document)
        return
    if _is_run(document.value):
        yield from _join([document])
        return
    names = _runs_in(document.value)
    runs = document.at(*names)
    held = list(runs.items()) if runs else []
    draft = _draft_of(document.value, [run.at("response") or run for run in held])
    draft.source = _with_members(source_of(document, (*_WHO, names[0], "session_id")), draft.source)
    yield draft.finish(document)


def _key(document: Document) -> str:
    value = document.value
    return as_text(value.get("session_id")) if _is_run(value) else ""


def _join(runs: list[Document]) -> Iterator[Conversation]:
    yield _draft_of(runs[0].value, runs).finish_at(runs[0].place, *(run.text for run in runs))


def _draft_of(session: dict[str, Any], runs: list[Document]) -> Draft:
    """Build the conversation of runs. Those of members of a team, which has what they said, are kept as JSON."""
    runs = sorted(runs, key=lambda run: _time(run.value))
    draft = Draft(_NAME, id=id_within(_NAME, session.get("session_id")), created=session.get("created_at"))
    title = object_at(session, "session_data").get("session_name")
    draft.metadata = {"title": title} | {name: session.get(name) for name in _WHO} | object_at(session, "metadata")
    members: list[str] = []
    system = ""
    for run in runs:
        if run.value.get("parent_run_id"):
            members.append(run.text)
            continue
        for message in _messages_of(run):
            is_repeated = message.role in ("system", "developer") and message.content == system
            system = as_text(message.content) if message.role in ("system", "developer") else system
            if not is_repeated:
                draft.messages.append(message)
        draft.model = as_text(run.value.get("model")) or draft.model
        draft.fields["usage"] = _usage(run.value)
    draft.source = f"[{','.join(members)}]" if members else ""
    return draft


def _with_members(source: str, members: str) -> str:
    if not members:
        return source
    return to_object([("session", source or "null"), ("member_runs", members)])


def _time(run: dict[str, Any]) -> float:
    created = run.get("created_at")
    return float(created) if isinstance(created, (int, float)) else 0.0


def _messages_of(run: Document) -> list[DraftMessage]:
    """Return what was said in a run, and what stands on the run itself: sources, pictures, an answer that failed."""
    value, given = run.value, run.at("messages")
    messages = read_messages(given.items()) if given is not None else []
    asked = object_at(value, "input").get("input_content")
    if not messages and asked:
        messages.append(DraftMessage("user", as_text(asked), source=run.text, created=value.get("created_at")))
    answers = [message for message in messages if message.role == "assistant"]
    if not answers and value.get("content"):
        failed = {"status": "error"} if value.get("status") == "ERROR" else {}
        answers = [DraftMessage("assistant", as_text(value["content"]), created=value.get("created_at"), more=failed)]
        messages += answers
    if answers and not answers[-1].annotations:
        _cite(answers[-1], object_at(value, "citations"))
    if answers and (made := list(_media(list_at(value, "images"), ("image/png", "lost-image"), answers[-1]))):
        text = answers[-1].content
        answers[-1].content = [*([text_part(text)] if isinstance(text, str) else text or []), *made]
    return messages


def _usage(run: dict[str, Any]) -> dict[str, Any] | None:
    metrics = object_at(run, "metrics")
    names = ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"), ("total_tokens", "total_tokens")
    counts = {ours: metrics.get(theirs) for ours, theirs in names}
    return counts if all(isinstance(count, int) for count in counts.values()) else None


def _sessions(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield each session with its runs, which are in a column before version 3 and in a table of their own since."""
    database.row_factory = sqlite3.Row
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for number, row in enumerate(
        database.execute("SELECT * FROM agno_sessions ORDER BY created_at").fetchall(), start=1
    ):
        session = {name: _value(row[name]) for name in row.keys()}  # noqa: SIM118  # a row yields values
        if not session.get("runs") and "agno_runs" in tables:
            query = "SELECT run_data FROM agno_runs WHERE session_id = ? ORDER BY run_index, created_at"
            session["runs"] = [_value(data) for (data,) in database.execute(query, (session["session_id"],))]
        if session.get("runs"):
            yield number, json.dumps(session, ensure_ascii=False)


def _value(cell: Any) -> Any:
    """Return what a column of JSON says. Versions before 2.1 wrote the JSON of a text of JSON."""
    for _attempt in range(2):
        if not (isinstance(cell, str) and cell[:1] in ("{", "[", '"')):
            break
        try:
            cell = json.loads(cell)
        except ValueError:
            break
    return cell if first_of({"cell": cell}, ("cell",)) is not None else None


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Agno, phidata",
    what=gettext_lazy("An Agno session"),
    seen="agno 1.1.17, 1.5.10, 1.8.4, 2.0.11, 2.3.4, 2.5.3 and 3.1.10, phidata 2.7.10",
    keeps="texts, pictures, sound, files, tool calls, results and whether they failed, reasoning, sources, times",
    loses="refusals: an answer without text; which of the answers of a run has the sources",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
    tables=frozenset({"agno_sessions"}),
    rows=_sessions,
)
