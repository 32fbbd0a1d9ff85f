"""The rows of the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from django.urls import reverse
from django.utils.translation import gettext

from viewer.archive.identity_keys import IdentityKeys, identity_keys
from viewer.archive.search.snippets import Snippet
from viewer.client.client import Client
from viewer.completions.ids import has_address
from viewer.completions.types import Completion, Unreadable
from viewer.rendering.limits import TimeBudget
from viewer.rendering.lines import in_one_line
from viewer.rendering.places import why_no_link
from viewer.rendering.titles import MAX_BEGINNING, MAX_LINE, answer_line, first_question, tool_call_line

_MAX_PAIRS = 16  # of metadata, as many as OpenAI accepts; the page of the conversation shows all
_MAX_SECONDS = 0.5  # of CPU for the first questions of a page; a row without one shows its answer


@dataclass(frozen=True, slots=True)
class Row:
    """One completion in the list."""

    id: str
    url: str  # empty if there is none, then `no_link` says why
    no_link: str
    title: str
    answered: str
    answered_by: str
    model: str
    created: datetime | None
    tokens: int | None
    metadata: tuple[tuple[str, str], ...]  # no dict: a template takes a key named `items` for the method
    snippet: Snippet = ()  # of a search result, instead of the answer

    def with_hit(self, url: str, label: str, snippet: Snippet) -> Row:
        """Return the row as a search result: it opens the hit and shows its words."""
        return replace(self, url=url, answered_by=label, snippet=snippet)


def build_rows(client: Client, items: Sequence[Completion | Unreadable]) -> list[Row]:
    """Build the rows of a page, with the first questions if they take no request to another server."""
    questions = _first_questions(client, [item.id for item in items if isinstance(item, Completion)])
    keys = identity_keys()
    return [
        build_row(item, questions.get(item.id, ""), keys) if isinstance(item, Completion) else _unreadable_row(item)
        for item in items
    ]


def _first_questions(client: Client, completion_ids: list[str]) -> dict[str, str]:
    """Return the first line of each conversation's first question, by completion; some may be missing."""
    questions: dict[str, str] = {}
    budget = TimeBudget(_MAX_SECONDS)
    openings = iter(client.openings(completion_ids))
    while len(questions) < len(completion_ids) and not budget.is_spent:
        with budget.running():
            if (opening := next(openings, None)) is None:
                break
            completion_id, message = opening
            if completion_id not in questions and (question := first_question([message])):
                questions[completion_id] = question
    return questions


def build_row(completion: Completion, question: str, keys: IdentityKeys) -> Row:
    """Build one row; `question` is the first one, or empty if it is not known. Customer and ticket come first."""
    by, answered = answer_line(completion)
    title = question or answered or completion.id or gettext("Conversation without an id")
    if not answered and (called := tool_call_line(completion)):
        by, answered = gettext("Tool call"), called
    return Row(
        id=completion.id,
        url=reverse("conversation", args=[completion.id]) if has_address(completion.id) else "",
        no_link=why_no_link(completion.id),
        title=title,
        answered=answered if title != answered else completion.id,
        answered_by=by if title != answered else "",
        model=in_one_line(completion.model, MAX_LINE),
        created=completion.created,
        tokens=completion.usage.total if completion.usage else None,
        metadata=tuple(
            (in_one_line(key, MAX_LINE), in_one_line(value, MAX_LINE))
            for key, value in islice(keys.first_in(completion.metadata).items(), _MAX_PAIRS)
        ),
    )


def _unreadable_row(item: Unreadable) -> Row:
    return Row(
        id="",
        url="",
        no_link=why_no_link(""),
        title=gettext("Unreadable item"),
        answered=in_one_line(item.source[:MAX_BEGINNING]),
        answered_by="",
        model="",
        created=None,
        tokens=None,
        metadata=(),
    )
