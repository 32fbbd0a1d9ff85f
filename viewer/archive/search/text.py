"""Produces the words to index for a message: its texts, folded and split into words, and a mark for every operator.

What it produces is one text of segments, `|2 your refund was sent |3 lookup order |m ƻroleƻ3aassistant `: a letter for
who speaks, then words between single spaces, so that a phrase is found by looking for ` refund was `. Both databases
index it. After a change here a migration must clear the index. Scripts without spaces between words are split into
overlapping pairs, so that a word is found inside a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import chain, combinations, filterfalse
from operator import add
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.utils import translation
from django.utils.dates import MONTHS, MONTHS_3

from viewer.completions.answers import appended_answers, with_choice
from viewer.completions.calls import CALL_LISTS, base_id
from viewer.completions.contents import count_contents, count_endings
from viewer.completions.folding import IGNORED, fold
from viewer.completions.markdown import MARKDOWN_LIMIT, link_urls, markdown_to_text, without_citation_markers
from viewer.completions.origin import KEY
from viewer.completions.reading import (
    is_same_text,
    plain_completion_in,
    read_completion,
    read_message,
    role_of_plain_text,
)
from viewer.completions.reasoning import split_thoughts
from viewer.completions.roles import canonical_role
from viewer.completions.source_text import Piece, decode, decode_object, is_json_text, readable_json, without_escapes
from viewer.completions.summary import question_in
from viewer.completions.types import (
    Choice,
    Completion,
    Message,
    ToolResult,
    Unreadable,
    effective_role,
)

from .said import BETWEEN, Words

Value = TypeVar("Value")

CUSTOMER, ASSISTANT, TOOLS, PROMPTS, DETAILS = "12345"  # who speaks; details are metadata, model, date, unknown roles
MARKS = "m"
_SPEAKERS = {
    "user": CUSTOMER, "assistant": ASSISTANT, "tool": TOOLS, "function": TOOLS, "system": PROMPTS, "developer": PROMPTS,
}  # fmt: skip
_PROMPT_KEYS = {"tools", "functions", "tool_choice", "response_format", "instructions"}  # fields of a request
MAX_SECONDS = 2**33 - 1  # the year 2242
_CALL_KEYS = {*CALL_LISTS, "function_call"}  # what an assistant says to a tool is not said to the customer
_MAX_CHARACTERS = 200_000  # characters of one message; PostgreSQL takes at most 1 MB of words of one text
_MAX_WORD = 64  # characters; nobody types longer words, and PostgreSQL rejects words of 2 kB
# The API's own names for kinds are in nearly every message and are not indexed; other values of these keys are.
_KIND_KEYS = {"type", "role", "object", "detail", "format"}
_KIND_VALUES = {
    "text", "image_url", "input_audio", "file", "refusal", "function", "function_call", "custom", "url_citation",
    "user", "assistant", "system", "developer", "tool", "chat.completion", "auto", "low", "high", "wav", "mp3",
}  # fmt: skip
_MAX_BASE64 = 256  # characters of base64 without a space; anything longer is binary data, whatever its key
_BINARY = re.compile(
    r"data:(?=[\w.+-]+/|;base64)[^\s,]{0,200},[^\s\"'<>)]*"
    rf"|(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_=-]{{{_MAX_BASE64},}}"
    r"|(?<![A-Za-z0-9+/_=-])(?:[A-Za-z0-9+/_=-]{57,}[\r\n]+){4,}[A-Za-z0-9+/_=-]*"
)
_ALL_BINARY = re.compile(rf"(?:data:[^\s,]{{0,200}};base64,)?[A-Za-z0-9+/_=-]{{{_MAX_BASE64}}}")
# Keys with an assistant's Markdown; `text` is from choices of older APIs.
_MARKDOWN_KEYS = {"content", "content_parts", "parts", "text"}
_UNINDEXED_KEYS = {"role", "id", "index", "finish_reason", "logprobs", KEY}

_MARKS = "".join(c for c in map(chr, range(0x300, 0x10000)) if unicodedata.category(c) in ("Mn", "Mc"))
_VOWEL_SIGNS = re.sub(f"[{IGNORED}]", "", _MARKS)  # the marks that folding keeps
LETTER = rf"(?!_)[\w{_VOWEL_SIGNS}]"  # the characters of words
_BREAK = re.compile(rf"[^\w{_VOWEL_SIGNS}]|_")
_ASCII_BREAKS = {code: " " for code in range(128) if not chr(code).isalnum()}
_WITHOUT_BREAKS = dict.fromkeys(_ASCII_BREAKS)
_ASCII_BREAKS_IN_MANY = _ASCII_BREAKS | {ord(BETWEEN): BETWEEN}
_AT_ONCE = 64_000  # characters of texts that are split together
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_MAX_FORMS = 50  # different characters of a text that are replaced one by one
# Thai, Lao, Myanmar, Hangul letters, Khmer, kana, ideographs, Hangul.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{UNSPACED}]+")
_RUN_AT_END = re.compile(rf"(?<![{UNSPACED}])([{UNSPACED}]++)\s*+\Z")
# What people write with or without separators: order numbers, amounts, dates, phone numbers, names with an apostrophe.
_GROUPED = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_./,:'’#][^\W_]++)+")
_CODE = re.compile(r"(?<![^\W_])(?:[^\W\d_]{1,4}|[A-Z]{5,6}) \d{2,}\Z")  # "HAT 136"
_MAX_LETTERS = 6  # of a code
_NUMBER_AFTER_LETTER = re.compile(r" (?<=[^\W\d_] )\d{2,}+(?![^\W_])")  # begins with what Python finds at once
_NUMBER = r"(?=[^\W\d_]*+\d)[^\W_]++"
# "LS6 3HT", "DE89 3704 0044", "SG 4410 2298 7 GB"
_SPACED = re.compile(rf"(?<![^\W_])(?:[^\W\d_]{{1,4}} )?{_NUMBER}(?: {_NUMBER})+(?: [^\W\d_]{{1,4}}(?![^\W_]))?")
_MAY_BE_SPACED = re.compile(r"\d[^\W\d_]* [^\W\d_]*\d")
_MAX_SPACED = 8  # parts
_MIN_SPACED = 5  # characters
_PHONE = re.compile(r"[+0(](?<!\w0)\d[\d ()/.-]{6,20}\d")
_THOUSANDS = re.compile(r"\d{1,3}(?:[,.'’]\d{3})+(?!\d)")
_AMOUNT = re.compile(r"(\d{1,3}(?:[,.'’]\d{3})+|\d+)[.,](\d{1,2})", re.ASCII)
_DIGIT = re.compile(r"\d")
_SIGN = re.compile(r"[-'\d\x80-\U0010ffff]")  # ² and ½ become digits, too
_SEPARATORS = ("-", "'", "’")
_NEITHER_DIGIT_NOR_SEPARATOR = bytes(code for code in range(128) if chr(code) not in "0123456789-'")
_MAX_KNOWN = 50_000  # words of which the joined ones are kept
_MAX_JOINED = 32  # characters
# "don't", "e-mail"; where nothing else has a part in it, as in "state-of-the-art"
_TWO_IN_ONE = re.compile(rf"(?<![^\W_])(?<![-'’])([^\W\d_]{{1,{_MAX_JOINED}}}+)['’-]([^\W\d_]++)(?![-'’]|[^\W_])")
PHONE_TAIL = 9  # digits that a number has in common with and without its country code
_LONG_WORD = re.compile(rf"(\S{{{_MAX_WORD}}})\S+")
_DATE_OF_MODEL = re.compile(r"-\d{4}-\d{2}-\d{2}$", re.ASCII)


def words_of(text: str) -> str:
    """Split a text into folded words, separated by spaces."""
    text = _in_ascii(text)
    words = text.lower().translate(_ASCII_BREAKS) if text.isascii() else _BREAK.sub(" ", _fold_letters(text))
    if not words.isascii():
        words = _RUN.sub(_in_pairs, words)
    return _LONG_WORD.sub(r"\1", words) if _may_have_run(words, _MAX_WORD) else words


def split_together(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the words of each text, each word between two spaces, and those of all, with `BETWEEN` where a text ends.

    Those that can be written in ASCII are split as one, at a third of the cost.
    """
    texts = [text if text.isascii() else _in_ascii(text) for text in texts]
    plain = [text.replace(BETWEEN, " ") if BETWEEN in text else text for text in texts if text.isascii()]
    together = f" {BETWEEN} ".join(plain).lower().translate(_ASCII_BREAKS_IN_MANY)
    words = together.split()
    if _may_have_run(together, _MAX_WORD):
        words = [word[:_MAX_WORD] for word in words]
    words_of_plain = iter(f" {' '.join(words)} ".split(BETWEEN))
    each = list[str]()
    for text in texts:
        if text.isascii():
            each.append(next(words_of_plain))
            continue
        own = words_of(text).split()
        words += [BETWEEN, *own]
        each.append(f" {' '.join(own)} ")
    return each, words


