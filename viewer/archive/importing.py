"""Brings JSON Lines into the archive: line by line, in batches, twice without harm.

Two shapes are read: a stored completion with its messages under one extra key `messages`, and the fine-tuning shape
`{"messages": […]}`, whose closing assistant message becomes the completion's choice.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from django.db import connection, transaction

from viewer.completions.ids import has_address
from viewer.completions.reading import read_time
from viewer.completions.source_text import STRICT, Piece, items, members, members_with_list, to_object

from .bulk import insert, take_ids
from .models import StoredCompletion, fit, fit_key, fit_value
from .search_index import Entry, entries_of, save_entries
from .search_text import to_index

LONGEST_LINE = 64_000_000  # bytes of one conversation; OpenAI takes 50 MB of a request, pictures and all
_MOST_MESSAGES = 200_000  # of one conversation
_BATCH_BYTES = 8_000_000
_BATCH_LINES = 500
# SQLite lets one write at a time: whoever signs in meanwhile waits for the end of a batch, half a second at this size.
_TURN_BYTES = 1_000_000
_TURN_LINES = 100
_UNQUOTED = re.compile(r"[\s\\?#%\x00-\x1f\x7f]")  # what not every client of the API quotes in a path
_ALWAYS = ("content", "content_parts", "name", "refusal")  # there in every message, null or not
_ALWAYS_THERE = frozenset(_ALWAYS)
_ONLY_WHEN_SET = {"tool_calls", "tool_call_id", "function_call", "annotations", "audio"}
# A stored completion has these 19 keys in this order (docs/api-facts.md#completions).
_COMPLETION_KEYS = (
    "object", "id", "model", "created", "request_id", "tool_choice", "usage", "seed", "top_p", "temperature",
    "presence_penalty", "frequency_penalty", "system_fingerprint", "input_user", "service_tier", "tools", "metadata",
    "choices", "response_format",
)  # fmt: skip
_PART_KEYS = ("type", "text", "image_url", "input_audio", "file")
_NULL = Piece("null", None)


@dataclass(frozen=True, slots=True)
class Record:
    """One line, ready to be stored: the completion's row, its messages as (id, JSON text), what the index holds.

    `indexed` has the words of each message with what it holds, and last those of the answer.
    """

    completion_id: str
    created: int
    model: str
    metadata: dict[str, str]
    body: str
    digest: str
    messages: list[tuple[str, str]]
    indexed: list[tuple[str, Counter[str]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line: `imported`, `replaced`, `unchanged`, `kept` (another one stands under its id) or `bad`."""

    line: int
    became: str
    said: str = ""


def import_lines(lines: Iterable[bytes], *, replace: bool = False) -> Iterator[Outcome]:
    """Store every line that can be read; yield one outcome per line, in order, after its batch is committed.

    A completion is stored with all its messages or not at all. Memory is bounded by one batch (8 MB or one line), and
    takes some eight times of that.
    """
    batch: list[tuple[int, Record | str]] = []
    size = 0
    is_sqlite = connection.vendor == "sqlite"
    most_bytes, most_lines = (_TURN_BYTES, _TURN_LINES) if is_sqlite else (_BATCH_BYTES, _BATCH_LINES)
    try:
        for number, line in enumerate(lines, start=1):
            text = line.strip(b" \t\r\n")
            if number == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            batch.append((number, _read_or_say_why(text)))
            size += len(text)
            if size >= most_bytes or len(batch) >= most_lines:
                yield from _store(batch, replace)
                batch, size = [], 0
    except (OSError, EOFError, zlib.error):  # the file breaks off; the lines before the break are good
        yield from _store(batch, replace)
        raise
    yield from _store(batch, replace)


