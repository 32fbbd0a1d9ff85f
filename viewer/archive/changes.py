"""Says how a completion differs from the one that is stored: for whoever saves or replaces it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from viewer.completions.source_text import decode_object

from .importing import Record
from .messages import messages_of
from .models import StoredCompletion


@dataclass(frozen=True, slots=True)
class Change:
    """A metadata value or another field that differs; None where one of the two has none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs: metadata, the answer, other fields by name, and how many messages."""

    metadata: tuple[Change, ...] = ()
    has_other_answer: bool = False
    fields: tuple[str, ...] = ()
    new_messages: int = 0
    missing_messages: int = 0
    changed_messages: int = 0

    def __bool__(self) -> bool:
        return self != Changes()


def changes_to(stored: StoredCompletion, record: Record) -> Changes:
    """Compare a stored completion with what was received now, by the values of the JSON, however it is written."""
    return _changes((stored.body, dict(messages_of(stored))), (record.body, dict(record.messages)))


def changes_between(older: StoredCompletion, newer: StoredCompletion) -> Changes:
    """Compare two stored completions."""
    before, after = ((stored.body, dict(messages_of(stored))) for stored in (older, newer))
    return _changes(before, after)


def _changes(before: tuple[str, dict[str, str]], after: tuple[str, dict[str, str]]) -> Changes:
    old, new = decode_object(before[0]), decode_object(after[0])
    old_pairs, new_pairs = _metadata(old), _metadata(new)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    old_messages, new_messages = before[1], after[1]
    shared = old_messages.keys() & new_messages.keys()
    return Changes(
        metadata=tuple(
            Change(name, old_pairs.get(name), new_pairs.get(name))
            for name in {**old_pairs, **new_pairs}
            if old_pairs.get(name) != new_pairs.get(name)
        ),
        has_other_answer="choices" in names,
        fields=tuple(name for name in names if name not in ("metadata", "choices")),
        new_messages=len(new_messages.keys() - shared),
        missing_messages=len(old_messages.keys() - shared),
        changed_messages=sum(
            old_messages[one] != new_messages[one]
            and decode_object(old_messages[one]) != decode_object(new_messages[one])
            for one in shared
        ),
    )


def _metadata(body: dict[str, Any]) -> dict[str, str]:
    pairs = body.get("metadata")
    if not isinstance(pairs, dict):
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in pairs.items()}