class _AsciiForms(dict[str, str | None]):
    """What a character becomes where that is ASCII, such as ü, €, or a quote; otherwise None."""

    def __missing__(self, letter: str) -> str | None:
        words = _BREAK.sub(" ", _fold_letters(letter))
        self[letter] = words if words.isascii() else None
        return self[letter]


_ASCII_FORMS = _AsciiForms()


def _in_ascii(text: str) -> str:
    """Write a text in ASCII if its words are, as most of a Latin script: Python splits that ten times as fast."""
    for _ in range(_MAX_FORMS):
        first = _BEYOND_ASCII.search(text)
        form = _ASCII_FORMS[first[0]] if first else None
        if first is None or form is None:
            break
        text = text.replace(first[0], form)
    return text


def _fold_letters(text: str) -> str:
    """Fold a text and recompose it, because pairs are of syllables and not of their parts."""
    return unicodedata.normalize("NFC", fold(text))


def _may_have_run(text: str, length: int) -> bool:
    """Whether some stretch of half this length has no space, which is faster than measuring every word."""
    half = length // 2
    return not all(" " in text[start : start + half] for start in range(0, len(text) - half + 1, half))


def joined_words(text: str) -> list[str]:
    """Return the words that a text has if separators are left out: `tk30582` for "TK-30582", `email` for "e-mail".

    An amount is the same word however it is written, `1234x50` for "1,234.50" and "1234,5", and `1234` for its whole.

    Of a phone number also its last nine digits, which it has in common with the number as dialled from elsewhere. Each
    is there once.
    """
    signs = text.encode().translate(None, _NEITHER_DIGIT_NOR_SEPARATOR) if text.isascii() else _signs_in(text)
    if not signs:  # as most texts
        return []
    words = text.replace('"', " ").split()  # so JSON without spaces is many words, too
    found = dict.fromkeys(chain.from_iterable(map(_JOINED_IN.__getitem__, filterfalse(str.isalpha, words))))
    if signs.strip(b"-'"):  # a digit
        found |= dict.fromkeys(_joined_across_spaces(text))
    return list(found)


