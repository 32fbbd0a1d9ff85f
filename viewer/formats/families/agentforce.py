"""Agentforce: sessions as Salesforce's Data Cloud keeps them, in tables of sessions, turns, steps and messages.

Steps name only their turn, and turns their session, so the session of a step is known from another row of its turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part, tool_call
from viewer.formats.family import Family
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_within

_NAME = "agentforce"
_SESSION, _TURN = "aiagentsessionid", "aiagentinteractionid"
_MESSAGE, _STEP = "aiagentinteractionmessagetype", "aiagentinteractionsteptype"
_KINDS = (_MESSAGE, _STEP, "aiagentinteractiontype", "aiagentsessionendtype")  # each is a column of one table alone
_NOTHING = (None, "", "NOT_SET")


def _fields(row: Any) -> dict[str, Any]:
    """Return what a row says by the names of its columns without what tools write around them, in small letters."""
    if not isinstance(row, dict):
        return {}
    named = ((str(name).casefold(), value) for name, value in row.items())
    return {
        name.removeprefix("ssot__").removesuffix("__c"): value
        for name, value in named
        if name.startswith("ssot__") and value not in _NOTHING
    }


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and any(f"ssot__{kind}__c" in map(str.casefold, value) for kind in _KINDS)


def _key(row: Document) -> str:
    """Return the turn of a row, and of a session the session itself."""
    fields = _fields(row.value)
    return as_text(fields.get(_TURN) or fields.get("id")) or f"file {row.place.file}"


def _thread(row: Document) -> str:
    fields = _fields(row.value)
    is_session = "aiagentsessionendtype" in fields or _KINDS[3] in _columns(row.value)
    return as_text(fields.get("id") if is_session else fields.get(_SESSION))


def _columns(row: dict[str, Any]) -> set[str]:
    return {str(name).casefold().removeprefix("ssot__").removesuffix("__c") for name in row}


def _join(rows: list[Document]) -> Iterator[Conversation]:
    read = [(row, _fields(row.value)) for row in rows]
    read.sort(key=lambda one: as_text(_time_of(one[1])))
    messages, others = list[DraftMessage](), list[str]()
    for row, fields in read:
        found = _said(fields) if _MESSAGE in fields else _done(fields) if _STEP in fields else []
        for message in found:
            message.source, message.created = (
                row.text,
                fields.get("messagesenttimestamp") or fields.get("starttimestamp"),
            )
        messages += found
        others += [] if found else [row.text]
    if not any(message.role in (CUSTOMER, COLLEAGUE) and message.content for message in messages):
        raise NothingSaid
    sessions = (_thread(row) for row in rows)
    ending = next((fields["aiagentsessionendtype"] for _, fields in read if "aiagentsessionendtype" in fields), None)
    draft = Draft(_NAME, id=id_within(_NAME, next(filter(None, sessions), None)), messages=messages)
    draft.created = next((message.created for message in messages if message.created), None)
    draft.metadata = {"outcome": ending}
    draft.source = to_object([("rows", f"[{','.join(others)}]")]) if others else ""
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


def _time_of(fields: dict[str, Any]) -> Any:
    return fields.get("messagesenttimestamp") or fields.get("starttimestamp")


def _said(fields: dict[str, Any]) -> list[DraftMessage]:
    role = CUSTOMER if as_text(fields[_MESSAGE]).casefold() in ("input", "user") else COLLEAGUE
    return [DraftMessage(role, [text_part(as_text(fields.get("contenttext")))], id=fields.get("id"))]


def _done(fields: dict[str, Any]) -> list[DraftMessage]:
    """Read a step: actions are calls of tools; of all others only topics and errors are said."""
    kind, name, error = (as_text(fields.get(each)) for each in (_STEP, "name", "errormessagetext"))
    if kind == "ACTION_STEP":
        call_id = as_text(fields.get("id")) or name
        called = DraftMessage("assistant", tool_calls=[tool_call(call_id, name, fields.get("inputvaluetext") or {})])
        result = DraftMessage("tool", _told(fields.get("outputvaluetext")), name=name, tool_call_id=call_id)
        if error:
            result.content, result.more = error, {"status": "failed"}
        return [called, result]
    is_said = kind == "TOPIC_STEP" or error
    return [DraftMessage(EVENT, ": ".join(filter(None, (kind, name, error))))] if is_said else []


def _told(output: Any) -> str:
    """Return an output, which is written as JSON, also if it is a text."""
    try:
        value = json.loads(output) if isinstance(output, str) else output
    except (ValueError, RecursionError):
        value = output
    return value if isinstance(value, str) else as_text(output)


FAMILY = Family(
    name=_NAME,
    title="Agentforce",
    what=gettext_lazy("A session of Agentforce"),
    seen="rows of the session tracing data model of 2026, by published examples",
    keeps="texts, actions as calls of tools with their results, topics, errors, times, how the session ended; prompts "
    "and turns in the JSON",
    loses="who the customer is; in steps without their turns, the session",
    matches=_matches,
    key=_key,
    own=lambda row: as_text(_fields(row.value).get("id")),
    thread=_thread,
    join=_join,
)
