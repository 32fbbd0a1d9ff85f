"""What everything that is rendered for one page shares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from urllib.parse import quote

from django.urls import reverse

from viewer.completions.ids import has_address

from .limits import PageBudget

_PATH_SAFE = "~:@!$&'()*+,;="  # what a path segment may hold as it is (RFC 3986)


@dataclass(frozen=True)
class RenderContext:
    """The conversation, how it is to be shown, and what is left of the limits of the page."""

    completion_id: str
    linked: str = ""  # the place that the reader's link leads to: the id of a message, or an answer's place
    as_source: bool = False  # every text as it was written, Markdown and all
    budget: PageBudget = field(default_factory=PageBudget)

    @property
    def is_whole(self) -> bool:
        return self.budget.is_whole

    def permalink(self, message_id: str) -> str:
        """Give the address of a message; empty for an id that has none."""
        is_linked = bool(self._base) and has_address(message_id)
        return f"{self._base}{quote(message_id, safe=_PATH_SAFE)}/" if is_linked else ""

    def with_new_budget(self) -> RenderContext:
        return replace(self, budget=PageBudget(is_whole=self.is_whole))

    def for_item(self, *, is_linked: bool) -> RenderContext:
        """Give a linked message or answer a budget of its own, however much comes before it on the page."""
        return self.with_new_budget() if is_linked else self

    def of_answer(self) -> RenderContext:
        """Give the context of an answer's tool calls: the message of an answer has no address of its own."""
        return replace(self, completion_id="")

    @cached_property
    def _base(self) -> str:
        # Resolved once for the page: to resolve a route costs more than to look up a bubble.
        return reverse("permalink", args=[self.completion_id, "-"])[: -len("-/")] if self.completion_id else ""
