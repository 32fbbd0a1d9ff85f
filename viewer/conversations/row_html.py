"""The HTML of a row of a list. In Python, because a template takes half a millisecond for each, most of a list's time.

Every value goes through `format_html`, which escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone_name, localdate
from django.utils.translation import get_language, gettext, ngettext

from viewer.archive.search.snippets import Snippet
from viewer.completions.invisibles import escape_invisible
from viewer.deployment.kept import Kept
from viewer.review.templatetags.review import mark_chips
from viewer.web.templatetags.formats import clock, grouped, iso, short_time, utc_time

from .facts import KINDS
from .rows import Row

_NOTHING = SafeString()
_SHOWN_PAIRS = 2  # of metadata
_said: Kept[SafeString] = Kept(2_000_000)  # characters of HTML, of some two thousand rows


def row_html(row: Row, *, current: str = "", is_by_day: bool = False) -> SafeString:
    """Draw a row as an item of a list; `current` is the id of the open conversation."""
    return format_html(
        '<li class="row{}"{}>\n{}\n</li>\n',
        " row--new" if row.is_new else "",
        format_html(' data-completion-id="{}"', row.id) if row.id else _NOTHING,
        body_html(row, current=current, is_by_day=is_by_day),
    )


def body_html(row: Row, *, current: str = "", is_by_day: bool = False, has_hits: bool = False) -> SafeString:
    """Draw what is in a row. With hits, which show the words of the conversation below it, without its answer."""
    return format_html(
        '<div class="row__text">\n<a class="row__title" {} dir="auto"{}>\n{}{}\n</a>\n{}{}',
        format_html('href="{}"', row.url) if row.url else SafeString('tabindex="-1"'),
        SafeString(' aria-current="page"') if row.id == current else _NOTHING,
        format_html('<span class="visually-hidden">{}</span>\n', gettext("Not yet seen:")) if row.is_new else _NOTHING,
        escape_invisible(row.title),
        format_html('<p class="row__marks">\n{}</p>\n', mark_chips(row.marks)) if row.marks else _NOTHING,
        _said_html(row, is_by_day=is_by_day, has_hits=has_hits),
    )


def _said_html(row: Row, *, is_by_day: bool, has_hits: bool) -> SafeString:
    """Draw what the conversation itself says, which was mostly drawn before."""
    of_everybody = replace(row, is_new=False, marks=None)
    where = (get_language(), get_current_timezone_name(), localdate())
    return _said.of((of_everybody, is_by_day, has_hits, where), lambda: _draw_said(row, is_by_day, has_hits), len)


def _draw_said(row: Row, is_by_day: bool, has_hits: bool) -> SafeString:
    return format_html(
        '{}</div>\n{}<span class="row__model">{}</span>\n{}{}',
        _answer_html(row, has_hits=has_hits),
        _metadata_html(row),
        escape_invisible(row.model),
        _contents_html(row),
        _time_html(row, is_by_day=is_by_day),
    )


def snippet_html(snippet: Snippet) -> SafeString:
    """Draw the words around a match, with what matched marked."""
    return joined(
        format_html("<mark>{}</mark>" if is_marked else "{}", escape_invisible(text)) for text, is_marked in snippet
    )


def joined(drawn: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(drawn))  # noqa: S308  # each of them was escaped


def _answer_html(row: Row, *, has_hits: bool) -> SafeString:
    if has_hits and not (row.ending or row.no_link):
        return _NOTHING
    words = snippet_html(row.snippet) if row.snippet else escape_invisible(row.answered)
    return format_html(
        '<p class="row__answer" dir="auto">\n{}{}{}{}</p>\n',
        format_html("<b data-no-link>{}</b>{}", row.no_link, " · " if row.answered else "") if row.no_link else "",
        format_html('<span class="chip chip--warn">{}</span>\n', row.ending) if row.ending else "",
        format_html("<b>{}</b>\n", row.answered_by) if row.answered_by and not has_hits else "",
        "" if has_hits else format_html("{}\n", words),
    )


def _metadata_html(row: Row) -> SafeString:
    pairs = [(escape_invisible(key), escape_invisible(value)) for key, value in row.metadata[:_SHOWN_PAIRS]]
    return format_html(
        '<ul class="row__metadata" aria-label="{}">\n{}</ul>\n',
        gettext("Metadata"),
        format_html_join(
            "", '<li title="{0}: {1}">\n<span>{0}:</span> {1}\n</li>\n', ((key, value) for key, value in pairs)
        ),
    )


def _contents_html(row: Row) -> SafeString:
    language = get_language()
    return format_html(
        '<ul class="row__contents" aria-label="{}">\n{}{}</ul>\n',
        gettext("Contents"),
        _NOTHING if row.messages is None else _messages_html(row.messages, language),
        joined(_content_html(kind.name, count, language) for kind, count in row.contents),
    )


@lru_cache(maxsize=1_000)  # few numbers are common
def _messages_html(count: int, _language: str | None) -> SafeString:
    how_many = ngettext("%(shown)s message", "%(shown)s messages", count) % {"shown": grouped(count)}
    return format_html(
        '<li title="{0}">\n<i class="icon icon-message" aria-hidden="true"></i>\n<span aria-hidden="true">{1}</span>\n'
        '<span class="visually-hidden">{0}</span>\n</li>\n',
        how_many,
        grouped(count),
    )


@lru_cache(maxsize=1_000)
def _content_html(name: str, count: int, _language: str | None) -> SafeString:
    kind = KINDS[name]
    return format_html(
        '<li class="row__{0}" title="{1}: {2}">\n<i class="icon icon-{3}" aria-hidden="true"></i>\n'
        '<span class="visually-hidden">{1}:</span>\n{4}\n</li>\n',
        name,
        gettext(kind.label),
        count,
        kind.icon,
        grouped(count),
    )


def _time_html(row: Row, *, is_by_day: bool) -> SafeString:
    if row.created is None:
        return format_html(
            '<span class="row__time" title="{0}">\n<span aria-hidden="true">–</span>\n'
            '<span class="visually-hidden">{0}</span>\n</span>\n',
            gettext("date unknown"),
        )
    where = (get_language(), get_current_timezone_name(), localdate())
    return _moment_html(row.created, is_by_day, where)


@lru_cache(maxsize=2_000)  # to format one time takes as long as all else of a row
def _moment_html(moment: datetime, is_by_day: bool, _where: tuple[str | None, str, date]) -> SafeString:
    return format_html(
        '<time class="row__time" datetime="{}" title="{}">{}</time>\n',
        iso(moment),
        utc_time(moment),
        clock(moment) if is_by_day else short_time(moment),
    )
