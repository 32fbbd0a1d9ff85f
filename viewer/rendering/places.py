"""Places in a conversation, their names and URLs: the id of a message, or `choices/0` for an answer.

An id with a slash cannot be used in a URL (`completions.ids`), so no message is mistaken for an answer.
"""

from __future__ import annotations

import math
import re
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.completions.ids import MAX_ID_LENGTH, Flaw, flaw_of, index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import in_one_line
from viewer.completions.types import Completion

_PATH_SAFE = "~:@!$&'()*+,;="  # what a path segment may contain unquoted (RFC 3986)
_WHY_NO_LINK: dict[Flaw, str] = {
    "missing": gettext_noop("No link: the id is missing"),
    "slash": gettext_noop("No link: the id contains a slash"),
    "dots": gettext_noop("No link: the id consists of dots only"),
    "nul": gettext_noop("No link: the id contains a NUL character"),
    "long": gettext_noop("No link: the id is longer than %(longest)d characters"),
}


def place_of_answer(position: int) -> str:
    """Return the place of an answer; `position` counts the choices from 0, whatever their `index` is."""
    return f"choices/{position}"


def answer_at(place: str) -> int | None:
    """Parse the position of an answer from its place; None for a message."""
    match = re.fullmatch("choices/([0-9]{1,99})", place, re.ASCII)
    return int(match[1]) if match else None


def home_of(completion_id: str) -> str:
    """Return the URL of a conversation, below which all others of it are."""
    return reverse("conversation", args=[completion_id])


def url_of(completion_id: str, place: str) -> str:
    """Return the URL of a place; for an empty one, the URL of the conversation."""
    return url_in(home_of(completion_id), place)


def url_in(home: str, place: str) -> str:
    """Return the URL of a place below the URL of its conversation, or of a share of it."""
    if not place:
        return home
    position = answer_at(place)
    if position is not None:
        return f"{home}choices/{position}/"
    return f"{home}messages/{quote(place, safe=_PATH_SAFE)}/"


def why_no_link(item_id: str) -> str:
    """Say why the id of a conversation or message cannot be used in a URL; empty if it can."""
    flaw = flaw_of(item_id)
    return gettext(_WHY_NO_LINK[flaw]) % {"longest": MAX_ID_LENGTH} if flaw else ""


def name_of_answer(position: int, count: int) -> str:
    """Name one of `count` answers."""
    if count > 1:
        return gettext("Answer %(n)d of %(count)d") % {"n": position + 1, "count": count}
    return gettext("Answer")


def name_of(completion_id: str, completion: Completion, place: str) -> str:
    """Name an answer, or a message by its number; by its id if that has no number."""
    position = answer_at(place)
    if position is not None:
        return name_of_answer(position, len(completion.choices))
    number = index_of(completion_id, place)
    return in_one_line(escape_invisible(place)) if number is None else f"#{number}"


def in_order(completion_id: str, first: str, last: str) -> tuple[str, str]:
    """Put the ends of a range in the order of the conversation, if it is known; an empty `last` is an open end."""
    is_reversed = bool(last) and _sort_key(completion_id, first) > _sort_key(completion_id, last)
    return (last, first) if is_reversed else (first, last)


def _sort_key(completion_id: str, place: str) -> tuple[bool, float]:
    """Return a sort key: answers after messages; NaN, which sorts after nothing, for an id without a number."""
    position, number = answer_at(place), index_of(completion_id, place)
    if position is not None:
        return True, position
    return False, math.nan if number is None else number
