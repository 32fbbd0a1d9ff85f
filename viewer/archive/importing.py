"""Imports JSON Lines into the archive in batches; importing the same line again changes nothing.

It reads two formats: a stored completion with its messages under an extra key `messages`, and the fine-tuning format
`{"messages": […]}`, whose last assistant message becomes the completion's choice.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, transaction

from viewer.completions.ids import has_address
from viewer.completions.reading import read_time
from viewer.completions.source_text import STRICT, Piece, items, members, members_with_list, to_object

from .bulk import insert, reserve_ids
from .erased import erased_among
from .models import StoredCompletion, fit, fit_key, fit_value
from .search.index import Conversation, entries_of, save
from .search.text import Facts, Indexed, words_to_index

MAX_LINE_BYTES = 64_000_000  # bytes of one conversation; OpenAI accepts requests of 50 MB, images included
_MAX_MESSAGES = 200_000  # per conversation
_BATCH_BYTES = 8_000_000
_BATCH_LINES = 500
# SQLite has one writer at a time: a sign-in waits for the end of a batch, half a second at this size.
_SQLITE_BATCH_BYTES = 1_000_000
_SQLITE_BATCH_LINES = 100
_UNSAFE_IN_PATH = re.compile(r"[\s\\?#%\x00-\x1f\x7f]")  # what some clients of the API do not quote in a path
_REQUIRED_KEYS = ("content", "content_parts", "name", "refusal")  # present in every message, even if null
_REQUIRED_KEY_SET = frozenset(_REQUIRED_KEYS)
_OPTIONAL_KEYS = {"tool_calls", "tool_call_id", "function_call", "annotations", "audio"}  # omitted if null
# A stored completion has these 19 keys in this order (docs/api-facts.md#completions).
_COMPLETION_KEYS = (
    "object", "id", "model", "created", "request_id", "tool_choice", "usage", "seed", "top_p", "temperature",
    "presence_penalty", "frequency_penalty", "system_fingerprint", "input_user", "service_tier", "tools", "metadata",
    "choices", "response_format",
)  # fmt: skip
_PART_KEYS = ("type", "text", "image_url", "input_audio", "file")
_NULL = Piece("null", None)
_ERASED = "erased"  # no digest


@dataclass(frozen=True, slots=True)
class Record:
    """One line, ready to be stored: the completion's columns, its messages as (id, JSON), and its index entries.

    `indexed` has what is kept of each message, and last of the answer.
    """

    completion_id: str
    created: int
    model: str
    metadata: dict[str, str]
    body: str
    digest: str
    messages: list[tuple[str, str]]
    indexed: list[Indexed]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a line: `imported`, `replaced`, `unchanged` or `bad`.

    `kept`: another has its id. `erased`: it was erased here, and does not come back.
    """

    line: int
    status: str
    message: str = ""


def import_lines(lines: Iterable[bytes], *, replace: bool = False) -> Iterator[Outcome]:
    """Store every readable line for the team; yield one outcome per line, in order, after its batch is committed.

    A completion is stored with all its messages or not at all. Memory is about eight times one batch (8 MB or one
    line).
    """
    batch: list[tuple[int, Record | str]] = []
    size = 0
    is_sqlite = connection.vendor == "sqlite"
    max_bytes, max_lines = (_SQLITE_BATCH_BYTES, _SQLITE_BATCH_LINES) if is_sqlite else (_BATCH_BYTES, _BATCH_LINES)
    try:
        for number, line in enumerate(lines, start=1):
            text = line.strip(b" \t\r\n")
            if number == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            batch.append((number, _read_or_explain(text)))
            size += len(text)
            if size >= max_bytes or len(batch) >= max_lines:
                yield from _store(batch, replace)
                batch, size = [], 0
    except (OSError, EOFError, zlib.error):  # the file is cut off; the lines before that are good
        yield from _store(batch, replace)
        raise
    yield from _store(batch, replace)


def save_record(record: Record, owner: int) -> StoredCompletion:
    """Store one completion for a person alone, instead of what they saved of it before."""
    with transaction.atomic():
        own = StoredCompletion.objects.filter(completion_id=record.completion_id, owner=owner)
        own.delete()
        _insert([record], owner)
        return own.get()


