"""LiteLLM's `standard_logging_object`, one object for each call, and the rows of its proxy's spend logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.origin import KEY
from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.exchanges import fill, is_silent, lost_media, text_of
from viewer.formats.family import Family, object_at
from viewer.formats.object_texts import object_in
from viewer.formats.pairs import at, rest_of

_NAME, _TOOL = "litellm", "LiteLLM"
_ROLE = re.compile(r"\brole='(\w+)'")
_TRUNCATED = "[base64_data truncated"
_CUT, _REDACTED = "litellm_truncated", "redacted-by-litellm"
_OTHER_CALLS = ("embedding", "moderation", "image", "transcription", "speech", "rerank", "video", "search", "ocr")
_FACTS = ("end_user", "user", "session_id", "request_tags", "trace_id", "custom_llm_provider", "team_id")
_NO_METADATA = ("usage_object", "model_map_information", "cost_breakdown", "additional_usage_values")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("call_type"), str):
        return False
    return (
        "litellm_call_id" in value or "model_map_information" in value or ("spend" in value and "request_id" in value)
    )


def _read(document: Document) -> Iterator[Conversation]:
    values = document.value
    if any(kind in values["call_type"] for kind in _OTHER_CALLS):
        raise NotReadable(gettext("This is a call of the kind “%s”, in which nobody speaks.") % values["call_type"])
    name = next((name for name in ("messages", "proxy_server_request") if _is_given(at(document, (name,)))), "")
    request, response = at(document, (name,)) if name else None, at(document, ("response",))
    draft = Draft(_NAME, id=values.get("id") or values.get("request_id"), created=values.get("startTime"))
    draft.model = as_text(values.get("model"))
    metadata = at(document, ("metadata",))  # the rows of a database have it as text
    draft.metadata = _metadata(values, object_at(metadata.value) if metadata else {})
    parameters = object_at(values, "model_parameters")
    draft.fields = {name: value for name, value in parameters.items() if name not in ("user", "metadata")}
    read = fill(draft, _with_objects(request) if request else None, response if _is_given(response) else None)
    if not _is_given(response):
        _take_error(draft, values)
    for message in (*draft.messages, *(message for message, _reason in draft.choices)):
        _note_losses(message)
    paths = {(name, *path) for path in read} | {("response",), ("metadata",), ("model_parameters",)}
    draft.source = rest_of(document, paths | {(each,) for each in _FACTS})
    yield draft.finish(document)


def _is_given(document: Document | None) -> bool:
    """Whether there is something; a proxy that stores no prompts writes an empty object."""
    return document is not None and document.value not in ({}, [], "")


def _metadata(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Take what is set of the metadata: LiteLLM writes some forty names, most of them null."""
    named = {name: values.get(name) for name in _FACTS}
    named["user"] = values.get("user") or object_at(values, "model_parameters").get("user")
    return named | object_at(given, "requester_metadata") | {n: v for n, v in given.items() if n not in _NO_METADATA}


def _with_objects(request: Document) -> Document:
    """Put messages in the place of the texts that LiteLLM writes of those that were given as objects."""
    if not isinstance(request.value, list) or not any(isinstance(item, str) for item in request.value):
        return request
    texts = [_message_of(item.value) if isinstance(item.value, str) else item.text for item in request.items()]
    return Document(f"[{','.join(texts)}]", request.place, request.find)


def _message_of(text: str) -> str:
    found = object_in(text)
    if found is not None and isinstance(found.get("role"), str):
        return json.dumps(found | {KEY: {"source": text}}, ensure_ascii=False)
    role = _ROLE.search(text)
    return json.dumps({"role": role[1] if role else "assistant", "content": text}, ensure_ascii=False)


def _take_error(draft: Draft, values: dict[str, Any]) -> None:
    error = values.get("error_str") or object_at(values, "error_information").get("error_message")
    if error:
        draft.fields["error"] = {"message": error, "type": object_at(values, "error_information").get("error_class")}
    elif values.get("status") != "failure":
        draft.notes.append(note("lost-answer", by=_TOOL))


def _note_losses(message: DraftMessage) -> None:
    lost_media(message, _TRUNCATED, _TOOL)
    if text_of(message) == _REDACTED:
        message.notes.append(note("lost-content", by=_TOOL))
    if _CUT in as_text(message.content):
        message.notes.append(note("cut-off", by=_TOOL))
    if is_silent(message):
        message.notes.append(note("lost-refusal", by=_TOOL))


FAMILY = Family(
    name=_NAME,
    title="LiteLLM",
    what=gettext_lazy("A LiteLLM log"),
    seen="litellm 1.110.2",
    keeps="each call with its answer, tools, refusals, citations, reasoning, errors, users and tags",
    loses="pictures that were sent inline; refusals that were streamed",
    matches=_matches,
    read=_read,
)
