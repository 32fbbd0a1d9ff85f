"""Tells what an archived conversation holds as a whole, from what was counted when its messages were indexed."""

from __future__ import annotations

from dataclasses import dataclass, field

from .models import SearchEntry, StoredMessage, read_held

_Place = int | None  # the position of a message; None for the answer, which comes last


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many of each kind a conversation holds, and the places of the messages that hold them, in order."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[_Place]] = field(default_factory=dict)


def holdings_of(completion_id: str) -> Holdings | None:
    """Count what a conversation holds; None where it is not indexed yet. Only what holds something is read."""
    entries = SearchEntry.objects.filter(completion__completion_id=completion_id)
    if not entries.filter(position=None).exists():
        return None
    found = Holdings()
    holding = sorted(entries.exclude(held="").values_list("position", "held"), key=lambda one: (one[0] is None, one[0]))
    for place, text in holding:
        for kind, count in read_held(text).items():
            found.counts[kind] = found.counts.get(kind, 0) + count
            found.places.setdefault(kind, []).append(place)
    return found


def next_holder(completion_id: str, kind: str, after: str) -> str | None:
    """Give the id of the first message behind another that holds a kind, else of the first one; "" for the answer.

    None where nothing holds it.
    """
    holdings = holdings_of(completion_id)
    places = holdings.places.get(kind, []) if holdings else []
    if not places:
        return None
    messages = StoredMessage.objects.filter(completion__completion_id=completion_id)
    here = messages.filter(message_id=after).values_list("position", flat=True).first()
    behind = [place for place in places if here is None or place is None or place > here]
    place = (behind or places)[0]
    return "" if place is None else messages.values_list("message_id", flat=True).get(position=place)
