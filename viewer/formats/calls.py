"""Makes conversations of the calls that a platform has recorded: one call repeats what was said before it and goes on.

Calls that go on from one another become one conversation, which has each message once, with all that is known of it.
"""

from __future__ import annotations

import hashlib
from collections import ChainMap, Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from viewer.completions.reading import read_time

from .document import Conversation, Document
from .drafts import Draft, DraftMessage
from .exchanges import text_of
from .family import object_at
from .merging import Merging
from .pairs import rest_of

_SYSTEM = ("system", "developer")
_End = tuple[bytes, bool]  # what was said in a turn so far, and whether the last of it was answered


@dataclass
class Span:
    """What a platform has recorded of one step of a program. `rest` is the JSON of it that the draft has not.

    The draft has the id of the span, when it began, what was asked and what was answered.
    """

    draft: Draft
    document: Document
    trace: str
    is_call: bool  # of a model
    is_root: bool = True
    rest: list[str] = field(default_factory=list)


@dataclass
class _Turn:
    """Calls that go on from one another, and what was said in them."""

    calls: list[Span] = field(default_factory=list)
    said: Merging = field(default_factory=Merging)

    def add(self, call: Span) -> None:
        self.calls.append(call)
        self.said.ask(call.draft.messages, call.trace)
        self.said.answer(_answers(call), call.trace)

    @property
    def end(self) -> _End | None:
        """Where another call may go on; None if nothing was said, and after several answers."""
        draft = self.calls[-1].draft
        said = _ends([*draft.messages, *_answers(self.calls[-1])])
        return (said[-1], bool(draft.choices)) if said and len(draft.choices) < 2 else None

    @property
    def is_single(self) -> bool:
        """Whether its last call has one question, without what was said before, and one answer."""
        draft = self.calls[-1].draft
        return len(_asked(draft)) == len(draft.choices) == 1


def conversations_of(spans: Iterable[Span]) -> Iterator[Conversation]:
    """Yield the conversations of the spans of one trace, or of all traces of one session."""
    ordered = sorted(spans, key=lambda span: _seconds(span.draft.created))
    traces = dict[str, list[Span]]()
    for span in ordered:
        traces.setdefault(span.trace, []).append(span)
    turns = _turns_of(call for inner in traces.values() for call in _calls_in(inner))
    _name_by_trace(turns)
    for turn in _joined(turns):
        yield _finish(turn)


def _calls_in(spans: list[Span]) -> list[Span]:
    """Return the calls of models in a trace; without any what the program was asked. What is left is kept with it."""
    calls = [span for span in spans if span.is_call] or [span for span in spans if span.is_root] or spans
    chosen = [span for span in calls if span.draft.messages or span.draft.choices] or calls[:1]
    taken = set(map(id, chosen))
    left = [span for span in spans if id(span) not in taken]
    chosen[0].rest += [span.document.text for span in left]
    return chosen


def _turns_of(calls: Iterable[Span]) -> list[_Turn]:
    """Join each call with the latest turn that it goes on from: which it repeats as far as that went."""
    turns = list[_Turn]()
    by_end = defaultdict[_End, dict[int, None]](dict)  # where in `turns` stand those that went so far, in order
    for call in calls:
        known = _ends(call.draft.messages)
        ends = [*((end, True) for end in known), *((end, False) for end in known[:-1])]
        place = max((next(reversed(by_end[end])) for end in ends if by_end.get(end)), default=None)
        if place is None:
            place = len(turns)
            turns.append(_Turn())
        elif before := turns[place].end:
            by_end[before].pop(place)
        turns[place].add(call)
        if end := turns[place].end:
            by_end[end][place] = None
    return turns


def _ends(messages: Iterable[DraftMessage]) -> list[bytes]:
    """Return for each message of a history what is the same where all was the same until there."""
    ends, digest = list[bytes](), hashlib.blake2b(digest_size=16)
    for message in messages:
        if message.role not in _SYSTEM:
            digest.update(repr((message.role, text_of(message), _called(message))).encode("utf-8", "replace"))
            ends.append(digest.digest())
    return ends


def _called(message: DraftMessage) -> list[Any]:
    calls = message.tool_calls if isinstance(message.tool_calls, list) else []
    return [object_at(call, "function").get("name") for call in calls]


def _name_by_trace(turns: list[_Turn]) -> None:
    """Give a turn the id of its trace, if it is the only one with calls of that trace; otherwise it has its call's."""
    count = Counter(trace for turn in turns for trace in {call.trace for call in turn.calls})
    for turn in turns:
        first = turn.calls[0]
        if first.trace and count[first.trace] == 1:
            first.draft.id = first.trace


def _joined(turns: list[_Turn]) -> list[_Turn]:
    """Join the turns of a session of which each has only its own question and answer."""
    questions = {text_of(_asked(turn.calls[-1].draft)[0]) for turn in turns if turn.is_single}
    if len(turns) < 2 or len(questions) < len(turns):
        return turns
    talk = _Turn()
    for call in (call for turn in turns for call in turn.calls):
        talk.add(call)
    return [talk]


def _asked(draft: Draft) -> list[DraftMessage]:
    return [message for message in draft.messages if message.role not in _SYSTEM]


def _answers(call: Span) -> list[DraftMessage]:
    return [message for message, _reason in call.draft.choices]


def _finish(turn: _Turn) -> Conversation:
    first, *_, last = (turn.calls[0], *turn.calls)
    for span in turn.calls[:-1]:
        completion = span.draft.completion
        span.rest += [rest_of(completion, [("choices",)])] if completion else []
    rests = [text for span in turn.calls for text in span.rest if text]
    draft = last.draft
    draft.id, draft.created = first.draft.id, first.draft.created
    draft.metadata = dict(ChainMap(*(span.draft.metadata for span in reversed(turn.calls))))
    draft.messages = turn.said.messages[: len(turn.said.messages) - len(draft.choices)]
    draft.source = f"[{','.join(rests)}]" if rests else ""
    return draft.finish_at(first.document.place, *(span.document.text for span in turn.calls))


def _seconds(value: Any) -> float:
    time = read_time(value)
    return time.timestamp() if time else 0.0
