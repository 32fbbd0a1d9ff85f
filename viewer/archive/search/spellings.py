"""Counts values as filters find them: all spellings that have the same mark are one value, shown in the commonest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import connection

from viewer.completions.folding import fold

from .marks import mark, model_without_date

_MAX_PAIRS = 1_000  # different ones that are looked through

Counted = tuple[str, str, int]  # an operator's name, a value, and how many conversations have it


def shared_mark(name: str, value: str) -> str:
    """Return the mark that a value of an operator has in common with its other spellings; of a model, without date."""
    return mark(fold(name), model_without_date(value) if name.lower() == "model" else value)


def join_spellings(counted: Iterable[Counted]) -> list[Counted]:
    """Join what one filter finds, the commonest first, and show its commonest spelling: of a key as of a value."""
    written = Counter[tuple[str, str]]()
    for name, value, count in counted:
        written[name, value] += count
    names, shown, counts = dict[str, str](), dict[str, tuple[str, str]](), Counter[str]()
    for (name, value), count in written.most_common():
        same = shared_mark(name, value)
        shown.setdefault(same, (names.setdefault(fold(name), name), value))
        counts[same] += count
    return [(*shown[same], count) for same, count in counts.most_common()]


def count_pairs(counted: str, params: Iterable[Any]) -> list[Counted]:
    """Return the commonest metadata pairs of a statement that counts each key and value as it is written.

    The database orders them with what differs in capitals alone, so that none is cut off from its other spellings.
    """
    sql = (
        f"SELECT key, value, count FROM ({counted}) AS counted ORDER BY SUM(count) OVER (PARTITION BY key, "
        f"LOWER(value)) DESC, key, LOWER(value), count DESC, value LIMIT {_MAX_PAIRS}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params])
        return join_spellings((f"meta.{key}", value, count) for key, value, count in cursor.fetchall())
