"""Reads logs.db of `llm` into the rows of `llm logs --json`, from the tables of all its versions.

Since 0.36 answers are `turns` of `threads`, and what was said is a tree of `messages`, which threads share where they
begin with the same words. Answers of older versions stay in `responses`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

CONTENT = "data_url"  # of an attachment: its bytes, which the JSON of `llm logs` does not have
_JSON = ("response_json", "options_json", "schema_json", "arguments")
_LARGEST_CHAIN = 100_000


def rows_of(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield each answer with what was asked, as `llm logs --json` writes it, and with the bytes of attachments."""
    database.row_factory = sqlite3.Row
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    reader = _Reader(database, tables)
    rows = list(reader.responses()) if "responses" in tables else []
    for number, row in enumerate(rows, start=1):
        yield number, json.dumps(row, ensure_ascii=False)
    if "turns" in tables:
        for number, row in enumerate(reader.turns({row["conversation_id"] for row in rows}), start=len(rows) + 1):
            yield number, json.dumps(row, ensure_ascii=False)


class _Reader:
    def __init__(self, database: sqlite3.Connection, tables: set[str]) -> None:
        self._database, self._tables = database, tables

    def _rows(self, table: str, where: str, *values: Any, joined: str = "") -> list[dict[str, Any]]:
        """Return rows of a table; none if this version of the database does not have it."""
        if table not in self._tables:
            return []
        query = f"SELECT {table}.* FROM {table} {joined} WHERE {where}"  # noqa: S608  # names are of this module
        return [_decoded(dict(row)) for row in self._database.execute(query, values)]

    # --- Tables before 0.36 ---

    def responses(self) -> Iterator[dict[str, Any]]:
        names = {row["id"]: row["name"] for row in self._rows("conversations", "1")}
        for row in self._rows("responses", "1 ORDER BY datetime_utc, id"):
            own = row["id"]
            for kind in ("prompt", "system"):
                joined = f"JOIN {kind}_fragments AS f ON f.fragment_id = fragments.id"
                row[f"{kind}_fragments"] = self._rows(
                    "fragments", 'response_id = ? ORDER BY f."order"', own, joined=joined
                )
            joined = "JOIN prompt_attachments AS p ON p.attachment_id = attachments.id"
            yield row | {
                "conversation_name": names.get(row.get("conversation_id")),
                "prompt_json": None,
                "schema_json": self._schema(row.get("schema_id")),
                "tools": self._rows(
                    "tools", "response_id = ?", own, joined="JOIN tool_responses ON tool_id = tools.id"
                ),
                "tool_calls": self._rows("tool_calls", "response_id = ? ORDER BY id", own),
                "tool_results": self._rows("tool_results", "response_id = ? ORDER BY id", own),
                "attachments": self._attachments('response_id = ? ORDER BY p."order"', own, joined),
            }

    def _schema(self, schema_id: Any) -> Any:
        found = self._rows("schemas", "id = ?", schema_id)
        return json.loads(found[0]["content"]) if found else None

    def _attachments(self, where: str, owner: Any, joined: str) -> list[dict[str, Any]]:
        found = self._rows("attachments", where, owner, joined=joined)
        for attachment in found:
            content = attachment.pop("content", None)
            if isinstance(content, bytes):
                kind = attachment.get("type") or "application/octet-stream"
                attachment[CONTENT] = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        return found

    # --- Tables since 0.36 ---

    def turns(self, continued: set[Any]) -> Iterator[dict[str, Any]]:
        """Yield the turns of each thread; of a fork also those before it, unless `continued` threads have them."""
        for thread in self._rows("threads", "1 ORDER BY datetime_utc, id"):
            turns = self._rows("turns", "thread_id = ? ORDER BY datetime_utc, id", thread["id"])
            if turns and thread["id"] not in continued:
                turns = [*self._before(turns[0]), *turns]
            ends = {turn["parent_message_hash"] for turn in turns} | {turn["tip_message_hash"] for turn in turns}
            for turn in turns:
                asked = self._chain(turn["parent_message_hash"], ends - {turn["parent_message_hash"]})
                yield self._row(turn, thread, asked)

    def _before(self, turn: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the turns of other threads that this one goes on from."""
        found: list[dict[str, Any]] = []
        while len(found) < _LARGEST_CHAIN:
            first = self._chain(turn["parent_message_hash"], set())
            before = first[0]["parent_hash"] if first else None
            turns = self._rows("turns", "tip_message_hash = ? ORDER BY datetime_utc LIMIT 1", before) if before else []
            if not turns:
                break
            turn = turns[0]
            found.append(turn)
        return found[::-1]

    def _chain(self, tip: Any, ends: set[Any]) -> list[dict[str, Any]]:
        """Return the messages that lead to a message, from the one after the last answer on."""
        chain: list[dict[str, Any]] = []
        while tip and tip not in ends and len(chain) < _LARGEST_CHAIN:
            found = self._rows("messages", "hash = ?", tip)
            if not found or found[0]["role"] == "assistant":
                break
            chain.append(found[0])
            tip = found[0]["parent_hash"]
        return chain[::-1]

    def _row(self, turn: dict[str, Any], thread: dict[str, Any], asked: list[dict[str, Any]]) -> dict[str, Any]:
        row: dict[str, Any] = {name: turn.get(name) for name in ("id", "model", "resolved_model", "datetime_utc")}
        row |= {"conversation_id": thread["id"], "conversation_name": thread["name"], "system": "", "attachments": []}
        row |= {name: turn.get(name) for name in ("options_json", "response_json", "input_tokens", "output_tokens")}
        results: list[dict[str, Any]] = []
        texts: list[str] = []
        for message in asked:
            for part in self._parts(message["hash"]):
                if part["type"] == "tool_result":
                    results.append(part["payload"] | {"attachments": part["attachments"]})
                elif part["type"] == "text" and message["role"] == "system":
                    row["system"] += part["text"]
                elif part["type"] == "text":
                    texts.append(part["text"])
                else:
                    row["attachments"] += part["attachments"]
        answer = self._answer(turn)
        said = [part for part in answer if part["type"] == "text"]
        calls = [part["payload"] for part in answer if part["type"] == "tool_call"]
        results += [part["payload"] | {"attachments": []} for part in answer if part["type"] == "tool_result"]
        joined = "JOIN turn_tools ON tool_id = tools.id"
        return row | {
            "prompt": "\n\n".join(texts),
            "response": "".join(part["text"] for part in said),
            "reasoning": "".join(part["text"] for part in answer if part["type"] == "reasoning") or None,
            "schema_json": self._schema(turn.get("schema_id")),
            "tools": self._rows("tools", "turn_id = ?", turn["id"], joined=joined),
            "tool_calls": calls,
            "tool_results": results,
        }

    def _answer(self, turn: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the parts of the messages after what was asked; none where the model said nothing, as in a refusal."""
        found: list[list[dict[str, Any]]] = []
        tip = turn["tip_message_hash"]
        while tip and tip != turn["parent_message_hash"] and len(found) < _LARGEST_CHAIN:
            found.append(self._parts(tip))
            messages = self._rows("messages", "hash = ?", tip)
            tip = messages[0]["parent_hash"] if messages else None
        return [part for parts in reversed(found) for part in parts]

    def _parts(self, message: Any) -> list[dict[str, Any]]:
        parts = self._rows("parts", "message_hash = ? ORDER BY position", message)
        for part in parts:
            payload = part.get("payload")
            part["payload"] = json.loads(payload) if isinstance(payload, str) else {}
            joined = "JOIN part_attachments AS p ON p.attachment_id = attachments.id"
            part["attachments"] = self._attachments('p.part_id = ? ORDER BY p."order"', part["id"], joined)
            part["text"] = part.get("text") or "".join(map(self._piece, part["payload"].get("text_ref") or ()))
        return parts

    def _piece(self, piece: dict[str, Any]) -> str:
        """Return a piece of a text: a text, or a fragment, which is kept once for all texts that it is in."""
        fragments = self._rows("fragments", "id = ?", piece["fragment"]) if "fragment" in piece else []
        return str(fragments[0]["content"] if fragments else piece.get("literal") or "")


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its columns of JSON as what they say, and bytes only where they are an attachment's."""
    for name, value in row.items():
        if name in _JSON and isinstance(value, str):
            with contextlib.suppress(ValueError):
                row[name] = _expanded(json.loads(value))
        elif isinstance(value, bytes) and name != "content":
            row[name] = value.decode("utf-8", "replace")
    return row


def _expanded(value: Any) -> Any:
    """Return what an API sent, of which `llm` keeps only how it differs from what is usual: `{"$": {"u": {…}}}`."""
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$"} and isinstance(value["$"], dict) and isinstance(value["$"].get("u"), dict):
        value = value["$"]["u"]
    return {name: _expanded(member) for name, member in value.items()}
