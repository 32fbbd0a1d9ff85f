"""Makes conversations of the calls that a platform has recorded: one call repeats what was said before it and goes on.

Calls that go on from one another become one conversation, which has each message once, with all that is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from viewer.completions.reading import read_time

from .document import Conversation, Document
from .drafts import Draft, DraftMessage
from .exchanges import is_same, rest_of, text_of

_SYSTEM = ("system", "developer")
_SAID = ("content", "refusal", "annotations", "reasoning", "reasoning_content", "tool_calls", "audio")


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


def conversations_of(spans: Iterable[Span]) -> Iterator[Conversation]:
    """Yield the conversations of the spans of one trace, or of all traces of one session."""
    ordered = sorted(spans, key=lambda span: _seconds(span.draft.created))
    traces = dict[str, list[Span]]()
    for span in ordered:
        traces.setdefault(span.trace, []).append(span)
    turns = list[list[Span]]()
    for trace, inner in traces.items():
        found = _one_after_the_other(_calls_in(inner))
        if len(found) == 1 and trace:
            found[0][-1].draft.id = trace
        turns += found
    for turn in _joined(_going_on(turns)):
        yield _finish(turn)


def _calls_in(spans: list[Span]) -> list[Span]:
    """Return the calls of models in a trace; without any what the program was asked. What is left is kept with it."""
    calls = [span for span in spans if span.is_call] or [span for span in spans if span.is_root] or spans
    chosen = [span for span in calls if span.draft.messages or span.draft.choices] or calls[:1]
    left = [span for span in spans if not any(span is each for each in chosen)]
    chosen[0].rest += [span.document.text for span in left]
    return chosen


def _one_after_the_other(calls: list[Span]) -> list[list[Span]]:
    return _going_on([[call] for call in calls])


def _going_on(turns: list[list[Span]]) -> list[list[Span]]:
    """Join each turn with the earlier one that it goes on from."""
    found = list[list[Span]]()
    for turn in turns:
        earlier = next((each for each in reversed(found) if _goes_on(turn[0].draft, each[-1].draft)), None)
        if earlier is None:
            found.append(turn)
        else:
            _go_on(turn[0].draft, earlier[-1].draft)
            turn[-1].draft.id = earlier[-1].draft.id
            earlier += turn
    return found


def _said(draft: Draft) -> list[DraftMessage]:
    return [*draft.messages, *(message for message, _reason in draft.choices)]


def _goes_on(later: Draft, earlier: Draft) -> bool:
    if len(earlier.choices) > 1 or not _said(earlier):
        return False
    before = [message for message in _said(earlier) if message.role not in _SYSTEM]
    after = [message for message in later.messages if message.role not in _SYSTEM]
    has_all = len(after) >= len(before) > 0 and all(map(is_same, before, after))
    return has_all and (bool(earlier.choices) or len(after) > len(before))


def _go_on(later: Draft, earlier: Draft) -> None:
    """Put what is known of the earlier messages into the place of what the later call repeats of them."""
    known = iter([message for message in _said(earlier) if message.role not in _SYSTEM])
    later.messages = [
        message if message.role in _SYSTEM else _fuller(next(known, message), message) for message in later.messages
    ]
    later.created = earlier.created
    later.metadata = earlier.metadata | later.metadata


def _fuller(known: DraftMessage, repeated: DraftMessage) -> DraftMessage:
    """Choose between two records of a message: the later one may have the refusal or the citations of the earlier."""
    return repeated if _fullness(repeated) > _fullness(known) else known


def _fullness(message: DraftMessage) -> int:
    value = message.given.value if message.given else vars(message)
    return sum(bool(value.get(name)) for name in _SAID)


def _joined(turns: list[list[Span]]) -> list[list[Span]]:
    """Join the turns of a session of which each has only its own question and answer."""
    questions = [[each for each in turn[-1].draft.messages if each.role not in _SYSTEM] for turn in turns]
    texts = {text_of(asked[0]) for asked in questions if asked}
    is_talk = all(len(asked) == 1 for asked in questions) and len(texts) == len(turns)
    if len(turns) < 2 or not is_talk or any(len(turn[-1].draft.choices) != 1 for turn in turns):
        return turns
    last = turns[-1][-1].draft
    systems = set[str]()
    messages = list[DraftMessage]()
    for turn in turns:
        for message in turn[-1].draft.messages:
            if message.role in _SYSTEM and text_of(message) in systems:
                continue
            systems |= {text_of(message)} if message.role in _SYSTEM else set()
            messages.append(message)
        messages += [message for message, _reason in turn[-1].draft.choices]
    last.messages = messages[:-1]
    last.id, last.created = turns[0][-1].draft.id, turns[0][-1].draft.created
    return [[span for turn in turns for span in turn]]


def _finish(turn: list[Span]) -> Conversation:
    draft = turn[-1].draft
    for span in turn[:-1]:
        completion = span.draft.completion
        span.rest += [rest_of(completion, [("choices",)])] if completion else []
    rests = [text for span in turn for text in span.rest if text]
    draft.source = f"[{','.join(rests)}]" if rests else ""
    return draft.finish_at(turn[0].document.place, *(span.document.text for span in turn))


def _seconds(value: Any) -> float:
    time = read_time(value)
    return time.timestamp() if time else 0.0
