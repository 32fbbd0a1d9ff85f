"""Mem0's memories: facts about a user and no conversation, which is said so that nobody looks for the talk in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.family import Family, first_object


def _is_memory(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("memory"), str) and {"id", "hash"} <= value.keys()


def _matches(value: Any) -> bool:
    first = first_object(value.get("results") if isinstance(value, dict) else value)
    return _is_memory(value) or _is_memory(first)


def _read(document: Document) -> Iterator[Conversation]:
    raise NotReadable(
        _now(
            "These are memories of Mem0: facts that it keeps about a user, not what was said. Import the conversation "
            "from the app that gave it to Mem0."
        )
    )


FAMILY = Family(
    name="mem0",
    title="Mem0",
    what=gettext_lazy("A file of Mem0 memories"),
    seen="mem0ai 2.2.1",
    keeps="nothing that can be read as a conversation; the import says so",
    loses="what was said: it keeps facts about users",
    matches=_matches,
    read=_read,
)