def read_line(line: bytes) -> Record:
    """Parse one line in either format. Raises ValueError with the reason in words."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text (byte {error.start + 1})") from None
    try:
        pairs, messages = members_with_list(text, "messages", _source_of_message, STRICT)
    except json.JSONDecodeError as error:
        raise ValueError(f"not a JSON object: {error.msg} at character {error.pos + 1}") from None
    del text  # a long line must not be in memory many times
    fields = dict(pairs)
    if "incomplete" in fields:
        raise ValueError(f"the export broke off here: {fields['incomplete'].value}")
    if messages is None:
        raise ValueError("no list named messages")
    if len(messages) > _MAX_MESSAGES:
        raise ValueError(f"more than {_MAX_MESSAGES:,} messages in one conversation")
    for position, message in enumerate(messages):
        if not message:
            raise ValueError(f"message {position} is not an object")
    digest = hashlib.sha256(line).hexdigest()
    if "id" in fields or "choices" in fields:
        return _read_stored(pairs, messages, digest)
    return _read_fine_tuning(pairs, messages, digest)


def _source_of_message(item: Piece) -> str:
    """Return the JSON alone, because the decoded messages would take fifty times as much; empty if it is no object."""
    return item.source if isinstance(item.value, dict) else ""


def _read_or_explain(line: bytes) -> Record | str:
    if len(line) > MAX_LINE_BYTES:
        return f"longer than {MAX_LINE_BYTES // 1_000_000} MB, the most that one conversation may have"
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
    sources = {name: piece.source for name, piece in pairs}
    sources |= {
        "object": '"chat.completion"',
        "id": json.dumps(completion_id),
        "created": sources.get("created", str(int(time.time()))),
        "metadata": sources.get("metadata", "{}"),
        "choices": "[" + ",".join(_to_choice(message) for message in answers) + "]",
    }
    names = [*_COMPLETION_KEYS, *(name for name in sources if name not in _COMPLETION_KEYS)]
    body = to_object([(name, sources.get(name, "null")) for name in names])
    return _record(completion_id, dict(pairs), body, digest, messages[: len(messages) - len(answers)])


def _digest_of_values(pairs: list[tuple[str, Piece]], messages: list[str]) -> str:
    """Hash the values of a line, with sorted keys, message by message."""
    digest = hashlib.sha256()
    values = {name: piece.value for name, piece in pairs} | {"messages": None}
    for n, name in enumerate(sorted(values)):
        digest.update(f"{', ' if n else '{'}{json.dumps(name)}: ".encode())
        if name != "messages":
            digest.update(json.dumps(values[name], sort_keys=True).encode())
            continue
        for position, message in enumerate(messages):
            text = json.dumps(STRICT.decode(message), sort_keys=True)
            digest.update(f"{', ' if position else '['}{text}".encode())
        digest.update(b"]" if messages else b"[]")
    digest.update(b"}")
    return digest.hexdigest()


def _record(completion_id: str, fields: dict[str, Piece], body: str, digest: str, messages: list[str]) -> Record:
    name = fields.get("model", _NULL).value
    model = fit(name)[:255] if isinstance(name, str) else ""
    metadata = _read_metadata(fields.get("metadata", _NULL))
    created = _read_seconds(fields.get("created", _NULL).value)
    stored: dict[str, str] = {}
    return Record(
        completion_id=completion_id,
        created=created,
        model=model,
        metadata=metadata,
        body=body,
        digest=digest,
        indexed=list(
            words_to_index(Facts(model, created, metadata), _read_messages(completion_id, messages, stored), body)
        ),
        messages=list(stored.items()),
    )


def _read_messages(completion_id: str, messages: list[str], stored: dict[str, str]) -> Iterator[Piece]:
    """Yield the messages one at a time, and put what is stored of each into `stored`."""
    for position, source in enumerate(messages):
        message = Piece(source, STRICT.decode(source))
        own_id = message.value.get("id")
        message_id = _read_id(f"{completion_id}-{position}" if own_id is None else own_id, f"message {position}")
        if message_id in stored:
            raise ValueError(f"message {position} has an id that stands twice: {message_id}")
        stored[message_id] = _to_message(message_id, message)
        yield message


def _to_message(message_id: str, message: Piece) -> str:
    """Write a message as the API returns it: existing values stay as they were written, missing keys become null."""
    if _is_complete(message.value):
        return message.source
    pairs = members(message.source, STRICT)
    fields = dict(pairs)
    if fields.get("id", _NULL).value is None:
        pairs = [("id", Piece(json.dumps(message_id), message_id)), *(pair for pair in pairs if pair[0] != "id")]
    content = fields.get("content", _NULL)
    if isinstance(content.value, list) and fields.get("content_parts", _NULL).value is None:
        joined = Piece(json.dumps(_join_texts(content.value)), None)
        pairs = [(name, joined if name == "content" else piece) for name, piece in pairs if name != "content_parts"]
        pairs.append(("content_parts", Piece(_to_parts(content), None)))
    kept = [(name, piece.source) for name, piece in pairs if not (name in _OPTIONAL_KEYS and piece.value is None)]
    names = {name for name, _ in kept}
    return to_object(kept + [(name, "null") for name in _REQUIRED_KEYS if name not in names])


def _is_complete(message: dict[str, Any]) -> bool:
    """Whether a message is already as the API returns it, as one that comes from the API is."""
    has_parts = message.get("content_parts") is not None
    return (
        message.get("id") is not None
        and message.keys() >= _REQUIRED_KEY_SET
        and (_OPTIONAL_KEYS.isdisjoint(message) or not any(message.get(name, "") is None for name in _OPTIONAL_KEYS))
        and (has_parts or not isinstance(message["content"], list))
    )


def _to_parts(content: Piece) -> str:
    """Convert request parts to stored parts, each with all five keys (docs/api-facts.md#messages)."""
    written = []
    for part in items(content.source, STRICT):
        if isinstance(part.value, str):
            part = Piece(to_object([("type", '"text"'), ("text", part.source)]), {"type": "text"})
        if not isinstance(part.value, dict):
            written.append(part.source)
            continue
        sources = [(name, piece.source) for name, piece in members(part.source, STRICT)]
        names = {name for name, _ in sources}
        written.append(to_object(sources + [(name, "null") for name in _PART_KEYS if name not in names]))
    return "[" + ",".join(written) + "]"


def _join_texts(content: list[Any]) -> str:
    """Join the texts of parts with a space, as OpenAI does; a part without text counts as empty."""
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return " ".join(text if isinstance(text, str) else "" for text in texts)


def _to_choice(message: str) -> str:
    """Build the choice for a line without one. Its finish reason is unknown."""
    return to_object([("index", "0"), ("message", message), ("finish_reason", "null"), ("logprobs", "null")])


def _read_id(value: Any, owner: str) -> str:
    if not isinstance(value, str) or not has_address(value) or _UNSAFE_IN_PATH.search(value) or fit(value) != value:
        raise ValueError(f"{owner} has no usable id (1 to 255 characters, no blanks, none of / \\ ? # %)")
    return value


def _read_metadata(metadata: Piece) -> dict[str, str]:
    """Read the metadata pairs to filter by. A value that is no string counts as its JSON, as pages show it."""
    if not isinstance(metadata.value, dict):
        return {}
    pairs = members(metadata.source, STRICT)
    values = {key: piece.value if isinstance(piece.value, str) else piece.source for key, piece in pairs}
    return {fit_key(key): fit_value(value) for key, value in values.items()}


def _read_seconds(created: Any) -> int:
    """Read when a completion was created, in Unix seconds; if unknown, the time of the import."""
    moment = read_time(created)
    return int(time.time() if moment is None else moment.timestamp())


def _store(batch: list[tuple[int, Record | str]], replace: bool) -> list[Outcome]:
    """Store a batch in one transaction and return the outcome of each line."""
    if not batch:
        return []
    with transaction.atomic():
        ids = [record.completion_id for _, record in batch if isinstance(record, Record)]
        of_team = StoredCompletion.objects.filter(completion_id__in=ids, owner=None)
        known = dict(of_team.values_list("completion_id", "digest"))
        known |= dict.fromkeys(erased_among(ids), _ERASED)
        outcomes = []
        to_insert: dict[str, Record] = {}
        for number, record in batch:
            outcome = _decide(number, record, known, replace)
            outcomes.append(outcome)
            if isinstance(record, Record) and outcome.status in ("imported", "replaced"):
                known[record.completion_id] = record.digest
                to_insert[record.completion_id] = record  # a later line of the batch replaces an earlier one
        if replace:
            StoredCompletion.objects.filter(completion_id__in=to_insert, owner=None).delete()
        _insert(list(to_insert.values()))
    return outcomes


def _decide(number: int, record: Record | str, known: dict[str, str], replace: bool) -> Outcome:
    if isinstance(record, str):
        return Outcome(number, "bad", record)
    if record.completion_id not in known:
        return Outcome(number, "imported")
    if known[record.completion_id] == _ERASED:
        return Outcome(number, "erased", f"{record.completion_id} was erased here; erase_completion --allow-again ID")
    if known[record.completion_id] == record.digest:
        return Outcome(number, "unchanged")
    if replace:
        return Outcome(number, "replaced")
    return Outcome(number, "kept", f"another {record.completion_id} is stored already; --replace would take this one")


def _insert(records: list[Record], owner: int | None = None) -> None:
    """Insert the rows of all tables without the models: creating an object per row takes as long as indexing it."""
    completions = list(zip(reserve_ids("archive_storedcompletion", len(records)), records, strict=True))
    insert(
        "archive_storedcompletion",
        "id, completion_id, created, model, body, digest, owner_id",
        (
            (row, record.completion_id, record.created, record.model, record.body, record.digest, owner)
            for row, record in completions
        ),
    )
    ids = reserve_ids("archive_storedmessage", sum(len(record.messages) for record in records))
    next_id = iter(ids)
    insert(
        "archive_storedmessage",
        "id, completion_id, position, message_id, body",
        (
            (next(next_id), row, position, *message)
            for row, record in completions
            for position, message in enumerate(record.messages)
        ),
    )
    insert(
        "archive_storedmetadata",
        "completion_id, key, value",
        ((row, *pair) for row, record in completions for pair in record.metadata.items()),
    )
    save(_conversations(completions, iter(ids)))


def _conversations(completions: list[tuple[int, Record]], ids: Iterator[int]) -> Iterator[Conversation]:
    for row, record in completions:
        places = [(message, position) for position, message in enumerate(islice(ids, len(record.messages)))]
        yield row, record.created, entries_of(row, record.created, places, iter(record.indexed))
