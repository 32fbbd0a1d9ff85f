"""Finds words in a whole conversation, one page of messages at a time."""

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

from viewer.archive.api import MAX_PAGE
from viewer.archive.search.text import texts_in
from viewer.client.client import MAX_PAGE_SIZE, Client
from viewer.client.pages import NO_CURSOR
from viewer.client.problems import Problem
from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.folding import compile_pattern, find_matches, fold_query
from viewer.completions.ids import has_address
from viewer.completions.invisibles import escaped_pieces
from viewer.completions.markdown import MARKDOWN_LIMIT, link_urls, markdown_to_text, without_citation_markers
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.reading import read_message
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
    tool_parts,
)
from viewer.rendering.answers import build_answer
from viewer.rendering.citations import list_sources
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import is_hidden_from_customer
from viewer.rendering.limits import MAX_CITATIONS, MAX_MESSAGE, TimeBudget
from viewer.rendering.media import is_address
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.places import url_of
from viewer.rendering.tool_calls import call_arguments, outcome_words

from .sieve import Sieve

MAX_LENGTH = 200  # characters of the words
PAUSES = {"asked": 100, "hits": 500}  # requests to another server, and hits, after which the reader has to confirm
_MAX_SECONDS = 0.5  # of CPU for a page of messages; the next step continues in the middle of it
_MAX_IN_MESSAGE = 100  # hits; a text that only repeats the words must not fill the list
_MAX_CACHED = 150  # hits of a page; at most some 400 kB, which bounds the cache's memory
_BATCH_SIZE = 100_000  # characters, of many short texts
_BEFORE, _AFTER = 40, 90  # characters of a snippet around the words

_BLANK = re.compile(r"\s+")
_FIRST_WORD, _LAST_WORD = re.compile(r"^\S*\s+(?=\S)"), re.compile(r"(?<=\S)\s+\S*$")  # of a snippet, truncated


@dataclass(frozen=True, slots=True)
class TextField:
    """One searchable text of a message. `part` is the hook of the element that shows it."""

    text: str
    part: str = "text"
    label: str = ""
    is_for_staff: bool = False  # not visible to the customer, although the message is
    counts_once: bool = False  # a URL: the page marks its link as a whole


@dataclass(frozen=True, slots=True)
class _Match:
    """The words in a text, with the snippet around them."""

    field: TextField
    before: str
    words: str
    after: str


@dataclass(frozen=True, slots=True)
class _Target:
    """The place at which a hit opens. A message without a permalink is opened at the message before it."""

    completion_id: str
    place: str
    words: str

    def url(self, nth: int) -> str:
        params: dict[str, str | int] = {"find": self.words}
        if nth > 1:
            params["hit"] = nth
        return f"{url_of(self.completion_id, self.place)}?{urlencode(params, errors='replace')}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One match as the page lists it: its URL, where it is, and its snippet."""

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
    target = _Target(completion_id, after, words)
    for stretch in _sifted_stretches(client.bodies(completion_id, after), target):
        yield stretch, 0
        after = stretch.cursor
    is_over = False
    while not is_over:
        stretch, request_count = _cached_stretch(client, completion_id, words, after)
        yield stretch, request_count
        after, is_over = stretch.cursor, not stretch.cursor


def _sifted_stretches(bodies: Iterable[tuple[str, str]], target: _Target) -> Iterator[Stretch]:
    """Yield the hits in stored messages page by page, without the last page."""
    sieve, pattern = Sieve(target.words), compile_pattern(target.words)
    for page in _pages_but_last(bodies):
        context, budget = RenderContext(target.completion_id, as_source=True), TimeBudget(_MAX_SECONDS)
        hits, read = list[Hit](), 0
        for message_id, source in page:
            read += 1
            if not sieve.lets_through(source):
                continue
            with budget.running():
                hits += _hits_in_message(read_message(source), pattern, replace(target, place=message_id), context)
            if budget.is_spent:
                yield Stretch(tuple(hits), read, message_id, is_end=False)
                hits, read, budget = [], 0, TimeBudget(_MAX_SECONDS)
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
    key = f"hits-{sha256(identity.encode('utf-8', 'replace')).hexdigest()}"
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
    pattern = compile_pattern(words)
    target = _Target(completion_id, after, words)
    context, budget = RenderContext(completion_id, as_source=True), TimeBudget(_MAX_SECONDS)
    hits, read = list[Hit](), 0
    for item in items:
        if has_address(item.id):
            target = replace(target, place=item.id)
        with budget.running():
            hits += _hits_in_message(item, pattern, target, context)
        read += 1
        if budget.is_spent and item.id and read < len(items):
            break
    if read < len(items):
        return Stretch(tuple(hits), read, items[read - 1].id, is_end=False)
    if completion is not None:
        shown = page.items or (client.newest_messages(completion_id) if after else ())
        hits += islice(_hits_in_answer(completion, shown, pattern, target), PAUSES["hits"])
    return Stretch(tuple(hits), len(page.items), page.cursor if page.has_more else "", not page.has_more)


