"""Says by which words a message is found: its texts, folded and cut into words, and a mark for every operator.

Both databases index what this file writes, so they find the same; an index that an older one wrote must be forgotten by
a migration. Scripts that put no blanks between words are cut into overlapping pairs, so that a word is found in a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from viewer.completions.folding import IGNORED, fold
from viewer.completions.markdown import MARKDOWN_LIMIT, addresses_in, without_markers, without_marks
from viewer.completions.outcomes import outcome_of_text
from viewer.completions.source_text import readable_json, without_escapes

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
_KINDS = {"image_url": "image", "input_audio": "audio", "file": "file", "refusal": "refusal"}

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
_RUN_AT_END = re.compile(rf"([{UNSPACED}]+)\s*\Z")
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


def texts_of(value: Any, read_json: Callable[[str], str] = without_escapes) -> Iterator[str]:
    """Give every text of a message in order, whatever its shape and under any key, without the bytes among them."""
    waiting = [("", value)]
    while waiting:  # a stack, for no depth of nesting may exhaust Python's
        name, value = waiting.pop()
        if isinstance(value, str):
            if value and not (name in _NAMING and value in _NAMES):
                text = without_bytes(read_json(value) if value[0] in "{[" else value)
                if text and not text.isspace():
                    yield text
        elif isinstance(value, list):
            waiting += [(name, item) for item in reversed(value)]
        elif isinstance(value, dict):
            has_parts = isinstance(value.get("content_parts"), list) and bool(value["content_parts"])
            waiting += [(key, inner) for key, inner in reversed(value.items()) if not (key == "content" and has_parts)]


def without_bytes(text: str) -> str:
    """Take out what only machines read: data URLs and long runs of base64, tell-tale by their length."""
    if len(text) < _LONGEST_RUN and "data:" not in text:
        return text
    if _ALL_BYTES.match(text) and " " not in text:  # a picture is not worth looking through
        return ""
    return _BYTES.sub(" ", text) if "data:" in text or _may_have_a_run(text, _LONGEST_RUN) else text


def said_in(message: dict[str, Any]) -> dict[str, Any]:
    """Leave out what has operators of its own: who speaks, and the id of the message."""
    return {name: value for name, value in message.items() if name not in ("role", "id")}


def shown_texts(message: dict[str, Any]) -> Iterator[str]:
    """Give every text as a page shows it: JSON indented, what an assistant says without the marks of Markdown."""
    is_markdown = message.get("role") == "assistant"
    said = {name: message[name] for name in ("content", "content_parts") if is_markdown and name in message}
    for text in texts_of(said, readable_json):
        if len(text) > MARKDOWN_LIMIT:
            yield text
        else:
            yield without_marks(without_markers(text) if message.get("annotations") else text)
            yield from addresses_in(text)
    others = {name: value for name, value in said_in(message).items() if name not in said}
    yield from texts_of(others, readable_json)


def answers_in(choices: Any) -> dict[int, dict[str, Any]]:
    """Give the messages of the choices by their positions."""
    listed = enumerate(choices) if isinstance(choices, list) else ()
    found = {position: choice.get("message") for position, choice in listed if isinstance(choice, dict)}
    return {position: message for position, message in found.items() if isinstance(message, dict)}


def search_words(
    model: str, metadata: dict[str, str], messages: Iterable[dict[str, Any]], choices: Any
) -> Iterator[str]:
    """Give the words of each message, and last those of the answer, which carries the metadata's words too."""
    shared = " ".join(_shared_marks(model, metadata))
    tools: dict[str, str] = {}
    said = ""
    for message in messages:
        said = _words(texts_of(said_in(message)))
        yield f"{said} {' '.join(_marks(message, tools))} {shared}"
    answers = answers_in(choices).values()
    answered = _words(texts_of([said_in(answer) for answer in answers]))
    if answered == said:  # some servers append the answer to the messages; it is found there
        answered = ""
    pairs = _words(f"{key} {value}" for key, value in metadata.items())
    marks = " ".join(name for answer in answers for name in _marks(answer, tools))
    yield f"{answered} {pairs} {marks} {shared}"


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


def _marks(message: dict[str, Any], tools: dict[str, str]) -> Iterator[str]:
    """Name what `role:`, `tool:` and `has:` ask for. `tools` remembers the names of calls for their results."""
    role = message.get("role")
    yield mark("role", role if isinstance(role, str) else "")
    parts = _dicts(message.get("content_parts") or message.get("content"))
    kinds = {_KINDS[kind] for part in parts if isinstance(kind := part.get("type"), str) and kind in _KINDS}
    kinds |= {name for name in ("audio", "refusal") if message.get(name)}
    if message.get("annotations"):
        kinds.add("citation")
    is_result = role in ("tool", "function")
    names = set(_called(message, tools))
    if is_result:
        names.add(tools.get(str(message.get("tool_call_id")), str(message.get("name") or "")))
        content = message.get("content")
        if isinstance(content, str) and outcome_of_text(content) == "error":
            kinds.add("error")
    if is_result or names:
        kinds.add("tool")
    yield from (mark("has", kind) for kind in kinds)
    yield from (mark("tool", name) for name in names if name)


def _called(message: dict[str, Any], tools: dict[str, str]) -> Iterator[str]:
    for call in _dicts(message.get("tool_calls")):
        inside = call.get(str(call.get("type") or "function"))
        name = inside.get("name") if isinstance(inside, dict) else call.get("name")
        tools[str(call.get("id"))] = str(name or "")
        yield str(name or "")
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        yield str(legacy.get("name") or "")


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
