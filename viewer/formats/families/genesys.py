"""Genesys Cloud's recordings of chats, messages and mails, with what was said in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "genesys"
_LISTS = ("messagingTranscript", "transcript", "emailTranscript")
_CUSTOMERS = ("customer", "external")
_COLLEAGUES = ("agent", "user", "acd", "workflow", "bot", "botflow", "ivr")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and {"conversationId", "media"} <= value.keys()


def _key(document: Document) -> str:
    return as_text(document.value.get("conversationId"))


def _join(recordings: list[Document]) -> Iterator[Conversation]:
    messages = [draft for recording in recordings for draft in _messages(recording)]
    if not messages:
        raise NotReadable(
            gettext("This is a recording of Genesys Cloud without a transcript: a call, or a request for one.")
        )
    messages.sort(key=lambda message: as_text(message.created))
    first = recordings[0].value
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first.get("conversationId")),
        created=first_of(first, ("startTime",)) or messages[0].created,
        metadata={"channel": first.get("media")},
        messages=messages,
        source=source_of(recordings[0], _LISTS),
    )
    yield draft.finish_at(recordings[0].place, *(recording.text for recording in recordings))


def _messages(recording: Document) -> Iterable[DraftMessage]:
    for name in _LISTS:
        held = recording.at(name)
        for message in held.items() if held else ():
            if isinstance(message.value, dict):
                yield _message(message)


def _message(message: Document) -> DraftMessage:
    value = message.value
    purpose = as_text(
        first_of(value, ("purpose", "participantPurpose")) or object_at(value, "participant").get("purpose")
    ).casefold()
    colleague = object_at(value, "fromUser") or object_at(value, "user")
    is_colleague = purpose in _COLLEAGUES or (purpose not in _CUSTOMERS and bool(colleague))
    draft = DraftMessage(COLLEAGUE if is_colleague else CUSTOMER, source=message.text, id=value.get("id"))
    draft.created = first_of(value, ("timestamp", "utc", "time"))
    sender = value.get("from")
    draft.name = as_text(colleague.get("name") or (object_at(sender).get("name") if sender else ""))
    html, text = (
        as_text(value.get("htmlBody")),
        as_text(first_of(value, ("messageText", "body", "message", "textBody"))),
    )
    draft.content = parts_of(html) if html else [text_part(text)] if text else []
    for file in (*objects_at(value, "messageMediaAttachments"), *objects_at(value, "attachments")):
        media_type = as_text(first_of(file, ("mediaType", "contentType")))
        url = as_text(first_of(file, ("url", "contentPath")))
        draft.content.append(linked_file(url, media_type, as_text(file.get("name"))))
    if not draft.content:
        draft.content = [text_part(as_text(first_of(value, ("type", "eventType")) or "event").replace("-", " "))]
        draft.role = EVENT
    return draft


FAMILY = Family(
    name=_NAME,
    title="Genesys Cloud",
    what=gettext_lazy("A recording of Genesys Cloud"),
    seen="recordings of the Platform API v2, by their description",
    keeps="texts, who spoke, addresses of files, events, times",
    loses="what was said in calls, unless it was transcribed; private notes",
    matches=_matches,
    key=_key,
    join=_join,
)