def _signs_in(text: str) -> bytes:
    """Return a digit or a separator, if a text has any."""
    return b"0" if _DIGIT.search(text) else b"-" if any(separator in text for separator in _SEPARATORS) else b""


class _JoinedIn(dict[str, tuple[str, ...]]):
    """The joined words in what stands between two spaces, computed when it is needed: much of it comes again."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        joined = tuple(_joined_in(word)) if _SIGN.search(word) else ()
        if len(word) <= _MAX_WORD:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[word] = joined
        return joined


_JOINED_IN = _JoinedIn()


def _joined_in(word: str) -> Iterator[str]:
    for match in _TWO_IN_ONE.finditer(word):
        if len(joined := _join(match[1] + match[2])) <= _MAX_JOINED:
            yield joined
    if _DIGIT.search(word) or not word.isascii():
        for pattern in (_GROUPED, _THOUSANDS):
            for match in pattern.finditer(word):
                yield from _joined_number(match[0])


def _joined_across_spaces(text: str) -> Iterator[str]:
    for match in _NUMBER_AFTER_LETTER.finditer(text):
        if code := _CODE.search(text, max(0, match.start() - _MAX_LETTERS), match.end()):
            yield from _joined_number(code[0])
    for match in _PHONE.finditer(text):
        yield from _joined_number(match[0])
    for match in _SPACED.finditer(text) if _MAY_BE_SPACED.search(text) else ():
        yield from joined_runs(words_of(match[0]).split()[:_MAX_SPACED])


def _joined_number(text: str) -> Iterator[str]:
    """Yield a number without its separators, if it has a digit and is not too long."""
    if amount := _AMOUNT.fullmatch(text):
        yield f"{re.sub('[^0-9]', '', amount[1])}x{amount[2]:0<2}"
        return
    joined = _join(text)
    if len(joined) <= _MAX_JOINED and _DIGIT.search(joined):
        yield joined
        if joined.isdecimal():
            yield from phone_tail(joined)


def _join(text: str) -> str:
    """Write the words of a text as one. What is too long to be looked for stays so, and may have another end."""
    return text.lower().translate(_WITHOUT_BREAKS) if text.isascii() else "".join(words_of(text).split())


def joined_runs(parts: list[str]) -> Iterator[str]:
    """Yield every two or more neighbouring parts of a number as one word: somebody may search for a part of an IBAN."""
    for start, end in combinations(range(len(parts) + 1), 2):
        joined = "".join(parts[start:end])
        if end - start > 1 and _MIN_SPACED <= len(joined) <= _MAX_JOINED:
            yield joined


def phones(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield where a text has a phone number with spaces in it, and its joined words."""
    for match in _PHONE.finditer(text):
        joined = _join(match[0])
        yield *match.span(), [joined, *(phone_tail(joined) if joined.isdecimal() else ())]


