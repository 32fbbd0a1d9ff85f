"""Labels and CSS classes of roles."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from viewer.completions.invisibles import escape_invisible

_LABELS = {
    "system": gettext_noop("System prompt"),
    "developer": gettext_noop("Developer prompt"),
    "user": gettext_noop("Customer"),
    "assistant": gettext_noop("Assistant"),
    "tool": gettext_noop("Tool result"),
    "function": gettext_noop("Function result"),
    "note": gettext_noop("Private note"),
    "event": gettext_noop("Event"),
}
_LOOKS = {"developer": "system", "function": "tool", "note": "private", "event": "neutral"}  # which look like another


def role_label(role: str) -> str:
    """Return the label of a role; the name of an unknown one."""
    if role in _LABELS:
        return gettext(_LABELS[role])
    return gettext("Role “%(name)s”") % {"name": escape_invisible(role)} if role else gettext("No role")


def role_look(role: str) -> str:
    """Return the CSS class of a role."""
    return _LOOKS.get(role, role) if role in _LABELS else "neutral"
