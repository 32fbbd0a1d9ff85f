"""Reads what attributes hold of a talk as JSON: the input of a call, alone or in a request, and its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text
from viewer.formats.families import google
from viewer.formats.family import object_at
from viewer.formats.messages import can_read, read_messages

from . import genai
from .attributes import document_of

Messages = list[DraftMessage]
Said = tuple[Messages, Messages]  # an input, and the answers to it

_SHORT = 2  # characters, as an empty list has
_LISTS = ("messages", "input", "prompt", "contents")  # where requests have their messages
_ANSWERS = ("choices", "generations", "messages", "output")
_REASONS = ("finish_reason", "stop_reason", "finishReason", "stopReason")


@dataclass
class Histories:
    """Remembers the last list of messages that was read: most begin with the same text, which is read once.

    The messages of that beginning are then the very same objects.
    """

    _text: str = ""
    _messages: Messages = field(default_factory=list)

    def read(self, text: str, read: Callable[[Document], Messages | None]) -> Messages | None:
        """Read the JSON of a list of messages with `read`, which returns None for what it does not know."""
        start = len(self._text)
        if start > _SHORT and text.startswith(self._text[:-1]) and text[start - 1 : start] in (",", "]"):
            rest = read(Document(f"[{text[start:]}")) if text[start - 1] == "," else []
            if rest is not None and not _is_answer_of_two(self._messages, rest):
                return self._keep(text, [*self._messages, *rest])
        messages = read(Document(text))
        return None if messages is None else self._keep(text, messages)

    def _keep(self, text: str, messages: Messages) -> Messages:
        self._text, self._messages = text.rstrip(), list(messages)
        return messages


def _is_answer_of_two(messages: Messages, rest: Messages) -> bool:
    """Whether what follows may belong to the message before it."""
    return bool(messages and rest) and messages[-1].role == rest[0].role == "assistant"


def pair_of(given: Any, answer: Any, histories: Histories) -> Said:
    """Read two attributes, an input and the answer to it; what is not JSON of messages is text."""
    asked, answers = input_of(given, histories), answers_of(answer)
    if asked is None:
        asked = [DraftMessage("user", as_text(given))] if given else []
    if answers is None:
        answers = [DraftMessage("assistant", as_text(answer))] if answer else []
    return asked, answers


def input_of(given: Any, histories: Histories) -> Messages | None:
    """Read messages, alone or in a request; None if there are none that can be read."""
    document = document_of(given)
    if document is None:
        return None
    lists = (document.at(name) for name in _LISTS)
    inner = next((each for each in lists if each is not None and isinstance(each.value, list)), document)
    return histories.read(inner.text, _list_of)


def _list_of(document: Document) -> Messages | None:
    items = list(document.items())
    if len(items) == 1 and isinstance(items[0].value, list):  # LangChain's batches of one
        items = list(items[0].items())
    if not items or not can_read(items):
        return None
    if genai.is_message(items[0].value):
        return genai.read_messages(items)
    return read_messages(items)


def answers_of(answer: Any) -> Messages | None:
    """Read the answers in a completion, a response, a message or a list; None if there are none that can be read."""
    document = document_of(answer)
    if document is None:
        return None
    if (candidates := document.at("candidates")) is not None:
        return [_candidate(each) for each in candidates.items()]
    found = list(_answers_in(document))
    if not found or not can_read([message for message, _ in found]):
        return None
    answers = read_messages(message for message, _ in found)
    if len(answers) == len(found):
        for answer, (_, reason) in zip(answers, found, strict=True):
            answer.more = ({"finish_reason": reason} if reason is not None else {}) | answer.more
    return answers


def _candidate(candidate: Document) -> DraftMessage:
    """Read one of the answers of Google's models, which has no content if it was held back."""
    content, value = candidate.at("content"), object_at(candidate.value)
    *_, message = google.read_content(content, value) if content else [DraftMessage("", None, candidate.text)]
    message.role = "assistant"
    reason = next((value[name] for name in _REASONS if value.get(name)), None)
    message.more |= {"finish_reason": reason} if reason else {}
    return message


def _answers_in(document: Document) -> Iterator[tuple[Document, Any]]:
    for name in _ANSWERS:
        inner = document.at(name)
        for item in inner.items() if inner is not None else ():
            yield from _answers_among(item.items() if isinstance(item.value, list) else (item,), name)
        if inner is not None and isinstance(inner.value, list):
            return
    content, value = document.at("content"), object_at(document.value)
    reason = next((value[name] for name in _REASONS if value.get(name)), None)
    if "role" in value:
        yield document, reason
    elif content is not None and isinstance(content.value, dict):  # Google's
        yield content, reason
    elif (message := document.at("message") or document.at("output", "message")) is not None:
        yield message, reason
    for item in document.items():
        yield item, None


def _answers_among(items: Iterable[Document], name: str) -> Iterator[tuple[Document, Any]]:
    for item in items:
        value = object_at(item.value)
        message = item.at("message")
        if message is not None or name in ("messages", "output"):
            yield message or item, value.get("finish_reason")
