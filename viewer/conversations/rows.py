"""The rows of the list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from django.urls import reverse
from django.utils.translation import get_language, gettext

from viewer.archive.identity_keys import IdentityKeys, identity_keys
from viewer.archive.labels import Marks
from viewer.archive.listing import Known, Listed, known_of, summary_of
from viewer.archive.models import fit
from viewer.archive.search.snippets import Snippet
from viewer.client.client import Client
from viewer.completions.contents import count_answers
from viewer.completions.ids import has_address
from viewer.completions.lines import in_one_line
from viewer.completions.reading import read_completion
from viewer.completions.summary import Summary
from viewer.completions.types import Completion, Message, Unreadable
from viewer.conversations.facts import KINDS, Kind
from viewer.deployment.kept import Kept
from viewer.rendering.places import why_no_link
from viewer.rendering.titles import MAX_BEGINNING, MAX_LINE, answer_line, tool_call_line

_kept: Kept[Row] = Kept(4_000_000)  # characters of completions, of some thousands
_MAX_PAIRS = 16  # of metadata, as many as OpenAI accepts; the page of the conversation shows all


@dataclass(frozen=True, slots=True)
class Row:
    """One completion in the list."""

    id: str
    url: str  # empty if there is none, then `no_link` says why
    no_link: str
    title: str
    answered: str
    answered_by: str
    ending: str  # how the answer ended if not well, such as "Cut off"
    model: str
    created: datetime | None
    messages: int | None  # how many input messages; None if not known
    contents: tuple[tuple[Kind, int], ...]  # how many images, tool calls and so on
    metadata: tuple[tuple[str, str], ...]  # no dict: a template takes a key named `items` for the method
    is_new: bool = False  # the reader has not seen it
    marks: Marks | None = None  # labels, status and assignee
    snippet: Snippet = ()  # of a search result, instead of the answer

    def with_hit(self, url: str, label: str, snippet: Snippet) -> Row:
        """Return the row as a search result: it opens the hit and shows its words."""
        return replace(self, url=url, answered_by=label, snippet=snippet)


def build_archived_rows(listed: Iterable[Listed]) -> list[Row]:
    """Build the rows of conversations of the archive, of which everything is known."""
    keys, language = identity_keys(), get_language()
    return [_with_known(_archived_row(one, keys, language), one.known) for one in listed]


def _archived_row(listed: Listed, keys: IdentityKeys, language: str | None) -> Row:
    """Build a row, which is kept by all that it depends on: to read a completion costs most of a list."""

    def build() -> Row:
        item = read_completion(listed.body)
        summary = summary_of(listed.described)
        return build_row(item, summary, keys) if isinstance(item, Completion) else _unreadable_row(item)

    return _kept.of((listed.body, listed.described, keys, language), build, lambda _: len(listed.body))


def build_rows(client: Client, items: Sequence[Completion | Unreadable], person_id: int) -> list[Row]:
    """Build the rows of a page for a person, with what is known of the messages without a request to another server."""
    summaries = client.summaries([item.id for item in items if isinstance(item, Completion)])
    keys = identity_keys()
    rows = [
        build_row(item, summaries.get(item.id), keys) if isinstance(item, Completion) else _unreadable_row(item)
        for item in items
    ]
    return mark_rows(rows, person_id)


def mark_rows(rows: Iterable[Row], person_id: int) -> list[Row]:
    """Mark the rows that a person has not seen, and with what the team says of each."""
    rows = list(rows)
    known = known_of([row.id for row in rows if row.url], person_id)
    return [_with_known(row, known.get(fit(row.id), Known())) for row in rows]


def _with_known(row: Row, known: Known) -> Row:
    return replace(row, is_new=not known.is_seen, marks=known.marks) if row.url else row


def build_row(completion: Completion, summary: Summary | None, keys: IdentityKeys) -> Row:
    """Build one row; without a summary it shows what the answer tells. Customer and ticket come first."""
    by, answered = answer_line(completion)
    title = (summary and summary.question) or answered or completion.id or gettext("Conversation without an id")
    if not answered and (called := tool_call_line(completion)):
        by, answered = gettext("Tool call"), called
    contents = summary.contents if summary else count_answers(completion.choices)
    return Row(
        id=completion.id,
        url=reverse("conversation", args=[completion.id]) if has_address(completion.id) else "",
        no_link=why_no_link(completion.id),
        title=title,
        answered=answered if title != answered else completion.id,
        answered_by=by if title != answered and by != gettext("Refusal") else "",
        ending=_ending(completion, contents),
        model=in_one_line(completion.model, MAX_LINE),
        created=completion.created,
        messages=summary.messages if summary else None,
        contents=tuple((kind, contents[name]) for name, kind in KINDS.items() if contents.get(name)),
        metadata=tuple(
            (in_one_line(key, MAX_LINE), in_one_line(value, MAX_LINE))
            for key, value in islice(keys.first_in(completion.metadata).items(), _MAX_PAIRS)
        ),
    )


def _ending(completion: Completion, contents: Mapping[str, int]) -> str:
    if completion.error or any(choice.error for choice in completion.choices):
        return gettext("Failed")
    messages = (choice.message for choice in completion.choices)
    if any(isinstance(message, Message) and message.refusal for message in messages):
        return gettext("Refused")
    if contents.get("cut-off"):
        return gettext("Cut off")
    return gettext("Stopped by a filter") if contents.get("filtered") else ""


def _unreadable_row(item: Unreadable) -> Row:
    return Row(
        id="",
        url="",
        no_link=why_no_link(""),
        title=gettext("Unreadable item"),
        answered=in_one_line(item.source[:MAX_BEGINNING]),
        answered_by="",
        ending="",
        model="",
        created=None,
        messages=None,
        contents=(),
        metadata=(),
    )
