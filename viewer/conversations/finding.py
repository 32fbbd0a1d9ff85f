"""Finds words in a conversation, in the whole of it, a page of messages at a time."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse
from django.utils.translation import get_language, gettext

from viewer.client.client import Client, nowhere_to_go_on
from viewer.client.problems import Problem
from viewer.completions.ids import has_address
from viewer.completions.markdown import MARKDOWN_LIMIT, addresses_in, without_markers, without_marks
from viewer.completions.source_text import pretty
from viewer.completions.types import (
    FilePart,
    ImagePart,
    Message,
    RefusalPart,
    TextPart,
    UnknownPart,
    Unreadable,
)

from .bubbles import Bubble, draw_messages, is_remote, place_answer
from .citations import list_sources
from .folding import fold, occurrences
from .problem_words import Told, tell
from .tools import given_to, is_result, said_by
from .visible import make_visible

LONGEST = 200  # characters of the words
STRETCH = 100  # messages of one question; the most that the API gives
PAUSES = {"asked": 100, "hits": 500}  # questions elsewhere, and hits, after which the reader decides whether to go on
_IN_ONE_MESSAGE = 100  # hits; a text that is nothing but the words must not fill the list
_MOST_KEPT = 150  # hits of a page; some 64 kB, which bounds the cache's memory as in templatetags/bubbles.py
_BEFORE, _BEHIND = 40, 90  # characters of a snippet around the words

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_BLANK = re.compile(r"\s+")
_FIRST_WORD, _LAST_WORD = re.compile(r"^\S*\s+(?=\S)"), re.compile(r"(?<=\S)\s+\S*$")  # which are cut in two


@dataclass(frozen=True, slots=True)
class Slot:
    """One text of a message, in the order of the page. `part` is the hook of what holds it there."""

    text: str
    part: str = "text"
    label: str = ""
    is_for_staff: bool = False  # the customer did not see it, although the message was seen
    counts_once: bool = False  # an address: the page marks its link as a whole


_Place = tuple[Slot, int, int]  # start and end in the slot's text


@dataclass(frozen=True, slots=True)
class _Landing:
    """Where a message is opened. One without an address is opened at the message before it, a choice at the last."""

    completion_id: str
    message_id: str
    words: str
    choice: int | None = None

    def url(self, nth: int) -> str:
        name, more = ("permalink", [self.message_id]) if self.message_id else ("conversation", [])
        asked: dict[str, str | int] = {"find": self.words}
        if self.choice is not None:
            asked["choice"] = self.choice
        if nth > 1:
            asked["hit"] = nth
        return f"{reverse(name, args=[self.completion_id, *more])}?{urlencode(asked, errors='replace')}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where the words stand, with its address and a line to know it by."""

    url: str
    message_id: str
    choice: int | None
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
    """What one page of messages holds; `cursor` goes on behind it, and is empty at the end of the conversation."""

    hits: tuple[Hit, ...]
    read: int
    cursor: str
    breaks_off: bool  # there is more, and no id to go on from


@dataclass(frozen=True, slots=True)
class Found:
    """What one go has found. `problem` ended it before its time; `cursor` goes on, empty when all was read."""

    hits: tuple[Hit, ...]
    read: int
    asked: int
    cursor: str
    problem: Told | None = None


def is_too_short(words: str) -> bool:
    """Whether the words are nothing to look for: no letter, or a single one of an alphabet."""
    needle = fold(words).strip()
    return not needle or (len(needle) == 1 and needle.isascii())


def find_words(
    client: Client, completion_id: str, words: str, *, after: str = "", seconds: float, asked: int, hits: int
) -> Found:
    """Read on behind `after` until the end, or until so much time, or so many questions asked, or so many hits.

    Raises Problem when the first question fails; a later one ends the go, and what was found is given.
    """
    began = time.monotonic()
    found: list[Hit] = []
    read = questions = 0
    cursor = after
    while True:
        try:
            stretch, was_asked = _stretch(client, completion_id, words, cursor)
        except Problem as problem:
            if not read:
                raise
            return Found(tuple(found), read, questions, cursor, tell(problem))
        found += stretch.hits
        read += stretch.read
        questions += was_asked
        cursor = stretch.cursor
        if stretch.breaks_off:
            return Found(tuple(found), read, questions, "", tell(nowhere_to_go_on()))
        is_used_up = questions >= asked or len(found) >= hits or time.monotonic() - began > seconds
        if not cursor or is_used_up:
            return Found(tuple(found), read, questions, cursor)


def _stretch(client: Client, completion_id: str, words: str, after: str) -> tuple[Stretch, int]:
    """Take what one page holds from the cache, else read it; and say how many questions elsewhere that took.

    Nothing of the archive is kept: what it holds can be imported anew, and is read in milliseconds.
    """
    if client.is_local:
        return _read_stretch(client, completion_id, words, after), 0
    identity = f"{get_language()} {client.cache_as} {completion_id} {after} {words}"
    key = f"find-{sha256(identity.encode('utf-8', 'replace')).hexdigest()}"
    kept: Stretch | None = cache.get(key) if client.cache_seconds else None
    if kept is not None:
        return kept, 0
    stretch = _read_stretch(client, completion_id, words, after)
    if client.cache_seconds and len(stretch.hits) <= _MOST_KEPT:
        cache.set(key, stretch, client.cache_seconds)
    return stretch, 1


