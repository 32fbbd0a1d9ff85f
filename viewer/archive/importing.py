"""Stores conversations in the archive in batches; storing the same again changes nothing.

They come from lines as a server or Lectern itself writes them, or from files of other tools (`formats.reading`).
"""

from __future__ import annotations

import json
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from django.db import connection, transaction

from viewer.completions.ids import is_usable_id
from viewer.completions.origin import KEY
from viewer.completions.reading import read_time
from viewer.completions.source_text import STRICT, Piece, item_sources, member_sources, members, to_object
from viewer.formats.document import (
    MAX_BYTES,
    NOWHERE,
    Conversation,
    Document,
    NotReadable,
    Place,
    Refusal,
    text_of_line,
    too_long,
)
from viewer.formats.families import openai_chat
from viewer.formats.known import Known, with_known
from viewer.formats.stored import NULL, is_of_same_texts, with_id

from .bulk import insert, is_one_of, reserve_ids
from .erased import erased_among
from .messages import MessagePacker, PackedMessages, write_messages
from .models import StoredCompletion, fit, fit_metadata
from .search.entries import Entries, entries_of
from .search.index import save
from .search.indexed import Facts, words_to_index

_BATCH_BYTES = 8_000_000
_BATCH_LINES = 500
# SQLite has one writer at a time: others wait until a batch is written, some 15 ms at this size.
_SQLITE_BATCH_BYTES = 240_000
_SQLITE_BATCH_LINES = 100
_REQUIRED_KEYS = ("content", "content_parts", "name", "refusal")  # present in every message, even if null
_REQUIRED_KEY_SET = frozenset(_REQUIRED_KEYS)
_OPTIONAL_KEYS = {"tool_calls", "tool_call_id", "function_call", "annotations", "audio"}  # omitted if null
_PART_KEYS = ("type", "text", "image_url", "input_audio", "file")
_STORED = ("imported", "replaced")
ERASED = "erased"  # no digest
Found = Conversation | Refusal | Known
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Record:
    """A conversation, ready to be stored: its columns, its messages, and its index entries."""

    completion_id: str
    created: int
    model: str
    metadata: dict[str, str]
    body: str
    digest: str
    messages: PackedMessages
    entries: Entries
    place: Place = NOWHERE

    @property
    def id(self) -> str:
        """As conversations have it."""
        return self.completion_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a conversation: `imported`, `replaced`, `unchanged` or `bad`, and why in words.

    `kept`: another has its id. `erased`: it was erased here, and does not come back.
    """

    place: Place
    status: str
    message: str = ""
    completion_id: str = ""

    @property
    def line(self) -> int:
        """The number of the line, the item or the row in its file, from 1."""
        return self.place.number


class Beside(Protocol):
    """What a caller writes in the transaction of a batch, so that it is true after a crash."""

    def before(self, completion_ids: list[str]) -> None:
        """Look at what is stored of these ids, before some of it is replaced."""

    def after(self, outcomes: list[Outcome], rows: dict[str, int]) -> None:
        """Take the outcomes of a batch, and the rows of what was stored by id."""


def import_lines(lines: Iterable[bytes], *, replace: bool = False) -> Iterator[Outcome]:
    """Store every readable line for the team, as a server or Lectern wrote it; see `import_all`."""
    return import_all(_read_lines(lines), replace=replace)


def import_all(found: Iterable[Found], *, replace: bool = False, beside: Beside | None = None) -> Iterator[Outcome]:
    """Store conversations for the team; yield one outcome for each, in order, after its batch is committed.

    A completion is stored with all its messages or not at all. What is stored loses its messages, as `record_of` says,
    and memory is about four times one batch (8 MB or one conversation).
    """
    batch: list[Found] = []
    size = 0
    is_sqlite = connection.vendor == "sqlite"
    max_bytes, max_lines = (_SQLITE_BATCH_BYTES, _SQLITE_BATCH_LINES) if is_sqlite else (_BATCH_BYTES, _BATCH_LINES)
    try:
        for each in found:
            batch.append(each)
            size += _length(each)
            if size >= max_bytes or len(batch) >= max_lines:
                yield from _store(batch, replace, beside)
                batch, size = [], 0
    except (OSError, EOFError, ValueError, zlib.error):  # the file is cut off; what stands before that is good
        yield from _store(batch, replace, beside)
        raise
    yield from _store(batch, replace, beside)


def put_back(records: Iterable[Record]) -> None:
    """Store for the team what it had before, in a transaction; not what was erased here meanwhile."""
    by_id = {record.completion_id: record for record in records}
    erased = erased_among(by_id)
    _insert([record for completion_id, record in by_id.items() if completion_id not in erased])


def save_record(record: Record, owner: int) -> StoredCompletion:
    """Store one completion for a person alone, instead of what they saved of it before."""
    with transaction.atomic():
        own = StoredCompletion.objects.filter(completion_id=record.completion_id, owner=owner)
        own.delete()
        _insert([record], owner)
        return own.get()


def read_line(line: bytes) -> Record:
    """Parse one line as a server or Lectern wrote it. Raises ValueError with the reason in words."""
    return record_of(_conversation_of(Document(text_of_line(line))))


def _read_lines(lines: Iterable[bytes]) -> Iterator[Found]:
    for document in with_known(_documents_of(lines), digests_among):
        if not isinstance(document, Document):
            yield document
            continue
        try:
            conversation = _conversation_of(document)
            document.forget()
            yield conversation
        except NotReadable as reason:
            yield Refusal(str(reason), document.place)


def _documents_of(lines: Iterable[bytes]) -> Iterator[Document | Refusal]:
    for number, line in enumerate(lines, start=1):
        text = line.strip(b" \t\r\n")
        if number == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        place = Place(number=number)
        try:
            if len(text) > MAX_BYTES:
                raise NotReadable(too_long())
            yield Document(text_of_line(text), place)
        except NotReadable as reason:
            yield Refusal(str(reason), place)


def _conversation_of(line: Document) -> Conversation:
    return with_id(openai_chat.read_line(line.text, line.place))


def _length(found: Found) -> int:
    """Return about how many characters a conversation has."""
    if isinstance(found, Conversation):
        return sum(map(len, found.messages)) + 1_000
    return len(found.document.text) if isinstance(found, Known) else 0


def record_or_reason(found: Found) -> Record | Outcome:
    """Make a conversation ready to be stored; where that is impossible, return why."""
    if isinstance(found, Refusal):
        return Outcome(found.place, "bad", found.reason)
    return _unless_refused(lambda: record_of(_read(found)), found.place)


def checked(found: Conversation | Known) -> Conversation | Known | Outcome:
    """Return a conversation if an import would take it; otherwise why not. Nothing is made of it."""

    def check() -> Conversation | Known:
        conversation = _read(found)
        deque(_read_messages(conversation.id, conversation.messages, MessagePacker(conversation.id)), maxlen=0)
        return found

    return _unless_refused(check, found.place)


def _unless_refused(make: Callable[[], Made], place: Place) -> Made | Outcome:
    try:
        return make()
    except ValueError as error:
        return Outcome(place, "bad", str(error))
    except RecursionError:
        return Outcome(place, "bad", "nested too deeply")


def _read(found: Conversation | Known) -> Conversation:
    return _conversation_of(found.document) if isinstance(found, Known) else found


def record_of(conversation: Conversation) -> Record:
    """Complete a conversation with its columns and its index entries. Raises ValueError.

    The messages are taken out of the conversation one by one, so that they are in memory once.
    """
    fields, completion_id = dict(conversation.fields), conversation.id
    name = fields.get("model", NULL).value
    model = fit(name)[:255] if isinstance(name, str) else ""
    metadata = _read_metadata(fields.get("metadata", NULL))
    created = _read_seconds(fields)
    body = to_object([(name, piece.source) for name, piece in conversation.fields])
    packer = MessagePacker(completion_id)
    messages = _read_messages(completion_id, _taken_out(conversation.messages), packer)
    return Record(
        completion_id=completion_id,
        created=created,
        model=model,
        metadata=metadata,
        body=body,
        digest=conversation.digest,
        entries=entries_of(words_to_index(Facts(model, created, metadata), messages, body)),
        messages=packer.packed(),
        place=conversation.place,
    )


def _taken_out(messages: list[str]) -> Iterator[str]:
    messages.reverse()
    while messages:
        yield messages.pop()


def _read_messages(completion_id: str, messages: Iterable[str], packer: MessagePacker) -> Iterator[Piece]:
    """Yield the messages one at a time, and pack what is stored of each.

    An id that cannot be used, or that stands twice, is kept beside the id that the message gets from its place.
    """
    for position, source in enumerate(messages):
        message = Piece(source, STRICT.decode(source))
        own_id = message.value.get("id")
        message_id = str(own_id) if is_usable_id(own_id) else ""
        if not message_id or message_id in packer.ids:
            message_id = _id_by_place(completion_id, position, packer.ids)
            if own_id is not None:
                message = _with_id_of_source(message)
        packer.add(message_id, _to_message(message_id, message))
        yield message


def _id_by_place(completion_id: str, position: int, ids: set[str]) -> str:
    """Return the id of a message that has none; not one that an earlier message has as its own. Raises ValueError."""
    message_id = f"{completion_id}-{position}"
    while message_id in ids:
        message_id += "x"
    if not is_usable_id(message_id):
        raise ValueError(f"message {position} has no id, and the id of the conversation is too long to make one of it")
    return message_id


def _with_id_of_source(message: Piece) -> Piece:
    """Move the id of a message to where it is shown, but not used."""
    pairs = members(message.source, STRICT)
    given = dict(pairs)
    origin = members(given[KEY].source, STRICT) if isinstance(given.get(KEY, NULL).value, dict) else []
    named = to_object([("id", given["id"].source), *((name, piece.source) for name, piece in origin if name != "id")])
    kept = [(name, piece.source) for name, piece in pairs if name not in ("id", KEY)]
    source = to_object([*kept, (KEY, named)])
    return Piece(source, STRICT.decode(source))


def _to_message(message_id: str, message: Piece) -> str:
    """Write a message as the API returns it: existing values stay as they were written, missing keys become null."""
    values = message.value
    if _is_complete(values):
        return message.source
    pairs = member_sources(message.source)
    if values.get("id") is None:
        pairs = [("id", json.dumps(message_id)), *(pair for pair in pairs if pair[0] != "id")]
    content = values.get("content")
    if isinstance(content, list) and values.get("content_parts") is None:
        joined, parts = json.dumps(_join_texts(content)), _to_parts(dict(pairs)["content"], content)
        pairs = [(name, joined if name == "content" else source) for name, source in pairs if name != "content_parts"]
        pairs.append(("content_parts", parts))
    kept = [(name, source) for name, source in pairs if not (name in _OPTIONAL_KEYS and source == "null")]
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


def _to_parts(source: str, content: list[Any]) -> str:
    """Convert request parts to stored parts, each with all five keys (docs/api-facts.md#messages)."""
    return f"[{','.join(map(_to_part, item_sources(source), content))}]"


def _to_part(source: str, part: Any) -> str:
    if isinstance(part, str):
        sources = [("type", '"text"'), ("text", source)]
    elif isinstance(part, dict):
        sources = member_sources(source)
    else:
        return source
    names = {name for name, _ in sources}
    return to_object(sources + [(name, "null") for name in _PART_KEYS if name not in names])


def _join_texts(content: list[Any]) -> str:
    """Join the texts of parts with a space, as OpenAI does; a part without text counts as empty."""
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return " ".join(text if isinstance(text, str) else "" for text in texts)


def _read_metadata(metadata: Piece) -> dict[str, str]:
    """Read the metadata pairs to filter by. A value that is no string counts as its JSON, as pages show it."""
    values = metadata.value
    if not isinstance(values, dict):
        return {}
    if not all(isinstance(value, str) for value in values.values()):
        pairs = members(metadata.source, STRICT)
        values = {key: piece.value if isinstance(piece.value, str) else piece.source for key, piece in pairs}
    return fit_metadata(values)


def _read_seconds(fields: dict[str, Piece]) -> int:
    """Read when a completion was created, in Unix seconds; if unknown, the time of the import."""
    moments = (read_time(fields.get(name, NULL).value) for name in ("created", "created_at"))
    moment = next((moment for moment in moments if moment is not None), None)
    return int(time.time() if moment is None else moment.timestamp())


def _store(batch: list[Found], replace: bool, beside: Beside | None) -> list[Outcome]:
    """Store a batch in one transaction and return the outcome of each.

    What seems to be new is made ready before: that takes most of the time, and others may write meanwhile. Nothing is
    made of what is there already, and if that is all, nothing is written.
    """
    if not batch:
        return []
    ids = [each.id for each in batch if not isinstance(each, Refusal)]
    known = digests_among(ids)
    ready = [_made_ready(each, known, replace) for each in batch]
    if beside is None and not any(isinstance(each, Record) for each in ready):
        return [each if isinstance(each, Outcome) else _decide(each, known, replace) for each in ready]
    with transaction.atomic():
        known = known_among(ids)
        outcomes = []
        to_insert: dict[str, Record] = {}
        for each in ready:
            outcome, record = _settled(each, known, replace)
            outcomes.append(outcome)
            if record is not None:
                known[record.id] = record.digest
                to_insert[record.id] = record  # a later line of the batch replaces an earlier one
        if replace:
            if beside:
                beside.before(list(to_insert))
            StoredCompletion.objects.filter(completion_id__in=to_insert, owner=None).delete()
        rows = _insert(list(to_insert.values()))
        if beside:
            beside.after(outcomes, rows)
    return outcomes


def _made_ready(found: Found, known: dict[str, str], replace: bool) -> Record | Outcome | Conversation | Known:
    """Make of a conversation what may be stored; what will not be stays as it is. Note in `known` what is new."""
    if isinstance(found, Refusal):
        return record_or_reason(found)
    status = status_of(found.id, found.digest, known, replace=replace)
    if status == "unchanged":
        return found
    if status not in _STORED:
        return checked(found)
    record = record_or_reason(found)
    if isinstance(record, Record):
        known[record.id] = record.digest
    return record


def _settled(
    ready: Record | Outcome | Conversation | Known, known: dict[str, str], replace: bool
) -> tuple[Outcome, Record | None]:
    """Return what becomes of a conversation, now that others cannot change what is known, and what to insert of it."""
    if isinstance(ready, Outcome):
        return ready, None
    outcome = _decide(ready, known, replace)
    if outcome.status not in _STORED:
        return outcome, None
    # What was there a moment ago may have been erased since.
    record = ready if isinstance(ready, Record) else record_or_reason(ready)
    return (record, None) if isinstance(record, Outcome) else (outcome, record)


def known_among(completion_ids: list[str]) -> dict[str, str]:
    """Return the digests of what the team has of some ids, by id; `ERASED` for what was erased here."""
    return digests_among(completion_ids) | dict.fromkeys(erased_among(completion_ids), ERASED)


def digests_among(completion_ids: list[str]) -> dict[str, str]:
    """Return the digests of what the team has of some ids, by id."""
    where, ids = is_one_of("completion_id", completion_ids)
    of_team = f"SELECT completion_id, digest FROM archive_storedcompletion WHERE owner_id IS NULL AND {where}"
    with connection.cursor() as cursor:
        cursor.execute(of_team, [ids])
        return dict(cursor.fetchall())


def status_of(completion_id: str, digest: str, known: dict[str, str], *, replace: bool = False) -> str:
    """Say what becomes of a conversation, as `Outcome` names it."""
    if completion_id not in known:
        return "imported"
    if known[completion_id] == ERASED:
        return "erased"
    if known[completion_id] == digest:
        return "unchanged"
    return "replaced" if replace else "kept"


def _decide(found: Record | Conversation | Known, known: dict[str, str], replace: bool) -> Outcome:
    status, message = status_of(found.id, found.digest, known, replace=replace), ""
    if status == "erased":
        message = f"{found.id} was erased here; erase_completion --allow-again ID"
    elif status == "kept" and is_of_same_texts(known[found.id], found.digest):
        message = f"{found.id} was read differently by another version; --replace would take it as it is read now"
    elif status == "kept":
        message = f"another {found.id} is stored already; --replace would take this one"
    return Outcome(found.place, status, message, found.id)


def _insert(records: list[Record], owner: int | None = None) -> dict[str, int]:
    """Insert the rows of all tables without the models: creating an object per row takes as long as indexing it.

    Return the rows of the completions by their ids.
    """
    completions = list(zip(reserve_ids("archive_storedcompletion", len(records)), records, strict=True))
    insert(
        "archive_storedcompletion",
        "id, completion_id, created, model, body, digest, owner_id",
        (
            (row, record.completion_id, record.created, record.model, record.body, record.digest, owner)
            for row, record in completions
        ),
    )
    write_messages([(row, record.messages) for row, record in completions])
    insert(
        "archive_storedmetadata",
        "completion_id, key, value",
        ((row, *pair) for row, record in completions for pair in record.metadata.items()),
    )
    save([(row, record.created, record.entries) for row, record in completions])
    return {record.completion_id: row for row, record in completions}
