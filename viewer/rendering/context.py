"""The context that everything rendered for one page shares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import quote

from django.urls import reverse

from viewer.completions.ids import has_address

from .limits import PageBudget

_PATH_SAFE = "~:@!$&'()*+,;="  # what a path segment may contain unquoted (RFC 3986)


@dataclass(frozen=True)
class RenderContext:
    """The conversation, how to show it, and what is left of the page's limits."""

    completion_id: str
    linked: str = ""  # the place that the reader's link leads to: the id of a message, or the place of an answer
    as_source: bool = False  # show every text as written, Markdown too
    budget: PageBudget = field(default_factory=PageBudget)

    @property
    def is_whole(self) -> bool:
        return self.budget.is_whole

    def permalink(self, message_id: str) -> str:
        """Return the URL of a message; empty if its id cannot be used in a URL."""
        is_linked = bool(self._base) and has_address(message_id)
        return f"{self._base}{quote(message_id, safe=_PATH_SAFE)}/" if is_linked else ""

    def with_new_budget(self) -> RenderContext:
        return replace(self, budget=PageBudget(is_whole=self.is_whole))

    def for_item(self, *, is_linked: bool) -> RenderContext:
        """Return a context with a new budget for a linked message or answer, whatever comes before it on the page."""
        return self.with_new_budget() if is_linked else self

    def of_answer(self) -> RenderContext:
        """Return the context for an answer's tool calls: the message of an answer has no URL of its own."""
        return replace(self, completion_id="")

    @cached_property
    def _base(self) -> str:
        # Resolved once per page: resolving a route costs more than getting a bubble from the cache.
        return reverse("permalink", args=[self.completion_id, "-"])[: -len("-/")] if self.completion_id else ""
