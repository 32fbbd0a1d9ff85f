"""Reads and writes the messages of archived conversations: many that follow each other are one row, compressed.

A row for each, with its keys, took a quarter more space than its JSON; a pack takes a third of it. It has the id and
the JSON of each message in turn. Most ids say where the message is (`{completion_id}-{position}`): they are left out,
and found without an index. Any other id has a small row of its own. Packs never change: whoever replaces a conversation
deletes it first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any, Literal

from django.db import connection
from django.db.models import QuerySet, Subquery

from viewer.completions.ids import index_of
from viewer.deployment.prepared import Prepared

from .bulk import insert
from .models import MessagePack, OwnMessageId, StoredCompletion, belongs_to_visible, fit
from .packing import pack, start_of, unpack, unpacked_size

_MAX_CHARACTERS = 32_000  # of JSON, after which another pack begins; a longer message has one of its own
_MAX_BYTES = 4 * _MAX_CHARACTERS  # of a pack of several messages
_MAX_ID_BYTES = 1_100
_BETWEEN = "\x00"  # stands neither in JSON nor in an id
_PACKS_AT_ONCE = 256  # that are written by one statement; some megabytes
_ROWS = 16  # packs that are fetched together; one is mostly small, but may hold megabytes

Place = tuple[int, int]  # a completion's row, and a position
_Pack = tuple[int, int, bytes]  # the first position, how many, and they
_Message = tuple[int, str, str]  # position, id, JSON


@dataclass(frozen=True, slots=True)
class PackedMessages:
    """The messages of a conversation, ready to be stored: their packs, and the digests and places of their own ids."""

    completion_id: str
    packs: list[_Pack]
    own_ids: list[tuple[int, int]]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the JSON of each message."""
        for first, _, packed in self.packs:
            yield from ((message_id, body) for _, message_id, body in _unpacked(self.completion_id, first, packed))

    def __len__(self) -> int:
        return sum(count for _, count, _ in self.packs)


class MessagePacker:
    """Packs the messages of a conversation one after the other, so that only some are in memory as they are."""

    def __init__(self, completion_id: str) -> None:
        self.ids: set[str] = set()
        self._packed = PackedMessages(completion_id, [], [])
        self._first = self._size = 0
        self._parts: list[str] = []

    def add(self, message_id: str, body: str) -> None:
        position = self._first + len(self._parts) // 2
        own_id = message_id if message_id != f"{self._packed.completion_id}-{position}" else ""
        if own_id:
            self._packed.own_ids.append((digest_of(own_id), position))
        needed = len(own_id) + len(body) + 2
        if self._size and self._size + needed > _MAX_CHARACTERS:
            self._close()
        self._parts += own_id, body.replace(_BETWEEN, "\ufffd")
        self._size += needed
        self.ids.add(message_id)

    def packed(self) -> PackedMessages:
        """Return all that was added."""
        if self._parts:
            self._close()
        return self._packed

    def _close(self) -> None:
        count = len(self._parts) // 2
        self._packed.packs.append((self._first, count, pack(_BETWEEN.join(self._parts))))
        self._first, self._size, self._parts = self._first + count, 0, []


def pack_messages(completion_id: str, messages: Iterable[tuple[str, str]]) -> PackedMessages:
    """Pack messages, each given as its id and its JSON."""
    packer = MessagePacker(completion_id)
    for message_id, body in messages:
        packer.add(message_id, body)
    return packer.packed()


def write_messages(conversations: Collection[tuple[int, PackedMessages]]) -> None:
    """Insert all messages of conversations that have none yet; they are given by their rows."""
    packs = ((row, *pack) for row, messages in conversations for pack in messages.packs)
    while batch := list(islice(packs, _PACKS_AT_ONCE)):
        insert("archive_messagepack", "completion_id, first, count, packed", batch)
    own_ids = [(row, *own_id) for row, messages in conversations for own_id in messages.own_ids]
    if own_ids:
        insert("archive_ownmessageid", "completion_id, digest, position", own_ids)


def _unpacked(completion_id: str, first: int, packed: bytes | memoryview) -> list[_Message]:
    parts = unpack(packed).split(_BETWEEN)
    return [
        (position, own_id or f"{completion_id}-{position}", body)
        for position, (own_id, body) in enumerate(zip(parts[::2], parts[1::2], strict=True), start=first)
    ]


