"""Amazon Connect: transcripts of chats, and of calls by Contact Lens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "amazon-connect", "Amazon Connect"
_KNOWN = ("Transcript", "Segments", "ContactId", "Participants")


def _is_item(value: Any) -> bool:
    return (
        isinstance(value, dict) and "ParticipantId" in value and bool(value.keys() & {"Content", "ContentType", "Type"})
    )


def _matches(value: Any) -> bool:
    if _is_item(first_object(object_at(value).get("Transcript"))):
        return True
    return any("ParticipantId" in object_at(one, "Transcript") for one in list_at(value, "Segments")[:5])


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    found = document.at("Transcript")
    items = list(found.items()) if found else []
    if segments := document.at("Segments"):
        items = [one for segment in segments.items() if (one := segment.at("Transcript"))]
    roles = {
        as_text(object_at(one).get("ParticipantId")): object_at(one).get("ParticipantRole")
        for one in list_at(value, "Participants")
    }
    contact = object_at(value, "CustomerMetadata")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(value, ["ContactId", "InitialContactId"]) or contact.get("ContactId")),
        created=items[0].value.get("AbsoluteTime") if items else None,
        metadata={
            "channel": value.get("Channel"),
            "language": value.get("LanguageCode"),
            "categories": list_at(value, "Categories", "MatchedCategories"),
            "instance": value.get("InstanceId") or contact.get("InstanceId"),
        },
        messages=[_message(one, roles) for one in items if isinstance(one.value, dict)],
        source=source_of(document, _KNOWN),
    )
    yield draft.finish(document)


def _message(item: Document, roles: dict[Any, Any]) -> DraftMessage:
    value = item.value
    who = as_text(
        value.get("ParticipantRole") or roles.get(as_text(value.get("ParticipantId"))) or value.get("ParticipantId")
    )
    media_type, text = as_text(value.get("ContentType")), as_text(value.get("Content"))
    parts = [text_part(text)] if text else []
    notes = []
    for file in list_at(value, "Attachments"):
        parts.append(
            file_part(
                as_text(object_at(file).get("AttachmentName")), file_id=as_text(object_at(file).get("AttachmentId"))
            )
        )
        notes.append(note("missing-file"))
    is_event = value.get("Type") == "EVENT" or ".event." in media_type
    if is_event and not parts:
        parts = [text_part(media_type.rpartition("event.")[2].replace(".", " "))]
    return DraftMessage(
        EVENT if is_event else CUSTOMER if who == "CUSTOMER" else COLLEAGUE,
        parts or None,
        item.text,
        id=value.get("Id"),
        name=as_text(value.get("DisplayName")) or ("" if who in ("CUSTOMER", "AGENT") else who),
        created=first_of(value, ["AbsoluteTime"]) or object_at(value, "Time").get("AbsoluteTime"),
        notes=notes,
    )


FAMILY = Family(
    name=_NAME,
    title="Amazon Connect",
    what=gettext_lazy("An Amazon Connect transcript"),
    seen="chat transcripts 2019-08-26 and Contact Lens 1.1.0, by their description",
    keeps="texts, who spoke, events, names of files, categories, times of chats",
    loses="the bytes of files; of calls, the time of day",
    matches=_matches,
    read=_read,
)
