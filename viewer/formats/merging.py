"""Makes one conversation of the calls of a model, each of which repeats what was said before it.

The rules, for calls in the order of their time:

- What an input repeats is not said again: each message counts as said before if the conversation has one that speaks
  in the same role, with the same words, calls and media, and that this input has not used yet. White space, reasoning,
  citations and what a tool adds do not count.
- What an input has that was not said before is added at the end, in its order. So a history that was cut short, or that
  a summary replaced, loses nothing and doubles nothing.
- A message of a history that stands where the conversation has one that nobody repeats, in the same role, is that one
  rewritten, if it has the same calls, if one of both is empty, or if the words of one contain those of the other: a
  picture that was taken out, a result that was shortened. The fuller one stays.
- The last message of an input is what was asked. If a person asks the same words again after an answer, they are said
  again, unless the input repeats an earlier one with its whole history, or is of the same group (a trace): then the
  question was only asked of another model, or once more.
- Every answer is added. An answer that only failed is none: what is asked after it again is the same question.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, NamedTuple

from viewer.completions.roles import canonical_role

from .drafts import DraftMessage

_THOUGHTS = ("reasoning", "thinking", "thought", "redacted_thinking")
_ROLES = {"developer": "system", "function": "tool"}
_EDGE = 100  # characters of a URL by which media are compared


class Said(NamedTuple):
    """What a message says, in a form that compares equal where it is repeated. `words` has no white space."""

    role: str
    words: str
    calls: tuple[str, ...]
    answers: str  # the id of the call of which it is the result
    media: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.words or self.calls or self.media)


@dataclass
class _Entry:
    message: DraftMessage
    said: Said
    group: str
    is_failed: bool = False


@dataclass
class Merging:
    """A conversation that grows call by call. `messages` has what was said so far."""

    _entries: list[_Entry] = field(default_factory=list)
    _places: dict[Said, list[int]] = field(default_factory=dict)
    _inputs: set[bytes] = field(default_factory=set)
    _said: dict[int, tuple[DraftMessage, Said]] = field(default_factory=dict)

    @property
    def messages(self) -> list[DraftMessage]:
        """The messages of the conversation in their order."""
        return [entry.message for entry in self._entries]

    def ask(self, given: Iterable[DraftMessage], group: str = "") -> None:
        """Take the input of a call; add what was not said before."""
        messages = list(given)
        said = [self._said_by(message) for message in messages]
        is_repeated = self._is_repeated(said)
        count = len(said) - (1 if said and said[-1].role == "user" else 0)
        known = self._match(said[:count])
        if count < len(said):
            place = self._place_of_question(said[-1], set(known.values()), group, is_repeated)
            if place is not None:
                known[count] = place
                self._entries[place].group = group or self._entries[place].group
        for n, message in enumerate(messages):
            if n not in known:
                self._add(message, said[n], group)
            elif _is_fuller(said[n], self._entries[known[n]].said):
                self._fill(known[n], message, said[n])

    def answer(self, messages: Iterable[DraftMessage], group: str = "", *, is_failed: bool = False) -> None:
        """Add the answers of a call. `is_failed` says that they only tell of an error."""
        for message in messages:
            self._add(message, self._said_by(message), group, is_failed)

    def result(self, message: DraftMessage, group: str = "") -> None:
        """Add the result of a tool, which no message had, after its call and the results that follow it."""
        call_id = message.tool_call_id
        asked = (n for n, entry in enumerate(self._entries) if call_id in _ids_of(entry.message))
        place = next(asked, len(self._entries) - 1) + 1
        while place < len(self._entries) and self._entries[place].said.role == "tool":
            place += 1
        self._entries.insert(place, _Entry(message, said_by(message), group))
        self._places = {}
        for n, entry in enumerate(self._entries):
            self._places.setdefault(entry.said, []).append(n)

    def _said_by(self, message: DraftMessage) -> Said:
        """Return what a message says. Inputs may share the messages of a history, which are the most."""
        known = self._said.get(id(message))
        if known is None:
            known = self._said[id(message)] = message, said_by(message)  # the message is kept, so its id stays its own
        return known[1]

    def _is_repeated(self, said: list[Said]) -> bool:
        """Whether an earlier input had the very same history, with answers in it; notes this one."""
        if not any(one.role == "assistant" for one in said):
            return False
        digest = digest_of_said(said)
        is_known = digest in self._inputs
        self._inputs.add(digest)
        return is_known

    def _match(self, said: list[Said]) -> dict[int, int]:
        """Return for each message of an input that was said before where it stands in the conversation."""
        known, used, cursor = dict[int, int](), set[int](), 0
        for n, one in enumerate(said):
            place = self._next_place(one, cursor, used)
            if place is not None:
                known[n], cursor = place, place + 1
                used.add(place)
        if len(known) < len(said):
            self._match_rewritten(said, known)
        return known

    def _next_place(self, said: Said, cursor: int, used: set[int]) -> int | None:
        """Return where these words stand next, or else anywhere, without what is used already."""
        if cursor < len(self._entries) and cursor not in used and self._entries[cursor].said == said:
            return cursor
        places = self._places.get(said, [])
        start = bisect_left(places, cursor)
        turned = chain(range(start, len(places)), range(start))
        return next((places[n] for n in turned if places[n] not in used), None)

    def _match_rewritten(self, said: list[Said], known: dict[int, int]) -> None:
        used, repeated = set(known.values()), Counter(said)
        place = -1
        for n, one in enumerate(said):
            if n in known:
                place = known[n]
                continue
            next_place = place + 1
            if one.role != "system":  # which a history may leave out
                next_place = self._next_spoken(next_place)
            if next_place >= len(self._entries) or next_place in used:
                continue
            entry = self._entries[next_place]
            if not repeated[entry.said] and _is_rewritten(entry.said, one):
                known[n] = place = next_place
                used.add(place)

    def _next_spoken(self, place: int) -> int:
        while place < len(self._entries) and self._entries[place].said.role == "system":
            place += 1
        return place

    def _fill(self, place: int, message: DraftMessage, said: Said) -> None:
        """Put a message where the conversation has less of it, with what is known of that beside its words."""
        entry = self._entries[place]
        known = entry.message
        fuller = replace(message, more=message.more | known.more, created=message.created or known.created)
        self._entries[place] = _Entry(fuller, said, entry.group, entry.is_failed)
        self._places.setdefault(said, []).append(place)
        self._places[said].sort()
        self._places[entry.said].remove(place)

    def _place_of_question(self, said: Said, used: set[int], group: str, is_repeated: bool) -> int | None:
        places = (place for place in reversed(self._places.get(said, [])) if place not in used)
        latest = next(places, None)
        if latest is None or is_repeated or not self._is_answered_after(latest):
            return latest
        return next((n for n in chain([latest], places) if group and self._entries[n].group == group), None)

    def _is_answered_after(self, place: int) -> bool:
        return any(_is_answer(self._entries[n]) for n in range(place + 1, len(self._entries)))

    def _add(self, message: DraftMessage, said: Said, group: str, is_failed: bool = False) -> None:
        self._places.setdefault(said, []).append(len(self._entries))
        self._entries.append(_Entry(message, said, group, is_failed))


def merged(calls: Iterable[tuple[list[DraftMessage], list[DraftMessage]]]) -> list[DraftMessage]:
    """Return one conversation of calls in the order of their time, each as its input and its answers."""
    turns = Merging()
    for given, answers in calls:
        turns.ask(given)
        turns.answer(answers)
    return turns.messages


def said_by(message: DraftMessage) -> Said:
    """Return what a message says."""
    role = canonical_role(message.role)
    words, media = _words_and_media(message.content)
    refusal: Any = message.refusal
    call_id: Any = message.tool_call_id
    if message.given is not None:
        refusal = message.given.value.get("refusal")
        call_id = message.given.value.get("tool_call_id")
    if not words and isinstance(refusal, str):
        words = _without_space(refusal)
    calls = tuple(_call_of(call) for call in message.tool_calls if isinstance(call, dict)) if message.tool_calls else ()
    return Said(_ROLES.get(role, role), words, calls, str(call_id or ""), media)


def digest_of_said(said: Iterable[Said]) -> bytes:
    """Return 16 bytes that are the same for messages that say the same."""
    return hashlib.blake2b(repr(list(map(tuple, said))).encode("utf-8", "replace"), digest_size=16).digest()


def _words_and_media(content: Any) -> tuple[str, tuple[str, ...]]:
    if isinstance(content, str):
        return _without_space(content), ()
    if not isinstance(content, list):
        return "", ()
    words, media = list[str](), list[str]()
    for part in content:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict) and part.get("type") not in _THOUGHTS:
            text = part.get("text") or part.get("refusal")
            if isinstance(text, str):
                words.append(text)
            elif part.get("type") != "text":
                media.append(_medium_of(part))
    return _without_space("".join(words)), tuple(media)


def _medium_of(part: dict[str, Any]) -> str:
    """Return what tells a part without words from others. Data may be megabytes, of which the ends are enough."""
    kind = str(part.get("type") or "")
    value = part.get(kind)
    if isinstance(value, dict):
        value = value.get("url") or value.get("data") or value.get("file_data") or value.get("file_id")
    text = value if isinstance(value, str) else json.dumps(part, sort_keys=True, default=str)
    return f"{kind} {len(text)} {text[:_EDGE]} {text[-_EDGE:]}"


def _without_space(text: str) -> str:
    return "".join(text.split())


def _call_of(call: dict[str, Any]) -> str:
    if call.get("id"):
        return str(call["id"])
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    arguments = named.get("arguments")
    return f"{named.get('name')} {_without_space(arguments) if isinstance(arguments, str) else arguments}"


def _ids_of(message: DraftMessage) -> list[Any]:
    return [call.get("id") for call in message.tool_calls if isinstance(call, dict)]


def _is_answer(entry: _Entry) -> bool:
    return entry.said.role == "assistant" and not entry.is_failed


def _is_rewritten(said: Said, other: Said) -> bool:
    if said.role != other.role:
        return False
    if said.role == "tool":
        return bool(said.answers) and said.answers == other.answers
    if said.is_empty or other.is_empty:
        return True
    if said.calls or other.calls:
        return said.calls == other.calls
    return said.words in other.words or other.words in said.words


def _is_fuller(said: Said, other: Said) -> bool:
    """Whether a message says all that another says, and more."""
    has_more = len(said.words) > len(other.words) or len(said.media) > len(other.media)
    return has_more and other.words in said.words and len(said.media) >= len(other.media)
