"""ShareGPT's lines: `conversations` of messages with `from` and `value`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text
from viewer.formats.family import Family, Shape
from viewer.formats.message_lists import is_list_of, reader_of

_NAME = "sharegpt"
_LISTS = ("conversations", "conversation", "messages", "items")
_ROLES = {
    "human": "user", "user": "user", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant",
    "bard": "assistant", "assistant": "assistant", "model": "assistant", "function_call": "assistant",
    "system": "system", "tool": "tool", "observation": "tool", "function_response": "tool",
}  # fmt: skip


def is_message(value: Any) -> bool:
    """Whether a value is a message with `from` and `value`."""
    return isinstance(value, dict) and isinstance(value.get("from"), str) and "value" in value and "role" not in value


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages. Who speaks in other words than ShareGPT's is shown by that name."""
    return [_message(message) for message in messages if isinstance(message.value, dict)]


def _message(message: Document) -> DraftMessage:
    speaker = str(message.value.get("from") or "")
    role = _ROLES.get(speaker.casefold(), speaker)
    more = {"weight": message.value["weight"]} if message.value.get("weight") is not None else {}
    return DraftMessage(role, as_text(message.value.get("value")), message.text, more=more)


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="ShareGPT",
    what=gettext_lazy("A ShareGPT file"),
    seen="",
    keeps="who said what; tool calls as the text that they are there",
    loses="times, models, pictures",
    matches=is_list_of(SHAPE, *_LISTS),
    read=reader_of(_NAME, SHAPE, *_LISTS),
)
