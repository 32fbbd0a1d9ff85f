"""Calls and chats of Retell AI, as its API and its webhook give them."""

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

_NAME = "retell"
_CALLS = ("transcript_with_tool_calls", "scrubbed_transcript_with_tool_calls", "transcript_object")
_CHATS = ("message_with_tool_calls",)
_AROUND = ("pre_session_", "", "post_session_")  # what came before and after the session stands in lists of its own
_RECORDS = ("call", "chat")
_SPEAKERS = {"agent": COLLEAGUE, "transfer_target": COLLEAGUE, "user": CUSTOMER, "sms": CUSTOMER, "injected": "system"}
_NAMED = ("transfer_target", "sms")
_ABOUT = (
    "agent_name", "agent_id", "call_type", "call_status", "chat_type", "chat_status", "from_number", "to_number",
    "direction", "disconnection_reason",
)  # fmt: skip


def _list_in(value: Any) -> str:
    """Return under which name what was said stands in a call or a chat; empty if the value is neither."""
    names = _CALLS if "call_id" in value else _CHATS if "chat_id" in value else ()
    return next((name for name in names if "role" in first_object(value.get(name))), "")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and any(_list_in(each) for each in (value, *(object_at(value, n) for n in _RECORDS)))


def _read(document: Document) -> Iterator[Conversation]:
    held = next((one for name in _RECORDS if (one := document.at(name)) is not None and _list_in(one.value)), None)
    record = document if held is None else held  # a webhook has the call beside the name of its event
    value, name = record.value, _list_in(record.value)
    begun = value.get("start_timestamp")
    lists = [one for before in _AROUND if (one := record.at(before + name)) is not None]
    messages = [_message(each, begun) for one in lists for each in one.items() if isinstance(each.value, dict)]
    given = object_at(value, "metadata") | object_at(value, "retell_llm_dynamic_variables")
    known = ("call_id", "chat_id", "metadata", "transcript", "transcript_object", *_ABOUT)
    yield Draft(
        _NAME,
        id=id_within(_NAME, first_of(value, ("call_id", "chat_id"))),
        created=begun or next((message.created for message in messages if message.created), None),
        metadata={key: each for key, each in ({key: value.get(key) for key in _ABOUT} | given).items() if each},
        messages=messages,
        source=source_of(record, (*known, *(before + name for before in _AROUND))),
    ).finish(document)


def _message(entry: Document, begun: Any) -> DraftMessage:
    draft = _made_of(entry.value)
    draft.source, draft.id, draft.created = entry.text, entry.value.get("message_id"), _time_of(entry.value, begun)
    return draft


def _made_of(value: dict[str, Any]) -> DraftMessage:
    role, call_id = as_text(value.get("role")), as_text(value.get("tool_call_id"))
    match role:
        case "tool_call_invocation":
            call = tool_call(call_id, as_text(value.get("name")), value.get("arguments"))
            return DraftMessage("assistant", tool_calls=[call])
        case "tool_call_result":
            failed = {"status": "failed"} if value.get("successful") is False else {}
            return DraftMessage("tool", as_text(value.get("content")), tool_call_id=call_id, more=failed)
        case "dtmf":
            return DraftMessage(CUSTOMER, as_text(value.get("digit")), name=role)
        case "node_transition" | "state_transition":
            names = (first_of(value, (f"{side}_node_name", f"{side}_state_name")) for side in ("former", "new"))
            return DraftMessage(EVENT, f"{role}: {' → '.join(as_text(each) for each in names if each)}")
        case _ if role in _SPEAKERS:
            content = [text_part(as_text(value.get("content"))), *map(_picture, objects_at(value, "multimedia"))]
            return DraftMessage(_SPEAKERS[role], content, name=role if role in _NAMED else "")
    return DraftMessage(EVENT, [value])


def _picture(file: dict[str, Any]) -> dict[str, Any]:
    return linked_file(as_text(file.get("url")))


def _time_of(value: dict[str, Any], begun: Any) -> Any:
    """Return when something was said, in milliseconds: a call has only seconds since it began, of each word."""
    if value.get("created_timestamp"):
        return value["created_timestamp"]
    words = list_at(value, "words")
    after = value.get("time_sec", first_object(words).get("start"))
    return begun + round(after * 1000) if isinstance(begun, int) and isinstance(after, (int, float)) else None


FAMILY = Family(
    name=_NAME,
    title="Retell AI",
    what=gettext_lazy("A call of Retell AI"),
    seen="the models of retell-sdk 6.2.13",
    keeps="what was said, keys pressed, tool calls, results and whether they failed, changes of the node, texts and "
    "pictures of messages, times, numbers, metadata, how the call ended",
    loses="the sound; the prompt of the agent and its model",
    matches=_matches,
    read=_read,
)
