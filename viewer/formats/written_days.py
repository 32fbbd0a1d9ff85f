"""Dates and times as messengers write them for people: which is the month is told by the dates of a whole chat."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

_FIRST = date(2009, 1, 1)
_ORDERS = ("YMD", "DMY", "MDY")
_CLOCK = re.compile(r"(\D{0,12})(\d{1,2})[.:](\d{2})(?:[.:](\d{2}))?(\D{0,12})")
_MORNING = ("am", "上午", "早上", "凌晨", "午前", "오전")
_AFTERNOON = ("pm", "下午", "晚上", "午後", "오후")


def plain(written: str) -> str:
    """Return a date without its spaces and the point behind it."""
    return written.replace(" ", "").rstrip(".")


def day_of(written: str, order: str) -> date | None:
    """Return a day; None if it is none, or one that is still to come, as the years of Thailand would be."""
    numbers = dict(zip(order, re.split(r"[./-]", written), strict=True))
    is_short = len(numbers["Y"]) == 2 and order != "YMD"
    try:
        day = date(int(numbers["Y"]) + (2000 if is_short else 0), int(numbers["M"]), int(numbers["D"]))
    except ValueError:
        return None
    return day if _FIRST <= day <= datetime.now(UTC).date() + timedelta(days=2) else None


def orders_of(written: list[str]) -> list[str]:
    """Return the orders of year, month and day in which these are dates, and go back the least."""
    orders = [order for order in _ORDERS if all(day_of(each, order) for each in written)]
    steps = {order: _steps_back(written, order) for order in orders}
    return [order for order in orders if steps[order] == min(steps.values())]


def _steps_back(written: list[str], order: str) -> int:
    days = [day for each in written if (day := day_of(each, order))]
    return sum(before > after for before, after in pairwise(days))


def moment_of(written: str, clock: str, order: str) -> str | None:
    """Return when something was written, by the clock of the device; None if that cannot be told."""
    day = day_of(plain(written), order) if order else None
    found = _CLOCK.fullmatch(clock)
    if day is None or found is None:
        return None
    period = re.sub(r"[^\w]", "", found[1] + found[5]).casefold()
    hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    if period in (*_MORNING, *_AFTERNOON) and 1 <= hour <= 12:
        hour = hour % 12 + (12 if period in _AFTERNOON else 0)
    elif period:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    return f"{day.isoformat()}T{hour:02}:{minute:02}:{second:02}"
