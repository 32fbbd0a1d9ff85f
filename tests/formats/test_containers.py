"""What a file is, and what is in it, whatever it is packed in."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import tracemalloc
import zipfile
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import conversations_in, found_in, messages_of, refusals_in
from tests.formats.zipping import zipped_by_zstandard
from viewer.completions.types import text_of
from viewer.completions.zstandard import zstd
from viewer.formats.containers import documents, events, json_values, tables, unpacking
from viewer.formats.containers import lines as lines_module
from viewer.formats.document import Conversation, Refusal
from viewer.formats.reading import Reading, summary_of


def talk(*texts: str, **fields: Any) -> dict[str, Any]:
    """Return a conversation in the fine-tuning format, in which customer and assistant take turns."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)], **fields}


ONE, TWO = talk("Where is A17?", "On its way."), talk("Grüße 🙂", "Hello")


def said_in(content: bytes | Path) -> list[str]:
    """Return the first text of each conversation."""
    return [text_of(messages_of(conversation)[0]) for conversation in conversations_in(content)]


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


def lines(*values: Any) -> bytes:
    return b"\n".join(json.dumps(value, ensure_ascii=False).encode() for value in values)


PRETTY = json.dumps([ONE, TWO], indent=2, ensure_ascii=False)


@pytest.mark.parametrize(
    "content",
    [
        lines(ONE, TWO),
        b"\xef\xbb\xbf" + lines(ONE, TWO) + b"\r\n",
        b"\xef\xbb\xbf" + lines(ONE) + b"\n\xef\xbb\xbf" + lines(TWO),
        PRETTY.encode(),
        PRETTY.encode("utf-16"),
        "\n".join(PRETTY[2:-2].split("\n")).replace("},\n  {", "}\n{").encode(),  # one after the other, as jq writes it
        json.dumps([ONE, TWO]).encode(),
        lines([ONE], [TWO]),
        json.dumps({"object": "list", "data": [ONE, TWO], "has_more": False}, indent=1).encode(),
        json.dumps({"data": {"payload": [ONE, TWO]}}).encode(),
        b'{"total":2,"rows":[\n' + lines(ONE, TWO).replace(b"\n", b",\n") + b"\n]}",  # as CouchDB writes it
        b'{"total":2,"rows":[\n' + lines(ONE) + b"\n,\n" + lines(TWO) + b"]}",
        b"data: " + lines(ONE).replace(b"\n", b"") + b"\n\ndata: " + lines(TWO) + b"\n\ndata: [DONE]\n\n",
        gzip.compress(PRETTY.encode()),
        zipped(**{"a.json": json.dumps(ONE).encode(), "b__two.jsonl": lines(TWO), ".x.json": b"junk"}),
        zipped(**{"a.json.gz": gzip.compress(PRETTY.encode())}),
        zstd.compress(lines(ONE)) + zstd.compress(b"\n" + lines(TWO)),  # as it is when programs add to a file
        b"\x50\x2a\x4d\x18\x04\0\0\0size" + zstd.compress(lines(ONE, TWO)),  # as pzstd writes it
        zipped_by_zstandard({"a.json": [PRETTY.encode()]}),
    ],
    ids=[
        "lines", "mark", "marks", "pretty", "utf-16", "jq", "array", "arrays", "page", "deep", "rows on lines", "commas", "events", "gzip", "zip", "gzip-in-zip", "zstandard", "pzstd", "zstandard-in-zip",
    ],
)  # fmt: skip
def test_every_container_gives_the_same_conversations(content: bytes) -> None:
    assert said_in(content) == ["Where is A17?", "Grüße 🙂"]


def test_a_folder_is_read_in_the_order_of_the_numbers_in_its_names(tmp_path: Path) -> None:
    for n in (10, 2, 1):
        (tmp_path / f"part_{n}.json").write_text(json.dumps(talk(f"part {n}", "yes")))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "x.jsonl").write_bytes(lines(ONE))
    (tmp_path / ".hidden").write_text("junk")
    assert said_in(tmp_path) == ["Where is A17?", "part 1", "part 2", "part 10"]


