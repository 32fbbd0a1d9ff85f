"""The text of one problem, as the pages and fragments of problems show it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.translation import ngettext

_TRANSIENT = ("rate-limited", "timeout", "unavailable")
_MAX_COUNTDOWN = 3600  # seconds; a longer wait is given in hours or days


@dataclass(frozen=True, slots=True)
class ProblemText:
    """A problem in words. `detail` is the server's own text if `is_quoted`, else ours; `status` is our page's."""

    name: str
    title: str
    advice: str
    status: int
    detail: str = ""
    is_quoted: bool = False
    wait: int = 0  # whole seconds until a retry makes sense
    request_id: str = ""
    is_of_list: bool = False
    names_source: bool = False  # in its title
    needs_administrator: bool = False

    @property
    def is_transient(self) -> bool:
        """Whether it may go away by itself."""
        return self.name in _TRANSIENT

    @property
    def leads_to_keys(self) -> bool:
        """Whether another key or another base URL would help."""
        return self.name in ("invalid-key", "forbidden", "not-found" if self.is_of_list else "unsupported")

    @property
    def opens_by_id(self) -> bool:
        """Whether the source may still open a conversation by its id, although it cannot list any."""
        return self.is_of_list and self.name in ("unsupported", "not-found")

    @property
    def later(self) -> str:
        """When to try again, if that is too far off for a countdown."""
        if self.wait <= _MAX_COUNTDOWN:
            return ""
        hours = math.ceil(self.wait / 3600)
        if hours < 48:
            return ngettext("Try again in %(count)d hour.", "Try again in %(count)d hours.", hours) % {"count": hours}
        days = math.ceil(hours / 24)
        return ngettext("Try again in %(count)d day.", "Try again in %(count)d days.", days) % {"count": days}
