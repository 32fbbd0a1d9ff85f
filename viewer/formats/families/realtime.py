"""Recorded sessions of OpenAI's Realtime API: its events, from which the items of the conversation are put together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.family import Family, list_at, object_at

from .responses import read_items

_NAME = "openai-realtime"
_BEGINNINGS = ("conversation.item.", "session.", "input_audio_buffer.", "conversation.created", "rate_limits.")
_SETTINGS = ("tools", "tool_choice", "temperature")
_SPOKEN = ("transcript", "text")


def _matches(value: Any) -> bool:
    """Whether a value is an event; those of responses have an id of the event, which the Responses API has not."""
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    kind = value["type"]
    return kind.startswith(_BEGINNINGS) or (kind.startswith("response.") and "event_id" in value)


def _join(events: list[Document]) -> Iterator[Conversation]:
    sessions: list[list[Document]] = [[]]
    for event in events:
        if event.value["type"] == "session.created" and sessions[-1]:
            sessions.append([])
        sessions[-1].append(event)
    found = [each for each in map(_session, sessions) if each is not None]
    if not found:
        raise NothingSaid
    yield from found


def _session(events: list[Document]) -> Conversation | None:
    items = _Items()
    for event in events:
        items.take(event)
    if not items.found:
        return None
    about = [object_at(event.value, "session") for event in events if event.value["type"].startswith("session.")]
    session: dict[str, Any] = {name: each for one in about for name, each in one.items() if each is not None}
    messages = read_items(items.documents(events[0]))
    if text := as_text(session.get("instructions")):
        messages.insert(0, DraftMessage("system", text))
    draft = Draft(_NAME, id=session.get("id"), model=as_text(session.get("model")), messages=messages)
    draft.created = next((time for event in events if (time := _time_of(event.value))), None)
    draft.fields = {name: session[name] for name in _SETTINGS if session.get(name)}
    return draft.finish_at(events[0].place, *(event.text for event in events))


def _time_of(event: dict[str, Any]) -> Any:
    """Return when an event was recorded, which only logs around it say."""
    return next((event[name] for name in ("timestamp", "ts", "time", "created_at") if event.get(name)), None)


class _Items:
    """The items of a session in their order, each as it was at last."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {}
        self._order: list[str] = []

    def take(self, event: Document) -> None:
        """Take what an event says of items."""
        value, kind = event.value, event.value["type"]
        if kind == "conversation.item.deleted":
            return  # it was said all the same
        if object_at(value, "item"):
            self._add(value["item"], value.get("previous_item_id"))
        for item in list_at(value, "response", "output"):
            if isinstance(item, dict):
                self._add(item, None)
        if kind.endswith((".done", ".completed")) and isinstance(value.get("item_id"), str):
            self._hear(value)

    def documents(self, event: Document) -> Iterator[Document]:
        """Yield the items."""
        for name in self._order:
            pairs = [(key, json.dumps(each, ensure_ascii=False)) for key, each in self.found[name].items()]
            yield Document(to_object(pairs), event.place, event.find)

    def _add(self, item: dict[str, Any], previous: Any) -> None:
        name = as_text(item.get("id")) or f"{len(self._order)}"
        if name not in self.found:
            place = self._order.index(previous) + 1 if previous in self._order else len(self._order)
            self._order.insert(place, name)
        known = self.found.get(name, {})
        self.found[name] = known | {key: each for key, each in item.items() if each not in (None, [])}
        self._keep_heard(known, self.found[name])

    def _keep_heard(self, known: dict[str, Any], item: dict[str, Any]) -> None:
        """Keep what was heard of a message where a later event has it without its words."""
        for before, after in zip(list_at(known, "content"), list_at(item, "content"), strict=False):
            for name in _SPOKEN if isinstance(before, dict) and isinstance(after, dict) else ():
                if before.get(name) and not after.get(name):
                    after[name] = before[name]

    def _hear(self, event: dict[str, Any]) -> None:
        """Take the words of a part that was spoken, or written."""
        item = self.found.get(event["item_id"])
        words = {name: event[name] for name in _SPOKEN if isinstance(event.get(name), str) and event[name]}
        if item is None or not words or "content_index" not in event:
            return
        parts, index = item.setdefault("content", []), event["content_index"]
        is_next = isinstance(parts, list) and index == len(parts)
        if is_next:
            parts.append({"type": "audio" if "transcript" in words else "text"})
        if isinstance(parts, list) and isinstance(index, int) and index < len(parts) and isinstance(parts[index], dict):
            parts[index] |= words


FAMILY = Family(
    name=_NAME,
    title="OpenAI Realtime",
    what=gettext_lazy("An OpenAI Realtime session"),
    seen="events of 2024 and 2025, by their description",
    keeps="what was said, by its transcript, texts, tool calls and results, instructions, tools, the model",
    loses="the sound, which comes in pieces; times",
    matches=_matches,
    key=lambda document: f"session {document.place.file}",
    join=_join,
)
