"""LivePerson: conversations and chats, as its interfaces for histories give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import json_of
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "liveperson", "LivePerson"
_KNOWN = ("info", "messageRecords", "transcript", "agentParticipants", "consumerParticipants", "transfers")
_ROLES = {"consumer": CUSTOMER, "visitor": CUSTOMER, "agent": COLLEAGUE}
_NOTHING = ("undefined", "null", "NA")
_PICTURES = ("JPG", "JPEG", "PNG", "GIF")
_MAX_DEPTH = 20  # of a card


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("info"), dict):
        return False
    if isinstance(value.get("messageRecords"), list):
        return "conversationId" in value["info"] or "conversationId" in value
    return "engagementId" in value["info"] and isinstance(object_at(value, "transcript").get("lines"), list)


def _read(record: Document) -> Iterator[Conversation]:
    value, info = record.value, record.value["info"]
    names = _names(value)
    rows = record.at("messageRecords") or record.at("transcript", "lines")
    given = [one for one in rows.items() if isinstance(one.value, dict)] if rows else []
    messages = [_message(one, names) if "messageData" in one.value else _line(one) for one in given]
    if not messages:
        raise NothingSaid
    moved = record.at("transfers")
    messages += [_transfer(one) for one in moved.items() if isinstance(one.value, dict)] if moved else []
    messages.sort(key=lambda message: message.created if isinstance(message.created, int) else 0)
    customer = next((message.name for message in messages if message.role == CUSTOMER and message.name), None)
    yield Draft(
        _NAME,
        id=id_within(_NAME, first_of(info, ("conversationId", "engagementId")) or value.get("conversationId")),
        created=first_of(info, ("startTimeL", "startTime")),
        metadata={
            "customer_name": customer or _given(info.get("visitorName")),
            "team": _given(first_of(info, ("latestSkillName", "skillName"))),
            "channel": _given(info.get("source")),
            "rating": info.get("csatRate"),
        },
        messages=messages,
        source=source_of(record, _KNOWN),
    ).finish(record)


def _given(value: Any) -> str | None:
    """Return a text; LivePerson writes words in the place of what is missing."""
    text = as_text(value)
    return text if text and text not in _NOTHING else None


def _names(record: dict[str, Any]) -> dict[str, str]:
    """Return the names of who takes part, by their ids."""
    names = dict[str, str]()
    for agent in objects_at(record, "agentParticipants"):
        named = (_given(agent.get(each)) for each in ("agentNickname", "agentFullName", "agentLoginName"))
        name = next(filter(None, named), "")
        names |= {
            as_text(agent.get(each)): name for each in ("agentId", "agentPid", "participantId") if agent.get(each)
        }
    for consumer in objects_at(record, "consumerParticipants") + objects_at(record, "consumerParticipant"):
        whole = " ".join(filter(None, (_given(consumer.get("firstName")), _given(consumer.get("lastName")))))
        names[as_text(consumer.get("participantId"))] = whole or _given(consumer.get("consumerName")) or ""
    return names


def _message(message: Document, names: dict[str, str]) -> DraftMessage:
    value, data = message.value, object_at(message.value, "messageData")
    draft = DraftMessage(_ROLES.get(as_text(value.get("sentBy")).lower(), EVENT), source=message.text)
    draft.id, draft.created = as_text(value.get("messageId")), first_of(value, ("timeL", "time", "timeStamp"))
    draft.name = names.get(as_text(value.get("participantId")), "")
    text = as_text(object_at(data, "msg").get("text"))
    parts = parts_of(text) if text else []
    for name in ("richContent", "quickReplies"):
        parts += _card(object_at(data, name).get("content"))
    if address := as_text(object_at(data, "link").get("externalFileLink")):
        parts.append(linked_file(address, name=as_text(object_at(data, "link").get("caption"))))
    if file := object_at(data, "file"):
        named = _given(file.get("caption")) or as_text(file.get("relativePath")).rpartition("/")[2]
        is_picture = as_text(file.get("fileType")).upper() in _PICTURES
        parts.append(image_part("", caption=named) if is_picture else file_part(named))
        draft.notes.append(note("lost-image" if is_picture else "lost-file", by=_TITLE))
    draft.content = parts
    audience = first_of(value, ("messageAudience", "audience"))
    return as_private(draft) if audience == "AGENTS_AND_MANAGERS" else draft


def _card(card: Any) -> list[dict[str, Any]]:
    """Return the texts, buttons and pictures of a card, which may be JSON in a text."""
    card = json_of(card)
    if card and isinstance(card, str):
        return [text_part(card)]
    lines, pictures = list[str](), list[dict[str, Any]]()
    _look_into(card, lines, pictures, _MAX_DEPTH)
    return ([text_part("\n".join(lines))] if lines else []) + pictures


def _look_into(card: Any, lines: list[str], pictures: list[dict[str, Any]], depth: int) -> None:
    if not isinstance(card, dict) or not depth:
        return
    kind = card.get("type")
    if kind == "text" and (text := as_text(card.get("text"))):
        lines.append(text)
    elif kind == "button" and (title := as_text(card.get("title"))):
        lines.append(f"[{title}]")
    elif kind == "image" and (address := as_text(card.get("url"))):
        pictures.append(image_part(address, caption=as_text(first_of(card, ("caption", "tooltip")))))
    for each in objects_at(card, "elements") + objects_at(card, "replies"):
        _look_into(each, lines, pictures, depth - 1)


def _line(line: Document) -> DraftMessage:
    """Read a line of a chat, which names who wrote it."""
    value, text = line.value, as_text(line.value.get("text"))
    draft = DraftMessage(_ROLES.get(as_text(value.get("source")).lower(), EVENT), source=line.text)
    draft.content = parts_of(text, is_html=value.get("textType") == "html") if text else _card(value.get("json"))
    draft.name, draft.created = as_text(value.get("by")), first_of(value, ("timeL", "time"))
    return draft


def _transfer(transfer: Document) -> DraftMessage:
    value = transfer.value
    to = _given(value.get("assignedAgentFullName")) or _given(value.get("targetSkillName"))
    draft = DraftMessage(EVENT, ": ".join(filter(None, ("transfer", to))), transfer.text)
    draft.name, draft.created = _given(value.get("sourceAgentFullName")) or "", first_of(value, ("timeL", "time"))
    return draft


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A conversation of LivePerson"),
    seen="what its interfaces for messages and for chats give, by their descriptions of 2016 to 2024 and published "
    "examples",
    keeps="texts, cards, quick replies, private messages as notes, transfers as events, names, links, times",
    loses="files; who of the colleagues is a bot, unless its name says so",
    matches=_matches,
    read=_read,
)