def phone_tail(digits: str) -> Iterator[str]:
    if len(digits) > PHONE_TAIL:
        yield digits[-PHONE_TAIL:]


def query_words(text: str) -> tuple[list[str], bool]:
    """Split a search text into words, and return whether the last is only a prefix.

    A run of ideographs is indexed as its pairs and its last character alone. A searched run may end inside an indexed
    one, so its last character alone is left out; a single character is searched as a prefix.
    """
    words = words_of(text).split()
    run = _RUN_AT_END.search(_BREAK.sub(" ", _fold_letters(text)))
    if run is None:
        return words, False
    return (words[:-1], False) if len(run[1]) > 1 else (words, True)


@lru_cache(10_000)
def mark(operator: str, value: str) -> str:
    """Return the index word for `operator:value`, of letters and digits alone. It starts with one that no text uses.

    The mark of the beginning of a value is the beginning of its mark, unless the value is long.
    """
    text = " ".join(f"{operator}:{fold(value).strip()}".replace('"', "").split())
    if len(text) > _MAX_WORD:
        return "ƻƻ" + blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return "ƻ" + _BREAK.sub(lambda match: f"ƻ{ord(match[0]):02x}", unicodedata.normalize("NFC", text))


EVERYTHING = "ƻ"  # a mark of every document


def texts_of(value: Any, read_json: Callable[[str], str] = without_escapes, name: str = "") -> Iterator[str]:
    """Yield every text of a value in order, whatever its shape and keys, without binary data."""
    stack = [(name, value)]
    while stack:  # a stack of our own: deep nesting would exhaust Python's
        name, value = stack.pop()
        if isinstance(value, str):
            if value and not (name in _KIND_KEYS and value in _KIND_VALUES):
                text = strip_binary(read_json(value) if value[0] in "{[" else value)
                if text and not text.isspace():
                    yield text
        elif isinstance(value, list):
            stack += [(name, item) for item in reversed(value) if isinstance(item, str | list | dict)]
        elif isinstance(value, dict):
            stack += reversed(value.items())


def strip_binary(text: str) -> str:
    """Remove binary data: data URLs and long runs of base64."""
    if len(text) < _MAX_BASE64 and "data:" not in text:
        return text
    if _ALL_BINARY.match(text) and " " not in text:  # a picture: no need to scan it
        return ""
    return _BINARY.sub(" ", text) if "data:" in text or _may_have_run(text, _MAX_BASE64) else text


def texts_in(
    item: Message | Unreadable,
    read_json: Callable[[str], str] = without_escapes,
    values: dict[str, Any] | None = None,
) -> Iterator[tuple[str, bool]]:
    """Yield every text of a message, and whether it is Markdown; thoughts between tags are not.

    The role and the message id are left out: operators search them.
    """
    return ((text, is_prose) for text, is_prose, _ in _named_texts(item, read_json, values))


def _named_texts(
    item: Message | Unreadable,
    read_json: Callable[[str], str] = without_escapes,
    values: dict[str, Any] | None = None,
) -> Iterator[tuple[str, bool, str]]:
    """Yield what `texts_in` yields, and the name of the field that holds the text."""
    if isinstance(item, Unreadable):
        yield from ((text, False, "") for text in texts_of(_value(item.source), read_json))
        return
    values = values or decode_object(item.source)
    is_given_twice = isinstance(parts := values.get("content_parts"), list) and is_same_text(
        values.get("content"), parts
    )
    for name, value in values.items():
        if value is None or name in _UNINDEXED_KEYS or (is_given_twice and name == "content"):
            continue
        is_prose = name in _MARKDOWN_KEYS and item.role == "assistant"
        for text in texts_of(value, read_json, name):
            prose, thoughts = split_thoughts(text) if is_prose else (text, [])
            yield prose, is_prose and not is_json_text(prose), name
            yield from ((thought, False, name) for thought in thoughts)


