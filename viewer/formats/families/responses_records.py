"""Files of the Responses API: responses, requests, lists of items, conversations and recorded streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.message_lists import draft_of, source_of
from viewer.formats.pairs import REQUESTS, RESPONSES, Path, at, place_of, rest_of_pair, value_at

from .responses import is_item, read_items
from .responses_answers import as_response, is_answer, is_response, is_something
from .responses_order import in_order
from .responses_streams import is_event, responses_in

NAME = "openai-responses"
_LISTS = ("items", "input_items", "data", "input", "output", "history", "messages")
_INPUTS = ("input", "input_items")
_ANSWERS = (*RESPONSES, ("new_items",))  # the last of a result of the SDK for agents
_OF_REQUESTS = {"instructions", "tools", "store", "max_output_tokens", "text", "reasoning", "previous_response_id"}
_SETTINGS = (
    "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls", "service_tier", "error", "moderation",
)  # fmt: skip
_METADATA = ("user", "safety_identifier", "previous_response_id")
READ = {"id", "object", "created_at", "model", "metadata", "output", "instructions", "usage", *_INPUTS, *_SETTINGS}
_CALLS_OF_CLIENT = {"function", "custom", "computer_call", "shell_call", "local_shell_call", "apply_patch_call"}


def is_list_of_items(value: Any) -> bool:
    """Whether a value is a list of items, some of which may be plain messages."""
    return isinstance(value, list) and any(is_item(each) for each in value)


def _matches(value: Any) -> bool:
    if is_list_of_items(value) or is_response(value) or is_event(value):
        return True
    if not isinstance(value, dict) or "custom_id" in value:  # which a batch has
        return False
    if list_at(value, "response", "messages"):  # of Vercel's AI SDK, which has the last response beside them
        return False
    if any(is_list_of_items(_list_under(value, name)) for name in _LISTS):
        return True
    return place_of(value, _ANSWERS, is_answer) is not None or _request_in(value) is not None


def _list_under(value: dict[str, Any], name: str) -> Any:
    """Return a member that is a list, or the list in a page of the API."""
    found = value.get(name)
    return found.get("data") if isinstance(found, dict) else found


def _request_in(value: dict[str, Any]) -> Path | None:
    """Return where the request is in a record, if there is one that says it is of the Responses API."""
    for names in ((), *REQUESTS):
        found = object_at(value_at(value, names))
        if "input" not in found or "messages" in found or not isinstance(found.get("model"), str):
            continue
        if is_list_of_items(found["input"]) or not _OF_REQUESTS.isdisjoint(found):
            return names
    return None


def _has_input(value: Any) -> bool:
    return isinstance(value, dict) and any(value.get(name) not in (None, "", []) for name in _INPUTS)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if isinstance(value, dict):
        if is_response(value):
            yield draft_of_response(document, None).finish(document)
            return
        response = place_of(value, _ANSWERS, is_answer)
        request = place_of(value, (*REQUESTS, ()), _has_input)
        is_pair = _has_input(value) and any(is_list_of_items(value.get(name)) for name in ("input", "output"))
        is_asked = _request_in(value) is not None or is_pair
        if response is None and is_asked:
            response = place_of(value, _ANSWERS, is_something)
        if response is not None or _request_in(value) is not None:
            yield _draft_of_pair(document, response, request).finish(document)
            return
    yield _draft_of_list(document).finish(document)


# --- Responses and requests ------------------------------------------------------------------------------------------


def draft_of_response(response: Document, request: Document | None) -> Draft:
    """Start the draft of a response, with what was asked if there is a request, or an input beside the output."""
    asked = _messages_asked(request, response)
    draft = _draft_of_output(response, request)
    draft.messages = [*asked, *draft.messages]
    if all(message.role in ("system", "developer") for message in asked):
        draft.notes.append(note("lost-input"))
    return draft


def draft_without_input(response: Document) -> tuple[list[DraftMessage], Draft]:
    """Return the instructions of a response whose input is elsewhere, and the draft of its output."""
    return _instructions(response.at("instructions")), _draft_of_output(response, None)


def _draft_of_output(response: Document, request: Document | None) -> Draft:
    """Start the draft of a response with its output alone; the last message is the answer if it is the assistant's."""
    value = response.value
    output = read_items(response.members["output"].items())
    conversation = value.get("conversation")
    metadata = {name: value.get(name) for name in _METADATA}
    metadata["conversation"] = conversation.get("id") if isinstance(conversation, dict) else conversation
    draft = Draft(
        NAME,
        id=value.get("id"),
        created=value.get("created_at"),
        model=as_text(value.get("model") or (object_at(request.value).get("model") if request else "")),
        metadata=metadata | object_at(request.value if request else None, "metadata") | object_at(value, "metadata"),
        messages=output,
        finish_reason=_finish_reason(value, output),
        fields={name: value.get(name) for name in _SETTINGS if value.get(name) not in (None, [])} | _usage(value),
        source=source_of(response, READ),
    )
    if output and output[-1].role == "assistant":
        draft.choices = [(draft.messages.pop(), draft.finish_reason)]
    elif value.get("status") != "completed":  # otherwise the answer says how it ended
        draft.fields |= {name: value.get(name) for name in ("status", "incomplete_details")}
    return draft


