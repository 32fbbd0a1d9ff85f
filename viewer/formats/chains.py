"""Finds which recordings go on where another ends, by what they repeat of it: for calls that name no conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Link:
    """How a recording hangs together with others, as digests of what was said.

    `opens` is its first input; `follows` are the beginnings of that which end with an answer, the longest first; `ends`
    are all of it, with each of its last answers; none if it has no answer. `start` is in Unix seconds. `completes` says
    that it only brings the answer to a recording that opens alike and has none.
    """

    opens: bytes
    follows: tuple[bytes, ...]
    ends: tuple[bytes, ...]
    start: float
    completes: bool = False


def chained(links: Iterable[tuple[_Key, Link]]) -> dict[_Key, _Key]:
    """Return for each recording the first one of its conversation.

    In the order of their time, each goes on with the oldest conversation that ends with what it repeats and that nobody
    has gone on with. If it was asked with the very same history before, it is of that conversation; a recording without
    an answer leaves its place to others. So two customers who said the same are two conversations.
    """
    first: dict[_Key, _Key] = {}
    open_ends: dict[bytes, list[_Key]] = {}
    ends_of: dict[_Key, set[bytes]] = {}
    asked: dict[bytes, _Key] = {}
    unanswered: dict[bytes, list[_Key]] = {}
    for key, link in sorted(links, key=lambda pair: pair[1].start):
        end = next((end for end in link.follows if open_ends.get(end)), None)
        waiting = unanswered.get(link.opens) if link.completes else None
        root = waiting.pop(0) if waiting else asked.get(link.opens, key if end is None else open_ends[end][0])
        first[key] = root
        if root != key:
            asked[link.opens] = root
        if not link.ends:
            unanswered.setdefault(link.opens, []).append(root)
        else:
            for ending in ends_of.pop(root, ()):
                open_ends[ending].remove(root)
            ends_of[root] = set(link.ends)
            for ending in ends_of[root]:
                open_ends.setdefault(ending, []).append(root)
    return first
