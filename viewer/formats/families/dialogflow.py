"""Dialogflow CX: conversations as its API gives them, and the turns that it writes to BigQuery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part, tool_call
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "dialogflow"
_TIMES = ("createTime", "request_time", "requestTime")
_ENDINGS = ("liveAgentHandoff", "telephonyTransferCall")
_SILENT = ("text", "outputAudioText", "endInteraction", "conversationSuccess", "mixedAudio", "channel", *_ENDINGS)


def _is_turn(value: Any) -> bool:
    asked, answered = object_at(value, "request", "queryInput"), object_at(value, "response", "queryResult")
    return bool(asked or answered)


def _is_conversation(value: Any) -> bool:
    return _is_turn(first_object(list_at(value, "interactions")))


def _is_row(value: Any) -> bool:
    return _is_turn(value) and "conversation_name" in value


def _matches(value: Any) -> bool:
    return _is_conversation(value) or _is_row(value)


def _key(document: Document) -> str:
    return as_text(document.value["conversation_name"]) if _is_row(document.value) else ""


def _join(rows: list[Document]) -> Iterator[Conversation]:
    yield _draft(rows[0].value["conversation_name"], rows).finish_at(rows[0].place, *(row.text for row in rows))


def _read(document: Document) -> Iterator[Conversation]:
    value, turns = document.value, document.members["interactions"]
    draft = _draft(value.get("name"), [turn for turn in turns.items() if _is_turn(turn.value)])
    draft.created = value.get("startTime") or draft.created
    draft.source = source_of(document, ("name", "interactions", "startTime"))
    yield draft.finish(document)


def _draft(name: Any, turns: list[Document]) -> Draft:
    """Start the draft of a conversation; the API gives the newest turn first."""
    turns = sorted(turns, key=lambda turn: as_text(first_of(turn.value, _TIMES)))
    messages = [message for number, turn in enumerate(turns, start=1) for message in _messages(turn, number)]
    asked = [object_at(turn.value, "request") for turn in turns]
    return Draft(
        _NAME,
        id=id_within(_NAME, as_text(name).rpartition("/")[2]),
        created=first_of(turns[0].value, _TIMES),
        metadata={
            "session": as_text(first_of(asked[0], ("session",))).rpartition("/")[2],
            "language": object_at(asked[0], "queryInput").get("languageCode"),
        },
        messages=messages,
    )


def _messages(turn: Document, number: int) -> list[DraftMessage]:
    """Read a turn: what the customer said, the tools that it led to, and what was answered."""
    result = object_at(turn.value, "response", "queryResult")
    found = [_asked(object_at(turn.value, "request", "queryInput"), result)]
    actions = objects_at(result, "generativeInfo", "actionTracingInfo", "actions")
    used = [object_at(action, "toolUse") for action in actions if object_at(action, "toolUse")]
    found += [message for n, tool in enumerate(used, start=1) for message in _used(tool, f"{number}-{n}")]
    found += _answered(objects_at(result, "responseMessages"))
    for message in found:
        message.created = first_of(turn.value, _TIMES)
    found[0].source = turn.text
    return found


def _asked(query: dict[str, Any], result: dict[str, Any]) -> DraftMessage:
    """Read what came from the customer: words, keys pressed, or an event that their page or phone sent."""
    text = as_text(object_at(query, "text").get("text")) or as_text(first_of(result, ("text", "transcript")))
    digits = as_text(object_at(query, "dtmf").get("digits"))
    if text or digits:
        return DraftMessage(CUSTOMER, [text_part(text or digits)], name="" if text else "dtmf")
    event = as_text(object_at(query, "event").get("event") or result.get("triggerEvent"))
    if event:
        return DraftMessage(EVENT, f"event: {event}")
    chosen = as_text(object_at(query, "intent").get("intent") or result.get("triggerIntent"))
    return DraftMessage(CUSTOMER, [{"type": "intent", "intent": chosen}] if chosen else [{"type": "query", **query}])


def _used(tool: dict[str, Any], call_id: str) -> list[DraftMessage]:
    name = as_text(first_of(tool, ("action", "displayName", "tool")))
    called = DraftMessage("assistant", tool_calls=[tool_call(call_id, name, tool.get("inputActionParameters") or {})])
    output = as_text(tool.get("outputActionParameters"))
    return [called, DraftMessage("tool", output, name=name, tool_call_id=call_id)]


def _answered(answers: list[dict[str, Any]]) -> list[DraftMessage]:
    """Read an answer, which comes in pieces; what is spoken is what is written, with other marks."""
    written = any(object_at(each, "text") for each in answers)
    parts = [part for each in answers for part in _parts_of(each, is_written=written)]
    said = [DraftMessage(COLLEAGUE, parts)] if parts else []
    ends = [(name, each[name]) for each in answers for name in _ENDINGS if name in each]
    return said + [DraftMessage(EVENT, ": ".join(filter(None, (name, _where(how))))) for name, how in ends]


def _where(how: Any) -> str:
    return as_text(object_at(how).get("phoneNumber") or object_at(how).get("metadata"))


def _parts_of(answer: dict[str, Any], *, is_written: bool) -> Iterator[dict[str, Any]]:
    if texts := [as_text(text) for text in list_at(answer, "text", "text")]:
        yield text_part("\n".join(texts))
    spoken = as_text(first_of(object_at(answer, "outputAudioText"), ("text", "ssml")))
    if spoken and not is_written:
        yield text_part(spoken)
    if played := as_text(object_at(answer, "playAudio").get("audioUri")):
        yield linked_file(played, "audio/")
    for name in answer.keys() - {*_SILENT, "playAudio", "responseType", "source"}:
        yield {"type": name, name: answer[name]}


FAMILY = Family(
    name=_NAME,
    title="Dialogflow CX",
    what=gettext_lazy("A conversation of Dialogflow CX"),
    seen="google-cloud-dialogflow-cx 2.9.0; BigQuery by its description",
    keeps="texts, keys pressed, events, cards, tools with input and output, hand-offs, times; pages, intents and "
    "parameters in the JSON",
    loses="the sound",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