def draft_of_exchange(request: Document | None, response: Document | None) -> Draft:
    """Start the draft of a request and a response, of which one may be missing."""
    if response is not None:
        return draft_of_response(response, request)
    return _draft_of_request(request) if request is not None else Draft(NAME, notes=[note("lost-input")])


def _messages_asked(*holders: Document | None) -> list[DraftMessage]:
    """Read the instructions and the input of the first of a request and a response that has them."""
    found = [holder for holder in holders if holder is not None]
    instructions = next(filter(None, (holder.at("instructions") for holder in found)), None)
    inputs = (holder.at(name) for holder in found for name in _INPUTS)
    given = next(filter(None, inputs), None)
    return _instructions(instructions) + (_input(given) if given is not None else [])


def _instructions(found: Document | None) -> list[DraftMessage]:
    if found is None or found.value == "":
        return []
    return (
        read_items(found.items()) if isinstance(found.value, list) else [DraftMessage("system", as_text(found.value))]
    )


def _input(found: Document) -> list[DraftMessage]:
    if isinstance(found.value, str):
        return [DraftMessage("user", found.value)]
    items = found.at("data") or found
    return read_items(in_order(items.items()) if isinstance(found.value, dict) else items.items())


def _usage(response: dict[str, Any]) -> dict[str, Any]:
    """Name the numbers of tokens as chat completions do."""
    usage = object_at(response, "usage")
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    details = {f"{old}_details": f"{new}_details" for old, new in names.items()}
    renamed = {(names | details).get(name, name): value for name, value in usage.items() if value is not None}
    return {"usage": renamed} if renamed else {}


def _finish_reason(response: dict[str, Any], output: list[DraftMessage]) -> str | None:
    reason, status = object_at(response, "incomplete_details").get("reason"), response.get("status")
    if isinstance(reason, str):
        return reason
    if status != "completed":
        return status if isinstance(status, str) else None
    last = output[-1].tool_calls if output else []
    return "tool_calls" if any(call.get("type") in _CALLS_OF_CLIENT for call in last) else "stop"


def _draft_of_pair(record: Document, response: Path | None, request: Path | None) -> Draft:
    """Start the draft of a record with a request or a response in it, or both."""
    request = request or ()
    asked, answer = at(record, request), at(record, response)
    given = as_response(answer) if answer is not None else None
    if answer is not None and given is None:
        raise NotReadable(gettext("It has an answer that cannot be read, so none of it was taken."))
    draft = draft_of_exchange(asked or record, given)
    beside = draft_of(NAME, record, (), ())  # such as the time of a log
    draft.created, draft.metadata = draft.created or beside.created, beside.metadata | draft.metadata
    draft.source = rest_of_pair(record, (request, response), READ)
    return draft


def _draft_of_request(request: Document) -> Draft:
    """Start the draft of a request to which no answer is known."""
    value = request.value
    return Draft(
        NAME,
        model=as_text(value.get("model")),
        metadata={name: value.get(name) for name in _METADATA} | object_at(value, "metadata"),
        messages=_messages_asked(request),
        fields={name: value[name] for name in _SETTINGS if value.get(name) not in (None, [])},
        notes=[note("lost-answer")],
    )


# --- Lists of items --------------------------------------------------------------------------------------------------


def _draft_of_list(document: Document) -> Draft:
    """Start the draft of a list of items, a page of one, or a conversation."""
    value = document.value
    if isinstance(value, list):
        return Draft(NAME, messages=read_items(document.items()))
    name = next(name for name in _LISTS if is_list_of_items(_list_under(value, name)))
    holder = document.members[name]
    is_page = isinstance(holder.value, dict) or value.get("object") == "list"
    items = holder.at("data") or holder
    page = value if value.get("object") == "list" else object_at(holder.value)
    messages = read_items(in_order(items.items()) if is_page else items.items())
    draft = draft_of(NAME, document, messages, (name, "object", "first_id", "last_id", "has_more"))
    draft.messages = _instructions(document.at("instructions")) + draft.messages
    if page.get("has_more"):
        draft.notes.append(note("cut-off"))
    return draft


# --- Streams: several documents that are one conversation ------------------------------------------------------------


def _key(document: Document) -> str:
    return f"stream {document.place.file}" if is_event(document.value) else ""


def _join(documents: list[Document]) -> Iterator[Conversation]:
    for response, events in responses_in(documents):
        yield _of_stream(response).finish_at(events[0].place, response.text)


def _of_stream(response: Document) -> Draft:
    draft = draft_of_response(response, None)
    if response.value.get("status") in (None, "in_progress", "queued"):
        draft.notes.append(note("cut-off"))
    return draft


FAMILY = Family(
    name=NAME,
    title="OpenAI Responses",
    what=gettext_lazy("A file of OpenAI responses"),
    seen="openai 1.109.1 and 3.57.0",
    keeps="all items with their ids: texts, reasoning, citations, refusals, pictures, files, tool calls and results",
    loses="the times of items; the input, in a response alone; what a search has found, if it was not asked for",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