def _with_choices(items: tuple[Message | Unreadable, ...], completion: Completion) -> tuple[Message | Unreadable, ...]:
    """Add the details of the choices to the messages that a server appended for them."""
    count = appended_answers(items, completion.choices, has_earlier=True)
    answers = zip(items[len(items) - count :], completion.choices[len(completion.choices) - count :], strict=True)
    return (*items[: len(items) - count], *(with_choice(item, choice) for item, choice in answers))


def _hits_in_answer(
    completion: Completion, shown: tuple[Message | Unreadable, ...], pattern: re.Pattern[str], target: _Target
) -> Iterator[Hit]:
    """List the hits in the choices, which follow the last message unless they are the last messages."""
    if appended_answers(shown, completion.choices, has_earlier=True):
        return
    for position, choice in enumerate(completion.choices):
        if matches := _matches_in_message(with_choice(choice.message, choice), pattern):
            bubble = build_answer(RenderContext(target.completion_id, as_source=True), completion, position)
            yield from _hits(bubble, matches, replace(target, place=bubble.id))


def _hits_in_message(
    item: Message | Unreadable, pattern: re.Pattern[str], target: _Target, context: RenderContext
) -> Iterator[Hit]:
    if matches := _matches_in_message(item, pattern):
        [bubble] = build_bubbles(context, [item])
        yield from _hits(bubble, matches, target)


def _matches_in_message(item: Message | Unreadable, pattern: re.Pattern[str]) -> list[_Match]:
    matches: list[_Match] = []
    for field in text_fields(item):
        limit = 1 if field.counts_once else _MAX_IN_MESSAGE - len(matches)
        matches += islice(_matches_in(field, pattern), limit)
        if len(matches) >= _MAX_IN_MESSAGE:
            break
    return matches or list(islice(_matches_in_json(item, pattern), _MAX_IN_MESSAGE))


def _matches_in(field: TextField, pattern: re.Pattern[str]) -> Iterator[_Match]:
    for window, start, end in find_matches(escaped_pieces(field.text), pattern):
        before, after = window[max(0, start - _BEFORE) : start], window[end : end + _AFTER]
        yield _Match(
            replace(field, text=""),
            _in_one_line("…" + _FIRST_WORD.sub("", before) if start > _BEFORE else before),
            _in_one_line(window[start:end]),
            _in_one_line(_LAST_WORD.sub("", after) + "…" if end + _AFTER < len(window) else after),
        )


def _matches_in_json(item: Message | Unreadable, pattern: re.Pattern[str]) -> Iterator[_Match]:
    """List matches of the archive's search that only the message's JSON contains, which the page links."""
    if isinstance(item, Unreadable):
        return
    shown = {part.text for part in item.parts if isinstance(part, TextPart)}

    def texts() -> Iterator[str]:
        return (text for text, _ in texts_in(item) if text not in shown)

    pieces = chain.from_iterable(map(escaped_pieces, _batches(texts())))
    if not any(find_matches(pieces, pattern)):
        return
    for text in texts():
        yield from islice(_matches_in(TextField(text, "unknown", gettext("JSON"), is_for_staff=True), pattern), 1)


def _batches(texts: Iterable[str]) -> Iterator[str]:
    """Join texts into a few long ones: there may be a hundred thousand, and each search has a fixed cost."""
    batch, length = list[str](), 0
    for text in texts:
        batch += text, "\n"
        length += len(text)
        if length > _BATCH_SIZE:
            yield "".join(batch)
            batch, length = [], 0
    yield "".join(batch)


