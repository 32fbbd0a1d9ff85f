"""Searches the archive, in SQLite or PostgreSQL: which conversations a page of results shows, in which order.

No step reads all conversations that match a common word: a page is the end of a range, or the best of the newest ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from viewer.archive.models import SearchDocument, StoredCompletion
from viewer.archive.seen import mark_stored_seen

from .matching import NEWEST, OLDEST, Look, Matcher, beyond
from .overview import MAX_COUNTED, Overview, overview_of
from .query import Query
from .ranking import Match
from .reading import Group, Place, read_groups

Order = Literal["newest", "oldest", "best"]
MAX_RANKED = 120  # conversations that "best" orders together; older ones follow
_PAGE_SIZE = 20  # conversations on a page
_MAX_HITS = 3  # messages per conversation
_MARKED_AT_ONCE, _MAX_MARKINGS = 2_000, 100  # conversations marked as seen, and how often
_MAX_LOOKS = 10  # times so many conversations, in which a result is looked for to show its neighbours


@dataclass(frozen=True, slots=True)
class Results:
    """One page of results. `cursor` leads to the next page and is empty on the last. Only the first has an overview."""

    groups: tuple[Group, ...] = ()
    cursor: str = ""
    overview: Overview | None = None


def search(query: Query, *, order: Order = "newest", after: str = "") -> Results:
    """Return one page of conversations. An invalid cursor starts from the beginning."""
    if query.is_empty:
        return Results()
    matcher = Matcher(query)
    skipped, edge = _read_cursor(after)
    is_first = edge is None
    if edge is None:
        edge = OLDEST if order == "oldest" else NEWEST
    enough = MAX_RANKED if order == "best" else _PAGE_SIZE
    limit = MAX_COUNTED + 1 if is_first else enough + 1
    look = matcher.look(limit, edge, enough, oldest_first=order == "oldest")
    if query.within:
        page, cursor = _within_conversation(matcher, look, skipped)
    else:
        page, cursor = _page(look, order, skipped)
    overview = overview_of(matcher, query, look) if is_first else None
    return Results(tuple(read_groups(page, matcher.wanted)), cursor, overview)


def count_results(query: Query) -> int | None:
    """Count the conversations of a query, up to one more than `MAX_COUNTED`; None if only reading would tell."""
    matcher = Matcher(query)
    return matcher.count(query.speakers, MAX_COUNTED + 1) if matcher.is_certain and not query.is_empty else None


def mark_all_seen(query: Query, person_id: int) -> int:
    """Mark every conversation that a query finds, or the whole archive, as seen by a person; return how many were not.

    Those of a phrase must be read; of a common one only the newest are marked.
    """
    if query.is_empty:
        return mark_stored_seen(person_id)
    query = replace(query, reader=person_id, is_seen=False if query.is_seen is None else query.is_seen)
    matcher, marked, edge = Matcher(query), 0, NEWEST
    for _ in range(_MAX_MARKINGS):
        found, following = _to_mark(matcher, edge)
        marked += mark_stored_seen(person_id, found)
        if following is None:
            break
        edge = following
    return marked


def _to_mark(matcher: Matcher, below: int) -> tuple[list[int], int | None]:
    """Return the next completions to mark, and the document id below which there are more."""
    if not matcher.is_certain:
        look = matcher.look(0, below, _PAGE_SIZE)
        return [match.completion for match in look.matches], look.edge
    found = matcher.newest(_MARKED_AT_ONCE, below)
    return [candidate.completion for candidate in found], found[-1].id if len(found) == _MARKED_AT_ONCE else None


def _read_cursor(text: str) -> tuple[int, int | None]:
    """Parse how many conversations (within one: messages) to skip, and the document id beyond which to search."""
    cursor = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,19})", text, re.ASCII)
    return (int(cursor[1]), min(int(cursor[2]), NEWEST)) if cursor else (0, None)


def _place(match: Match) -> Place:
    positions = match.positions
    return Place(match.completion, positions[:_MAX_HITS], max(0, len(positions) - _MAX_HITS), match.wanted)


def _within_conversation(matcher: Matcher, look: Look, skipped: int) -> tuple[list[Place], str]:
    """Return every match in the one conversation that `id:` names, a page at a time."""
    if not look.matches:
        return [], ""
    completion, positions = matcher.positions_within()
    wanted = look.matches[0].wanted
    shown = positions[skipped : skipped + _PAGE_SIZE]
    has_more = skipped + _PAGE_SIZE < len(positions)
    cursor = f"{skipped + _PAGE_SIZE}-{look.candidates[0].id + 1}" if has_more else ""
    return [Place(completion, shown, wanted=wanted)] if shown else [], cursor


def _page(look: Look, order: Order, skipped: int) -> tuple[list[Place], str]:
    """Return a page, and the cursor of the next one.

    The best are those of the newest conversations; those of the older ones follow. The cursor keeps the newest that was
    looked at, so that later imports push no conversation to another page.
    """
    matches = _by_rank(look.matches) if order == "best" else look.matches
    page = [_place(match) for match in matches[skipped : skipped + _PAGE_SIZE]]
    if skipped + _PAGE_SIZE < len(matches):
        if order == "best":
            return page, f"{skipped + _PAGE_SIZE}-{look.candidates[0].id + 1}"
        return page, f"0-{beyond(matches[skipped + _PAGE_SIZE].document, order == 'oldest')}"
    return page, "" if look.edge is None else f"0-{look.edge}"


def _by_rank(matches: list[Match]) -> list[Match]:
    return sorted(matches, key=lambda match: (-match.rank, -match.document))


@dataclass(frozen=True, slots=True)
class Window:
    """The results around a conversation in their order; it is at `index`, or nowhere (-1)."""

    groups: tuple[Group, ...]
    index: int
    has_earlier: bool
    has_later: bool


def results_around(query: Query, order: Order, completion_id: str, *, earlier: int, later: int) -> Window:
    """Return so many results before and after a conversation, and itself; from the first one if it is not found.

    It stays among those that are not yet seen, although it is seen now, and among those with a mark that it has lost.
    """
    stored = StoredCompletion.objects.named(completion_id, query.reader).values_list("pk", flat=True).first()
    matcher = Matcher(query, kept=stored)
    if order == "best":
        matches = _ranked_up_to(matcher, stored, later)
    else:
        document = SearchDocument.objects.filter(completion_id=stored).values_list("id", flat=True).first()
        newest_first = matcher.match_around(document or NEWEST, max(earlier, later) + 1)
        matches = newest_first[::-1] if order == "oldest" else newest_first
    index = _index_of(stored, matches)
    first = max(0, index - earlier)
    last = index + later + 1 if index >= 0 else later
    groups = tuple(read_groups([_place(match) for match in matches[first:last]], matcher.wanted))
    return Window(groups, index - first if index >= 0 else -1, first > 0, last < len(matches))


def _ranked_up_to(matcher: Matcher, completion: int | None, later: int) -> list[Match]:
    """Return the results in the order of their pages, up to some after a conversation."""
    matches, edge = list[Match](), NEWEST
    for _ in range(_MAX_LOOKS):
        look = matcher.look(MAX_RANKED + 1, edge, MAX_RANKED)
        matches += _by_rank(look.matches)
        index = _index_of(completion, matches)
        if look.edge is None or 0 <= index < len(matches) - later - 1:
            break
        edge = look.edge
    return matches


def _index_of(completion: int | None, matches: list[Match]) -> int:
    return next((number for number, match in enumerate(matches) if match.completion == completion), -1)


def finds(query: Query, completion_id: str, *, with_marks: bool = True) -> bool:
    """Whether a conversation is among the results of a query, whether seen or not; as asked, however it is marked."""
    if query.is_empty:
        return False
    marks = query.marks if with_marks else ()
    matcher = Matcher(replace(query, within=completion_id, is_seen=None, marks=marks))
    return bool(matcher.look(1, NEWEST, 1).matches)
