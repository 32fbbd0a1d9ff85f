"""Tells what an archived conversation holds as a whole, from what was counted when its messages were indexed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .models import SearchEntry, StoredMessage, read_held


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many of each kind a conversation holds, and the places of the messages that hold them, in order.

    A place is the position of a message; the answer, which comes last, is at infinity.
    """

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[float]] = field(default_factory=dict)


def holdings_of(completion_id: str) -> Holdings | None:
    """Count what a conversation holds; None where it is not indexed yet. Only what holds something is read."""
    entries = SearchEntry.objects.filter(completion__completion_id=completion_id)
    holding = entries.exclude(held="").values_list("position", "held")
    answer = entries.filter(position=None).values_list("position", "held")
    read = sorted((math.inf if position is None else position, held) for position, held in holding.union(answer))
    if not read or read[-1][0] != math.inf:  # an answer's entry is there when all are
        return None
    found = Holdings()
    for place, text in read:
        for kind, count in read_held(text).items():
            found.counts[kind] = found.counts.get(kind, 0) + count
            found.places.setdefault(kind, []).append(place)
    return found


def next_holder(completion_id: str, kind: str, after: str, *, is_backward: bool = False) -> str | None:
    """Give the id of the first message behind another that holds a kind, else of the first one; "" for the answer.

    None where nothing holds it.
    """
    holdings = holdings_of(completion_id)
    places = holdings.places.get(kind, []) if holdings else []
    if not places:
        return None
    messages = StoredMessage.objects.filter(completion__completion_id=completion_id)
    here = messages.filter(message_id=after).values_list("position", flat=True).first()
    ordered = places[::-1] if is_backward else places
    behind = [place for place in ordered if here is not None and (place < here if is_backward else place > here)]
    place = (behind or ordered)[0]
    return "" if place == math.inf else messages.values_list("message_id", flat=True).get(position=int(place))
