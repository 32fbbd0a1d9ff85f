"""Channels, threads and direct messages of Discord, as DiscordChatExporter writes them as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import first_of, source_of

_NAME = "discord"
_KNOWN = ("guild", "channel", "messages")
# Kinds of messages that the exporter does not name stand as a number; those up to 18 are events.
_EVENT = re.compile(r"(?:Recipient|Channel|Guild|Call|Thread)[A-Za-z]{0,40}|[1-9]|1[0-8]")
_PICTURE = re.compile(r".*\.(png|jpe?g|webp|gif)", re.IGNORECASE)


def _matches(value: Any) -> bool:
    is_one = isinstance(value, dict) and isinstance(value.get("guild"), dict) and isinstance(value.get("channel"), dict)
    if not is_one or not isinstance(value.get("messages"), list):
        return False
    return not value["messages"] or {"author", "content", "timestamp"} <= first_object(value["messages"]).keys()


def _read(document: Document) -> Iterator[Conversation]:
    """Read a channel, or a part of one: its id has that of its first message, so that no part takes another's place."""
    channel = document.value["channel"]
    messages = [one for one in document.members["messages"].items() if isinstance(one.value, dict)]
    if not messages:
        raise NothingSaid
    customer = _customer_of(channel, [object_at(one.value, "author") for one in messages])
    yield Draft(
        _NAME,
        id=id_within(_NAME, f"{as_text(channel.get('id'))}-{as_text(messages[0].value.get('id'))}"),
        created=messages[0].value.get("timestamp"),
        metadata={
            "server": object_at(document.value, "guild").get("name"),
            "category": channel.get("category"),
            "channel": channel.get("name"),
            "topic": channel.get("topic"),
        },
        messages=[_message(one, customer) for one in messages],
        source=source_of(document, _KNOWN),
    ).finish(document)


def _customer_of(channel: dict[str, Any], authors: list[dict[str, Any]]) -> str:
    """Return the id of the customer: who began a thread, or after whom a chat of two is named. Empty in a channel."""
    kind, people = as_text(channel.get("type")), [author for author in authors if not author.get("isBot")]
    if kind == "DirectTextChat":
        named = (one for one in people if channel.get("name") in (one.get("name"), one.get("nickname")))
        return as_text(next(named, {}).get("id"))
    return as_text(people[0].get("id")) if kind.endswith("Thread") and people else ""


def _message(message: Document, customer: str) -> DraftMessage:
    value, author = message.value, object_at(message.value, "author")
    is_asking = not author.get("isBot") and customer in ("", as_text(author.get("id")))
    draft = DraftMessage(CUSTOMER if is_asking else COLLEAGUE, source=message.text, id=as_text(value.get("id")))
    draft.name, draft.created = as_text(first_of(author, ("nickname", "name"))), value.get("timestamp")
    said = [as_text(value.get("content")), *(as_text(each.get("name")) for each in objects_at(value, "stickers"))]
    if author.get("isBot") or not said[0]:  # of people's they are previews of links
        said += [_embed(each) for each in objects_at(value, "embeds")]
    forwarded = object_at(value, "forwardedMessage")
    said += [f"> {line}" for line in as_text(forwarded.get("content")).split("\n") if line]
    text = "\n".join(filter(None, said))
    draft.content = [text_part(text)] if text else []
    files = objects_at(value, "attachments") + objects_at(forwarded, "attachments")
    draft.content += [_file(each, message) for each in files]
    if _EVENT.fullmatch(as_text(value.get("type"))):
        draft.role = EVENT
    if value.get("timestampEdited"):
        draft.notes.append(note("edited"))
    return draft


def _embed(embed: dict[str, Any]) -> str:
    """Return the text of a card, as bots write them."""
    lines = [as_text(embed.get("title")), as_text(embed.get("description"))]
    lines += [f"{as_text(each.get('name'))}: {as_text(each.get('value'))}" for each in objects_at(embed, "fields")]
    return "\n".join([*filter(None, lines), as_text(object_at(embed, "footer").get("text"))]).strip()


def _file(file: dict[str, Any], message: Document) -> dict[str, Any]:
    """Return the part for a file, which lies beside the export if it was asked for, in a folder with its name."""
    address, name = as_text(file.get("url")), as_text(file.get("fileName"))
    if not address.startswith(("https://", "http://")):
        path = address.replace("\\", "/")
        if data := message.find(f"/{path}") or message.find(f"/{unquote(path)}"):
            return data_part(data, name)
    picture = _PICTURE.fullmatch(name)
    return linked_file(address, f"image/{picture[1].lower()}" if picture else "", name)


FAMILY = Family(
    name=_NAME,
    title="Discord",
    what=gettext_lazy("A channel of Discord"),
    seen="what DiscordChatExporter has written as JSON from 2020 to 2026, by its source and published examples",
    keeps="texts, cards of bots, names, addresses of files, files that are in the same ZIP or folder, forwarded "
    "messages as quotes, what was edited, events, times",
    loses="in channels who is the customer: people are shown as users, by their names; in threads it is taken to be "
    "who began it; to what a message replies; reactions; what was deleted",
    matches=_matches,
    read=_read,
)
