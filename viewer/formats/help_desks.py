"""What help desks have in common: who speaks, notes that only colleagues see, events, and files by their address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from .document import Conversation, Document
from .drafts import Draft, DraftMessage, as_text, audio_part, file_part, image_part, note
from .family import first_object, object_at
from .ids import id_within
from .message_lists import first_of

CUSTOMER, COLLEAGUE, NOTE, EVENT = "user", "assistant", "note", "event"
_IDS = ("id", "_id", "fingerprint")


def linked_file(url: str, media_type: str = "", name: str = "") -> dict[str, Any]:
    """Build the part for a file that the help desk keeps at an address."""
    named = name or unquote(urlsplit(url).path.rpartition("/")[2])
    kind, _, subtype = media_type.partition("/")
    if kind == "image" and url:
        return image_part(url, caption=named)
    if kind == "audio" and url:
        return audio_part(url, subtype or named.rpartition(".")[2])
    return file_part(named, data=url)


def pictures_in(parts: Iterable[dict[str, Any]]) -> set[str]:
    """Return the addresses of the pictures that stand in a text already."""
    return {part["image_url"]["url"] for part in parts if part.get("type") == "image_url"}


def as_private(draft: DraftMessage) -> DraftMessage:
    """Make a message a note that the customer did not see."""
    draft.role = NOTE
    draft.notes.append(note("private"))
    return draft


@dataclass(frozen=True)
class Messages:
    """Messages of a help desk that each name their conversation, alone or on pages of a list.

    `lists` are the names under which pages have them; `read` makes messages of one of them.
    """

    family: str
    is_message: Callable[[Any], bool]
    conversation: Callable[[dict[str, Any]], Any]
    read: Callable[[Document], DraftMessage]
    lists: tuple[str, ...] = ("messages",)

    def matches(self, value: Any) -> bool:
        """Whether a value is a message or a page of them."""
        return isinstance(value, dict) and (self.is_message(value) or self._list_in(value) != "")

    def parts(self, document: Document) -> Iterator[Document]:
        """Yield the messages of a page."""
        page = document.at(self._list_in(document.value))
        yield from (one for one in page.items() if isinstance(one.value, dict)) if page else ()

    def key(self, message: Document) -> str:
        """Return the conversation of a message; of one that names none, the file."""
        return as_text(self.conversation(message.value)) or f"file {message.place.file}"

    def own(self, message: Document) -> str:
        """Return the id of a message."""
        return as_text(first_of(message.value, _IDS))

    def join(self, messages: list[Document]) -> Iterator[Conversation]:
        """Read the messages of a conversation, the oldest first."""
        drafts = [self.read(message) for message in messages]
        drafts.sort(key=lambda draft: (isinstance(draft.created, str), draft.created or 0))
        customer = next((draft.name for draft in drafts if draft.role == CUSTOMER and draft.name), "")
        yield Draft(
            self.family,
            id=id_within(self.family, self.conversation(messages[0].value)),
            created=next((draft.created for draft in drafts if draft.created), None),
            metadata={"customer_name": customer},
            messages=drafts,
        ).finish_at(messages[0].place, *(message.text for message in messages))

    def _list_in(self, value: Any) -> str:
        found = (name for name in self.lists if self.is_message(first_object(object_at(value).get(name))))
        return next(found, "")
