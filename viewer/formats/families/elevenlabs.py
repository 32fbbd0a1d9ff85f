"""Conversations of ElevenLabs Agents, as its API and its webhook give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part, tool_call
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.help_desks import linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "elevenlabs"
_ROLES = {"agent": "assistant"}
_ABOUT = ("agent_name", "agent_id", "user_id", "status", "environment")
_ABOUT_CALL = ("termination_reason", "main_language", "conversation_initiation_source")


def _is_conversation(value: Any) -> bool:
    turns = list_at(value, "transcript")
    is_named = isinstance(value, dict) and "conversation_id" in value and "agent_id" in value
    return is_named and isinstance(value.get("transcript"), list) and all("role" in object_at(each) for each in turns)


def _matches(value: Any) -> bool:
    return _is_conversation(value) or (isinstance(value, dict) and _is_conversation(value.get("data")))


def _read(document: Document) -> Iterator[Conversation]:
    held = document.at("data")
    record = document if held is None else held  # a webhook has the conversation in its data
    value, metadata = record.value, object_at(record.value, "metadata")
    turns = [turn for turn in record.members["transcript"].items() if isinstance(turn.value, dict)]
    if not turns:
        raise NothingSaid
    begun = metadata.get("start_time_unix_secs")
    models = (turn.value.get("producing_llm") for turn in turns)
    about = {name: value.get(name) for name in _ABOUT} | {name: metadata.get(name) for name in _ABOUT_CALL}
    about["phone_number"] = object_at(metadata, "phone_call").get("external_number")
    about["call_successful"] = object_at(value, "analysis").get("call_successful")
    yield Draft(
        _NAME,
        id=id_within(_NAME, value["conversation_id"]),
        created=begun,
        model=as_text(next(filter(None, models), "")),
        metadata={name: each for name, each in about.items() if each},
        messages=[message for turn in turns for message in _messages(turn, begun)],
        source=source_of(record, ("transcript", "conversation_id", *_ABOUT)),
    ).finish(document)


def _messages(turn: Document, begun: Any) -> list[DraftMessage]:
    """Read a turn: what was said with the calls that it led to, and a message for each result that came."""
    value = turn.value
    results = [_result(each) for each in objects_at(value, "tool_results")]
    said = _said(value)
    is_said = said.content or said.tool_calls or said.reasoning or not results
    found = [said, *results] if is_said else results
    for message in found:
        message.created = _time_of(value, begun)
    found[0].source, found[0].id = turn.text, value.get("id")
    return found


def _said(value: dict[str, Any]) -> DraftMessage:
    role = as_text(value.get("role"))
    text = as_text(value.get("message"))
    spoken = objects_at(value, "multivoice_message", "parts")
    draft = DraftMessage(_ROLES.get(role, role), name=as_text(object_at(value, "agent_metadata").get("agent_name")))
    draft.content = [text_part(text)] if text else [text_part(as_text(part.get("text"))) for part in spoken]
    files = objects_at(value, "file_inputs") or [object_at(value, "file_input")]
    draft.content += [
        linked_file(as_text(file["file_url"]), as_text(file.get("mime_type")), as_text(file.get("original_filename")))
        for file in files
        if file.get("file_url")
    ]
    draft.reasoning = "\n\n".join(as_text(each.get("summary")) for each in objects_at(value, "reasoning"))
    draft.tool_calls = [
        tool_call(as_text(each.get("request_id")), as_text(each.get("tool_name")), each.get("params_as_json"))
        for each in objects_at(value, "tool_calls")
    ]
    draft.notes = [note("interrupted")] if value.get("interrupted") else []
    return draft


def _result(value: dict[str, Any]) -> DraftMessage:
    text = as_text(first_of(value, ("result_value", "result", "raw_error_message")))
    draft = DraftMessage("tool", text, name=as_text(value.get("tool_name")))
    draft.tool_call_id = as_text(value.get("request_id"))
    draft.more = {"status": "failed"} if value.get("is_error") else {}
    return draft


def _time_of(turn: dict[str, Any], begun: Any) -> Any:
    """Return when a turn began: newer ones say so, older ones only how many seconds into the call."""
    if turn.get("created_at_unix_ms"):
        return turn["created_at_unix_ms"]
    after = turn.get("time_in_call_secs")
    return begun + after if isinstance(begun, (int, float)) and isinstance(after, (int, float)) else None


FAMILY = Family(
    name=_NAME,
    title="ElevenLabs Agents",
    what=gettext_lazy("A conversation of ElevenLabs Agents"),
    seen="the models of elevenlabs 2.78.0",
    keeps="what was said, where it was interrupted, tool calls, results and whether they failed, reasoning, addresses "
    "of files, times, the model, the agent, the user, how the call ended",
    loses="the sound; the prompt of the agent",
    matches=_matches,
    read=_read,
)