def digest_of(message_id: str) -> int:
    """Return a number of 63 bits that stands for an id; of several messages with one, their packs tell which it is."""
    return int.from_bytes(blake2b(message_id.encode(), digest_size=8).digest()) >> 1


@dataclass(frozen=True, slots=True)
class _Walk:
    """Which packs of a conversation are read: from where on, in which order, and how many at most.

    They begin with the one that has a position, or the message with a digest.
    """

    start: Literal["", "position", "digest"] = ""
    descending: bool = False
    limit: int = 16


@dataclass(frozen=True, slots=True)
class ArchivedMessages:
    """The messages of a conversation as a person may see it, which may not be there."""

    completion_id: str  # as its column has it
    reader: int | None

    def page(self, after: str | None, *, descending: bool, limit: int) -> Iterator[tuple[str, str]]:
        """Yield the id and the JSON of some messages in order, the first ones or those beyond the message `after`.

        Yield nothing beyond a message that is unknown.
        """
        # A pack has at least one message; the first may have nothing beyond `after`.
        for _, message_id, body in islice(self._beyond(after, descending, limit + 1) or (), limit):
            yield message_id, body

    def all_beyond(self, after: str = "") -> Iterator[tuple[str, str]]:
        """Yield the id and the JSON of all messages after the message `after`, or of all there are, in order.

        Some packs at a time: whoever reads them may take long, and SQLite's journal grows as long as a query is open.
        """
        found = self._beyond(after or None)
        while found is not None:
            last = -1
            for position, message_id, body in found:
                yield message_id, body
                last = position
            found = self._behind(last) if last >= 0 else None

    def has(self, message_id: str) -> bool:
        return self.position_of(message_id) is not None

    def position_of(self, message_id: str) -> int | None:
        found = self._find(message_id, limit=1)
        return next(found)[0] if found else None

    def id_at(self, position: int) -> str | None:
        messages = self._read(_Walk("position", limit=1), position)
        return next((message_id for at, message_id, _ in messages if at == position), None)

    def _beyond(self, after: str | None, descending: bool = False, limit: int = 16) -> Iterator[_Message] | None:
        if after is None:
            return self._read(_Walk("", descending, limit))
        found = self._find(after, descending, limit)
        return islice(found, 1, None) if found else None

    def _behind(self, position: int) -> Iterator[_Message]:
        following = self._read(_Walk("position"), position + 1)
        return (message for message in following if message[0] > position)

    def _find(self, message_id: str, descending: bool = False, limit: int = 16) -> Iterator[_Message] | None:
        """Find a message by its id, and yield it with those that follow; return None if it is unknown."""
        starts: list[tuple[Literal["position", "digest"], int]] = [("digest", digest_of(message_id))]
        if (position := index_of(self.completion_id, message_id)) is not None:
            starts.insert(0, ("position", position))
        for start, value in starts:
            packs = self._packs(_Walk(start, descending, limit), value)
            first = next(packs, [])
            at = next((at for at, message in enumerate(first) if message[1] == message_id), None)
            if at is not None:
                return chain(first[at:], chain.from_iterable(packs))
        return None

    def _read(self, walk: _Walk, *start: int) -> Iterator[_Message]:
        return chain.from_iterable(self._packs(walk, *start))

    def _packs(self, walk: _Walk, *start: int) -> Iterator[list[_Message]]:
        for first, packed in _packs(self.completion_id, self.reader, *start, walk=walk):
            messages = _unpacked(self.completion_id, first, packed)
            yield messages[::-1] if walk.descending else messages


@Prepared
def _packs(completion_id: str, reader: int | None, *start: int, walk: _Walk) -> QuerySet[Any, Any]:
    # Not joined: PostgreSQL would sort all packs of the conversation for one page, because it may be several.
    completion = Subquery(StoredCompletion.objects.named(completion_id, reader).values("pk"))
    packs = MessagePack.objects.filter(completion=completion)
    if walk.start:
        position: Any = start[0]
        if walk.start == "digest":
            own = OwnMessageId.objects.filter(digest=start[0], completion=completion)
            position = Subquery(own.values("position")[:1])
        until = packs.filter(first__lte=position)
        first = Subquery(until.order_by("-first").values("first")[:1])
        packs = until if walk.descending else packs.filter(first__gte=first)
    return packs.order_by("-first" if walk.descending else "first").values_list("first", "packed")[: walk.limit]


