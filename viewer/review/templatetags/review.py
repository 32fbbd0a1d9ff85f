"""Template filters for what the team says of a conversation."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext, gettext_noop

from viewer.review.notes import name_of_person

register = template.Library()
register.filter("person_name", name_of_person)
_STATUSES = {
    "": gettext_noop("No status"),
    "open": gettext_noop("Open"),
    "escalated": gettext_noop("Escalated"),
    "reviewed": gettext_noop("Reviewed"),
}


@register.filter
def status_in_words(status: str) -> str:
    """Name a status; one that a newer version stored by itself."""
    return gettext(_STATUSES[status]) if status in _STATUSES else status