def read_line(line: bytes) -> Record:
    """Read one line of either shape. Raises ValueError with the cause in words."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start + 1})") from None
    try:
        pairs, messages = members_with_list(text, "messages", _source_of_message, STRICT)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a JSON object: {error.msg} at character {error.pos + 1}") from None
    del text  # a long line is held in few copies
    fields = dict(pairs)
    if "incomplete" in fields:
        raise ValueError(f"the export broke off here: {fields['incomplete'].value}")
    if messages is None:
        raise ValueError("no list named messages")
    if len(messages) > _MOST_MESSAGES:
        raise ValueError(f"more than {_MOST_MESSAGES:,} messages in one conversation")
    for position, message in enumerate(messages):
        if not message:
            raise ValueError(f"message {position} is not an object")
    digest = hashlib.sha256(line).hexdigest()
    if "id" in fields or "choices" in fields:
        return _read_stored(pairs, messages, digest)
    return _read_fine_tuning(pairs, messages, digest)


def _source_of_message(item: Piece) -> str:
    """Keep the JSON alone, for the values of all messages would take fifty times as much; empty if it is no message."""
    return item.source if isinstance(item.value, dict) else ""


def _read_or_say_why(line: bytes) -> Record | str:
    if len(line) > LONGEST_LINE:
        return f"longer than {LONGEST_LINE // 1_000_000} MB, the most that one conversation may have"
    try:
        return read_line(line)
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "nested too deeply"


def _read_stored(pairs: list[tuple[str, Piece]], messages: list[str], digest: str) -> Record:
    fields = dict(pairs)
    completion_id = _read_id(fields["id"].value if "id" in fields else None, "the completion")
    body = to_object([(name, piece.source) for name, piece in pairs])
    return _record(completion_id, fields, body, digest, messages)


def _read_fine_tuning(pairs: list[tuple[str, Piece]], messages: list[str], digest: str) -> Record:
    completion_id = "chatcmpl-" + _digest_of_values(pairs, messages)[:29]
    answers = messages[-1:] if messages and STRICT.decode(messages[-1]).get("role") == "assistant" else []
    given = {name: piece.source for name, piece in pairs}
    given |= {
        "object": '"chat.completion"',
        "id": json.dumps(completion_id),
        "created": given.get("created", str(int(time.time()))),
        "metadata": given.get("metadata", "{}"),
        "choices": "[" + ",".join(_to_choice(message) for message in answers) + "]",
    }
    names = [*_COMPLETION_KEYS, *(name for name in given if name not in _COMPLETION_KEYS)]
    body = to_object([(name, given.get(name, "null")) for name in names])
    return _record(completion_id, dict(pairs), body, digest, messages[: len(messages) - len(answers)])


def _digest_of_values(pairs: list[tuple[str, Piece]], messages: list[str]) -> str:
    """Hash what a line says, in the order of its names, message by message."""
    digest = hashlib.sha256()
    values = {name: piece.value for name, piece in pairs} | {"messages": None}
    for n, name in enumerate(sorted(values)):
        digest.update(f"{', ' if n else '{'}{json.dumps(name)}: ".encode())
        if name != "messages":
            digest.update(json.dumps(values[name], sort_keys=True).encode())
            continue
        for position, message in enumerate(messages):
            said = json.dumps(STRICT.decode(message), sort_keys=True)
            digest.update(f"{', ' if position else '['}{said}".encode())
        digest.update(b"]" if messages else b"[]")
    digest.update(b"}")
    return digest.hexdigest()


def _record(completion_id: str, fields: dict[str, Piece], body: str, digest: str, messages: list[str]) -> Record:
    given = fields.get("model", _NULL).value
    model = fit(given)[:255] if isinstance(given, str) else ""
    metadata = _read_metadata(fields.get("metadata", _NULL))
    stored: dict[str, str] = {}
    return Record(
        completion_id=completion_id,
        created=_read_seconds(fields.get("created", _NULL).value),
        model=model,
        metadata=metadata,
        body=body,
        digest=digest,
        indexed=list(to_index(model, metadata, _storing(completion_id, messages, stored), body)),
        messages=list(stored.items()),
    )


def _storing(completion_id: str, messages: list[str], stored: dict[str, str]) -> Iterator[Piece]:
    """Read message after message, each when the one before is done with, and keep what is stored of it."""
    for position, source in enumerate(messages):
        message = Piece(source, STRICT.decode(source))
        given = message.value.get("id")
        message_id = _read_id(f"{completion_id}-{position}" if given is None else given, f"message {position}")
        if message_id in stored:
            raise ValueError(f"message {position} has an id that stands twice: {message_id}")
        stored[message_id] = _to_message(message_id, message)
        yield message


def _to_message(message_id: str, message: Piece) -> str:
    """Write a message as the API answers it. What is there stays as it was written; null is added where it belongs."""
    if _is_whole(message.value):
        return message.source
    pairs = members(message.source, STRICT)
    given = dict(pairs)
    if given.get("id", _NULL).value is None:
        pairs = [("id", Piece(json.dumps(message_id), message_id)), *(pair for pair in pairs if pair[0] != "id")]
    content = given.get("content", _NULL)
    if isinstance(content.value, list) and given.get("content_parts", _NULL).value is None:
        joined = Piece(json.dumps(_joined(content.value)), None)
        pairs = [(name, joined if name == "content" else piece) for name, piece in pairs if name != "content_parts"]
        pairs.append(("content_parts", Piece(_to_parts(content), None)))
    kept = [(name, piece.source) for name, piece in pairs if not (name in _ONLY_WHEN_SET and piece.value is None)]
    names = {name for name, _ in kept}
    return to_object(kept + [(name, "null") for name in _ALWAYS if name not in names])


def _is_whole(message: dict[str, Any]) -> bool:
    """Whether a message is already as the API answers it, which it is when it comes from there."""
    has_parts = message.get("content_parts") is not None
    return (
        message.get("id") is not None
        and message.keys() >= _ALWAYS_THERE
        and (_ONLY_WHEN_SET.isdisjoint(message) or not any(message.get(name, "") is None for name in _ONLY_WHEN_SET))
        and (has_parts or not isinstance(message["content"], list))
    )


def _to_parts(content: Piece) -> str:
    """Write request parts as stored parts, each with all five keys (docs/api-facts.md#messages)."""
    written = []
    for part in items(content.source, STRICT):
        if isinstance(part.value, str):
            part = Piece(to_object([("type", '"text"'), ("text", part.source)]), {"type": "text"})
        if not isinstance(part.value, dict):
            written.append(part.source)
            continue
        given = [(name, piece.source) for name, piece in members(part.source, STRICT)]
        names = {name for name, _ in given}
        written.append(to_object(given + [(name, "null") for name in _PART_KEYS if name not in names]))
    return "[" + ",".join(written) + "]"


def _joined(content: list[Any]) -> str:
    """Join the texts of parts by one blank, a part without text counting as empty, as OpenAI does."""
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return " ".join(text if isinstance(text, str) else "" for text in texts)


def _to_choice(message: str) -> str:
    """Make the choice of a line that has none; how it ended is not known."""
    return to_object([("index", "0"), ("message", message), ("finish_reason", "null"), ("logprobs", "null")])


def _read_id(given: Any, whose: str) -> str:
    if not isinstance(given, str) or not has_address(given) or _UNQUOTED.search(given) or fit(given) != given:
        raise ValueError(f"{whose} has no usable id (1 to 255 characters, no blanks, none of / \\ ? # %)")
    return given


def _read_metadata(metadata: Piece) -> dict[str, str]:
    """Read the pairs to filter by; a value that is no string counts as its JSON text, which is what a page shows."""
    if not isinstance(metadata.value, dict):
        return {}
    pairs = members(metadata.source, STRICT)
    values = {key: piece.value if isinstance(piece.value, str) else piece.source for key, piece in pairs}
    return {fit_key(key): fit_value(value) for key, value in values.items()}


def _read_seconds(created: Any) -> int:
    """Read when a completion was made, in Unix seconds; one that does not tell is as old as its import."""
    moment = read_time(created)
    return int(time.time() if moment is None else moment.timestamp())


def _store(batch: list[tuple[int, Record | str]], replace: bool) -> list[Outcome]:
    """Commit a batch as a whole and say what became of each line."""
    if not batch:
        return []
    with transaction.atomic():
        ids = [record.completion_id for _, record in batch if isinstance(record, Record)]
        known = dict(StoredCompletion.objects.filter(completion_id__in=ids).values_list("completion_id", "digest"))
        outcomes = []
        writing: dict[str, Record] = {}
        for number, record in batch:
            outcome = _decide(number, record, known, replace)
            outcomes.append(outcome)
            if isinstance(record, Record) and outcome.became in ("imported", "replaced"):
                known[record.completion_id] = record.digest
                writing[record.completion_id] = record  # a later line of the batch replaces an earlier one
        if replace:
            StoredCompletion.objects.filter(completion_id__in=writing).delete()
        _insert(list(writing.values()))
    return outcomes


def _decide(number: int, record: Record | str, known: dict[str, str], replace: bool) -> Outcome:
    if isinstance(record, str):
        return Outcome(number, "bad", record)
    if record.completion_id not in known:
        return Outcome(number, "imported")
    if known[record.completion_id] == record.digest:
        return Outcome(number, "unchanged")
    if replace:
        return Outcome(number, "replaced")
    return Outcome(number, "kept", f"another {record.completion_id} is stored already; --replace would take this one")


def _insert(records: list[Record]) -> None:
    """Write the rows of all tables past the models: making an object of each would take as long as indexing it."""
    completions = list(zip(take_ids("archive_storedcompletion", len(records)), records, strict=True))
    insert(
        "archive_storedcompletion",
        "id, completion_id, created, model, body, digest",
        ((row, each.completion_id, each.created, each.model, each.body, each.digest) for row, each in completions),
    )
    ids = take_ids("archive_storedmessage", sum(len(record.messages) for record in records))
    numbers = iter(ids)
    insert(
        "archive_storedmessage",
        "id, completion_id, position, message_id, body",
        (
            (next(numbers), row, position, *message)
            for row, record in completions
            for position, message in enumerate(record.messages)
        ),
    )
    insert(
        "archive_storedmetadata",
        "completion_id, key, value",
        ((row, *pair) for row, record in completions for pair in record.metadata.items()),
    )
    save_entries(chain.from_iterable(_entries(completions, iter(ids))))


def _entries(completions: list[tuple[int, Record]], ids: Iterator[int]) -> Iterator[Iterator[Entry]]:
    for row, record in completions:
        places = [(message, position) for position, message in enumerate(islice(ids, len(record.messages)))]
        yield entries_of(row, record.created, places, iter(record.indexed))