def messages_of(completion: StoredCompletion) -> Iterator[tuple[str, str]]:
    """Yield the id and the JSON of all messages of a stored completion, in order."""
    packs = MessagePack.objects.filter(completion=completion).order_by("first").values_list("first", "packed")
    for first, packed in packs.iterator(_ROWS):
        for _, message_id, body in _unpacked(completion.completion_id, first, packed):
            yield message_id, body


def messages_of_each(
    completions: Iterable[StoredCompletion],
) -> Iterator[tuple[StoredCompletion, Iterator[tuple[str, str]]]]:
    """Yield each of some stored completions with what `messages_of` yields of it, which has to be read first."""
    by_row = {completion.pk: completion for completion in completions}
    packs = MessagePack.objects.filter(completion__in=by_row).order_by("completion", "first")
    rows = packs.values_list("completion", "first", "packed").iterator(_ROWS)
    for row, group in groupby(rows, itemgetter(0)):
        completion = by_row.pop(row)
        messages = (_unpacked(completion.completion_id, first, packed) for _, first, packed in group)
        yield completion, ((message_id, body) for each in messages for _, message_id, body in each)
    for completion in by_row.values():
        yield completion, iter(())


def count_messages(completion: StoredCompletion) -> int:
    packs = MessagePack.objects.filter(completion=completion).order_by("-first")
    return sum(packs.values_list("first", "count").first() or ())


def holders_of(message_id: str, reader: int | None) -> list[Place]:
    """Find the messages with an id in whatever a person may see, in the order in which it was stored."""
    message_id = fit(message_id)
    own = OwnMessageId.objects.filter(belongs_to_visible(reader), digest=digest_of(message_id))
    places: set[Place] = {*own.values_list("completion_id", "position")}
    stem = message_id.rpartition("-")[0]
    if (position := index_of(stem, message_id)) is not None:
        rows = StoredCompletion.objects.visible_to(reader).filter(completion_id=stem)
        places |= {(row, position) for row in rows.values_list("pk", flat=True)}
    found = messages_at(places)
    return sorted(place for place in places if place in found and found[place][0] == message_id)


def messages_at(places: Collection[Place], most: int = 0) -> dict[Place, tuple[str, str]]:
    """Return the id and the JSON of messages by their places, where there is one.

    The JSON of the first is there in any case, that of others while all have at most so many characters; then it is
    empty.
    """
    found = dict[Place, tuple[str, str]]()
    for completion, completion_id, first, count, packed in _packs_with(places):
        if found and count == 1 and unpacked_size(packed) > max(most, _MAX_BYTES):
            parts = [start_of(packed, _MAX_ID_BYTES).partition(_BETWEEN)[0], ""]
        else:
            parts = unpack(packed).split(_BETWEEN)
        for position in range(first, first + count):
            if (place := (completion, position)) not in places:
                continue
            own_id, body = parts[2 * (position - first) : 2 * (position - first) + 2]
            is_read = len(body) <= most or not found
            most -= len(body) if is_read else 0
            found[place] = own_id or f"{completion_id}-{position}", body if is_read else ""
    return found


def _packs_with(places: Collection[Place]) -> Iterator[tuple[int, str, int, int, bytes]]:
    """Yield each pack that would have some of the places: the completion's row and id, and what the pack's row has."""
    if not places:
        return
    wanted = ", ".join(["(%s, %s)"] * len(places))
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.completion_id, p.first, p.count, p.packed FROM archive_messagepack p "  # noqa: S608
            "JOIN archive_storedcompletion c ON c.id = p.completion_id WHERE p.id IN ("
            "SELECT (SELECT id FROM archive_messagepack WHERE completion_id = column1 AND first <= column2 "
            f"ORDER BY first DESC LIMIT 1) FROM (VALUES {wanted}) wanted) ORDER BY c.id, p.first",
            list(chain.from_iterable(places)),
        )
        while rows := cursor.fetchmany(_ROWS):
            yield from rows
