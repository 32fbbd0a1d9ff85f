"""Template filters for what the team says of a conversation."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from viewer.archive.labels import Marks
from viewer.completions.invisibles import escape_invisible

register = template.Library()
_STATUSES = {
    "": gettext_lazy("No status"),
    "open": pgettext_lazy("state", "Open"),
    "escalated": gettext_lazy("Escalated"),
    "reviewed": gettext_lazy("Reviewed"),
}


@register.filter
def status_in_words(status: str) -> str:
    """Name a status; one that a newer version stored by itself."""
    return str(_STATUSES.get(status, status))


@register.filter
def mark_chips(marks: Marks) -> SafeString:
    """Draw what the team says of a conversation. In Python, because every row of a list has it."""
    status, who = marks.status, marks.assignee
    return format_html(
        "{}{}{}",
        format_html('<span class="chip status status--{}">{}</span>\n', status, status_in_words(status))
        if status
        else "",
        format_html_join(
            "",
            '<span class="chip label label--{}">{}</span>\n',
            ((label.colour, escape_invisible(label.name)) for label in marks.labels),
        ),
        format_html(
            '<span class="assignee" title="{}">\n<span class="visually-hidden">{}</span>\n@{}\n</span>\n',
            gettext("Assignee"),
            gettext("Assignee:"),
            escape_invisible(who.username),
        )
        if who
        else "",
    )
