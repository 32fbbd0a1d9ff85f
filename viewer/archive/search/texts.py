"""Says which texts a message, an answer and a completion have: for the index, for find, and for pages of results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

from django.conf import settings
from django.utils import translation
from django.utils.dates import MONTHS, MONTHS_3

from viewer.completions.markdown import MARKDOWN_LIMIT, link_urls, markdown_to_text, without_citation_markers
from viewer.completions.origin import KEY
from viewer.completions.reading import is_same_text
from viewer.completions.reasoning import split_thoughts
from viewer.completions.source_text import decode, decode_object, is_json_text, readable_json, without_escapes
from viewer.completions.types import Choice, Completion, Message, Unreadable

from .words import may_have_run

Value = TypeVar("Value")
MAX_SECONDS = 2**33 - 1  # Unix seconds; the year 2242
_PROMPT_KEYS = {"tools", "functions", "tool_choice", "response_format", "instructions"}  # fields of a request
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
    return _BINARY.sub(" ", text) if "data:" in text or may_have_run(text, _MAX_BASE64) else text


def texts_in(
    item: Message | Unreadable,
    read_json: Callable[[str], str] = without_escapes,
    values: dict[str, Any] | None = None,
) -> Iterator[tuple[str, bool]]:
    """Yield every text of a message, and whether it is Markdown; thoughts between tags are not.

    The role and the message id are left out: operators search them.
    """
    return ((text, is_prose) for text, is_prose, _ in named_texts(item, read_json, values))


def named_texts(
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


def indexed_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a message that have texts to index."""
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


def prompt_fields(completion: Completion) -> dict[str, str]:
    """Return what else of a request tells the model what to do, by name, as JSON: above all, definitions of tools."""
    return of_prompts(completion.parameters | completion.other)


def other_fields(completion: Completion) -> dict[str, str]:
    """Return the fields without a place of their own, except those of `prompt_fields`."""
    return not_of_prompts(completion.other)


def of_prompts(fields: dict[str, Value]) -> dict[str, Value]:
    """Return those fields that tell the model what to do."""
    return {name: value for name, value in fields.items() if name in _PROMPT_KEYS}


def not_of_prompts(fields: dict[str, Value]) -> dict[str, Value]:
    """Return the other fields."""
    return {name: value for name, value in fields.items() if name not in _PROMPT_KEYS}


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
