"""Produces the words to index for a message: its texts, folded and split into words, and a mark for every operator.

What it produces is one text of segments, `|2 your refund was sent |3 lookup order |m ƻroleƻ3aassistant `: a letter for
who speaks, then words between single spaces, so that a phrase is found by looking for ` refund was `. Both databases
index it. After a change here, or of words, texts or marks, a migration must clear the index.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.calls import CALL_LISTS
from viewer.completions.contents import count_contents, count_endings
from viewer.completions.folding import fold
from viewer.completions.reading import plain_completion_in, read_completion, read_message, role_of_plain_text
from viewer.completions.roles import canonical_role
from viewer.completions.source_text import Piece, decode_object
from viewer.completions.summary import question_in
from viewer.completions.types import Choice, Message, Unreadable, effective_role

from .marks import EVERYTHING, mark, marks_of, model_without_date
from .said import ASSISTANT, BETWEEN, CUSTOMER, DETAILS, MARKS, PROMPTS, TOOLS, Words
from .texts import (
    day_texts,
    extra_texts,
    indexed_values,
    named_texts,
    not_of_prompts,
    of_prompts,
    other_fields,
    prompt_fields,
    texts_in_fields,
    texts_of,
)
from .words import joined_words, split_together, words_of

_SPEAKERS = {
    "user": CUSTOMER, "assistant": ASSISTANT, "tool": TOOLS, "function": TOOLS, "system": PROMPTS, "developer": PROMPTS,
}  # fmt: skip
_CALL_KEYS = {*CALL_LISTS, "function_call"}  # what an assistant says to a tool is not said to the customer
_MAX_CHARACTERS = 200_000  # characters of one message; PostgreSQL takes at most 1 MB of words of one text
_AT_ONCE = 64_000  # characters of texts that are split together


@dataclass(frozen=True, slots=True)
class Facts:
    """What a completion says of itself beside its JSON: its model, its time in Unix seconds and its metadata."""

    model: str
    created: int
    metadata: dict[str, str]


class Indexed(NamedTuple):
    """What is kept of a message or the answer: its words, and what it contains. Only a user's first has `question`."""

    words: str
    marks: list[str]
    held: Counter[str]
    question: str = ""


class Portion(NamedTuple):
    """Messages that follow each other, or the answer too, and all of their words, with who speaks."""

    entries: list[Indexed]
    said: list[tuple[str, Words]]


class _Said(NamedTuple):
    """What is to be indexed of a message or the answer: its texts with who speaks, its marks, and as `Indexed` has it.

    Texts of no words are left out later.
    """

    texts: list[tuple[str, str]]
    marks: list[str]
    held: Counter[str]
    question: str = ""


_NOTHING: Counter[str] = Counter()  # one for all messages that are only text


def words_to_index(facts: Facts, messages: Iterable[Piece], body: str) -> Iterator[Portion]:
    """Yield what to index of each message, and last of the answer.

    The answer's entry also has the words of the completion itself, whose JSON is `body`. An answer that a server
    appended to the messages is counted there.
    """
    waiting, length = list[_Said](), 0
    for said in _said(facts, messages, body):
        size = 100 + sum([len(text) for _, text in said.texts])
        if waiting and length + size > _AT_ONCE:
            yield _split(waiting)
            waiting, length = [], 0
        waiting.append(said)
        length += size
    yield _split(waiting)


def _split(several: list[_Said]) -> Portion:
    """Split all texts of each speaker at once."""
    texts_of = defaultdict[str, list[str]](list)
    for each in several:
        for speaker, text in each.texts:
            if text:
                texts_of[speaker].append(text)
    segments, words = dict[str, Iterator[str]](), list[tuple[str, Words]]()
    for speaker, texts in texts_of.items():
        may_come_again = speaker in _KEPT
        split = [_kept_segments(speaker, text) for text in texts] if may_come_again else [_segments(speaker, texts)]
        segments[speaker] = chain.from_iterable([each for each, _ in split])
        words += [(speaker, said) for _, said in split]
    entries = []
    for texts_said, marks, held, question in several:
        said = "".join([next(segments[speaker]) for speaker, text in texts_said if text])
        entries.append(Indexed(f"{said}|{MARKS} {' '.join(marks)} ", marks, held, question))
    return Portion(entries, words)


