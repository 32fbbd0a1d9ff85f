"""Finds words in a conversation, in the whole of it, a page of messages at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain, islice
from urllib.parse import urlencode

from django.core.cache import caches
from django.utils.translation import get_language, gettext

from viewer.archive.search_text import texts_in
from viewer.client.client import NOWHERE, Client
from viewer.client.problems import Problem
from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.folding import found_in, needle_of, pattern_of
from viewer.completions.ids import has_address
from viewer.completions.invisibles import escaped_pieces
from viewer.completions.markdown import MARKDOWN_LIMIT, addresses_in, without_markers, without_marks
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.source_text import is_json_text, readable_json
from viewer.completions.types import (
    AudioPart,
    Completion,
    FilePart,
    ImagePart,
    Message,
    Part,
    RefusalPart,
    TextPart,
    UnknownPart,
    Unreadable,
    parts_of_tools,
)
from viewer.rendering.answers import build_answer
from viewer.rendering.citations import list_sources
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import is_behind_the_scenes
from viewer.rendering.limits import MAX_CITATIONS, MAX_MESSAGE, TimeBudget
from viewer.rendering.media import is_address
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.places import url_of
from viewer.rendering.tool_calls import call_arguments, outcome_words

MAX_LENGTH = 200  # characters of the words
STRETCH = 100  # messages of one request; the most that the API gives
PAUSES = {"asked": 100, "hits": 500}  # requests to another server, and hits, until the reader has to go on
_SECONDS = 0.5  # of CPU, after which a page of messages is left for the next step to go on with
_IN_ONE_MESSAGE = 100  # hits; a text that is nothing but the words must not fill the list
_MAX_KEPT = 150  # hits of a page; some 400 kB at most, which bounds the cache's memory
_AT_ONCE = 100_000  # characters, of many short texts
_BEFORE, _BEHIND = 40, 90  # characters of a snippet around the words

_BLANK = re.compile(r"\s+")
_FIRST_WORD, _LAST_WORD = re.compile(r"^\S*\s+(?=\S)"), re.compile(r"(?<=\S)\s+\S*$")  # which are cut in two


@dataclass(frozen=True, slots=True)
class Slot:
    """One text of a message. `part` is the hook of what holds it on the page."""

    text: str
    part: str = "text"
    label: str = ""
    is_for_staff: bool = False  # the customer did not see it, although the message was seen
    counts_once: bool = False  # an address: the page marks its link as a whole


@dataclass(frozen=True, slots=True)
class _Place:
    """Where words stand: the line of a hit, cut out of its text as long as there is a window of it."""

    slot: Slot
    before: str
    words: str
    behind: str


@dataclass(frozen=True, slots=True)
class _Landing:
    """Where a message or an answer is opened. A message without an address is opened at the one before it."""

    completion_id: str
    place: str
    words: str

    def url(self, nth: int) -> str:
        asked: dict[str, str | int] = {"find": self.words}
        if nth > 1:
            asked["hit"] = nth
        return f"{url_of(self.completion_id, self.place)}?{urlencode(asked, errors='replace')}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where the words stand, with its address and a line to know it by."""

    url: str
    place: str
    nth: int  # of the hits in its message, from 1
    who: str
    number: int | None
    where: str
    part: str
    before: str
    words: str
    behind: str
    is_hidden: bool  # from the customer


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one page of messages holds; `cursor` goes on behind it, and is empty where nothing is left to request."""

    hits: tuple[Hit, ...]
    read: int
    cursor: str
    is_end: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What one go has found. `problem` ended it before its time; `cursor` goes on, empty when all was read."""

    hits: tuple[Hit, ...]
    read: int
    asked: int
    cursor: str
    problem: Problem | None = None


def is_too_short(words: str) -> bool:
    """Whether the words are nothing to look for: no letter, or a single one of an alphabet."""
    needle = needle_of(words)
    return not needle or (len(needle) == 1 and needle.isascii())


@dataclass(frozen=True, slots=True)
class Limits:
    """When one step ends: after so many seconds, requests to another server, or hits."""

    seconds: float
    asked: int
    hits: int


def find_words(client: Client, completion_id: str, words: str, after: str, limits: Limits) -> Found:
    """Read on behind `after` until the end of the conversation, or until a limit is reached.

    Raises Problem when the first request fails; a later one ends the step, and what was found is given.
    """
    began = time.monotonic()
    found: list[Hit] = []
    read = requests = 0
    cursor = after
    while True:
        try:
            stretch, was_asked = _stretch(client, completion_id, words, cursor)
        except Problem as problem:
            if not read:
                raise
            return Found(tuple(found), read, requests, cursor, problem)
        found += stretch.hits
        read += stretch.read
        requests += was_asked
        cursor = stretch.cursor
        if not (cursor or stretch.is_end):
            return Found(tuple(found), read, requests, "", Problem("unreadable", NOWHERE))
        is_used_up = requests >= limits.asked or len(found) >= limits.hits or time.monotonic() - began > limits.seconds
        if not cursor or is_used_up:
            return Found(tuple(found), read, requests, cursor)


