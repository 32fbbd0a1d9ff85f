"""Parlant's sessions: events as its API gives them, its file `sessions.json`, and the table that its chat exports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part, tool_call
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of, id_under

_NAME, _TITLE = "parlant", "Parlant"
_EVENT = {"source", "kind", "offset", "creation_utc", "data"}
_COLUMNS = {"Trace ID", "Source", "Participant", "Timestamp", "Message", "Draft"}
_SPEAKERS = {
    "customer": CUSTOMER, "ai_agent": COLLEAGUE, "human_agent": COLLEAGUE, "system": "system",
    "human_agent_on_behalf_of_ai_agent": COLLEAGUE, "Customer": CUSTOMER, "AI Agent": COLLEAGUE,
}  # fmt: skip
_ABOUT = ("title", "customer_id", "agent_id", "mode", "labels")


def _is_event(value: Any) -> bool:
    return object_at(value).keys() >= _EVENT and isinstance(value["data"], dict)


def _is_row(value: Any) -> bool:
    return object_at(value).keys() >= _COLUMNS


def _matches(value: Any) -> bool:
    return _is_event(value) or _is_row(value) or _is_event(first_object(object_at(value).get("events")))


def _parts(document: Document) -> Iterator[Document]:
    """Yield the events of a file, the first one of each session with what the file has of the session."""
    events, sessions = document.at("events"), document.at("sessions")
    about = {as_text(object_at(one.value).get("id")): one.text for one in sessions.items()} if sessions else {}
    for event in events.items() if events else ():
        if _is_event(event.value):
            session = about.pop(as_text(event.value.get("session_id")), "")
            yield _with(event, session) if session else event


def _with(event: Document, session: str) -> Document:
    members = [(name, member.text) for name, member in event.members.items()]
    return Document(to_object([*members, ("session", session)]), event.place, event.find)


def _key(event: Document) -> str:
    return as_text(event.value.get("session_id")) or f"file {event.place.file}"


def _join(events: list[Document]) -> Iterator[Conversation]:
    """Read the events of a session; what is only a state of the agent stays in the JSON of the conversation."""
    if all(_is_event(event.value) and isinstance(event.value["offset"], int) for event in events):
        events = sorted(events, key=lambda event: event.value["offset"])
    read = [(event, _messages(event)) for event in events]
    messages = [message for _, found in read for message in found]
    if all(message.role == EVENT for message in messages):
        raise NothingSaid
    others, first = [event.text for event, found in read if not found], events[0].value
    session = next((each for event in events if (each := object_at(event.value, "session"))), {})
    yield Draft(
        _NAME,
        id=id_within(_NAME, first.get("session_id")) or id_of_beginning(_NAME, first_of(first, ("id", "Trace ID"))),
        created=session.get("creation_utc") or messages[0].created,
        metadata={name: session.get(name) for name in _ABOUT} | object_at(session, "metadata"),
        messages=messages,
        source=to_object([("events", f"[{','.join(others)}]")]) if others else "",
    ).finish_at(events[0].place, *(event.text for event in events))


def _messages(event: Document) -> list[DraftMessage]:
    value = event.value
    found = [_of_row(value)] if _is_row(value) else _of_event(value)
    for message in found:
        message.created = value.get("creation_utc") or value.get("Timestamp")
        message.notes += [note("hidden", by=_TITLE)] if value.get("deleted") is True else []
    if found:
        found[0].source, found[0].id = event.text, value.get("id")
    return found


def _of_row(value: dict[str, Any]) -> DraftMessage:
    """Read a row of the table, in which everyone but the agent is the customer."""
    draft = DraftMessage(
        _SPEAKERS.get(value["Source"], EVENT), as_text(value["Message"]), name=as_text(value["Participant"])
    )
    draft.more = {name: value[column] for name, column in (("tags", "Tags"), ("flag", "Flag")) if value.get(column)}
    return draft


def _of_event(value: dict[str, Any]) -> list[DraftMessage]:
    kind, data = as_text(value["kind"]), value["data"]
    match kind:
        case "message":
            name = as_text(object_at(data, "participant").get("display_name"))
            role = _SPEAKERS.get(as_text(value["source"]), EVENT)
            draft = DraftMessage(role, [text_part(as_text(data.get("message")))], name=name)
            draft.more = {name: data[name] for name in ("flagged", "tags") if data.get(name)}
            return [draft]
        case "tool":
            return _used(value, objects_at(data, "tool_calls"))
        case "status" if data.get("status") == "error":
            told = as_text(object_at(data, "data").get("exception") or data.get("data"))
            return [DraftMessage(EVENT, ": ".join(filter(None, ("error", told))))]
        case "status":
            return []
    return [DraftMessage(EVENT, [{"type": kind, **data}])]


def _used(value: dict[str, Any], calls: list[dict[str, Any]]) -> list[DraftMessage]:
    named = [(f"{value['offset']}-{n}", as_text(each.get("tool_id")), each) for n, each in enumerate(calls, start=1)]
    given = [tool_call(call_id, name, call.get("arguments")) for call_id, name, call in named]
    results = [
        DraftMessage("tool", as_text(object_at(call, "result").get("data")), name=name, tool_call_id=call_id)
        for call_id, name, call in named
    ]
    return [DraftMessage(COLLEAGUE, tool_calls=given), *results] if calls else []


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A session of Parlant"),
    seen="parlant 3.3.2",
    keeps="texts, names, tools with input and result, what moderation flagged, errors, tags, times; drafts and states "
    "in the JSON",
    loses="the session, in the answer of its API; tools and who is a colleague in its table, which calls everyone but "
    "the agent a customer; the model",
    matches=_matches,
    parts=_parts,
    key=_key,
    own=id_under("id"),
    join=_join,
)
