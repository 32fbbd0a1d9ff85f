"""Counts what a whole archived conversation contains, from the counts made when its messages were indexed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from django.db.models import Subquery

from .models import SearchEntry, StoredCompletion, StoredMessage, read_held


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many of each kind a conversation contains, and the places of the messages that contain them, in order.

    A place is the position of a message; the answer comes last, at infinity.
    """

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[float]] = field(default_factory=dict)


def holdings_of(completion_id: str, reader: int | None) -> Holdings | None:
    """Count what a person's conversation contains, or return None if it is not indexed yet.

    Empty entries are not read.
    """
    completion = StoredCompletion.objects.named(completion_id, reader)
    entries = SearchEntry.objects.filter(completion=Subquery(completion.values("pk")))
    holding = entries.exclude(held="").values_list("position", "held")
    answer = entries.filter(position=None).values_list("position", "held")
    rows = sorted((math.inf if position is None else position, held) for position, held in holding.union(answer))
    if not rows or rows[-1][0] != math.inf:  # the answer's entry exists only if all others do
        return None
    holdings = Holdings()
    for place, text in rows:
        for kind, count in read_held(text).items():
            holdings.counts[kind] = holdings.counts.get(kind, 0) + count
            holdings.places.setdefault(kind, []).append(place)
    return holdings


def next_message_with(
    completion_id: str, reader: int | None, kind: str, after: str, *, is_backward: bool = False
) -> str | None:
    """Return the id of the next message after `after` that contains a kind, or of the first one if there is none.

    "" stands for the answer. Return None if the kind does not occur.
    """
    holdings = holdings_of(completion_id, reader)
    places = holdings.places.get(kind, []) if holdings else []
    if not places:
        return None
    completion = StoredCompletion.objects.named(completion_id, reader)
    messages = StoredMessage.objects.filter(completion=Subquery(completion.values("pk")))
    current = messages.filter(message_id=after).values_list("position", flat=True).first()
    ordered = places[::-1] if is_backward else places
    following = [
        place for place in ordered if current is not None and (place < current if is_backward else place > current)
    ]
    place = (following or ordered)[0]
    return "" if place == math.inf else messages.values_list("message_id", flat=True).get(position=int(place))
