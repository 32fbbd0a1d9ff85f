"""Counts what a whole archived conversation contains, from the counts made when its messages were indexed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.db.models import QuerySet, Subquery

from viewer.deployment.prepared import Prepared

from .messages import ArchivedMessages
from .models import SearchPack, StoredCompletion, fit
from .search.packs import held_by


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many of each kind a conversation contains, and the places of the messages that contain them, in order.

    A place is the position of a message; the answer comes last, at infinity.
    """

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[float]] = field(default_factory=dict)


def holdings_of(completion_id: str, reader: int | None) -> Holdings | None:
    """Count what a person's conversation contains, or return None if it is not indexed yet.

    What messages contain stands apart from their words, which are not read.
    """
    rows = list(_packs(fit(completion_id), reader))
    if not rows or not rows[-1][1]:  # the answer's entry exists only if all others do
        return None
    holdings = Holdings()
    for position, held in chain.from_iterable(held_by(packed) for packed, _ in rows):
        place = math.inf if position is None else position
        for kind, count in held.items():
            holdings.counts[kind] = holdings.counts.get(kind, 0) + count
            holdings.places.setdefault(kind, []).append(place)
    return holdings


@Prepared
def _packs(completion_id: str, reader: int | None) -> QuerySet[SearchPack, Any]:
    completion = StoredCompletion.objects.named(completion_id, reader)
    packs = SearchPack.objects.filter(completion=Subquery(completion.values("pk"))).order_by("first")
    return packs.values_list("held", "is_last")


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
    messages = ArchivedMessages(fit(completion_id), reader)
    current = messages.position_of(fit(after))
    ordered = places[::-1] if is_backward else places
    following = [
        place for place in ordered if current is not None and (place < current if is_backward else place > current)
    ]
    place = (following or ordered)[0]
    return "" if place == math.inf else messages.id_at(int(place))
