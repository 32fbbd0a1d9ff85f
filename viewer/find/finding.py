"""Finds words in a whole conversation, one page of messages at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from django.core.cache import caches
from django.utils.translation import get_language

from viewer.archive.api import MAX_PAGE
from viewer.client.client import MAX_PAGE_SIZE, Client
from viewer.client.pages import NO_CURSOR
from viewer.client.problems import Problem
from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.folding import fold_query
from viewer.completions.ids import has_address
from viewer.completions.types import Completion, Message, Unreadable
from viewer.rendering.limits import TimeBudget

from .hits import Hit, Search
from .sieve import Sieve

MAX_LENGTH = 200  # characters of the words
PAUSES = {"asked": 100, "hits": 500}  # requests to another server, and hits, after which the reader has to confirm
_MAX_SECONDS = 0.5  # for a page of messages; the next step continues in the middle of it
_MAX_CACHED = 150  # hits of a page; at most some 400 kB, which bounds the cache's memory
_CACHED_AS = "hits-2"  # another name for another shape: versions share a cache while they are upgraded


@dataclass(frozen=True, slots=True)
class Stretch:
    """The hits in one page of messages. `cursor` is that of the next page, empty if there is nothing left to read."""

    hits: tuple[Hit, ...]
    read: int
    cursor: str
    is_end: bool


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of one step. `cursor` is where the next one starts, empty at the end; `problem` ended it early."""

    hits: tuple[Hit, ...]
    read: int
    asked: int
    cursor: str
    problem: Problem | None = None


def is_too_short(words: str) -> bool:
    """Whether the words are too short to search for: empty without marks, or a single ASCII character."""
    needle = fold_query(words)
    return not needle or (len(needle) == 1 and needle.isascii())


@dataclass(frozen=True, slots=True)
class Limits:
    """When one step ends: after how many seconds, requests to another server, or hits."""

    seconds: float
    asked: int
    hits: int


def find_words(client: Client, completion_id: str, words: str, after: str, limits: Limits) -> StepResult:
    """Read from the cursor `after` to the end of the conversation, or until a limit is reached.

    Raises Problem when the first request fails; when a later one fails, the step ends with the hits so far.
    """
    start = time.monotonic()
    hits: list[Hit] = []
    read = requests = 0
    cursor = after
    try:
        for stretch, request_count in _stretches(client, completion_id, words, after):
            hits += stretch.hits
            read += stretch.read
            requests += request_count
            cursor = stretch.cursor
            if not (cursor or stretch.is_end):
                return StepResult(tuple(hits), read, requests, "", Problem("unreadable", NO_CURSOR))
            if requests >= limits.asked or len(hits) >= limits.hits or time.monotonic() - start > limits.seconds:
                break
    except Problem as problem:
        if not read:
            raise
        return StepResult(tuple(hits), read, requests, cursor, problem)
    return StepResult(tuple(hits), read, requests, cursor)


def _stretches(client: Client, completion_id: str, words: str, after: str) -> Iterator[tuple[Stretch, int]]:
    """Yield the hits page by page, and how many requests to another server each took. Raises Problem.

    The JSON of what is stored here is read directly, and only what the sieve lets through is read as messages; the API
    answers the last page, to which the answer belongs.
    """
    for stretch in _sifted_stretches(client.bodies(completion_id, after), Search(completion_id, words), Sieve(words)):
        yield stretch, 0
        after = stretch.cursor
    is_over = False
    while not is_over:
        stretch, request_count = _cached_stretch(client, completion_id, words, after)
        yield stretch, request_count
        after, is_over = stretch.cursor, not stretch.cursor


def _sifted_stretches(bodies: Iterable[tuple[str, str]], search: Search, sieve: Sieve) -> Iterator[Stretch]:
    """Yield the hits in stored messages page by page, without the last page."""
    for page in _pages_but_last(bodies):
        hits, read, until = list[Hit](), 0, time.monotonic() + _MAX_SECONDS
        for message_id, source in page:
            read += 1
            if not sieve.lets_through(source):
                continue
            hits += search.hits_in_stored(source, message_id)
            if time.monotonic() > until:
                yield Stretch(tuple(hits), read, message_id, is_end=False)
                hits, read, until = [], 0, time.monotonic() + _MAX_SECONDS
        if read:
            yield Stretch(tuple(hits), read, page[-1][0], is_end=False)


def _pages_but_last(bodies: Iterable[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """Group messages as the API does. A page is yielded when there is a message after it."""
    page, size = list[tuple[str, str]](), 0
    for body in bodies:
        if len(page) == MAX_PAGE_SIZE or size >= MAX_PAGE:
            yield page
            page, size = [], 0
        page.append(body)
        size += len(body[1])


def _cached_stretch(client: Client, completion_id: str, words: str, after: str) -> tuple[Stretch, int]:
    """Return the hits in one page, from the cache if possible, and how many requests to another server that took.

    The archive is not cached: it takes only milliseconds to read, and an import may change it.
    """
    if not client.is_metered:
        return _read_stretch(client, completion_id, words, after), 0
    identity = f"{get_language()} {client.cache_as} {completion_id} {after} {words}"
    key = f"{_CACHED_AS}-{sha256(identity.encode('utf-8', 'replace')).hexdigest()}"
    stretch: Stretch | None = caches["finds"].get(key) if client.cache_seconds else None
    if stretch is not None:
        return stretch, 0
    stretch = _read_stretch(client, completion_id, words, after)
    if client.cache_seconds and len(stretch.hits) <= _MAX_CACHED:
        caches["finds"].set(key, stretch, client.cache_seconds)
    return stretch, 1


def _read_stretch(client: Client, completion_id: str, words: str, after: str) -> Stretch:
    page = client.messages(completion_id, after=after, limit=MAX_PAGE_SIZE)
    completion = None if page.has_more else client.completion(completion_id)
    items = _with_choices(page.items, completion) if completion else page.items
    search, budget = Search(completion_id, words), TimeBudget(_MAX_SECONDS)
    hits, read, place = list[Hit](), 0, after
    for item in items:
        if has_address(item.id):
            place = item.id
        with budget.running():
            hits += search.hits_in_message(item, place)
        read += 1
        if budget.is_spent and item.id and read < len(items):
            break
    if read < len(items):
        return Stretch(tuple(hits), read, items[read - 1].id, is_end=False)
    if completion is not None:
        shown = page.items or (client.newest_messages(completion_id) if after else ())
        hits += islice(_hits_in_answer(completion, shown, search), PAUSES["hits"])
    return Stretch(tuple(hits), len(page.items), page.cursor if page.has_more else "", not page.has_more)


def _with_choices(items: tuple[Message | Unreadable, ...], completion: Completion) -> tuple[Message | Unreadable, ...]:
    """Add the details of the choices to the messages that a server appended for them."""
    count = appended_answers(items, completion.choices, has_earlier=True)
    answers = zip(items[len(items) - count :], completion.choices[len(completion.choices) - count :], strict=True)
    return (*items[: len(items) - count], *(with_choice(item, choice) for item, choice in answers))


def _hits_in_answer(completion: Completion, shown: tuple[Message | Unreadable, ...], search: Search) -> Iterator[Hit]:
    """List the hits in the choices, which follow the last message unless they are the last messages."""
    if appended_answers(shown, completion.choices, has_earlier=True):
        return
    for position, choice in enumerate(completion.choices):
        yield from search.hits_in_answer(with_choice(choice.message, choice), completion.choices, position)