def text_fields(item: Message | Unreadable) -> Iterator[TextField]:
    """Yield everything in a message that can be found, in the order and the form of the page, but unescaped."""
    if isinstance(item, Unreadable):
        yield TextField(item.source, "unknown", gettext("Unreadable item"))
        return
    if item.name:  # translating a label costs more than finding nothing
        yield TextField(item.name, "name", gettext("Name"))
    of_tools = tool_parts(item)
    left = MAX_MESSAGE  # characters that are searched as formatted text; the page formats as many
    for n, part in enumerate(item.parts):
        left -= len(part.text) if isinstance(part, TextPart) else 0
        fields = _fields_of_part(part, item, is_formatted=left >= 0)
        if n not in of_tools:
            yield from fields
        elif not isinstance(part, TextPart):  # a tool's text parts are its result, below
            yield from (replace(field, is_for_staff=True) for field in fields)
    if item.refusal:
        yield TextField(item.refusal, "refusal", gettext("Refusal"))
    if item.audio is not None:
        yield TextField(item.audio.transcript, "audio", gettext("Transcript"))
    for source in list_sources(item.citations[:MAX_CITATIONS]):  # the others are found in its JSON
        yield TextField(source.title, "sources", gettext("Source"))
        yield TextField(source.url, "sources", gettext("Source"), counts_once=True)
    if item.error:
        yield TextField(item.error, "error", gettext("Error"), is_for_staff=True)
    for result in item.results:
        yield TextField(result.call_id, "tool-result", gettext("Call id"), is_for_staff=True)
        text = readable_json(result_text(item, result))
        yield TextField(text, "tool-result", outcome_words(outcome_of(item, result)), is_for_staff=True)
    for call in item.tool_calls:
        yield TextField(call.name, "tool-call", gettext("Tool"), is_for_staff=True)
        yield TextField(call.id, "tool-call", gettext("Call id"), is_for_staff=True)
        arguments = call_arguments(call)
        yield TextField(
            arguments if call.kind == "custom" else readable_json(arguments),
            "tool-call",
            gettext("Arguments"),
            is_for_staff=True,
        )
        if call.output is not None:
            yield TextField(readable_json(call.output), "tool-call", outcome_words(call.outcome), is_for_staff=True)
    for reasoning in item.reasoning:
        yield TextField(reasoning.text, "reasoning", gettext("Reasoning"), is_for_staff=True)
    for name, source_text in item.other.items():
        yield TextField(f"{name} {source_text}", "unknown", gettext("Other fields"), is_for_staff=True)


def _fields_of_part(part: Part, message: Message, *, is_formatted: bool) -> Iterator[TextField]:
    match part:
        case TextPart(text) if is_formatted:
            yield from _fields_of_text(text, message)
        case TextPart(text):
            yield TextField(text)
        case RefusalPart(text):
            yield TextField(text, "refusal", gettext("Refusal"))
        case FilePart(filename, file_id, data):
            yield TextField(filename or file_id, "file", gettext("File name"))
            if is_address(data):
                yield TextField(data, "file", gettext("File URL"))
        case AudioPart(data) if is_address(data):
            yield TextField(data, "audio", gettext("Recording URL"))
        case ImagePart(url, _, file_id, caption):
            yield TextField(caption, "image", gettext("Caption"))
            if is_address(url):
                yield TextField(url, "image", gettext("Image URL"))
            else:
                yield TextField(file_id, "image", gettext("Image id"))
        case UnknownPart(_, source):
            yield TextField(source, "unknown", gettext("Unsupported content"), is_for_staff=True)


def _fields_of_text(text: str, message: Message) -> Iterator[TextField]:
    """Yield a text as Markdown shows it, then the URLs of its links; cited sources have fields of their own."""
    if is_json_text(text):
        yield TextField(readable_json(text.strip()))
        return
    if message.role != "assistant" or len(text) > MARKDOWN_LIMIT:
        yield TextField(text)
        return
    yield TextField(markdown_to_text(without_citation_markers(text) if message.citations else text))
    if not message.citations:
        for address in link_urls(text):
            yield TextField(address, "text", gettext("Link"), counts_once=True)


def _hits(bubble: Bubble, matches: list[_Match], target: _Target) -> Iterator[Hit]:
    is_hidden = is_hidden_from_customer(bubble)
    for nth, match in enumerate(matches, 1):
        yield Hit(
            url=target.url(nth),
            place=target.place,
            nth=nth,
            who=bubble.place if bubble.is_answer else bubble.label,
            number=bubble.number,
            where=match.field.label,
            part=match.field.part,
            before=match.before,
            words=match.words,
            behind=match.after,
            is_hidden=match.field.is_for_staff or is_hidden,
        )


def _in_one_line(text: str) -> str:
    return _BLANK.sub(" ", text)
