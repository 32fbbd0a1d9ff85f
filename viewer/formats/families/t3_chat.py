"""T3 Chat: the export of all chats. The messages of all threads stand in one list; each names its thread.

Facts from what reads and writes such exports, of 2025 (`t3-chat-export-viewer`, converters from ChatGPT to T3 Chat).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of
from viewer.formats.messages import has_shape, read_messages

_NAME, _TITLE = "t3-chat", "T3 Chat"
_TIMES = ("created_at", "createdAt", "_creationTime")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return False
    thread, message = first_object(value.get("threads")), first_object(value["messages"])
    is_export = not {"last_message_at", "lastMessageAt"}.isdisjoint(thread)
    return is_export and (not value["messages"] or "threadId" in message)


def _read(document: Document) -> Iterator[Conversation]:
    threads = {_id_of(thread): thread for thread in objects_at(document.value, "threads")}
    said = dict[str, list[Document]]()
    for message in document.members["messages"].items():
        said.setdefault(as_text(object_at(message.value).get("threadId")), []).append(message)
    if not said:
        raise NothingSaid
    for own, messages in said.items():
        thread = threads.get(own, {})
        messages.sort(key=lambda message: as_text(first_of(object_at(message.value), _TIMES)))
        yield Draft(
            _NAME,
            id=id_within(_NAME, own),
            created=first_of(thread, _TIMES),
            model=as_text(thread.get("model")),
            metadata={"title": thread.get("title")},
            messages=[draft for message in messages for draft in _messages(message)],
        ).finish_at(document.place, *(message.text for message in messages))


def _id_of(thread: dict[str, Any]) -> str:
    return as_text(first_of(thread, ("threadId", "id")))


def _messages(message: Document) -> list[DraftMessage]:
    value = object_at(message.value)
    if not isinstance(value.get("content"), str) and has_shape(value):
        return read_messages([message])
    text = as_text(value.get("content"))
    parts = [*([text_part(text)] if text else []), *map(_file, objects_at(value, "attachments"))]
    draft = DraftMessage(as_text(value.get("role")), parts, message.text)
    draft.id, draft.created = first_of(value, ("messageId", "id")), first_of(value, _TIMES)
    draft.reasoning = as_text(value.get("reasoning"))
    if value.get("status") == "deleted":
        draft.notes.append(note("taken-out"))
    elif value.get("status") == "error":
        draft.more["error"] = as_text(first_of(value, ("error", "serverError")) or "error")
    return [draft]


def _file(attached: dict[str, Any]) -> dict[str, Any]:
    texts = (text for text in attached.values() if isinstance(text, str))
    url = next((text for text in texts if text.startswith(("https://", "http://", "data:"))), "")
    kind, name = first_of(attached, ("mimeType", "type")), first_of(attached, ("fileName", "name"))
    return linked_file(url, as_text(kind), as_text(name))


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A T3 Chat export"),
    seen="exports of 2025, by what reads and writes them",
    keeps="texts, files by their address, which messages were deleted, titles, the model, times; each thread as a "
    "conversation of its own",
    loses="tool calls",
    matches=_matches,
    read=_read,
)