def _indexed_values(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _UNINDEXED_KEYS}


def shown_texts(item: Message | Unreadable) -> Iterator[str]:
    """Yield every text as a page shows it: JSON indented, an assistant's text without Markdown syntax."""
    is_cited = isinstance(item, Message) and bool(item.citations)
    for text, is_prose in texts_in(item, readable_json):
        if is_prose and len(text) <= MARKDOWN_LIMIT:
            yield markdown_to_text(without_citation_markers(text) if is_cited else text)
            yield from link_urls(text)
        else:
            yield text


def extra_texts(choice: Choice) -> Iterator[str]:
    """Yield the texts of an answer beyond its message: its sources, and the other fields of its choice."""
    if isinstance(choice.message, Message):
        yield from (text for cited in choice.message.citations for text in (cited.title, cited.url))
    yield from texts_in_fields(choice.other)


def texts_in_fields(fields: dict[str, str]) -> Iterator[str]:
    """Yield the texts of fields without a place of their own, from their JSON."""
    for name, source in fields.items():
        yield from texts_of(_value(source), name=name)


def _value(source: str) -> Any:
    """Decode JSON; return it as text if it is nested too deeply."""
    try:
        return decode(source)
    except ValueError:
        return source


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


# Of whom texts stand in many conversations: what an app tells its model, and its tools; the model and the day. With the
# length of those that are kept.
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
    values = _object_in(body)
    texts, question = list[tuple[str, str]](), ""
    newest: deque[Piece] = deque(maxlen=_most_answers(values))
    for piece in messages:
        source, message_values = piece
        newest.append(piece)
        message = None
        opening = ""
        if role := role_of_plain_text(message_values):  # most; reading one takes as long as splitting it into words
            named = message_values.get("name") is not None
            given = _indexed_values(message_values) if named else message_values["content"]
            texts = [_as_said(_SPEAKERS[role], texts_of(given))]
            held, marks = _NOTHING, [mark("role", role)]
        else:
            message = read_message(source, values=message_values)
            texts = _texts_of_message(message, message_values)
            held = _held_by(message)
            marks = _sorted(_marks(message, held, tools))
        if not question and (message or role == "user"):
            question = opening = question_in(message or read_message(source, values=message_values))
        yield _Said(texts, marks, held, opening)
    yield _said_by_plain_answer(facts, values, newest) or _said_by_answers(
        facts, Piece(body, values), newest, texts, tools
    )


def _object_in(body: str) -> dict[str, Any] | None:
    try:
        return decode_object(body)
    except ValueError:
        return None


def _most_answers(completion: dict[str, Any] | None) -> int:
    choices = completion.get("choices") if completion else None
    return len(choices) if isinstance(choices, list) else 0


def _said_by_plain_answer(facts: Facts, values: dict[str, Any] | None, newest: Collection[Piece]) -> _Said | None:
    """Return what `_said_by_answers` does, in a third of its time, if the only answer is a text, as most are."""
    if values is None or (plain := plain_completion_in(values)) is None:
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
        *_details(facts, texts_of(_not_of_prompts(plain.other))),
        _as_said(PROMPTS, texts_of(_of_prompts(plain.parameters | plain.other))),
    ]
    return _Said(texts, _sorted([mark("role", "assistant"), *_shared_marks(facts)]), _NOTHING)


def _is_from_assistant(message: dict[str, Any]) -> bool:
    return isinstance(role := message.get("role"), str) and canonical_role(role) == "assistant"


def _said_by_answers(
    facts: Facts, body: Piece, newest: Iterable[Piece], last_said: list[tuple[str, str]], tools: dict[str, str]
) -> _Said:
    """Return what is said in the answers, and of the completion itself."""
    completion = read_completion(*body)
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
    marks = [word for answer, held in zip(answers, held_by_each, strict=True) for word in _marks(answer, held, tools)]
    endings = count_endings(choices)
    marks += [mark("has", kind) for kind in endings]
    if completion.error or any(choice.error for choice in choices):
        marks.append(mark("has", "error"))
    return _Said([*answered, *others], _sorted([*marks, *shared]), sum(held_by_answers, endings))


