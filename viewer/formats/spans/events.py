"""Reads the messages that the first conventions put into events: one for each message, or one for all of an input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text
from viewer.formats.messages import can_read, read_messages

from . import genai
from .attributes import as_json, as_list
from .contents import Histories, Messages, Said, pair_of
from .span import Event, Span

_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
}
_ANSWER = "gen_ai.choice"


def said_in_events(span: Span, histories: Histories) -> Said:
    """Return the input and the answers of a span that are in its events."""
    given, answers = Messages(), Messages()
    for event in _events_of(span):
        if event.name == "gen_ai.content.prompt":
            given += pair_of(event.attributes.get("gen_ai.prompt"), None, histories)[0]
        elif event.name == "gen_ai.content.completion":
            answers += pair_of(None, event.attributes.get("gen_ai.completion"), histories)[1]
        elif event.name in _ROLES:
            (answers if event.name == _ANSWER else given).extend(_messages_of(event))
    return given, answers


def _events_of(span: Span) -> Iterator[Event]:
    """Yield the events of a span, and those that Pydantic AI's first versions write into an attribute."""
    yield from span.events
    for body in as_list(span.attributes.get("events")):
        if isinstance(body, dict) and isinstance(body.get("event.name"), str):
            yield Event(body["event.name"], None, {}, body)


def _messages_of(event: Event) -> Messages:
    written = event.attributes.get("gen_ai.event.content") or event.body
    body = as_json(written)
    if not isinstance(body, dict):
        body = {"content": written} if written else dict(event.attributes)
    message = as_json(body.get("message", body) if event.name == _ANSWER else body)
    message = message if isinstance(message, dict) else {"content": message}
    role = as_text(message.get("role")) or _ROLES[event.name]
    source = json.dumps(body, ensure_ascii=False)
    content = as_json(message.get("content"))
    if isinstance(content, list) and (read := _blocks(role, content)):
        drafts = read
    else:
        is_text = content is None or isinstance(content, (str, list))
        drafts = [DraftMessage(role, content if is_text else as_text(content), source)]
    own = drafts[-1]
    own.source, own.created = source, event.time
    if own.role == "tool":
        own.tool_call_id = own.tool_call_id or as_text(message.get("id") or message.get("tool_call_id"))
        own.name = own.name or as_text(message.get("name"))
    calls = as_list(message.get("tool_calls", body.get("tool_calls")))
    own.tool_calls = [call for call in calls if isinstance(call, dict)] or own.tool_calls
    if body.get("finish_reason"):
        own.more["finish_reason"] = body["finish_reason"]
    if not (own.content or own.tool_calls or own.reasoning):
        own.notes = genai.notes_on_nothing(own.role)
    return drafts


def _blocks(role: str, content: list[Any]) -> Messages:
    """Read content in the blocks of an API, such as Bedrock's, as Strands writes it, or in parts of Pydantic AI's."""
    if any(isinstance(part, str) or "kind" in part for part in content):
        parts = [part if isinstance(part, str) else _part(part) for part in content]
        return genai.read_messages([Document(json.dumps({"role": role, "parts": parts}, ensure_ascii=False))])
    message = Document(json.dumps({"role": "user" if role == "tool" else role, "content": content}, ensure_ascii=False))
    read = read_messages([message]) if can_read([message]) else []
    for each in read:
        if role == "tool" and each.role == "user":
            each.role = role
    return [each for each in read if each.given is None]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of Pydantic AI's first versions as the later conventions have it."""
    return part | {"type": part.get("kind"), "content": part.get("binary_content", part.get("text"))}
