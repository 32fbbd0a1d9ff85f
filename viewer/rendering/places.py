"""Places in a conversation: a message by its id, an answer as `choices/0`; their names and addresses.

An id with a slash has no address (`completions.ids`), so no message is mistaken for an answer.
"""

from __future__ import annotations

import math
import re

from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.completions.ids import LONGEST_ID, Flaw, flaw_of, index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.types import Completion

from .lines import in_one_line

_WHY_NO_LINK: dict[Flaw, str] = {
    "missing": gettext_noop("No link: the id is missing"),
    "slash": gettext_noop("No link: the id contains a slash"),
    "dots": gettext_noop("No link: the id consists of dots only"),
    "nul": gettext_noop("No link: the id contains a NUL character"),
    "long": gettext_noop("No link: the id is longer than %(longest)d characters"),
}


def place_of_answer(position: int) -> str:
    """Write the place of an answer; `position` counts the choices from 0, whatever their indexes say."""
    return f"choices/{position}"


def answer_at(place: str) -> int | None:
    """Read the position of an answer out of its place; None for a message."""
    found = re.fullmatch("choices/([0-9]{1,99})", place, re.ASCII)
    return int(found[1]) if found else None


def url_of(completion_id: str, place: str) -> str:
    """Give the address of a place, and that of the conversation where there is none."""
    if not place:
        return reverse("conversation", args=[completion_id])
    position = answer_at(place)
    if position is not None:
        return reverse("answer", args=[completion_id, position])
    return reverse("permalink", args=[completion_id, place])


def why_no_link(item_id: str) -> str:
    """Say in words why an id, of a conversation or of a message, has no address; empty when it has one."""
    flaw = flaw_of(item_id)
    return gettext(_WHY_NO_LINK[flaw]) % {"longest": LONGEST_ID} if flaw else ""


def name_of_answer(position: int, count: int) -> str:
    """Name one of so many answers."""
    if count > 1:
        return gettext("Answer %(n)d of %(count)d") % {"n": position + 1, "count": count}
    return gettext("Answer")


def name_of(completion_id: str, completion: Completion, place: str) -> str:
    """Name an answer, a message by its number, or by its id where that tells none."""
    position = answer_at(place)
    if position is not None:
        return name_of_answer(position, len(completion.choices))
    number = index_of(completion_id, place)
    return in_one_line(escape_invisible(place)) if number is None else f"#{number}"


def in_order(completion_id: str, first: str, last: str) -> tuple[str, str]:
    """Put the ends of a range in the order of the conversation, as far as they tell it; an empty end is an open one."""
    is_turned = bool(last) and _order_of(completion_id, first) > _order_of(completion_id, last)
    return (last, first) if is_turned else (first, last)


def _order_of(completion_id: str, place: str) -> tuple[bool, float]:
    """Give what sorts places: answers behind messages; NaN, which is behind nothing, for an id that tells no number."""
    position, number = answer_at(place), index_of(completion_id, place)
    if position is not None:
        return True, position
    return False, math.nan if number is None else number