def model_without_date(model: str) -> str:
    """Return the name by which a model is found whatever its date: "gpt-4.1" of "gpt-4.1-2025-04-14"."""
    return _DATE_OF_MODEL.sub("", model)


def _details(facts: Facts, others: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Yield what is said of the completion itself, the model and the day apart: these come again."""
    yield _as_said(DETAILS, [facts.model, *day_texts(facts.created)])
    # Keys of metadata are in every conversation: `meta.` asks for them.
    yield _as_said(DETAILS, chain(facts.metadata.values(), others))


def day_texts(created: int) -> Iterable[str]:
    """Return the ways to write the UTC day of a completion, so that "20 Nov" finds it."""
    return _texts_of_day(datetime.fromtimestamp(created, UTC).date()) if 0 < created <= MAX_SECONDS else ()


@lru_cache(1000)
def _texts_of_day(day: date) -> list[str]:
    texts = [f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}", f"{day.day}.{day.month}.{day.year}"]
    if day.day > 12:  # it cannot be taken for a month
        texts += [f"{day.month}/{day.day}/{day.year}", f"{day.day}/{day.month}/{day.year}"]
    return texts + [f"{day.day} {month} {day.year}" for month in names_of_month(day.month)]


@cache
def names_of_month(month: int) -> list[str]:
    """Return a month's name and its short form in each language of the pages."""
    names = []
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            names += [str(MONTHS[month]), str(MONTHS_3[month]).capitalize()]
    return list(dict.fromkeys(names))


def prompt_fields(completion: Completion) -> dict[str, str]:
    """Return what else of a request tells the model what to do, by name, as JSON: above all, definitions of tools."""
    return _of_prompts(completion.parameters | completion.other)


def other_fields(completion: Completion) -> dict[str, str]:
    """Return the fields without a place of their own, except those of `prompt_fields`."""
    return _not_of_prompts(completion.other)


def _of_prompts(fields: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in fields.items() if name in _PROMPT_KEYS}


def _not_of_prompts(fields: dict[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in fields.items() if name not in _PROMPT_KEYS}


def _held_by(item: Message | Unreadable) -> Counter[str]:
    return count_contents(item) if isinstance(item, Message) else Counter()


def _added_by(message: Message | Unreadable, choice: Choice) -> Counter[str]:
    """Count what only the choice contains, if its message is also among the messages."""
    return _held_by(with_choice(message, choice)) - _held_by(message)


def _in_pairs(run: re.Match[str]) -> str:
    text = run[0]
    return f" {' '.join([*map(add, text, text[1:]), text[-1]])} "


def _texts_of_message(item: Message | Unreadable, values: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    """Return what a message says, and what it says to tools, each with who speaks."""
    speaker = _SPEAKERS.get(effective_role(item), DETAILS) if isinstance(item, Message) else DETAILS
    said, called = list[str](), list[str]()
    for text, _, name in _named_texts(item, values=values):
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


def _marks(item: Message | Unreadable, held: Counter[str], tools: dict[str, str]) -> Iterator[str]:
    """Yield the marks for `role:`, `tool:` and `has:`. `tools` keeps the names of calls for their results."""
    if isinstance(item, Unreadable):
        return
    yield from (mark("role", role) for role in {effective_role(item), *(["tool"] if item.results else [])})
    present = {"error": item.error, "reasoning": item.reasoning, "tool": item.results}
    yield from (mark("has", kind) for kind in {*held, *(kind for kind, is_present in present.items() if is_present)})
    for call in item.tool_calls:
        if call.id:
            tools[call.id] = tools[base_id(call.id)] = call.name
    names = {*(call.name for call in item.tool_calls), *(_tool_of(result, tools) for result in item.results)}
    # The words of a name as well: `tool:shipment` finds get_shipment_events.
    yield from (mark("tool", part) for name in names if name for part in (name, *words_of(name).split()))


def _tool_of(result: ToolResult, tools: dict[str, str]) -> str:
    """Name the tool of a result: by its call, if that came before, else by its own name."""
    return tools.get(result.call_id) or tools.get(base_id(result.call_id)) or result.name
