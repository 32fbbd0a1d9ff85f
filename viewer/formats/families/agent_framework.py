"""Microsoft's Agent Framework and Microsoft.Extensions.AI: messages with `contents`, in sessions, answers and files.

Python names the kind of a content under `type` (`function_call`), .NET under `$type` (`functionCall`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
    citation,
    file_part,
    media_part,
    note,
    refusal_part,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, Shape, first_object, object_at, objects_at
from viewer.formats.message_lists import draft_of, first_of, source_of

_NAME, _TITLE = "agent-framework", "Agent Framework"
_MAX_DEPTH = 4  # of a session: state, the provider of the history, its messages
_URLS = ("data", "uri")
_CALLS, _RESULTS = ("functioncall", "toolcall"), ("functionresult", "toolresult")
_GIVEN_BACK = ("items", "output", "outputs", "screenshot")  # where a result has contents


def is_message(value: Any) -> bool:
    """Whether a value is a message with `contents`."""
    if not isinstance(value, dict) or not isinstance(value.get("contents"), list) or "content" in value:
        return False
    return bool(_role(value)) and all(_kind(content) for content in value["contents"])


def _role(message: dict[str, Any]) -> str:
    """Return the role, which the previews of 2025 had in an object."""
    given = message.get("role")
    return as_text(given.get("value") if isinstance(given, dict) else given)


def _kind(content: Any) -> str:
    """Return the kind of a content as .NET and Python both write it, without lines and capitals."""
    return as_text(first_of(object_at(content), ("$type", "type"))).replace("_", "").casefold()


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages; the results of tools, which one message may have several of, each become one of their own."""
    return [
        draft
        for message in messages
        for draft in (_messages(message) if is_message(message.value) else [DraftMessage.of(message)])
    ]


def _messages(message: Document) -> list[DraftMessage]:
    """Return the message, in pieces around the results of tools that the provider of the model ran."""
    contents = objects_at(message.value, "contents")
    found, draft = list[DraftMessage](), _piece_of(message)
    draft.id = first_of(message.value, ("message_id", "messageId"))
    for content in contents:
        if _kind(content).endswith(_RESULTS):
            found += [draft, _result(content, draft)] if _has_own(draft) else [_result(content, draft)]
            draft = _piece_of(message)
        elif _kind(content) == "functionapprovalresponse":
            found.append(_approval(content, draft))
        else:
            _add(draft, content)
    if not found and draft.role == "assistant" and not _has_own(draft):
        lost = "lost-reasoning" if any(map(_is_reasoning, contents)) else "lost-refusal"
        draft.notes.append(note(lost, by=_TITLE))
    return [*found, draft] if _has_own(draft) or not found else found


def _piece_of(message: Document) -> DraftMessage:
    value = message.value
    draft = DraftMessage(_role(value), None, message.text, name=as_text(first_of(value, ("author_name", "authorName"))))
    draft.created = first_of(value, ("created_at", "createdAt"))
    return draft


def _has_own(draft: DraftMessage) -> bool:
    return bool(draft.content or draft.tool_calls or draft.reasoning or draft.more)


def _is_refusal(content: dict[str, Any]) -> bool:
    """Whether a content is a refusal, which is an error in .NET and a text with a mark in Python."""
    if _kind(content) == "error":
        return first_of(content, ("error_code", "errorCode")) in ("Refusal", "refusal")
    return object_at(content, "additional_properties").get("model_output_kind") == "refusal"


def _is_reasoning(content: dict[str, Any]) -> bool:
    return _kind(content) in ("textreasoning", "reasoning")


def _add(draft: DraftMessage, content: dict[str, Any]) -> None:
    """Add to the message a content that is no result."""
    kind = _kind(content)
    if kind == "functionapprovalrequest":  # the call itself mostly stands before it
        content = object_at(first_of(content, ("function_call", "functionCall", "toolCall")))
        if all(call["id"] != _call_id(content) for call in draft.tool_calls):
            draft.tool_calls.append(_call(content))
    elif kind.endswith(_CALLS):
        draft.tool_calls.append(_call(content))
    elif _is_reasoning(content):
        draft.reasoning = "\n\n".join(filter(None, (draft.reasoning, as_text(content.get("text")))))
    elif kind == "error" and not _is_refusal(content):
        code, text = (first_of(content, names) for names in (("error_code", "errorCode"), ("message",)))
        draft.more["error"] = {"code": as_text(code), "message": as_text(text)}
    elif kind != "usage":
        draft.content = [*(draft.content or []), _part(content)]


def _call(content: dict[str, Any]) -> dict[str, Any]:
    """Return a call: of a function, or of a tool that the provider runs, which may be named by its kind alone."""
    kind = re.sub("_?tool_?call$", "", as_text(first_of(content, ("type", "$type"))), flags=re.IGNORECASE)
    name = as_text(first_of(content, ("name", "tool_name", "toolName"))) or kind
    if inputs := objects_at(content, "inputs"):  # the code of an interpreter
        code = "\n".join(as_text(each.get("text")) for each in inputs)
        return {"id": _call_id(content), "type": "custom", "custom": {"name": name, "input": code}}
    return tool_call(_call_id(content), name, first_of(content, ("arguments", "commands", "actions")))


def _call_id(content: dict[str, Any]) -> str:
    return as_text(first_of(content, ("call_id", "callId", "image_id", "imageId")))


