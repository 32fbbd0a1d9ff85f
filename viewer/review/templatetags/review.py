"""Template filters for what the team says of a conversation."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext_lazy, pgettext_lazy

from viewer.review.notes import name_of_person

register = template.Library()
register.filter("person_name", name_of_person)
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
