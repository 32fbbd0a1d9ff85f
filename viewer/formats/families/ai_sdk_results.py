"""Results of `generateText` and `streamText` of Vercel's AI SDK, as `JSON.stringify` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.message_lists import draft_of, first_of
from viewer.formats.pairs import at

from .ai_sdk import read_step

_NAME = "ai-sdk-result"
_READ = {"text", "reasoning", "toolCalls", "toolResults", "response", "request", "sources", "files", "content"}
_USAGE = {"inputTokens": "prompt_tokens", "promptTokens": "prompt_tokens", "outputTokens": "completion_tokens",
          "completionTokens": "completion_tokens", "totalTokens": "total_tokens"}  # fmt: skip


def _matches(value: Any) -> bool:
    step = first_object(value.get("steps")) if isinstance(value, dict) else {}
    return "finishReason" in step and ("toolCalls" in step or isinstance(step.get("content"), list))


def _read(document: Document) -> Iterator[Conversation]:
    steps = list(document.members["steps"].items())
    draft = draft_of(_NAME, document, (), _READ)
    request = next((body for step in steps if (body := at(step, ("request", "body"))) is not None), None)
    if request is not None and isinstance(request.value, dict):
        fill(draft, request, None)
    else:
        draft.notes.append(note("lost-input"))
    draft.messages += [message for step in steps for message in _messages(step)]
    last = steps[-1].value
    response = object_at(last, "response")
    draft.id, draft.created = first_of(response, ("id",)) or draft.id, response.get("timestamp") or draft.created
    draft.model = as_text(first_of(response, ("modelId",))) or draft.model
    draft.finish_reason = as_text(last.get("finishReason")) or None
    usage = object_at(last, "usage")
    counted = {_USAGE[name]: each for name, each in usage.items() if name in _USAGE and isinstance(each, int)}
    draft.fields |= {"usage": counted} if counted else {}
    yield draft.finish(document)


def _messages(step: Document) -> list[DraftMessage]:
    """Read a step. A refusal is only in the response of the model, where that was kept."""
    parts, body = _parts_of(step), at(step, ("response", "body"))
    if parts or body is None or not isinstance(body.value, dict):
        return read_step(parts)
    answer = Draft(_NAME)
    fill(answer, None, body)
    return [*answer.messages, *(message for message, _reason in answer.choices)]


def _parts_of(step: Document) -> list[Document]:
    """Return the parts of a step; before version 5 each kind of them has a list of its own."""
    content = step.at("content")
    if content is not None and isinstance(content.value, list):
        return list(content.items())
    value = step.value
    parts = [{"type": "reasoning", "text": as_text(value["reasoning"])}] if value.get("reasoning") else []
    parts += [{"type": "text", "text": as_text(value["text"])}] if value.get("text") else []
    for name in ("toolCalls", "toolResults", "files"):
        kinds = {"toolCalls": "tool-call", "toolResults": "tool-result", "files": "file"}
        parts += [each | {"type": kinds[name]} for each in objects_at(value, name)]
    parts += [{"type": "source"} | each for each in objects_at(value, "sources")]
    return [Document(json.dumps(part, ensure_ascii=False), step.place, step.find) for part in parts]


FAMILY = Family(
    name=_NAME,
    title="Vercel AI SDK: results",
    what=gettext_lazy("A Vercel AI SDK result"),
    seen="ai 4.3.19, 5.0.277, 6.0.326, 7.0.173",
    keeps="each step with its texts, reasoning, tool calls and results, sources and files; usage, the model, times",
    loses="what was asked, if the body of the request was left out",
    matches=_matches,
    read=_read,
)