def _stretch(client: Client, completion_id: str, words: str, after: str) -> tuple[Stretch, int]:
    """Take what one page holds from the cache, else read it; and say how many requests to another server that took.

    Nothing of the archive is kept: what it holds can be imported again, and is read in milliseconds.
    """
    if not client.is_metered:
        return _read_stretch(client, completion_id, words, after), 0
    identity = f"{get_language()} {client.cache_as} {completion_id} {after} {words}"
    key = f"hits-{sha256(identity.encode('utf-8', 'replace')).hexdigest()}"
    kept: Stretch | None = caches["finds"].get(key) if client.cache_seconds else None
    if kept is not None:
        return kept, 0
    stretch = _read_stretch(client, completion_id, words, after)
    if client.cache_seconds and len(stretch.hits) <= _MAX_KEPT:
        caches["finds"].set(key, stretch, client.cache_seconds)
    return stretch, 1


def _read_stretch(client: Client, completion_id: str, words: str, after: str) -> Stretch:
    page = client.messages(completion_id, after=after, limit=STRETCH)
    completion = None if page.has_more else client.completion(completion_id)
    items = _with_choices(page.items, completion) if completion else page.items
    pattern = pattern_of(words)
    landing = _Landing(completion_id, after, words)
    found: list[tuple[Message | Unreadable, list[_Place], _Landing]] = []
    budget, read = TimeBudget(_SECONDS), 0
    for item in items:
        if has_address(item.id):
            landing = replace(landing, place=item.id)
        with budget.running():
            if places := _places(item, pattern):
                found.append((item, places, landing))
        read += 1
        if budget.is_spent and item.id and read < len(items):
            break
    bubbles = build_bubbles(RenderContext(completion_id, as_source=True), [item for item, _, _ in found])
    hits = [hit for bubble, (_, places, at) in zip(bubbles, found, strict=True) for hit in _hits(bubble, places, at)]
    if read < len(items):
        return Stretch(tuple(hits), read, items[read - 1].id, is_end=False)
    if completion is not None:
        shown = page.items or (client.newest_messages(completion_id) if after else ())
        hits += islice(_hits_in_answer(completion, shown, pattern, landing), PAUSES["hits"])
    return Stretch(tuple(hits), len(page.items), page.cursor if page.has_more else "", not page.has_more)


def _with_choices(items: tuple[Message | Unreadable, ...], completion: Completion) -> tuple[Message | Unreadable, ...]:
    """Add what the choices say to the messages that are the answer."""
    count = appended_answers(items, completion.choices, goes_on=True)
    answers = zip(items[len(items) - count :], completion.choices[len(completion.choices) - count :], strict=True)
    return (*items[: len(items) - count], *(with_choice(item, choice) for item, choice in answers))


def _hits_in_answer(
    completion: Completion, shown: tuple[Message | Unreadable, ...], pattern: re.Pattern[str], landing: _Landing
) -> Iterator[Hit]:
    """List the hits of the choices; they come after the last message, unless they are the last messages."""
    if appended_answers(shown, completion.choices, goes_on=True):
        return
    for position, choice in enumerate(completion.choices):
        if places := _places(with_choice(choice.message, choice), pattern):
            bubble = build_answer(RenderContext(landing.completion_id, as_source=True), completion, position)
            yield from _hits(bubble, places, replace(landing, place=bubble.id))


def _places(item: Message | Unreadable, pattern: re.Pattern[str]) -> list[_Place]:
    places: list[_Place] = []
    for slot in slots_of(item):
        most = 1 if slot.counts_once else _IN_ONE_MESSAGE - len(places)
        places += islice(_places_in(slot, pattern), most)
        if len(places) >= _IN_ONE_MESSAGE:
            break
    return places or list(islice(_places_in_json(item, pattern), _IN_ONE_MESSAGE))


def _places_in(slot: Slot, pattern: re.Pattern[str]) -> Iterator[_Place]:
    for window, start, end in found_in(escaped_pieces(slot.text), pattern):
        before, behind = window[max(0, start - _BEFORE) : start], window[end : end + _BEHIND]
        yield _Place(
            replace(slot, text=""),
            _in_one_line("…" + _FIRST_WORD.sub("", before) if start > _BEFORE else before),
            _in_one_line(window[start:end]),
            _in_one_line(_LAST_WORD.sub("", behind) + "…" if end + _BEHIND < len(window) else behind),
        )


def _places_in_json(item: Message | Unreadable, pattern: re.Pattern[str]) -> Iterator[_Place]:
    """Give what the search finds in a message and no part of the page shows; its JSON, one click away, does."""
    if isinstance(item, Unreadable):
        return
    shown = {part.text for part in item.parts if isinstance(part, TextPart)}

    def texts() -> Iterator[str]:
        return (text for text, _ in texts_in(item) if text not in shown)

    pieces = chain.from_iterable(map(escaped_pieces, _some_at_once(texts())))
    if not any(found_in(pieces, pattern)):
        return
    for text in texts():
        yield from islice(_places_in(Slot(text, "unknown", gettext("JSON"), is_for_staff=True), pattern), 1)


