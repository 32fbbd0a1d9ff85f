"""What servers of the Responses API answer to one request: a response, a conversation, a page of items.

The input of a response and the items of a conversation have addresses of their own, so they come page by page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from viewer.completions.source_text import to_object
from viewer.formats.document import Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage
from viewer.formats.family import object_at
from viewer.formats.message_lists import source_of

from .responses import read_item
from .responses_answers import is_response
from .responses_records import NAME, draft_without_input

_UNFINISHED = ("queued", "in_progress")
_OF_CONVERSATION = {"id", "object", "created_at", "metadata"}


@dataclass(frozen=True, slots=True)
class LiveResponse:
    """A response as JSON: the completion with its answer, and the messages that stand before and after its input."""

    completion: str
    before_input: list[str]
    after_input: list[str]
    is_finished: bool


@dataclass(frozen=True, slots=True)
class LiveItem:
    """An item as the JSON of a message, with the id by which the server continues after it; empty if it has none."""

    message: str
    id: str
    has_lost_image: bool


@dataclass(frozen=True, slots=True)
class ItemPage:
    """One page of items. `has_more` is None if the server does not say."""

    items: list[LiveItem]
    has_more: bool | None


def is_finished(text: str) -> bool:
    """Whether a response will not change any more; not if it cannot be read."""
    try:
        return object_at(Document(text).value).get("status") not in _UNFINISHED
    except NotReadable:
        return False


def read_response(text: str) -> LiveResponse:
    """Read `GET /v1/responses/{id}`. Raises ValueError."""
    document = Document(text)
    if not is_response(document.value):
        raise NotReadable("not a response")
    instructions, draft = draft_without_input(document)
    output = [message.to_json() for message in draft.messages]
    return LiveResponse(
        _finished(draft, document),
        [message.to_json() for message in instructions],
        output,
        document.value.get("status") not in _UNFINISHED,
    )


def read_conversation(text: str) -> str:
    """Read `GET /v1/conversations/{id}`, and return the completion, which has no answer. Raises ValueError."""
    document = Document(text)
    value = object_at(document.value)
    if not isinstance(value.get("id"), str):
        raise NotReadable("not a conversation")
    draft = Draft(NAME, id=value["id"], created=value.get("created_at"), metadata=object_at(value, "metadata"))
    draft.source = source_of(document, _OF_CONVERSATION)
    return _finished(draft, document)


def read_item_page(text: str) -> ItemPage:
    """Read a page of `input_items` or `items`, each to one message. Raises ValueError if it is no list."""
    document = Document(text)
    data = document.at("data")
    if data is None or not isinstance(data.value, list):
        raise NotReadable("no list named data")
    has_more = object_at(document.value).get("has_more")
    return ItemPage([_item(item) for item in data.items()], has_more if isinstance(has_more, bool) else None)


def _item(item: Document) -> LiveItem:
    message = read_item(item)
    item_id = object_at(item.value).get("id")
    if message is None:
        message = DraftMessage("unknown", [{"type": "unknown", "value": item.value}], item.text)
    return LiveItem(message.to_json(), item_id if isinstance(item_id, str) else "", _has_lost_image(item.value))


def _has_lost_image(item: Any) -> bool:
    """Whether an image is named without its address, as servers do that were not asked to include it."""
    content = object_at(item).get("content")
    return isinstance(content, list) and any(
        part.get("type") == "input_image" and not (part.get("image_url") or part.get("file_id"))
        for part in content
        if isinstance(part, dict)
    )


def _finished(draft: Draft, document: Document) -> str:
    """Return the completion of a draft as JSON, without its messages."""
    draft.messages = []
    return to_object([(name, piece.source) for name, piece in draft.finish(document).fields])
