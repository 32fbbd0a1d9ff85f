"""Draws the rows of lists and of search results."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from viewer.conversations.hits import HitView
from viewer.conversations.row_html import body_html, joined, row_html, snippet_html
from viewer.conversations.rows import Row
from viewer.web.templatetags.formats import day_in_words, local_day

register = template.Library()
register.filter("snippet", snippet_html)


@register.simple_tag
def row_above_hits(row: Row, hits: Sequence[HitView], *, is_by_day: bool) -> SafeString:
    """Draw what is in the row of a result; it says the same whichever words were found below it."""
    return body_html(row, is_by_day=is_by_day, has_hits=bool(hits))


@register.simple_tag
def rows_by_day(rows: list[Row]) -> SafeString:
    """Draw rows, with the day in words above the first of each day."""
    drawn: list[SafeString] = []
    day: object = drawn  # no day
    for row in rows:
        if day != (day := local_day(row.created)):
            drawn.append(day_html(day_in_words(row.created)))
        drawn.append(row_html(row, is_by_day=True))
    return joined(drawn)


@register.simple_tag
def rows_beside(rows: list[Row], completion_id: str) -> SafeString:
    """Draw the rows beside an open conversation."""
    return joined(row_html(row, current=completion_id) for row in rows)


@register.filter
def day_html(words: str) -> SafeString:
    """Draw the line above the rows of a day."""
    return format_html('<li class="day" data-day="{0}">\n<h2>{0}</h2>\n</li>\n', words)