def _segments(speaker: str, texts: list[str]) -> tuple[list[str], Words]:
    """Return the segments of each text, and all of their words.

    One segment has the words of a text, another its joined words, which stand beside no other word.
    """
    words_of_each, words = split_together(texts)
    segments = list[str]()
    for text, between_spaces in zip(texts, words_of_each, strict=True):
        segment = "" if between_spaces.isspace() else f"|{speaker}{between_spaces}"
        if segment and (joined := joined_words(text)):
            segment += f"|{speaker} {' '.join(joined)} "
            words += [BETWEEN, *joined]
        segments.append(segment)
    return segments, Words(words)


def _segments_of_one(speaker: str, text: str) -> tuple[list[str], Words]:
    return _segments(speaker, [text])


# Whose texts come again in many conversations: what an app tells its model, and its tools; the model and the day. With
# the most characters of a text that is kept.
_KEPT = {
    PROMPTS: (20_000, lru_cache(16)(_segments_of_one)),
    DETAILS: (300, lru_cache(1_000)(_segments_of_one)),
}


def _kept_segments(speaker: str, text: str) -> tuple[list[str], Words]:
    """Return what `_segments` does of a text that may come again."""
    longest, segments = _KEPT[speaker]
    return segments(speaker, text) if len(text) <= longest else _segments_of_one(speaker, text)


def _said(facts: Facts, messages: Iterable[Piece], body: str) -> Iterator[_Said]:
    tools: dict[str, str] = {}
    completion = Piece(body, _object_in(body))
    texts, question = list[tuple[str, str]](), ""
    newest: deque[Piece] = deque(maxlen=_most_answers(completion))
    for piece in messages:
        source, values = piece
        newest.append(piece)
        message = None
        opening = ""
        if role := role_of_plain_text(values):  # most messages; reading one takes as long as splitting it into words
            given = values["content"] if values.get("name") is None else indexed_values(values)
            texts = [_as_said(_SPEAKERS[role], texts_of(given))]
            held, marks = _NOTHING, [mark("role", role)]
        else:
            message = read_message(source, values=values)
            texts = _texts_of_message(message, values)
            held = _held_by(message)
            marks = _sorted(marks_of(message, held, tools))
        if not question and (message or role == "user"):
            question = opening = question_in(message or read_message(source, values=values))
        yield _Said(texts, marks, held, opening)
    yield _said_by_plain_answer(facts, completion, newest) or _said_by_answers(facts, completion, newest, texts, tools)


def _object_in(body: str) -> dict[str, Any] | None:
    try:
        return decode_object(body)
    except ValueError:
        return None


def _most_answers(completion: Piece) -> int:
    choices = completion.value.get("choices") if completion.value else None
    return len(choices) if isinstance(choices, list) else 0


def _said_by_plain_answer(facts: Facts, completion: Piece, newest: Iterable[Piece]) -> _Said | None:
    """Return what `_said_by_answers` does, in a quarter of its time, if the only answer is a text, as most are."""
    if completion.value is None or (plain := plain_completion_in(completion.value)) is None:
        return None
    texts = [_as_said(ASSISTANT, texts_of(plain.answer))]
    for _, last in newest:
        if not _is_from_assistant(last):
            continue
        if not role_of_plain_text(last) or last.get("name") is not None:
            return None
        if last["content"] == plain.answer:  # the message's entry has it
            texts = []
    texts += [
        *_details(facts, texts_of(not_of_prompts(plain.other))),
        _as_said(PROMPTS, texts_of(of_prompts(plain.parameters | plain.other))),
    ]
    return _Said(texts, _sorted([mark("role", "assistant"), *_shared_marks(facts)]), _NOTHING)


