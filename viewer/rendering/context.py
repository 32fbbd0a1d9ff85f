"""The context that everything rendered for one page shares."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from viewer.completions.ids import has_address

from .limits import PageBudget
from .places import home_of, url_in


@dataclass(frozen=True)
class RenderContext:
    """The conversation, how to show it, and what is left of the page's limits."""

    completion_id: str
    linked: str = ""  # the place that the reader's link leads to: the id of a message, or the place of an answer
    as_source: bool = False  # show every text as written, Markdown too
    budget: PageBudget = field(default_factory=PageBudget)
    # The URL below which all others are; a share has one of its own, where nothing is loaded from other hosts, and no
    # notes are written.
    home: str = ""
    loads_images: bool = True
    takes_notes: bool = True

    @property
    def is_whole(self) -> bool:
        return self.budget.is_whole

    def permalink(self, message_id: str) -> str:
        """Return the URL of a message; empty if its id cannot be used in a URL."""
        return url_in(self.base, message_id) if self.base and has_address(message_id) else ""

    def note_url(self, url: str) -> str:
        """Return the URL under which notes on a message or an answer are written; empty if that cannot be."""
        return f"{url}note/" if url and self.takes_notes else ""

    def with_new_budget(self) -> RenderContext:
        return replace(self, budget=PageBudget(is_whole=self.is_whole))

    def for_item(self, *, is_linked: bool) -> RenderContext:
        """Return a context with a new budget for a linked message or answer, whatever comes before it on the page."""
        return self.with_new_budget() if is_linked else self

    def of_answer(self) -> RenderContext:
        """Return the context for an answer's tool calls: the message of an answer has no URL of its own."""
        return replace(self, completion_id="", home="")

    @cached_property
    def base(self) -> str:
        # Resolved once per page: resolving a route costs more than getting a bubble from the cache.
        return self.home or (home_of(self.completion_id) if self.completion_id else "")