def test_a_line_that_is_broken_does_not_hide_its_neighbours() -> None:
    found = found_in(lines(ONE) + b'\n{"messages":[\n' + lines(TWO))
    assert [type(each) for each in found] == [Conversation, Refusal, Conversation]
    assert [each.place.number for each in found] == [1, 2, 3]
    for cut in (b'{"messages":[', b'{"messages":[{"role":"user"}, {"ro'):
        assert [type(each) for each in found_in(cut + b"\n" + lines(ONE, TWO))] == [Refusal, Conversation, Conversation]


def test_what_stands_before_the_cut_of_a_document_is_read() -> None:
    found = found_in(PRETTY.encode()[: PRETTY.index("Hello")])
    assert [type(each) for each in found] == [Conversation, Refusal]
    assert isinstance(found[1], Refusal)
    assert "cut off at line" in found[1].reason


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"PAR1\x15\x04", "Parquet"),
        ("{}".encode("utf-32"), "UTF-32"),
        (zstd.compress(b"no conversation")[:-3], "damaged or cut off"),
        (b"%PDF-1.7", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "picture"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\0\1\2\3binary", "binary"),
        (zipped(), "nothing in it"),
        (zipped(**{"a.zip": zipped(**{"b.json": b"{}"})}), "ZIP in a ZIP"),
        (zipped(**{"a.json": b"{}"})[:60], "damaged"),
        (json.dumps({"rows": [{"colour": "red"}]}).encode(), "“rows”"),
        (json.dumps([1, 2]).encode(), "a number"),
        (json.dumps({"messages": [{"text": "hi"}]}).encode(), "none has a role"),
        (json.dumps({**talk("hi"), "chosen": {"text": "x"}}).encode(), "answer under “chosen”"),
        (b"name;age\nAnn;7\nBo;8\n", "“name”, “age”"),
        (b"# Notes\nWe spoke about it.\nAnd went home.\n", "plain text"),
        (b"30/11/2026, 01:12 - Ann: Where is it\n30/11/2026, 01:13 - Bo: On its way\n", "WhatsApp"),
        (b'<img src="https://r2cdn.perplexity.ai/logo.png"/>\n\n# Where, then, is it?\n\nHere.\n', "Perplexity"),
        (b"From: Ann <ann@example.com>\r\nSubject: Order\r\n\r\nWhere is it?\r\n", "e-mail"),
        (json.dumps({"log": {"version": "1.2", "entries": [{"request": {"url": "/"}}]}}).encode(), "HAR"),
        (b"<?xml version='1.0'?><talk/>", "XML"),
        (zipped(**{"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}), "Excel"),
        (zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}), "Word"),
        (b'{"messages":[{"role":"user","content":"cut o', "Unterminated string at character 39"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # a ZIP has the time in it
)
def test_what_cannot_be_read_is_one_sentence_that_names_it(content: bytes, named: str) -> None:
    reasons = set(refusals_in(content))
    assert len(reasons) == 1
    assert named in reasons.pop()


def test_a_database_of_another_program_is_named_with_its_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("CREATE TABLE orders (id)")
    (reason,) = refusals_in(tmp_path / "x.db")
    assert "orders" in reason


def test_of_a_database_of_an_app_of_ones_own_the_tables_with_conversations_are_read(tmp_path: Path) -> None:
    """Their cells may be JSON, under any name."""
    with sqlite3.connect(tmp_path / "x.db") as database:
        database.execute("CREATE TABLE users (id, name)")
        database.execute("INSERT INTO users VALUES (1, 'Ann')")
        database.execute("CREATE TABLE messages (id, conversation_id, role, content)")
        rows = [(1, "c1", "user", "Where?"), (2, "c2", "user", "Hello"), (3, "c1", "assistant", "On its way.")]
        database.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows)
        database.execute("CREATE TABLE runs (id, message_list)")
        database.execute("INSERT INTO runs VALUES (1, ?)", (json.dumps(ONE["messages"]),))
    found = conversations_in(tmp_path / "x.db")
    assert sorted(len(messages_of(conversation)) for conversation in found) == [1, 2, 2]


def test_conversations_under_their_ids_are_read_at_any_depth() -> None:
    store = {"sessions": {"ann": ONE["messages"], "bo": TWO, "empty": []}}
    found = conversations_in(store)
    assert [len(messages_of(conversation)) for conversation in found] == [2, 2]
    assert found[0].id == "messages-ann"


def test_the_only_list_of_messages_of_an_object_may_have_any_name() -> None:
    conversation = conversations_in({"session_id": "s-1", "all_that_was_said": ONE["messages"], "score": 3})[0]
    assert [text_of(message) for message in messages_of(conversation)] == ["Where is A17?", "On its way."]


def test_messages_on_lines_are_read_as_the_list_that_they_are() -> None:
    rows = [{"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "Hi"}]},
            {"kind": "response", "parts": [{"part_kind": "text", "content": "Hello"}], "model_name": "m"}]  # fmt: skip
    assert [c.family for c in conversations_in(lines(*rows))] == ["pydantic-ai"]


def test_a_file_that_unpacks_to_far_more_than_its_size_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_SMALL", 1_000_000)
    bomb = b'{"messages":[{"role":"user","content":"' + b" " * 30_000_000
    archive = zipped(**{"a.json": bomb, "b.json": json.dumps(ONE).encode()})
    for packed in (gzip.compress(bomb), zstd.compress(bomb), archive, zipped_by_zstandard({"a.json": [bomb]})):
        assert ["unpacks to more than 500 times" in reason for reason in refusals_in(packed)] == [True]


def test_all_that_an_archive_unpacks_to_counts_and_what_is_packed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_SMALL", 1_000_000)
    blank = b"[" + b" " * 990_000 + b"]"
    many = zipped(**{f"{n}.json": blank for n in range(12)})
    assert "unpacks to more than 500 times" in str(refusals_in(many))
    twice = zipped(**{"a.json.gz": gzip.compress(b"[" + b" " * 3_000_000)})
    assert "unpacks to more than 500 times" in str(refusals_in(twice))


def test_a_zip_with_too_many_files_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MAX_DIRECTORY", 1_000)
    packed = zipped(**{f"{n}.json": b"{}" for n in range(30)})
    assert refusals_in(packed) == ["The ZIP has too many files in it: divide it."]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_another_of_its_name_hides_is_named() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for value in (ONE, TWO):
            archive.writestr("a.json", json.dumps(value))
    assert ["several files of this name" in reason for reason in refusals_in(packed.getvalue())] == [True]
    assert [type(each) for each in found_in(packed.getvalue())] == [Refusal, Conversation]


def test_a_file_that_is_damaged_does_not_hide_those_behind_it(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for n, value in enumerate((ONE, TWO)):
            archive.writestr(f"{n}.json", json.dumps(value))
    checksum = zlib.crc32(lines(ONE)).to_bytes(4, "little")
    for name, content in (
        ("a.zip", packed.getvalue().replace(b"A17", b"A18", 1)),  # not what its checksum says
        ("b.json.gz", gzip.compress(lines(ONE))[:-9]),
        ("c.zip", zipped_by_zstandard({"0.json": [lines(ONE)]}).replace(checksum, b"\0\0\0\0")),
        ("d.json", lines(TWO)),
    ):
        (tmp_path / name).write_bytes(content)
    found = found_in(tmp_path)
    assert [type(each) for each in found] == [Refusal, Conversation, Refusal, Refusal, Conversation]
    assert all("damaged or cut off" in reason for reason in refusals_in(tmp_path))


def test_a_line_or_row_or_event_that_is_too_long_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (documents, events, json_values, lines_module, tables):
        monkeypatch.setattr(module, "MAX_BYTES", 10_000)
    rows = b"conversation_id,role,content\n1,user,hi\n1,assistant,"
    for content in (
        rows + b'"' + b"x,y\n" * 5_000,  # a quote that is never closed
        rows + b"x" * 20_000 + b"\n",
        rows + b",".join([b"x" * 9_000] * 3) + b"\n",
        b"data: " + b"x" * 20_000 + b"\n\n",
        b"data: x\n" * 5_000,
        ("\ufeff{}\n" + "x" * 20_000).encode("utf-16-le"),
    ):
        assert any("longer than" in reason or "limit" in reason for reason in refusals_in(content)), content[:80]


def test_a_list_page_on_one_line_may_be_longer_than_a_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (documents, json_values, lines_module):
        monkeypatch.setattr(module, "MAX_BYTES", 3_000)
        monkeypatch.setattr(json_values, "_CHUNK", 1_000)
    page = json.dumps({"object": "list", "data": [talk(f"{n}", "x" * 500) for n in range(40)], "has_more": False})
    assert said_in(page.encode()) == [str(n) for n in range(40)]
    assert [type(each) for each in found_in(lines(talk("x" * 2_000, "y" * 2_000), ONE))] == [Refusal, Conversation]


def test_a_row_with_more_cells_than_there_are_names_is_refused_and_no_column_hides_another() -> None:
    table = b"conversation_id,role,content,content\n1,user,Hello,aside\n2,user,Hello, you,and,more\n"
    refused, read = found_in(table)
    assert isinstance(refused, Refusal)
    assert "cut in two" in refused.reason
    assert isinstance(read, Conversation)
    assert '"content":"Hello"' in read.messages[0]
    assert "aside" in read.messages[0]


def test_two_conversations_without_ids_that_say_the_same_are_two_and_stay_the_same_two() -> None:
    ids = [conversation.id for conversation in conversations_in(lines(ONE, TWO, ONE, ONE))]
    assert len(set(ids)) == 4
    assert [conversation.id for conversation in conversations_in(lines(ONE, TWO, ONE, ONE))] == ids


def test_what_was_read_is_said_in_a_sentence() -> None:
    reading = Reading()
    list(reading.file("x", io.BytesIO(lines(ONE, TWO))))
    assert summary_of(reading.counts) == "A file of OpenAI chat completions with 2 conversations"


class Endless(io.RawIOBase):
    """An array of many conversations, made while it is read."""

    def __init__(self, count: int) -> None:
        self._left, self._rest = count, b"[" + lines(ONE)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and self._left:
            self._left -= 1
            self._rest += b", " + lines(talk("x" * 2_000, "y")) + (b"" if self._left else b"]")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


@pytest.mark.slow
def test_memory_follows_the_largest_conversation_not_the_file() -> None:
    """Also where an array would be one conversation, or where one document holds them all."""
    tracemalloc.start()
    try:
        reading = Reading()
        count = sum(1 for _ in reading.file("x", io.BufferedReader(Endless(6_000))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 6_001
    assert peak < 6_000_000  # the file has 12 MB


def test_what_groups_and_dates_the_rows_of_a_table_stands_on_no_message() -> None:
    table = b"conversation_id,created_at,role,content\n7,2026-11-01T10:00:00Z,user,Where?\n7,2026-11-01T10:01:00Z,assistant,Here\n"
    (conversation,) = conversations_in(table)
    messages = messages_of(conversation)
    assert [message.other for message in messages] == [{}, {}]
    assert all(message.created for message in messages)


def test_a_recorded_stream_may_begin_with_comments() -> None:
    """Servers send them while nothing else is there, as OpenRouter's “: OPENROUTER PROCESSING”."""
    chunks = [{"role": "assistant", "content": "On its "}, {"content": "way."}]
    events = [
        f"data: {json.dumps({'object': 'chat.completion.chunk', 'id': 'gen-1', 'choices': [{'index': 0, 'delta': chunk}]})}"
        for chunk in chunks
    ]
    content = ": OPENROUTER PROCESSING\n\n" * 2 + "\n\n".join([events[0], ": OPENROUTER PROCESSING", events[1]])
    assert said_in(f"{content}\n\ndata: [DONE]\n\n".encode()) == ["On its way."]
    assert "plain text" in refusals_in(b": so it is said\n\nHello, where is my parcel?\n")[0]


@pytest.mark.parametrize("cell", ["{broken", b"\xff\x00"])
def test_a_cell_that_is_damaged_does_not_end_the_import(cell: str | bytes, tmp_path: Path) -> None:
    """What is behind the database in the same folder is read; of the settings nothing is told to readers."""
    with closing(sqlite3.connect(tmp_path / "sessions.db")) as database:
        database.execute("CREATE TABLE sessions (id, name, working_dir, created_at, model_config_json)")
        database.execute("CREATE TABLE messages (id, session_id, role, content_json, created_timestamp)")
        database.execute("INSERT INTO sessions VALUES ('s', 'x', ?, '2025-01-01', '{broken')", (cell,))
        row = (1, "s", "user", '[{"type": "text", "text": "Hi"}]', 1735725600)
        database.execute("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", row)
        database.commit()
    (tmp_path / "then.json").write_text('{"messages": [{"role": "user", "content": "Hello"}]}')
    found = [each for each in found_in(tmp_path) if isinstance(each, Conversation)]
    assert {conversation.family for conversation in found} >= {"openai"}
    assert len(found) == (2 if isinstance(cell, str) else 1)
