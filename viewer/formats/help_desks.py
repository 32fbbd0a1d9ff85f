"""What help desks have in common: who speaks, notes that only colleagues see, events, and files by their address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from .drafts import DraftMessage, audio_part, file_part, image_part, note

CUSTOMER, COLLEAGUE, NOTE, EVENT = "user", "assistant", "note", "event"


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
