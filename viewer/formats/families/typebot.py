"""Typebot's transcripts of a result, and results with the answers of a visitor, as its API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from mimetypes import guess_type
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME, _TITLE = "typebot", "Typebot"
_ROLES = {"bot": COLLEAGUE, "user": CUSTOMER}
_MEDIA = {"image": "image/*", "audio": "audio/", "video": "video/"}
_RESULT = {"id", "typebotId", "answers", "createdAt"}
_ABOUT = ("typebotId", "isCompleted", "lastChatSessionId")


def _is_transcript(value: Any) -> bool:
    first = first_object(object_at(value).get("transcript"))
    return first.get("role") in _ROLES and as_text(first.get("type")) in {"text", *_MEDIA} and first["type"] in first


def _is_result(value: Any) -> bool:
    return object_at(value).keys() >= _RESULT


def _matches(value: Any) -> bool:
    return _is_transcript(value) or _is_result(value)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if _is_transcript(value):
        messages = [_message(one) for one in document.members["transcript"].items() if isinstance(one.value, dict)]
        yield Draft(_NAME, messages=messages, source=source_of(document, ("transcript",))).finish(document)
        return
    messages = [_answer(one) for one in document.members["answers"].items() if isinstance(one.value, dict)]
    if not messages:
        raise NothingSaid
    messages[0].notes.append(note("lost-answer", by=_TITLE))
    variables = {as_text(each.get("name")): each.get("value") for each in objects_at(value, "variables")}
    yield Draft(
        _NAME,
        id=id_within(_NAME, value["id"]),
        created=value["createdAt"],
        metadata={name: value.get(name) for name in _ABOUT} | variables,
        messages=messages,
        source=source_of(document, ("id", "answers", "createdAt")),
    ).finish(document)


def _message(message: Document) -> DraftMessage:
    value, kind = message.value, as_text(message.value.get("type"))
    held = as_text(value.get(kind))
    part = linked_file(held, _MEDIA[kind]) if kind in _MEDIA else text_part(held) if kind == "text" else value
    return DraftMessage(_ROLES.get(as_text(value.get("role")), ""), [part], message.text)


def _answer(answer: Document) -> DraftMessage:
    value = answer.value
    files = [_file(as_text(url)) for url in list_at(value, "attachedFileUrls")]
    return DraftMessage(CUSTOMER, [text_part(as_text(value.get("content"))), *files], answer.text)


def _file(url: str) -> dict[str, Any]:
    return linked_file(url, guess_type(urlsplit(url).path)[0] or "")


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A result of Typebot"),
    seen="API v1 of 3.x, by its source",
    keeps="texts, pictures, sound and files by their address; of results the answers, variables, and when they began",
    loses="what the bot said then, if it was changed since: transcripts are made anew of the bot as it is; times of "
    "messages; of results, all that the bot said",
    matches=_matches,
    read=_read,
)