def _is_from_assistant(message: dict[str, Any]) -> bool:
    return isinstance(role := message.get("role"), str) and canonical_role(role) == "assistant"


def _said_by_answers(
    facts: Facts, given: Piece, newest: Iterable[Piece], last_said: list[tuple[str, str]], tools: dict[str, str]
) -> _Said:
    """Return what is said in the answers, and of the completion itself."""
    completion = read_completion(*given)
    shared = [*_shared_marks(facts)]
    if isinstance(completion, Unreadable):
        return _Said([*_details(facts)], _sorted(shared), _NOTHING)
    choices = completion.choices
    answers = [choice.message for choice in choices]
    ends = tuple(read_message(source, values=values) for source, values in newest)
    appended = appended_answers(ends, choices)
    answered = [text for answer in answers for text in _texts_of_message(answer)]
    if appended and _words_of_texts(answered) == _words_of_texts(last_said):  # the message's entry has it
        answered = []
    held_by_each = [_held_by(answer) for answer in answers]
    held_by_answers = map(_added_by, ends, choices) if appended else held_by_each
    others = [
        _as_said(ASSISTANT, chain.from_iterable(map(extra_texts, choices))),
        *_details(facts, texts_in_fields(other_fields(completion))),
        _as_said(PROMPTS, texts_in_fields(prompt_fields(completion))),
    ]
    marks = [word for answer, held in zip(answers, held_by_each, strict=True) for word in marks_of(answer, held, tools)]
    endings = count_endings(choices)
    marks += [mark("has", kind) for kind in endings]
    if completion.error or any(choice.error for choice in choices):
        marks.append(mark("has", "error"))
    return _Said([*answered, *others], _sorted([*marks, *shared]), sum(held_by_answers, endings))


def _details(facts: Facts, others: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield what is said of the completion itself, the model and the day apart: these come again."""
    yield _as_said(DETAILS, [facts.model, *day_texts(facts.created)])
    # Keys of metadata are in every conversation: `meta.` asks for them.
    yield _as_said(DETAILS, chain(facts.metadata.values(), others))


def _held_by(item: Message | Unreadable) -> Counter[str]:
    return count_contents(item) if isinstance(item, Message) else Counter()


def _added_by(message: Message | Unreadable, choice: Choice) -> Counter[str]:
    """Count what only the choice contains, if its message is also among the messages."""
    return _held_by(with_choice(message, choice)) - _held_by(message)


def _texts_of_message(item: Message | Unreadable, values: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return what a message says, and what it says to tools, each with who speaks."""
    speaker = _SPEAKERS.get(effective_role(item), DETAILS) if isinstance(item, Message) else DETAILS
    said, called = list[str](), list[str]()
    for text, _, name in named_texts(item, values=values):
        (called if name in _CALL_KEYS else said).append(text)
    return [_as_said(speaker, said), _as_said(TOOLS, called)]


def _words_of_texts(texts: list[tuple[str, str]]) -> list[tuple[str, list[str], list[str]]]:
    split = ((speaker, words_of(text).split(), joined_words(text)) for speaker, text in texts)
    return [each for each in split if each[1]]


def _as_said(speaker: str, texts: Iterable[str]) -> tuple[str, str]:
    return speaker, "\n".join(texts)[:_MAX_CHARACTERS]


def _sorted(marks: Iterable[str]) -> list[str]:
    return sorted(set(marks))


def _shared_marks(facts: Facts) -> Iterator[str]:
    yield EVERYTHING
    yield from {mark("model", facts.model), mark("model", model_without_date(facts.model))}
    for key, value in facts.metadata.items():
        yield mark(f"meta.{fold(key)}", value)