def _some_at_once(texts: Iterable[str]) -> Iterator[str]:
    """Join texts to few: there may be a hundred thousand, and each look has a price of its own."""
    some, length = list[str](), 0
    for text in texts:
        some += text, "\n"
        length += len(text)
        if length > _AT_ONCE:
            yield "".join(some)
            some, length = [], 0
    yield "".join(some)


def slots_of(item: Message | Unreadable) -> Iterator[Slot]:
    """Give everything in a message that can be found, in the order and the form of the page, but unescaped."""
    if isinstance(item, Unreadable):
        yield Slot(item.source, "unknown", gettext("Unreadable item"))
        return
    yield Slot(item.name, "name", gettext("Name"))
    of_tools = parts_of_tools(item)
    formatted = MAX_MESSAGE  # characters that the page formats, too
    for n, part in enumerate(item.parts):
        formatted -= len(part.text) if isinstance(part, TextPart) else 0
        slots = _part_slots(part, item, is_formatted=formatted >= 0)
        if n not in of_tools:
            yield from slots
        elif not isinstance(part, TextPart):  # the texts of a tool are its result, below
            yield from (replace(slot, is_for_staff=True) for slot in slots)
    yield Slot(item.refusal, "refusal", gettext("Refusal"))
    if item.audio is not None:
        yield Slot(item.audio.transcript, "audio", gettext("Transcript"))
    for cited in list_sources(item.citations[:MAX_CITATIONS]):  # the others are found in its JSON
        yield Slot(cited.title, "sources", gettext("Source"))
        yield Slot(cited.url, "sources", gettext("Source"), counts_once=True)
    yield Slot(item.error, "error", gettext("Error"), is_for_staff=True)
    for result in item.results:
        yield Slot(result.call_id, "tool-result", gettext("Call id"), is_for_staff=True)
        said = readable_json(result_text(item, result))
        yield Slot(said, "tool-result", outcome_words(outcome_of(item, result)), is_for_staff=True)
    for call in item.tool_calls:
        yield Slot(call.name, "tool-call", gettext("Tool"), is_for_staff=True)
        yield Slot(call.id, "tool-call", gettext("Call id"), is_for_staff=True)
        given = call_arguments(call)
        yield Slot(
            given if call.kind == "custom" else readable_json(given),
            "tool-call",
            gettext("Arguments"),
            is_for_staff=True,
        )
        if call.output is not None:
            yield Slot(readable_json(call.output), "tool-call", outcome_words(call.outcome), is_for_staff=True)
    for thought in item.reasoning:
        yield Slot(thought.text, "reasoning", gettext("Reasoning"), is_for_staff=True)
    for name, source in item.other.items():
        yield Slot(f"{name} {source}", "unknown", gettext("Other fields"), is_for_staff=True)


def _part_slots(part: Part, message: Message, *, is_formatted: bool) -> Iterator[Slot]:
    match part:
        case TextPart(text) if is_formatted:
            yield from _text_slots(text, message)
        case TextPart(text):
            yield Slot(text)
        case RefusalPart(text):
            yield Slot(text, "refusal", gettext("Refusal"))
        case FilePart(filename, file_id, data):
            yield Slot(filename or file_id, "file", gettext("File name"))
            if is_address(data):
                yield Slot(data, "file", gettext("File URL"))
        case AudioPart(data) if is_address(data):
            yield Slot(data, "audio", gettext("Recording URL"))
        case ImagePart(url, _, file_id, caption):
            yield Slot(caption, "image", gettext("Caption"))
            if is_address(url):
                yield Slot(url, "image", gettext("Image URL"))
            else:
                yield Slot(file_id, "image", gettext("Image id"))
        case UnknownPart(_, source):
            yield Slot(source, "unknown", gettext("Unsupported content"), is_for_staff=True)


def _text_slots(text: str, message: Message) -> Iterator[Slot]:
    """Give a text as Markdown shows it, and then the addresses of its links; sources are listed elsewhere."""
    if is_json_text(text):
        yield Slot(readable_json(text.strip()))
        return
    if message.role != "assistant" or len(text) > MARKDOWN_LIMIT:
        yield Slot(text)
        return
    yield Slot(without_marks(without_markers(text) if message.citations else text))
    if not message.citations:
        for address in addresses_in(text):
            yield Slot(address, "text", gettext("Link"), counts_once=True)


def _hits(bubble: Bubble, places: list[_Place], landing: _Landing) -> Iterator[Hit]:
    is_hidden = is_behind_the_scenes(bubble)
    for nth, place in enumerate(places, 1):
        yield Hit(
            url=landing.url(nth),
            place=landing.place,
            nth=nth,
            who=bubble.place if bubble.is_answer else bubble.label,
            number=bubble.number,
            where=place.slot.label,
            part=place.slot.part,
            before=place.before,
            words=place.words,
            behind=place.behind,
            is_hidden=place.slot.is_for_staff or is_hidden,
        )


def _in_one_line(text: str) -> str:
    return _BLANK.sub(" ", text)
