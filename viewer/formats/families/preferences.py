"""Pairs of answers of which one was preferred (DPO), as OpenAI's fine-tuning and Hugging Face's TRL take them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, note
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.merging import said_by
from viewer.formats.message_lists import draft_of
from viewer.formats.pairs import Path, at, rest_of

_NAME = "preference"
_PAIRS = (("preferred_output", "non_preferred_output"), ("chosen", "rejected"), ("preferred", "rejected"))
_CODES = ("preferred", "not-preferred")
_INPUTS = ("input", "prompt", "messages", "question")


def _names_of(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, dict):
        return None
    return next((pair for pair in _PAIRS if all(_is_answer(value.get(name)) for name in pair)), None)


def _is_answer(value: Any) -> bool:
    return bool(value) and isinstance(value, (str, list, dict))


def _as_pair(document: Document) -> Document:
    """Return a record of OpenPipe, whose last message is the preferred one, in the form of the others."""
    messages, rejected = document.at("messages"), document.at("rejected_message")
    if messages is None or rejected is None:
        return document
    *asked, chosen = messages.items()
    names = ("messages", "rejected_message")
    pairs = [(name, member.text) for name, member in document.members.items() if name not in names]
    pairs += [("input", f"[{','.join(each.text for each in asked)}]"), ("chosen", chosen.text)]
    return Document(to_object([*pairs, ("rejected", rejected.text)]), document.place, document.find)


def _is_of_openpipe(value: Any) -> bool:
    has_both = isinstance(value, dict) and isinstance(value.get("rejected_message"), dict)
    return has_both and len(list_at(value, "messages")) > 1


def _read(given: Document) -> Iterator[Conversation]:
    document = _as_pair(given)
    pair = _names_of(document.value) or _PAIRS[0]
    name = next((name for name in _INPUTS if document.at(name)), "")
    draft = draft_of(_NAME, document, [], ())
    read = fill(draft, at(document, (name,)), None) if name else set[Path]()
    draft.source = rest_of(document, {(each,) for each in (*pair, "metadata")} | {(name, *path) for path in read})
    answers = [_answer(document, each, draft.messages) for each in pair]
    if not all(answers):
        raise NotReadable(gettext("One of its two answers is empty."))
    shared = _count_of_shared(*answers)
    for answer, code in zip(answers, _CODES, strict=True):
        answer[-1].notes.append(note(code))
    if all(len(answer) == shared + 1 for answer in answers):
        draft.messages, draft.choices = answers[0][:shared], [(answer[-1], None) for answer in answers]
        yield draft.finish(document)
        return
    for answer, each in zip(answers, pair, strict=True):  # a choice has room for one message only
        draft.messages = answer
        yield replace(draft, id=None).finish_at(document.place, document.text, each)


def _answer(document: Document, name: str, asked: list[DraftMessage]) -> list[DraftMessage]:
    """Return the messages of an answer after those that were asked, which some files repeat in it."""
    draft = Draft(_NAME, messages=list(asked))
    fill(draft, None, at(document, (name,)))
    return [*draft.messages, *(message for message, _reason in draft.choices)]


def _count_of_shared(one: list[DraftMessage], other: list[DraftMessage]) -> int:
    both = zip(one[:-1], other[:-1], strict=False)
    return next(
        (n for n, pair in enumerate(both) if said_by(pair[0]) != said_by(pair[1])), min(len(one), len(other)) - 1
    )


FAMILY = Family(
    name=_NAME,
    title="Preference pairs (DPO)",
    what=gettext_lazy("A file of preferred answers"),
    seen="",
    keeps="both answers as two choices, and which of them was preferred",
    loses="times, models",
    matches=lambda value: _is_of_openpipe(value) or (_names_of(value) is not None and bool(object_at(value))),
    read=_read,
)
