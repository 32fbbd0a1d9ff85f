"""Slack's export: a folder for each channel, with a file of messages for each day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotAConversation
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, linked_file

_NAME, _TITLE = "slack", "Slack"
_MENTION = re.compile(r"<@([A-Z0-9]{2,30})(?:\|[^>]{0,200})?>")
_SAID = ("", "bot_message", "thread_broadcast", "file_share", "me_message", "assistant_app_thread")
_BESIDE = (
    ({"id", "name", "profile"}, gettext_lazy("a person")),
    ({"id", "created", "members"}, gettext_lazy("a channel")),
    ({"service_id", "service_type"}, gettext_lazy("a record of an app")),
)


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") == "message" and isinstance(value.get("ts"), str)


def _matches(value: Any) -> bool:
    return _is_message(value) or _beside(value) is not None


def _beside(value: Any) -> Any:
    if not isinstance(value, dict) or "messages" in value or not as_text(value.get("id"))[:1].isupper():
        return None
    return next((what for names, what in _BESIDE if names <= value.keys()), None)


def _read(document: Document) -> Iterator[Conversation]:
    raise NotAConversation(gettext("This is %s of a Slack export, not a conversation.") % _beside(document.value))


def _key(document: Document) -> str:
    """Return the thread of a message; all that are in no thread are the talk of their channel."""
    if not _is_message(document.value):
        return ""
    channel = document.place.file.rpartition("/")[0].rpartition("/")[2]
    return f"{channel}/{as_text(document.value.get('thread_ts'))}"


def _join(messages: list[Document]) -> Iterator[Conversation]:
    messages.sort(key=lambda one: as_text(one.value.get("ts")))
    people = _people(messages)
    channel, _, thread = _key(messages[0]).partition("/")
    customer = as_text(messages[0].value.get("user")) if thread else ""
    draft = Draft(_NAME, messages=[_message(one, people, customer) for one in messages])
    draft.id = f"{_NAME}-{channel}-{thread}".rstrip("-") if channel or thread else None
    draft.created = next((message.created for message in draft.messages if message.created), None)
    draft.metadata = {"channel": channel}
    yield draft.finish_at(messages[0].place, *(one.text for one in messages))


def _people(messages: list[Document]) -> dict[str, str]:
    """Return the names of people by their ids, from what their messages have of them."""
    people = dict[str, str]()
    for message in messages:
        profile = object_at(message.value, "user_profile")
        if name := profile.get("real_name") or profile.get("display_name") or profile.get("name"):
            people[as_text(message.value.get("user"))] = as_text(name)
    return people


def _message(message: Document, people: dict[str, str], customer: str) -> DraftMessage:
    """Read a message. Bots are assistants; of people, who began a thread is the customer, the others answer."""
    value = message.value
    user = as_text(value.get("user"))
    is_bot = bool(value.get("bot_id")) or value.get("subtype") == "bot_message"
    is_asking = not is_bot and user == (customer or user)
    draft = DraftMessage(CUSTOMER if is_asking else COLLEAGUE, source=message.text)
    draft.id, draft.created = as_text(value.get("client_msg_id")), _time(as_text(value["ts"]))
    draft.name = people.get(user) or as_text(
        value.get("username") or object_at(value, "bot_profile").get("name") or user
    )
    text = _MENTION.sub(lambda found: f"@{people.get(found[1], found[1])}", as_text(value.get("text")))
    parts = [text_part(_plain(text))] if text else []
    for file in objects_at(value, "files"):
        url, name = as_text(file.get("url_private") or file.get("permalink")), as_text(file.get("name"))
        parts.append(linked_file(url, as_text(file.get("mimetype")), name) if url else file_part(name))
    draft.content = parts or None
    if as_text(value.get("subtype")) not in _SAID:
        draft.role = EVENT
    if value.get("subtype") == "tombstone":
        draft.notes.append(note("lost-text", by=_TITLE))
    if value.get("edited"):
        draft.notes.append(note("edited"))
    return draft


def _plain(text: str) -> str:
    """Write what Slack has masked: `&amp;`, and links as `<address|words>`."""
    text = re.sub(r"<(https?:[^|>]{1,4000})\|([^>]{1,4000})>", r"\2 (\1)", text)
    text = re.sub(r"<((?:https?|mailto):[^|>]{1,4000})>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _time(moment: str) -> Any:
    try:
        return float(moment)
    except ValueError:
        return None


FAMILY = Family(
    name=_NAME,
    title="Slack",
    what=gettext_lazy("A Slack export"),
    seen="exports of workspaces, by their description",
    keeps="texts, each thread as a conversation, bots, names, addresses of files, events, times",
    loses="who is the customer: it is taken to be who began a thread; the bytes of files; names in old exports",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