def _result(content: dict[str, Any], message: DraftMessage) -> DraftMessage:
    """Return the result of a tool: its items where it has more than a text, otherwise what it gave back."""
    items = next(filter(None, (_contents_at(content, name) for name in _GIVEN_BACK)), [])
    output = first_of(content, ("result", "output"))
    failed = content.get("exception")
    draft = DraftMessage("tool", as_text(output or failed), message.source)
    if items and (not isinstance(output, str) or any(_kind(item) != "text" for item in items)):
        draft.content = [*map(_part, items)]
    draft.tool_call_id, draft.created = _call_id(content), message.created
    if failed or any(item.get("exit_code") or item.get("exitCode") for item in items):
        draft.more = {"is_error": True} | ({"error": as_text(failed)} if failed and output else {})
    return draft


def _contents_at(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the contents under a name: one, or a list of them; none where something else stands there."""
    held = content.get(name)
    found: list[Any] = held if isinstance(held, list) else [held]
    return found if all(_kind(each) for each in found) else []


def _approval(content: dict[str, Any], message: DraftMessage) -> DraftMessage:
    """Return what a person decided about a call."""
    call = object_at(first_of(content, ("function_call", "functionCall", "toolCall")))
    answer = {"name": call.get("name"), "approved": content.get("approved")}
    return DraftMessage("tool", as_text(answer), message.source, created=message.created)


def _part(content: dict[str, Any]) -> dict[str, Any]:
    kind = _kind(content)
    if _is_refusal(content):
        return refusal_part(as_text(first_of(content, ("text", "message"))))
    if kind == "text":
        return text_part(as_text(content.get("text")), list(_citations(content)))
    if kind == "shellcommandoutput":
        return text_part("\n".join(filter(None, (as_text(content.get("stdout")), as_text(content.get("stderr"))))))
    if kind in _URLS and isinstance(content.get("uri"), str):
        media_type = as_text(first_of(content, ("media_type", "mediaType"))) or _media_type(content["uri"])
        return media_part(media_type, content["uri"], as_text(content.get("name")))
    if kind == "hostedfile":
        return file_part(as_text(content.get("name")), file_id=as_text(first_of(content, ("file_id", "fileId"))))
    return {**content, "type": as_text(first_of(content, ("type", "$type")))}


def _media_type(url: str) -> str:
    return url[5:].partition(";")[0] if url.startswith("data:") else ""


def _citations(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the citations of a text, one for each of the places that one cites."""
    for each in objects_at(content, "annotations"):
        url, title = as_text(each.get("url")), as_text(each.get("title"))
        for at in objects_at(each, "annotated_regions") or objects_at(each, "annotatedRegions") or [{}]:
            start, end = (first_of(at, names) for names in (("start_index", "startIndex"), ("end_index", "endIndex")))
            yield citation(url, title, start, end)


def _place(value: Any, depth: int = _MAX_DEPTH) -> tuple[str, ...] | None:
    """Return under which names the messages stand; None if there are none."""
    if not isinstance(value, dict) or not depth:
        return None
    for name, member in value.items():
        if isinstance(member, list) and is_message(first_object(member)):
            return (name,)
        if (inner := _place(member, depth - 1)) is not None:
            return (name, *inner)
    return None


def _is_session(value: dict[str, Any]) -> bool:
    return value.get("type") == "session" and {"session_id", "service_session_id", "state"} <= value.keys()


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return is_message(first_object(value))
    return isinstance(value, dict) and (_is_session(value) or _place(value) is not None)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    place = _place(value)
    found = document.at(*place) if place else document
    if isinstance(value, dict) and (place is None or found is None):
        raise NotReadable(
            gettext(
                "This session of the Agent Framework has no messages: the model's provider keeps them%(where)s. "
                "Export them from there."
            )
            % {"where": f" ({value['service_session_id']})" if value.get("service_session_id") else ""}
        )
    messages = read_messages((found or document).items())
    draft = draft_of(_NAME, document, messages, ("type", "session_id", *(place or ())[:1]))
    draft.id = draft.id or first_of(object_at(value), ("response_id", "responseId"))
    draft.model = draft.model or as_text(object_at(value).get("modelId"))
    draft.created = draft.created or next((message.created for message in messages if message.created), None)
    draft.fields["usage"] = _usage(object_at(value)) or draft.fields.get("usage")
    draft.finish_reason = as_text(first_of(object_at(value), ("finish_reason", "finishReason"))) or None
    if "response_id" in object_at(value) or "responseId" in object_at(value):
        draft.notes.append(note("lost-input"))
    draft.source = draft.source or source_of(document, place or ())
    yield draft.finish(document)


def _usage(value: dict[str, Any]) -> dict[str, Any] | None:
    given = object_at(value, "usage_details") or object_at(value, "usage")
    names = (("prompt_tokens", "input"), ("completion_tokens", "output"), ("total_tokens", "total"))
    counts = {ours: first_of(given, (f"{name}_token_count", f"{name}TokenCount")) for ours, name in names}
    return counts if any(counts.values()) else None


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="Microsoft Agent Framework, Microsoft.Extensions.AI",
    what=gettext_lazy("An Agent Framework session"),
    seen="agent-framework-core 1.23.0; .NET by published examples",
    keeps="texts, pictures, files, tool calls, results and failures, reasoning, sources, names of agents",
    loses="some refusals: an answer without contents; system prompts, and in Python times and the model",
    matches=_matches,
    read=_read,
)
