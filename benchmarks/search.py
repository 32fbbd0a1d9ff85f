"""Measures how well the search ranks: for labelled searches, how often the right message is among the first three.

Beside it stands what a plain full-text search gives: the words of the query in SQLite's FTS5, ranked by bm25, over
messages. Both search the samples, the airline's conversations (tau-bench, MIT licence, see the folder `data`), and
made-up ones of help desks of twelve trades.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command

from benchmarks.search_queries import LABELLED
from viewer.archive.importing import import_lines
from viewer.archive.search.query import read_query
from viewer.archive.search.results import search
from viewer.archive.search.suggestions import correction, suggest

_FIRST = 3
_GOAL = 0.9
_SAMPLES = settings.BASE_DIR / "viewer" / "archive" / "samples.jsonl"
_DATA = [Path(__file__).parent / "data" / f"{name}.jsonl.gz" for name in ("airline_support", "help_desks")]
Place = tuple[str, str]  # a completion's id, and a message's, or "" for the answer


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="./run bench search", description=__doc__)
    parser.add_argument("--missed", action="store_true", help="list the searches that miss, with what they find first")
    options = parser.parse_args(arguments)
    files = [_SAMPLES.read_bytes(), *(gzip.decompress(file.read_bytes()) for file in _DATA)]
    lines = [line for file in files for line in file.splitlines()]
    call_command("migrate", verbosity=0)
    stored = sum(outcome.status == "imported" for outcome in import_lines(lines))
    texts = dict(_texts(map(json.loads, lines)))
    tasks = {item["id"]: f"task:{item['metadata'].get('task_id')}" for item in map(json.loads, lines)}
    print(f"{len(LABELLED)} searches over {len(texts):,} messages of {stored} conversations")
    plain = _PlainSearch(texts)
    for name, find in (("Lectern, best match", _found), ("FTS5, bm25 over messages", plain.found)):
        missed = [label for label in LABELLED if not _is_right(label, find(label[0])[:_FIRST], texts, tasks)]
        share = 1 - len(missed) / len(LABELLED)
        print(f"  {name:26} {share:.2f} with the right message among the first {_FIRST}")
        for query, where, said in missed if options.missed else ():
            print(f"    {query!r} in {where}: {said!r}")
            for place in find(query)[:_FIRST]:
                print(f"      {place[0][9:21]} {place[1][-3:]} {texts[place][:100]!r}")
        if name.startswith("Lectern"):
            verdict = "met   " if share >= _GOAL else "missed"
    print(f"  {verdict} goal: at least {_GOAL}")


def _is_right(label: tuple[str, str, str], places: list[Place], texts: dict[Place, str], tasks: dict[str, str]) -> bool:
    _, where, said = label
    return any(
        (completion.startswith(where) or tasks[completion] == where) and said in texts[completion, message]
        for completion, message in places
    )


def _found(query: str) -> list[Place]:
    """Return the messages on the first page, from the top down. Like the page, correct a word that nobody wrote."""
    groups = search(read_query(query), order="best").groups
    if not groups and (corrected := correction(suggest(read_query(query)))):
        groups = search(read_query(corrected.query), order="best").groups
    return [(group.completion.id, hit.message_id) for group in groups for hit in group.hits]


class _PlainSearch:
    """What comes with the database, without anything of ours."""

    def __init__(self, texts: dict[Place, str]) -> None:
        self._places = list(texts)
        self._database = sqlite3.connect(":memory:")
        self._database.execute("CREATE VIRTUAL TABLE messages USING fts5(text)")
        self._database.executemany("INSERT INTO messages (rowid, text) VALUES (?, ?)", enumerate(texts.values()))

    def found(self, query: str) -> list[Place]:
        words = " ".join(f'"{word}"' for word in re.findall(r"[^\s\"]+", query))
        rows = self._database.execute(
            "SELECT rowid FROM messages WHERE messages MATCH ? ORDER BY rank LIMIT 10", [words]
        )
        return [self._places[row] for (row,) in rows]


def _texts(completions: Iterable[dict[str, Any]]) -> Iterator[tuple[Place, str]]:
    """Yield the text of each message and answer: what is said, and what is said to tools."""
    for item in completions:
        for message in item["messages"]:
            yield (item["id"], message["id"]), _text(message)
        said = " ".join(_text(choice["message"]) for choice in item["choices"] if choice.get("message"))
        yield (item["id"], ""), f"{said} {' '.join(map(str, item['metadata'].values()))}"


def _text(message: dict[str, Any]) -> str:
    called = json.dumps(message["tool_calls"], ensure_ascii=False) if message.get("tool_calls") else ""
    parts = message.get("content_parts") or []
    said = message.get("content") or " ".join(part.get("text") or "" for part in parts if isinstance(part, dict))
    return f"{said} {message.get('refusal') or ''} {called}"
