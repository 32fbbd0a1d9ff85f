"""The steps of the archive's benchmark. Each has a process of its own, so that the importer's memory is its own alone.

The configured database of that process is the throw-away one that archive.py created.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from benchmarks.archive_lines import SAYINGS
from viewer.archive.api import respond
from viewer.archive.importing import import_lines, read_line
from viewer.archive.messages import pack_messages, write_messages
from viewer.archive.search import index as search_index
from viewer.archive.search.query import read_query
from viewer.archive.search.results import Order, search

_LONG = "chatcmpl-long"  # one conversation with as many messages as all the others have together
_TIMES = 9  # that each request is made; one before them is not counted
Figures = dict[str, Any]

_QUERIES: dict[str, tuple[str, ...]] = {
    "rare word": ("TK100007", "TK100015", "TK100023"),
    "number as people type it": ("TK-100007", "tk 100015", "TK.100023"),
    "common word": ("order", "the", "refund"),
    "two common words": ("order refund", "patience parcel", "money address"),
    "rare and common word": ("TK100007 refund", "TK100015 order parcel", "the money TK100023"),
    "many words": ("where is the refund for my order", "order refund parcel money address patience number days"),
    "forms": ("refunds", "ordered parcels", "addressed numbering"),
    "in one message": ("same: order refund", "same: order parcel money", "same: TK100007 order"),
    "one speaker": ("role:customer refund", "role:tools note order", "role:all refund"),
    "either": ("refund OR money", "order OR zzzz"),
    "nothing": ("refnud", "TK100007 zzzz", "order zzzz"),
    "phrase": ('"thank you for your patience"', '"where is my order"', '"order the for"', '"the parcel your"'),
    "prefix": ("refun*", "ord*", "ware*"),
    "operator": (
        "role:tool", "has:error", "tool:lookup_order", "refund meta.tier:gold", "order model:gpt-4.1 -parcel",
        "refund after:2025-06-01 before:2025-07-01", "has:error meta.ticket:7", "model:gpt-4*",
        "order model:gpt-4* tool:lookup*",
    ),
    "Chinese, Japanese, Korean": ("退款", "東京の天気", "환불", "か"),
}  # fmt: skip


def _import(file: Path, size: int) -> Figures:
    with file.open("rb") as lines:
        began = time.perf_counter()
        for outcome in import_lines(lines):
            if outcome.status != "imported":
                sys.exit(f"line {outcome.line}: {outcome.message}")
        seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}


def _insert_plainly(file: Path, size: int) -> Figures:
    """Insert the rows of the three tables, prepared beforehand, without a search index."""
    search_index.drop(connection)
    seconds, number = 0.0, 0
    with file.open("rb") as lines:
        while batch := [read_line(line) for line in islice(lines, 500)]:
            numbered = list(enumerate(batch, start=number + 1))
            number += len(batch)
            rows = (
                [(n, each.completion_id, each.created, each.model, each.body, each.digest) for n, each in numbered],
                [(n, at, *message) for n, each in numbered for at, message in enumerate(each.messages)],
                [(n, *pair) for n, each in numbered for pair in each.metadata.items()],
            )
            began = time.perf_counter()
            _insert(*rows)
            seconds += time.perf_counter() - began
    return {"seconds": seconds}


def _insert(completions: list[Any], messages: list[Any], metadata: list[Any]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in (
            ("archive_storedcompletion (id, completion_id, created, model, body, digest)", completions),
            ("archive_storedmessage (completion_id, position, message_id, body)", messages),
            ("archive_storedmetadata (completion_id, key, value)", metadata),
        ):
            places = ", ".join(["%s"] * (table.count(",") + 1))
            cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def _request(file: Path, size: int) -> Figures:
    """Time pages and searches, after the database's own housekeeping, in a process like a server's."""
    import_module("viewer.wsgi")
    connection.ensure_connection()
    bytes_used = _bytes_used()
    _store_long_conversation(size)
    search_index.optimise()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {
        "bytes": bytes_used / size,
        "line_bytes": file.stat().st_size / size,
        "pages": {name: _time(partial(respond, *asked)) for name, asked in _pages(size).items()},
        "searches": {
            name: [taken for query in queries for taken in _time(partial(_search, query, order))]
            for name, queries, order in _searches()
        },
    }


def _bytes_used() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])


def _store_long_conversation(size: int) -> None:
    """Store a very long conversation piece by piece: as one line it would have to fit into memory."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) + 1 FROM archive_storedcompletion")
        row = cursor.fetchone()[0]
    text = " ".join(SAYINGS)
    _insert([(row, _LONG, 1, "gpt-4.1", json.dumps({"id": _LONG}), "")], [], [])
    ids = (f"{_LONG}-{n}" for n in range(size))
    messages = ((each, json.dumps({"id": each, "role": "user", "content": text})) for each in ids)
    with transaction.atomic():
        write_messages([(row, pack_messages(_LONG, messages))])


def _pages(size: int) -> dict[str, tuple[str, str]]:
    messages, completions = f"/chat/completions/{_LONG}/messages", "/chat/completions"
    return {
        "messages, first page": (messages, "limit=20"),
        "messages, last page": (messages, f"limit=20&after={_LONG}-{size - 21}"),
        "messages, last page from the end": (messages, "limit=20&order=desc"),
        "list": (completions, "limit=20"),
        "list by model": (completions, "limit=20&model=gpt-4.1"),
        "list by a common pair": (completions, "limit=20&metadata%5Btier%5D=gold"),
        "list by a rare pair": (completions, "limit=20&metadata%5Bticket%5D=7"),
        "list by model and pair": (completions, "limit=20&model=gpt-4.1&metadata%5Btier%5D=gold"),
    }


def _searches() -> Iterator[tuple[str, tuple[str, ...], Order]]:
    for name, queries in _QUERIES.items():
        yield name, queries, "newest"
    yield "best first", (*_QUERIES["common word"], *_QUERIES["phrase"]), "best"


def _search(query: str, order: Order) -> None:
    search(read_query(query), order=order)


def _time(request: Callable[[], Any]) -> list[float]:
    request()
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        request()
        taken.append(time.perf_counter() - began)
    return taken


STEPS: dict[str, Callable[[Path, int], Figures]] = {"import": _import, "plain": _insert_plainly, "request": _request}
