"""Says by which words a message is found: its texts, folded and cut into words, and a mark for every operator.

Both databases index what this file writes, so they find the same; an index that an older one wrote must be forgotten by
a migration. Scripts that put no blanks between words are cut into overlapping pairs, so that a word is found in a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Any

from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.calls import base_id
from viewer.completions.contents import count_contents
from viewer.completions.folding import IGNORED, fold
from viewer.completions.markdown import MARKDOWN_LIMIT, link_urls, markdown_to_text, without_citation_markers
from viewer.completions.reading import is_same_text, read_completion, read_message, role_of_plain_text
from viewer.completions.reasoning import split_thoughts
from viewer.completions.source_text import Piece, decode, decode_object, is_json_text, readable_json, without_escapes
from viewer.completions.types import (
    Choice,
    Completion,
    Message,
    ToolResult,
    Unreadable,
    effective_role,
)

_MOST = 200_000  # characters of one message; PostgreSQL takes no more than 1 MB of one text's words
_LONGEST_WORD = 64  # characters; what is longer is no word that anybody types, and PostgreSQL refuses 2 kB
# The API's own names of kinds, which stand in nearly every message; any other value of these keys is looked for.
_NAMING = {"type", "role", "object", "detail", "format"}
_NAMES = {
    "text", "image_url", "input_audio", "file", "refusal", "function", "function_call", "custom", "url_citation",
    "user", "assistant", "system", "developer", "tool", "chat.completion", "auto", "low", "high", "wav", "mp3",
}  # fmt: skip
_LONGEST_RUN = 256  # characters of base64 without a blank; what is longer is bytes, whatever key it stands under
_BYTES = re.compile(
    r"data:(?=[\w.+-]+/|;base64)[^\s,]{0,200},[^\s\"'<>)]*"
    rf"|(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_=-]{{{_LONGEST_RUN},}}"
    r"|(?<![A-Za-z0-9+/_=-])(?:[A-Za-z0-9+/_=-]{57,}[\r\n]+){4,}[A-Za-z0-9+/_=-]*"
)
_ALL_BYTES = re.compile(rf"(?:data:[^\s,]{{0,200}};base64,)?[A-Za-z0-9+/_=-]{{{_LONGEST_RUN}}}")
# Where an assistant's Markdown stands; `text` is a choice's of older APIs.
_PROSE = {"content", "content_parts", "parts", "text"}
_ASIDE = {"role", "id", "index", "finish_reason", "logprobs"}

_CHARACTERS = [chr(code) for code in range(0x300, 0x10000)]
_MARKS = "".join(c for c in _CHARACTERS if unicodedata.category(c) in ("Mn", "Mc"))
_VOWEL_SIGNS = re.sub(f"[{IGNORED}]", "", _MARKS)  # what is left of a word's marks when it is folded
LETTER = rf"(?!_)[\w{_VOWEL_SIGNS}]"  # what words are made of
_BREAK = re.compile(rf"[^\w{_VOWEL_SIGNS}]|_")
_ASCII_BREAKS = {code: " " for code in range(128) if not chr(code).isalnum()}
# Thai, Lao, Myanmar, Hangul letters, Khmer, kana, ideographs, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{UNSPACED}]+")
_RUN_AT_END = re.compile(rf"(?<![{UNSPACED}])([{UNSPACED}]++)\s*+\Z")
_LONG_WORD = re.compile(rf"(\S{{{_LONGEST_WORD}}})\S+")
_DATE_OF_MODEL = re.compile(r"-\d{4}-\d{2}-\d{2}$", re.ASCII)


def words_of(text: str) -> str:
    """Cut a text into folded words, each set off by blanks."""
    words = text.lower().translate(_ASCII_BREAKS) if text.isascii() else _BREAK.sub(" ", _letters_of(text))
    if not words.isascii():
        words = _RUN.sub(_in_pairs, words)
    return _LONG_WORD.sub(r"\1", words) if _may_have_a_run(words, _LONGEST_WORD) else words


def _letters_of(text: str) -> str:
    """Fold a text and put its letters together again, for a pair is one of syllables and not of their parts."""
    return unicodedata.normalize("NFC", fold(text))


def _may_have_a_run(text: str, length: int) -> bool:
    """Look for a stretch of half its length without a blank, which is faster than measuring every word."""
    half = length // 2
    return not all(" " in text[at : at + half] for at in range(0, len(text) - half + 1, half))


def asked_words(text: str) -> tuple[list[str], bool]:
    """Cut what is asked for into words, and say whether the last is only the beginning of one.

    The words of a run of ideographs are its pairs and, where the run ends, its last character alone. A question need
    not end where a run ends, so it asks for the pairs; for one character it asks for what begins with it.
    """
    words = words_of(text).split()
    run = _RUN_AT_END.search(_BREAK.sub(" ", _letters_of(text)))
    if run is None:
        return words, False
    return (words[:-1], False) if len(run[1]) > 1 else (words, True)


@lru_cache(10_000)
def mark(operator: str, value: str) -> str:
    """Give the word that stands for `operator:value` in the index; it begins with a letter that no text has."""
    asked = f"{operator}:{fold(value).replace(chr(34), '').strip()}"
    return "ƻ" + blake2b(asked.encode("utf-8", "replace"), digest_size=6).hexdigest()


EVERYTHING = mark("", "")


def texts_of(value: Any, read_json: Callable[[str], str] = without_escapes, name: str = "") -> Iterator[str]:
    """Give every text of a value in order, whatever its shape and under any key, without the bytes among them."""
    waiting = [(name, value)]
    while waiting:  # a stack, for no depth of nesting may exhaust Python's
        name, value = waiting.pop()
        if isinstance(value, str):
            if value and not (name in _NAMING and value in _NAMES):
                text = without_bytes(read_json(value) if value[0] in "{[" else value)
                if text and not text.isspace():
                    yield text
        elif isinstance(value, list):
            waiting += [(name, item) for item in reversed(value) if isinstance(item, str | list | dict)]
        elif isinstance(value, dict):
            waiting += reversed(value.items())


def without_bytes(text: str) -> str:
    """Take out what only machines read: data URLs and long runs of base64, tell-tale by their length."""
    if len(text) < _LONGEST_RUN and "data:" not in text:
        return text
    if _ALL_BYTES.match(text) and " " not in text:  # a picture is not worth looking through
        return ""
    return _BYTES.sub(" ", text) if "data:" in text or _may_have_a_run(text, _LONGEST_RUN) else text


def texts_in(
    item: Message | Unreadable,
    read_json: Callable[[str], str] = without_escapes,
    values: dict[str, Any] | None = None,
) -> Iterator[tuple[str, bool]]:
    """Give every text of a message, and whether it is Markdown, which thoughts between tags are not.

    Who speaks and the id of the message are left out, for they have operators of their own.
    """
    if isinstance(item, Unreadable):
        yield from ((text, False) for text in texts_of(_value(item.source), read_json))
        return
    values = dict(values) if values else decode_object(item.source)
    if isinstance(parts := values.get("content_parts"), list) and is_same_text(values.get("content"), parts):
        values["content"] = None
    for name, value in _without_operators(values).items():
        is_prose = name in _PROSE and item.role == "assistant"
        for text in texts_of(value, read_json, name):
            said, thoughts = split_thoughts(text) if is_prose else (text, [])
            yield said, is_prose and not is_json_text(said)
            yield from ((thought, False) for thought in thoughts)


def _without_operators(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _ASIDE}


def shown_texts(item: Message | Unreadable) -> Iterator[str]:
    """Give every text as a page shows it: JSON indented, what an assistant says without the marks of Markdown."""
    is_cited = isinstance(item, Message) and bool(item.citations)
    for text, is_prose in texts_in(item, readable_json):
        if is_prose and len(text) <= MARKDOWN_LIMIT:
            yield markdown_to_text(without_citation_markers(text) if is_cited else text)
            yield from link_urls(text)
        else:
            yield text


def texts_beside(choice: Choice) -> Iterator[str]:
    """Give what stands beside the words of an answer: its sources, and the other fields of its choice."""
    if isinstance(choice.message, Message):
        yield from (text for cited in choice.message.citations for text in (cited.title, cited.url))
    yield from texts_in_fields(choice.other)


def texts_in_fields(fields: dict[str, str]) -> Iterator[str]:
    """Give the texts of fields that have no place of their own, from their JSON."""
    for name, source in fields.items():
        yield from texts_of(_value(source), name=name)


def _value(source: str) -> Any:
    """Read JSON; one that is nested too deeply is a text itself."""
    try:
        return decode(source)
    except ValueError:
        return source


def to_index(
    model: str, metadata: dict[str, str], messages: Iterable[Piece], body: str
) -> Iterator[tuple[str, Counter[str]]]:
    """Give the words of each message and what it holds, and last the same of the answer.

    The answer's words are those of the completion too, whose `body` is JSON. What a server appended to the messages
    counts there.
    """
    shared = " ".join(_shared_marks(model, metadata))
    tools: dict[str, str] = {}
    completion = read_completion(body)
    choices = completion.choices if isinstance(completion, Completion) else ()
    said = ""
    newest: deque[Piece] = deque(maxlen=len(choices))
    for piece in messages:
        source, values = piece
        newest.append(piece)
        held: Counter[str] = Counter()
        if role := role_of_plain_text(values):  # as in most; to read one takes as long as to cut it into words
            said, marks = _words(texts_of(_without_operators(values))), mark("role", role)
        else:
            message = read_message(source, values=values)
            said = _words(text for text, _ in texts_in(message, values=values))
            held = _held_by(message)
            marks = " ".join(_marks(message, held, tools))
        yield f"{said} {marks} {shared}", held
    if isinstance(completion, Unreadable):
        yield shared, Counter()
        return
    answers = [choice.message for choice in choices]
    ends = tuple(read_message(source, values=values) for source, values in newest)
    appended = appended_answers(ends, choices)
    answered = _words(text for answer in answers for text, _ in texts_in(answer))
    if answered == said:  # it is found in the message
        answered = ""
    held_by_each = [_held_by(answer) for answer in answers]
    told = map(_added_by, ends, choices) if appended else held_by_each
    pairs = (f"{key} {value}" for key, value in metadata.items())
    beside = chain.from_iterable(map(texts_beside, completion.choices))
    others = _words(chain(pairs, beside, texts_in_fields(completion.other)))
    named = {name for answer, held in zip(answers, held_by_each, strict=True) for name in _marks(answer, held, tools)}
    if completion.error or any(choice.error for choice in completion.choices):
        named.add(mark("has", "error"))
    yield f"{answered} {others} {' '.join(sorted(named))} {shared}", sum(told, Counter())


def _held_by(item: Message | Unreadable) -> Counter[str]:
    return count_contents(item) if isinstance(item, Message) else Counter()


def _added_by(message: Message | Unreadable, choice: Choice) -> Counter[str]:
    """Count what only the choice holds, where its message stands among the others."""
    return _held_by(with_choice(message, choice)) - _held_by(message)


def _in_pairs(run: re.Match[str]) -> str:
    text = run[0]
    return f" {' '.join(text[at : at + 2] for at in range(len(text)))} "


def _words(texts: Iterable[str]) -> str:
    return words_of("\n".join(texts)[:_MOST])


def _shared_marks(model: str, metadata: dict[str, str]) -> Iterator[str]:
    yield EVERYTHING
    yield from {mark("model", model), mark("model", _DATE_OF_MODEL.sub("", model))}
    for key, value in metadata.items():
        yield mark(f"meta.{fold(key)}", value)


def _marks(item: Message | Unreadable, held: Counter[str], tools: dict[str, str]) -> Iterator[str]:
    """Name what `role:`, `tool:` and `has:` ask for. `tools` remembers the names of calls for their results."""
    if isinstance(item, Unreadable):
        return
    yield from (mark("role", role) for role in {effective_role(item), *(["tool"] if item.results else [])})
    there = {"error": item.error, "reasoning": item.reasoning, "tool": item.results}
    yield from (mark("has", kind) for kind in {*held, *(kind for kind, found in there.items() if found)})
    for call in item.tool_calls:
        if call.id:
            tools[call.id] = tools[base_id(call.id)] = call.name
    results = (_tool_of(result, tools) for result in item.results)
    yield from (mark("tool", name) for name in {*(call.name for call in item.tool_calls), *results} if name)


def _tool_of(result: ToolResult, tools: dict[str, str]) -> str:
    """Name the tool of a result by its call, where that came before, else by its own word."""
    return tools.get(result.call_id) or tools.get(base_id(result.call_id)) or result.name
