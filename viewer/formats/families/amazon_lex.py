"""Amazon Lex: the log of a bot, which has one record for each turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of

_NAME = "amazon-lex"


def _matches(value: Any) -> bool:
    return (
        "inputTranscript" in object_at(value)
        and bool(value.keys() & {"sessionId", "userId"})
        and "messageVersion" in value
    )


def _key(document: Document) -> str:
    return str(first_of(document.value, ["sessionId", "userId"]) or document.place.file)


def _join(documents: list[Document]) -> Iterable[Conversation]:
    documents.sort(key=lambda one: str(one.value.get("timestamp")))
    first = documents[0].value
    draft = Draft(
        _NAME,
        id=id_within(_NAME, _key(documents[0])),
        created=first.get("timestamp"),
        metadata={
            "bot": first_of(first, ["botName", "botId"]),
            "customer": first.get("userId"),
            "language": first.get("localeId"),
        },
        messages=[message for document in documents for message in _turn(document)],
    )
    yield draft.finish_at(documents[0].place, *(one.text for one in documents))


def _turn(document: Document) -> Iterable[DraftMessage]:
    value = document.value
    asked = as_text(value.get("inputTranscript"))
    answers = [object_at(one) for one in list_at(value, "messages")] or [{"content": value.get("botResponse")}]
    parts = [_part(one) for one in answers if one.get("content") or one.get("imageResponseCard")]
    if asked or not parts:
        yield DraftMessage("user", [text_part(asked)], "" if parts else document.text, created=value.get("timestamp"))
    if parts:
        yield DraftMessage("assistant", parts, document.text, id=value.get("requestId"), created=value.get("timestamp"))


def _part(message: dict[str, Any]) -> dict[str, Any]:
    if isinstance(message.get("content"), str):
        return text_part(message["content"])
    return {"type": as_text(message.get("contentType")) or "card", **message}


FAMILY = Family(
    name=_NAME,
    title="Amazon Lex",
    what=gettext_lazy("An Amazon Lex log"),
    seen="conversation logs 1.0 and 2.0, by their description",
    keeps="texts, cards, intents in the JSON, times",
    loses="what colleagues said after the bot had handed over",
    matches=_matches,
    key=_key,
    join=_join,
)
