"""Transcripts of Olark, as its webhook hands them over when a chat has ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, object_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "olark"
_ROLES = {"MessageToVisitor": COLLEAGUE, "MessageToOperator": CUSTOMER, "OfflineMessage": CUSTOMER}
_FEEDBACK = ("chatFeedback", "chat_feedback")


def _matches(value: Any) -> bool:
    is_one = isinstance(value, dict) and value.get("kind") == "Conversation" and isinstance(value.get("items"), list)
    return is_one and object_at(value, "visitor").get("kind") == "Visitor"


def _read(transcript: Document) -> Iterator[Conversation]:
    value = transcript.value
    visitor = object_at(value, "visitor")
    name = as_text(visitor.get("fullName"))
    rows = [one for one in transcript.members["items"].items() if isinstance(one.value, dict)]
    if not rows:
        raise NothingSaid
    messages = [_message(row, name, object_at(value, "operators")) for row in rows]
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=next((message.created for message in messages if message.created), None),
        metadata={
            "customer_name": name,
            "customer": visitor.get("emailAddress"),
            "tags": value.get("tags"),
            "feedback": first_of(visitor, _FEEDBACK),
        },
        messages=messages,
        source=source_of(transcript, ("kind", "id", "items", "tags")),
    ).finish(transcript)


def _message(item: Document, customer: str, operators: dict[str, Any]) -> DraftMessage:
    value = item.value
    draft = DraftMessage(_ROLES.get(as_text(value.get("kind")), EVENT), source=item.text)
    draft.content = [text_part(as_text(value.get("body")))]
    draft.name = as_text(first_of(value, ("visitor_nickname", "visitorNickname", "nickname")))
    if draft.role == CUSTOMER:
        draft.name = customer or draft.name
    elif operator := object_at(operators, as_text(value.get("operatorId"))):
        draft.name = as_text(operator.get("nickname")) or draft.name
    draft.created = _time(as_text(value.get("timestamp")))
    return draft


def _time(moment: str) -> Any:
    """Return seconds, which stand as a text."""
    try:
        return float(moment)
    except ValueError:
        return moment or None


FAMILY = Family(
    name=_NAME,
    title="Olark",
    what=gettext_lazy("A transcript of Olark"),
    seen="what its webhook sends, by its description and published tests of 2011 to 2016",
    keeps="texts, names, who speaks, feedback, times",
    loses="files; who of the operators is a bot",
    matches=_matches,
    read=_read,
)