def _read_stretch(client: Client, completion_id: str, words: str, after: str) -> Stretch:
    page = client.messages(completion_id, after=after, limit=STRETCH)
    needle = fold(words).strip()
    landing = _Landing(completion_id, after, words)
    found: list[tuple[Message | Unreadable, list[_Place], _Landing]] = []
    for item in page.items:
        if has_address(item.id):
            landing = replace(landing, message_id=item.id)
        if places := _places(item, needle):
            found.append((item, places, landing))
    bubbles = draw_messages(completion_id, [item for item, _, _ in found], as_source=True)
    hits = [hit for bubble, (_, places, at) in zip(bubbles, found, strict=True) for hit in _hits(bubble, places, at)]
    if not page.has_more:
        hits += _hits_in_answer(client, page.items, needle, landing)
    cursor = page.cursor if page.has_more else ""
    return Stretch(tuple(hits), len(page.items), cursor, breaks_off=page.has_more and not cursor)


def _hits_in_answer(
    client: Client, shown: tuple[Message | Unreadable, ...], needle: str, landing: _Landing
) -> Iterator[Hit]:
    """List the hits of the choices; they stand behind the last message, unless they are the last messages."""
    choices = client.completion(landing.completion_id).choices
    bubbles = draw_messages(landing.completion_id, shown, as_source=True)
    _, answer = place_answer(landing.completion_id, choices, shown, bubbles, goes_on=True, as_source=True)
    for choice, bubble in zip(choices, answer, strict=False):  # no answer: it is the last messages
        yield from _hits(bubble, _places(choice.message, needle), replace(landing, choice=choice.index))


def _places(item: Message | Unreadable, needle: str) -> list[_Place]:
    places: list[_Place] = []
    for slot in slots_of(item):
        most = 1 if slot.counts_once else _IN_ONE_MESSAGE - len(places)
        places += [(slot, start, end) for start, end in occurrences(slot.text, needle, most)]
        if len(places) >= _IN_ONE_MESSAGE:
            break
    return places


def slots_of(item: Message | Unreadable) -> Iterator[Slot]:
    """Give everything in a message that can be found, in the order of the page, and each as the page shows it."""
    if isinstance(item, Unreadable):
        yield Slot(make_visible(item.source), "unknown", gettext("Unreadable item"))
        return
    yield Slot(make_visible(item.name), "name", gettext("Name"))
    for part in item.parts:
        match part:
            case TextPart(text) if not is_result(item):
                yield from _text_slots(text, item)
            case RefusalPart(text):
                yield Slot(make_visible(text), "refusal", gettext("Refusal"))
            case FilePart(filename, file_id):
                yield Slot(make_visible(filename or file_id), "file", gettext("File name"))
            case ImagePart(url) if is_remote(url):
                yield Slot(url, "image", gettext("Image address"))
            case UnknownPart(_, source):
                yield Slot(make_visible(source), "unknown", gettext("Not drawn by this version"))
    yield Slot(make_visible(item.refusal), "refusal", gettext("Refusal"))
    if item.audio is not None:
        yield Slot(make_visible(item.audio.transcript), "audio", gettext("Transcript"))
    for cited in list_sources(item.citations):
        yield Slot(cited.title, "sources", gettext("Source"))
        yield Slot(cited.url, "sources", gettext("Source"), counts_once=True)
    if is_result(item):
        yield Slot(_json_text(said_by(item)), "tool-result", gettext("Result"))
    for call in item.tool_calls:
        yield Slot(make_visible(call.name), "tool-call", gettext("Tool"), is_for_staff=True)
        given = given_to(call)
        shown = make_visible(given) if call.kind == "custom" else _json_text(given)
        yield Slot(shown, "tool-call", gettext("Arguments"), is_for_staff=True)
    for thought in item.reasoning:
        yield Slot(make_visible(thought.text), "reasoning", gettext("Reasoning"), is_for_staff=True)
    for name, source in item.other.items():
        yield Slot(make_visible(f"{name} {source}"), "unknown", gettext("Other fields"), is_for_staff=True)


def _text_slots(text: str, message: Message) -> Iterator[Slot]:
    """Give a text as Markdown shows it, and then the addresses of its links; sources are listed elsewhere."""
    if message.role != "assistant" or len(text) > MARKDOWN_LIMIT:
        yield Slot(make_visible(text))
        return
    yield Slot(make_visible(without_marks(without_markers(text) if message.citations else text)))
    if not message.citations:
        for address in addresses_in(text):
            yield Slot(address, "text", gettext("Link"), counts_once=True)


def _json_text(text: str) -> str:
    r"""Give JSON indented as the page shows it, with `Z\u00fcrich` readable, and any other text as it is."""
    printed = pretty(text) if text[:1] in "{[" else None
    if printed is None or "\\" not in printed:
        return make_visible(printed or text)
    return make_visible(_ESCAPE.sub(_unescaped, printed).encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return " " if escape[2] in "nrt" else escape[2]


def _hits(bubble: Bubble, places: list[_Place], landing: _Landing) -> Iterator[Hit]:
    for nth, (slot, start, end) in enumerate(places, 1):
        before, behind = slot.text[max(0, start - _BEFORE) : start], slot.text[end : end + _BEHIND]
        yield Hit(
            url=landing.url(nth),
            message_id=landing.message_id,
            choice=landing.choice,
            nth=nth,
            who=bubble.label,
            number=bubble.number,
            where=slot.label,
            part=slot.part,
            before=_in_one_line("…" + _FIRST_WORD.sub("", before) if start > _BEFORE else before),
            words=_in_one_line(slot.text[start:end]),
            behind=_in_one_line(_LAST_WORD.sub("", behind) + "…" if end + _BEHIND < len(slot.text) else behind),
            is_hidden=slot.is_for_staff or bubble.is_behind_the_scenes,
        )


def _in_one_line(text: str) -> str:
    return _BLANK.sub(" ", text)
