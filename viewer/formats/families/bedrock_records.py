"""Converse requests and responses of Amazon Bedrock, its logs of model invocations, and sessions of Strands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotAConversation, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import draft_of, first_of, source_of
from viewer.formats.pairs import REQUESTS, RESPONSES, at, place_of, rest_of_pair

from . import anthropic_records
from .bedrock import is_message, read_message, read_messages

_NAME, _STRANDS = "bedrock", "strands"
_RESPONSES = (*RESPONSES, ("output", "outputBodyJson"))
_REQUESTS = (*REQUESTS, ("input", "inputBodyJson"))
_USAGE = {"inputTokens": "prompt_tokens", "outputTokens": "completion_tokens", "totalTokens": "total_tokens"}
_READ = {"messages", "system", "output", "stopReason", "usage", "modelId", "toolConfig", "inferenceConfig",
         "ResponseMetadata"}  # fmt: skip
_LOG = "ModelInvocationLog"
_PATH = re.compile(r"session_([^/]{1,255})/agents/agent_([^/]{1,255})/messages/")


def _is_response(value: Any) -> bool:
    message = object_at(value, "output", "message")
    return isinstance(message.get("content"), list) and ("stopReason" in value or "usage" in value)


def _is_request(value: Any) -> bool:
    messages = value.get("messages") if isinstance(value, dict) else None
    return isinstance(messages, list) and any(is_message(each) for each in messages)


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return any(is_message(each) for each in value)
    if not isinstance(value, dict):
        return False
    if value.get("schemaType") == _LOG or _is_response(value) or _is_request(value):
        return True
    return place_of(value, _RESPONSES, _is_response) is not None or place_of(value, _REQUESTS, _is_request) is not None


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if isinstance(value, list):
        yield draft_of(_NAME, document, read_messages(document.items()), ()).finish(document)
    elif value.get("schemaType") == _LOG:
        yield _logged(document).finish(document)
    else:
        answered = () if _is_response(value) else place_of(value, _RESPONSES, _is_response)
        asked = place_of(value, ((), *_REQUESTS), _is_request)
        response = at(document, answered)
        if answered is None and (answered := place_of(value, RESPONSES, bool)) is not None:
            response = _as_response(at(document, answered) or document)
        draft = _draft_of(at(document, asked), response)
        beside = draft_of(_NAME, document, (), ())  # such as an id and a time
        draft.id, draft.created = draft.id or id_within(_NAME, beside.id), draft.created or beside.created
        draft.metadata, draft.model = beside.metadata | draft.metadata, draft.model or beside.model
        draft.source = rest_of_pair(document, (asked, answered), _READ)
        yield draft.finish(document)


def _as_response(answer: Document) -> Document:
    """Return an answer as a response: only its events, its message or its text may have been kept."""
    value, message = answer.value, ""
    ends = dict[str, Any]()
    if isinstance(value, str):
        message = f'{{"role":"assistant","content":[{{"text":{answer.text}}}]}}'
    elif isinstance(value, dict) and isinstance(value.get("content"), list):
        message = answer.text
    elif any("contentBlockDelta" in object_at(event) for event in value):
        stops = (object_at(event, "messageStop").get("stopReason") for event in value)
        ends["stopReason"] = next(filter(None, stops), None)
        ends["usage"] = next((each for event in value if (each := object_at(event, "metadata", "usage"))), None)
        message = json.dumps({"role": "assistant", "content": _blocks_in(value)}, ensure_ascii=False)
    if not message:
        raise NotReadable(gettext("It has an answer that cannot be read, so none of it was taken."))
    pairs = [("output", f'{{"message":{message}}}'), *((name, json.dumps(each)) for name, each in ends.items())]
    return Document(to_object(pairs), answer.place, answer.find)


def _blocks_in(events: list[Any]) -> list[dict[str, Any]]:
    """Put the blocks of a stream together."""
    blocks = dict[Any, dict[str, Any]]()
    for event in map(object_at, events):
        start, delta = object_at(event, "contentBlockStart"), object_at(event, "contentBlockDelta")
        block = blocks.setdefault((start or delta).get("contentBlockIndex"), {}) if start or delta else {}
        if called := object_at(start, "start", "toolUse"):
            block["toolUse"] = called | {"input": ""}
        given = object_at(delta, "delta")
        if "text" in given:
            block["text"] = as_text(block.get("text")) + as_text(given["text"])
        if thought := object_at(given, "reasoningContent"):
            known = object_at(block, "reasoningContent", "reasoningText").get("text")
            block["reasoningContent"] = {"reasoningText": {"text": as_text(known) + as_text(thought.get("text"))}}
        if "toolUse" in given and "toolUse" in block:
            block["toolUse"]["input"] += as_text(object_at(given, "toolUse").get("input"))
    return list(blocks.values())


def _draft_of(request: Document | None, response: Document | None) -> Draft:
    """Start the draft of a request and a response of Converse; one of them may be missing."""
    asked, answer = object_at(request.value if request else None), object_at(response.value if response else None)
    tools = list_at(asked, "toolConfig", "tools")
    config = object_at(asked, "inferenceConfig")
    counted = {_USAGE[name]: each for name, each in object_at(answer, "usage").items() if name in _USAGE}
    draft = Draft(
        _NAME,
        id=object_at(answer, "ResponseMetadata").get("RequestId"),
        model=as_text(asked.get("modelId")),
        messages=(_system(request) + read_messages(request.members["messages"].items())) if request else [],
        fields=({"tools": tools} if tools else {}) | ({"usage": counted} if counted else {}),
        notes=[] if request else [note("lost-input")],
    )
    if "temperature" in config:
        draft.fields["temperature"] = config["temperature"]
    message = response.at("output", "message") if response else None
    if message is not None:
        *before, last = read_message(message)
        draft.messages += before
        draft.choices = [(last, as_text(answer.get("stopReason")) or None)]
    return draft


def _system(request: Document) -> list[DraftMessage]:
    """Read the system prompt, which Strands has as a text."""
    system = request.at("system")
    if system is None or not system.value:
        return []
    blocks = system.value if isinstance(system.value, list) else [system.value]
    texts = [as_text(each.get("text") if isinstance(each, dict) else each) for each in blocks]
    return [DraftMessage("system", "\n\n".join(filter(None, texts)), system.text)]


# --- Logs of model invocations ---------------------------------------------------------------------------------------


def _logged(record: Document) -> Draft:
    """Start the draft of a record of a log. What is longer than 100 kB is in a file of its own. Raises NotReadable."""
    asked, answer = record.at("input", "inputBodyJson"), record.at("output", "outputBodyJson")
    if asked is None:
        raise NotReadable(
            gettext("What was asked is in another file: %s. Its answer alone was not taken.")
            % (object_at(record.value, "input").get("inputBodyS3Path") or gettext("unknown"))
        )
    if answer is not None and isinstance(answer.value, list):  # a stream
        answer, _is_whole = anthropic_records.response_of(list(answer.items()))
    if _is_request(asked.value):
        draft = _draft_of(asked, answer if answer is not None and _is_response(answer.value) else None)
    else:
        draft = anthropic_records.draft_of_pair(asked, answer)
    if answer is None and not draft.choices:
        draft.notes.append(note("missing-file"))
    value = record.value
    draft.family, draft.id = _NAME, value.get("requestId")
    draft.created, draft.model = value.get("timestamp"), as_text(value.get("modelId")) or draft.model
    draft.metadata |= {name: value.get(name) for name in ("accountId", "region", "operation")}
    given = object_at(value, "requestMetadata")
    draft.metadata |= given
    draft.source = source_of(record, ("schemaType", "requestId", "timestamp", "modelId", "input", "output"))
    return draft


# --- Strands ---------------------------------------------------------------------------------------------------------


def _is_stored(value: Any) -> bool:
    """Whether a value is a file of a session: a message with its number, or what is said of the session or agent."""
    if not isinstance(value, dict):
        return False
    is_message_file = isinstance(value.get("message"), dict) and "message_id" in value and "redact_message" in value
    return is_message_file or _is_beside(value)


def _is_beside(value: dict[str, Any]) -> bool:
    return ("session_id" in value and "session_type" in value) or (
        "agent_id" in value and "conversation_manager_state" in value
    )


def _key(document: Document) -> str:
    if _is_beside(document.value):
        return ""
    return document.place.file.rpartition("/")[0] or document.place.file


def _beside(document: Document) -> Iterator[Conversation]:
    raise NotAConversation(gettext("This is what Strands keeps of a session beside its messages."))
    yield


def _join(files: list[Document]) -> Iterator[Conversation]:
    """Join the messages of an agent by their numbers: the names of the files sort 10 before 2."""
    files = sorted(files, key=_number)
    found = _PATH.search(files[0].place.file)
    session, agent = (found[1], found[2]) if found else ("", "")
    messages = [message for file in files for message in _stored(file)]
    draft = Draft(
        _STRANDS,
        id=id_within(_STRANDS, session if agent in ("", "default") else f"{session}-{agent}") if session else None,
        created=files[0].value.get("created_at"),
        metadata={"session": session, "agent": "" if agent == "default" else agent},
        messages=messages,
    )
    yield draft.finish_at(files[0].place, *(file.text for file in files))


def _number(file: Document) -> int:
    number = file.value.get("message_id")
    return number if isinstance(number, int) else 0


def _stored(file: Document) -> list[DraftMessage]:
    """Read a file of a message. A guardrail may have put another message in its place."""
    redacted = file.at("redact_message") if object_at(file.value, "redact_message") else None
    message = redacted or file.members["message"]
    found = read_message(message)
    for each in found:
        each.created = file.value.get("created_at")
    for each in found if redacted is not None else []:
        each.notes.append(note("edited"))
    found[0].id = first_of(message.value, ("tracking_id",))
    return found


FAMILY = Family(
    name=_NAME,
    title="Amazon Bedrock",
    what=gettext_lazy("An Amazon Bedrock log"),
    seen="boto3 1.44.8, strands-agents 1.62.0; logs of model invocations by their description",
    keeps="texts, reasoning, tool calls and results, citations, pictures, documents, guarded texts, model, usage",
    loses="times, in Converse; what was refused, whose message is empty; what is longer than 100 kB, in logs",
    matches=_matches,
    read=_read,
)
SESSIONS = Family(
    name=_STRANDS,
    title="Strands Agents",
    what=gettext_lazy("A file of Strands sessions"),
    seen="strands-agents 1.62.0",
    keeps="as Amazon Bedrock; times, the session and the agent",
    loses="the system prompt, the model; a refusal, whose message is empty",
    matches=_is_stored,
    read=_beside,
    key=_key,
    join=_join,
)
