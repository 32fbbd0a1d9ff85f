from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from tests.conftest import make_choice, make_completion, make_long, say, to_lines
from tests.said import said_in
from viewer.archive import importing
from viewer.archive.api import respond
from viewer.archive.importing import Outcome, import_lines, read_line
from viewer.archive.models import StoredCompletion, StoredMetadata
from viewer.formats import document
from viewer.formats.containers import documents
from viewer.formats.containers import lines as lines_of_files
from viewer.formats.families import openai_chat

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "viewer" / "archive" / "samples.jsonl"
Store = Callable[..., list[Outcome]]

pytestmark = pytest.mark.django_db


def statuses(*lines: bytes | str, replace: bool = False) -> list[str]:
    given = (line.encode() if isinstance(line, str) else line for line in lines)
    return [outcome.status for outcome in import_lines(given, replace=replace)]


def why_bad(line: bytes | str) -> str:
    """Import one line that must be refused, between two good ones that must not be."""
    text = line.encode() if isinstance(line, str) else line
    before, after = to_lines([make_completion("before"), make_completion("after")])
    outcomes = list(import_lines([before, text, after]))
    assert [(outcome.line, outcome.status) for outcome in outcomes] == [(1, "imported"), (2, "bad"), (3, "imported")]
    assert stored_ids() == {"before", "after"}
    assert outcomes[1].message
    return outcomes[1].message


def stored_ids() -> set[str]:
    return set(StoredCompletion.objects.values_list("completion_id", flat=True))


def body_of(completion_id: str) -> dict[str, Any]:
    return json.loads(respond(f"/chat/completions/{completion_id}").body)


def messages_of(completion_id: str) -> list[dict[str, Any]]:
    return json.loads(respond(f"/chat/completions/{completion_id}/messages", "limit=100").body)["data"]


def only_id() -> str:
    return StoredCompletion.objects.get().completion_id


def run_command(*arguments: str) -> tuple[int, list[str], list[str]]:
    """Give the exit status and the lines of standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    try:
        call_command("import_completions", *arguments, stdout=out, stderr=err)
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    return status, out.getvalue().splitlines(), err.getvalue().splitlines()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def write_file(*lines: bytes, name: str = "some.jsonl", ending: bytes = b"\n") -> str:
        file = tmp_path / name
        file.write_bytes(b"".join(line + ending for line in lines))
        return str(file)

    return write_file


# A stored completion with its messages


def test_a_stored_completion_is_there_with_its_messages_in_order(stored: Store) -> None:
    completion = make_completion("c", say("user", "1"), say("assistant", "2"), say("user", "3"), metadata={"a": "b"})
    assert [outcome.status for outcome in stored(completion)] == ["imported"]
    assert body_of("c") == {name: value for name, value in completion.items() if name != "messages"}
    assert messages_of("c") == [message | {"refusal": None} for message in completion["messages"]]
    row = StoredCompletion.objects.get()
    assert (row.model, row.created) == ("gpt-4.1", 1_762_000_000)
    assert list(row.metadata.values_list("key", "value")) == [("a", "b")]


def test_messages_without_an_id_are_counted() -> None:
    assert statuses(
        '{"id":"c","messages":[{"role":"user","content":"a"},{"id":"own","content":"b"},{"id":null,"content":"c"}]}'
    ) == ["imported"]
    assert [message["id"] for message in messages_of("c")] == ["c-0", "own", "c-2"]


def test_a_completion_without_messages_is_stored() -> None:
    assert statuses('{"id":"c","messages":[]}') == ["imported"]
    assert messages_of("c") == []


@pytest.mark.parametrize(
    "created", ['"soon"', "null", "true", "1e400", "9" * 30, "9" * 5000, "[]", "-1e300", "9007199254740991"]
)
def test_a_completion_that_does_not_tell_its_time_is_as_old_as_its_import(created: str) -> None:
    assert (
        statuses('{"id":"old","created":1,"messages":[]}', f'{{"id":"c","created":{created},"messages":[]}}')
        == ["imported"] * 2
    )
    assert StoredCompletion.objects.get(completion_id="c").created > 1_700_000_000
    assert f'"created":{created}'.encode() in respond("/chat/completions/c").body


@pytest.mark.parametrize(
    ("created", "seconds"), [("1.9", 1), ("-5", -5), ("0", 0), ("1e9", 10**9), ("1900000000123", 1_900_000_000)]
)
def test_seconds_and_milliseconds_are_a_time(created: str, seconds: int) -> None:
    assert statuses(f'{{"id":"c","created":{created},"messages":[]}}') == ["imported"]
    assert StoredCompletion.objects.get().created == seconds


@pytest.mark.parametrize(
    "field", ['"model":5', '"model":null', '"metadata":[]', '"metadata":null', '"choices":5', '"usage":"x"']
)
def test_a_field_of_an_odd_type_is_kept_as_it_is(field: str) -> None:
    assert statuses(f'{{"id":"c",{field},"messages":[]}}') == ["imported"]
    assert field.encode() in respond("/chat/completions/c").body


@pytest.mark.parametrize(
    "completion_id", ["é", "日本", "a:b", "a+b", "a&b=c", "...", "a..b", "😀", "x" * 240, "'--", "[x]", "messages", "-"]
)
def test_an_id_of_any_letters_that_fit_a_path_is_taken(completion_id: str) -> None:
    assert statuses(json.dumps(make_completion(completion_id, say("user", "x")))) == ["imported"]
    assert stored_ids() == {completion_id}


def test_an_id_is_the_same_wherever_it_stands() -> None:
    """An id that cannot be encoded may be refused or replaced, but not be two ids."""
    statuses('{"id":"a\\ud800","messages":[{"content":"x"}]}')
    for row in StoredCompletion.objects.all():
        assert json.loads(row.body)["id"] == row.completion_id


def test_every_id_fits_its_column() -> None:
    line = json.dumps({"id": "x" * 255, "messages": [{"role": "user", "content": "x"}]}).encode()
    try:
        record = read_line(line)
    except ValueError:
        return
    assert max(len(message_id) for message_id, _ in record.messages) <= 255


# The fine-tuning shape

PLAIN = {
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
}


def test_the_last_assistant_message_becomes_the_choice() -> None:
    assert statuses(json.dumps(PLAIN)) == ["imported"]
    completion = body_of(only_id())
    assert completion["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": None, "logprobs": None}
    ]
    assert [message["role"] for message in messages_of(only_id())] == ["system", "user"]


def test_a_fine_tuning_line_gets_the_keys_of_a_stored_completion_in_their_order() -> None:
    statuses(json.dumps(PLAIN))
    completion = body_of(only_id())
    assert list(completion) == [
        "object",
        "id",
        "model",
        "created",
        "request_id",
        "tool_choice",
        "usage",
        "seed",
        "top_p",
        "temperature",
        "presence_penalty",
        "frequency_penalty",
        "system_fingerprint",
        "input_user",
        "service_tier",
        "tools",
        "metadata",
        "choices",
        "response_format",
        "lectern",  # says that the time is that of the import
    ]
    assert (completion["object"], completion["id"], completion["metadata"]) == ("chat.completion", only_id(), {})
    assert completion["created"] == StoredCompletion.objects.get().created > 1_700_000_000


def test_other_fields_of_a_fine_tuning_line_are_kept() -> None:
    statuses(
        json.dumps(
            {
                "tools": [{"type": "function"}],
                "parallel_tool_calls": False,
                "metadata": {"a": "b"},
                "created": 5,
                **PLAIN,
            }
        )
    )
    completion = body_of(only_id())
    assert completion["tools"] == [{"type": "function"}]
    assert completion["parallel_tool_calls"] is False
    assert StoredMetadata.objects.values_list("key", "value").get() == ("a", "b")
    assert StoredCompletion.objects.get().created == 5


def test_a_fine_tuning_line_gets_a_stable_id_from_its_content() -> None:
    statuses(json.dumps(PLAIN))
    first = only_id()
    assert first.startswith("chatcmpl-")
    assert len(first) == len("chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2")
    StoredCompletion.objects.all().delete()
    statuses(json.dumps(PLAIN, indent=1).replace("\n", " "))
    assert only_id() == first
    assert statuses(json.dumps({"messages": [*PLAIN["messages"], say("user", "More")]})) == ["imported"]
    assert len(stored_ids()) == 2


@pytest.mark.parametrize(
    "answered", [{"content": "x"}, {"content": None, "tool_calls": [{"id": "c"}]}, {"tool_calls": None}]
)
def test_how_the_answer_ended_is_not_made_up(answered: dict[str, Any]) -> None:
    statuses(json.dumps({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", **answered}]}))
    (choice,) = body_of(only_id())["choices"]
    assert choice["finish_reason"] is None
    assert choice["message"] == {"role": "assistant", **answered}


@pytest.mark.parametrize("last", ["user", "tool", "system", "critic"])
def test_a_conversation_that_does_not_end_with_the_assistant_has_no_choice(last: str) -> None:
    statuses(json.dumps({"messages": [{"role": "assistant", "content": "a"}, {"role": last, "content": "b"}]}))
    assert body_of(only_id())["choices"] == []
    assert [message["content"] for message in messages_of(only_id())] == ["a", "b"]


def test_an_empty_conversation_is_stored() -> None:
    assert statuses('{"messages":[]}') == ["imported"]
    assert (messages_of(only_id()), body_of(only_id())["choices"]) == ([], [])


def test_list_content_becomes_padded_parts_and_joined_text() -> None:
    content = [
        {"type": "text", "text": "Whose logo? "},
        {"type": "image_url", "image_url": {"url": "data:,x", "detail": "low"}},
        "bare",
    ]
    statuses(json.dumps({"messages": [{"role": "user", "content": content}]}))
    (message,) = messages_of(only_id())
    unused = {"image_url": None, "input_audio": None, "file": None}
    assert message["content"] == "Whose logo?   bare"
    assert message["content_parts"] == [
        {"type": "text", "text": "Whose logo? ", **unused},
        {
            "type": "image_url",
            "image_url": {"url": "data:,x", "detail": "low"},
            "text": None,
            "input_audio": None,
            "file": None,
        },
        {"type": "text", "text": "bare", **unused},
    ]


def test_openais_own_example_of_joined_parts() -> None:
    content = [
        {"type": "text", "text": "Whose logo is this?: "},
        {"type": "image_url", "image_url": {"url": "data:,x"}},
    ]
    statuses(json.dumps({"messages": [{"role": "user", "content": content}]}))
    assert messages_of(only_id())[0]["content"] == "Whose logo is this?:  "


def test_parts_of_any_type_are_kept_with_their_own_fields() -> None:
    statuses('{"messages":[{"role":"user","content":[{"type":"video","n":1.10,"n":2},7,null,{}]}]}')
    body = respond(f"/chat/completions/{only_id()}/messages").body.decode()
    padding = '"text":null,"image_url":null,"input_audio":null,"file":null}'
    assert f'"content_parts":[{{"type":"video","n":1.10,"n":2,{padding},7,null,{{"type":null,{padding}]' in body


def test_an_empty_list_as_content_is_empty_text_and_no_parts() -> None:
    statuses('{"messages":[{"role":"user","content":[]}]}')
    (message,) = messages_of(only_id())
    assert (message["content"], message["content_parts"]) == ("", [])


def test_tool_calls_and_results_are_kept() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"n": 1.10}'}}
    given = [
        say("user", "?"),
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "9"},
    ]
    statuses(json.dumps({"messages": given}))
    _, called, result = messages_of(only_id())
    assert (called["tool_calls"], called["content"]) == ([call], None)
    assert (result["tool_call_id"], result["content"]) == ("call_1", "9")


def test_two_lines_that_differ_only_in_a_tool_are_two_completions() -> None:
    assert statuses(json.dumps(PLAIN), json.dumps({**PLAIN, "tools": []})) == ["imported", "imported"]


# Again


def test_the_same_line_twice_changes_nothing(stored: Store) -> None:
    completion = make_completion("c", say("user", "1"))
    assert [outcome.status for outcome in stored(completion, completion)] == ["imported", "unchanged"]
    assert [outcome.status for outcome in stored(completion)] == ["unchanged"]
    assert [outcome.status for outcome in stored(completion, replace=True)] == ["unchanged"]
    assert (StoredCompletion.objects.count(), len(said_in())) == (1, 1)


def test_a_fine_tuning_line_twice_changes_nothing() -> None:
    assert statuses(json.dumps(PLAIN), json.dumps(PLAIN)) == ["imported", "unchanged"]
    assert statuses(json.dumps(PLAIN) + "  \r\n") == ["unchanged"]


def test_a_changed_completion_is_kept_as_it_was_and_named(stored: Store) -> None:
    stored(make_completion("c", say("user", "old")))
    (outcome,) = stored(make_completion("c", say("user", "new")))
    assert (outcome.status, outcome.message) == ("kept", "another c is stored already; --replace would take this one")
    assert [message["content"] for message in messages_of("c")] == ["old"]


def test_replace_takes_the_changed_completion_and_nothing_of_the_old_one(stored: Store) -> None:
    stored(
        make_completion("c", say("user", "old"), say("user", "old too"), metadata={"a": "old"}),
        make_completion("other", say("user", "x")),
    )
    (outcome,) = stored(make_completion("c", say("user", "new"), metadata={"b": "new"}), replace=True)
    assert outcome.status == "replaced"
    assert [message["content"] for message in messages_of("c")] == ["new"]
    assert list(StoredMetadata.objects.values_list("key", "value")) == [("b", "new")]
    assert len(messages_of("other")) == 1


SHAREGPT = {"id": "talk", "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi"}]}


def test_what_a_later_version_reads_differently_has_changed(write: Callable[..., str]) -> None:
    file = write(json.dumps(SHAREGPT).encode())
    assert run_command(file)[1][-1].startswith("1 imported")
    assert run_command(file)[1][-1].startswith("0 imported, 1 already there")
    stored = StoredCompletion.objects.get()
    StoredCompletion.objects.update(digest=stored.digest[:33] + "0" * 31)
    _, out, err = run_command(file)
    assert out[-1].startswith("0 imported, 0 already there, 0 replaced, 1 kept")
    assert err[0].endswith("talk was read differently by another version; --replace would take it as it is read now")
    assert run_command("--replace", file)[1][-1].startswith("0 imported, 0 already there, 1 replaced")
    assert StoredCompletion.objects.get().digest == stored.digest


def test_half_an_emoji_at_which_a_program_has_cut_a_text_off_stays_as_json_has_it(write: Callable[..., str]) -> None:
    half = [{"from": "human", "value": "Hi \ud83d"}, {"from": "gpt", "value": "Hi \ud83d"}]
    assert run_command(write(json.dumps(SHAREGPT | {"conversations": half}).encode()))[0] == 0
    stored = StoredCompletion.objects.get()
    (choice,) = json.loads(stored.body)["choices"]
    said = [message["content"] for message in messages_of(stored.completion_id)]
    assert [*said, choice["message"]["content"]] == ["Hi \ud83d", "Hi \ud83d"]


def test_what_has_no_time_is_the_same_at_any_time(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(json.dumps(SHAREGPT).encode())
    run_command(file)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert run_command(file)[1][-1].startswith("0 imported, 1 already there")


@pytest.mark.parametrize(
    ("replace", "said", "left"),
    [(False, ["imported", "kept", "unchanged"], "first"), (True, ["imported", "replaced", "replaced"], "first")],
)
def test_lines_of_one_batch_follow_one_another(stored: Store, replace: bool, said: list[str], left: str) -> None:
    first, second = make_completion("c", say("user", "first")), make_completion("c", say("user", "second"))
    assert [outcome.status for outcome in stored(first, second, first, replace=replace)] == said
    assert [message["content"] for message in messages_of("c")] == [left]


# Bad lines


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"\xff\xfe{}", "not UTF-8 text (byte 1)"),
        (b'{"id":"c\xe9"}', "not UTF-8 text (byte 9)"),
        (b"\xed\xa0\x80", "not UTF-8 text"),
        ("nonsense", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ('"words"', "not a JSON object"),
        ('{"id":"c","messages":[]', "not a JSON object"),
        ('{"id":"c","messages":[]} x', "Extra data"),
        ('{"id":"c","messages":[NaN]}', "NaN is not JSON"),
        ('{"id":"c","seed":-Infinity,"messages":[]}', "-Infinity is not JSON"),
        ("{}", "no list named messages"),
        ('{"id":"c"}', "no list named messages"),
        ('{"id":"c","messages":null}', "no list named messages"),
        ('{"id":"c","messages":{"a":1}}', "no list named messages"),
        ('{"id":"c","messages":"x"}', "no list named messages"),
        ('{"id":"c","messages":[{},7]}', "message 1 is not an object"),
        ('{"messages":["x"]}', "message 0 is not an object"),
        ('{"messages":[null]}', "message 0 is not an object"),
        ('{"messages":[[]]}', "message 0 is not an object"),
        ('{"messages":[{"role":"user","content":"raw\ttab"}]}', "not a JSON object"),
    ],
)
def test_a_bad_line_is_named_with_its_cause_and_its_neighbours_are_in(line: bytes | str, cause: str) -> None:
    assert cause in why_bad(line)


ODD_IDS = [
    " ", "a b", "a/b", "../x", ".", "..", "a\\b", "a?b", "a#b", "a%2Fb", "a\nb", "a\x00b", "a\x7f", "a\u2028b",
    "a\u00a0b", "x" * 256,
]  # fmt: skip


@pytest.mark.parametrize("odd_id", [*ODD_IDS, True, ["a"], 1.5])
def test_an_id_of_a_completion_that_would_lead_elsewhere_is_refused(odd_id: Any) -> None:
    assert "no usable id" in why_bad(json.dumps({"id": odd_id, "messages": []}))


@pytest.mark.parametrize("no_id", ["", None])
def test_an_empty_id_is_no_id(no_id: Any) -> None:
    assert statuses(json.dumps({"id": no_id, "choices": [], "messages": [say("user", "x")]})) == ["imported"]
    assert only_id().startswith("chatcmpl-")
    assert body_of(only_id())["id"] == only_id()


def test_a_number_as_a_database_has_it_is_an_id() -> None:
    assert statuses('{"id":7,"choices":[],"messages":[]}') == ["imported"]
    assert body_of("7")["id"] == "7"


def test_an_id_of_a_message_that_cannot_be_used_or_stands_twice_is_kept_beside_the_one_by_place() -> None:
    """openai-agents 0.24.0 stores every id of the Chat Completions model as `__fake_id__`; databases have numbers."""
    odd_ids = [*ODD_IDS, 7, ["langchain", "schema", "HumanMessage"], "m", "m"]
    given = [{"id": odd_id, "role": "user", "content": "x"} for odd_id in odd_ids]
    assert statuses(json.dumps({"id": "c", "messages": given})) == ["imported"]
    messages = messages_of("c")
    assert [message["id"] for message in messages] == [*(f"c-{n}" for n in range(len(given) - 2)), "m", "c-19"]
    assert [message["lectern"]["id"] for message in messages if message["id"] != "m"] == [*odd_ids[:-2], "m"]


def test_an_id_by_place_is_not_one_that_another_message_has() -> None:
    assert statuses('{"id":"c","messages":[{"id":"c-1"},{},{"id":"c-1"}]}') == ["imported"]
    assert [message["id"] for message in messages_of("c")] == ["c-1", "c-1x", "c-2"]


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"messages":[', '{"id":"c","messages":[{"content":['])
def test_nesting_without_end_is_a_bad_line(opening: str) -> None:
    why_bad(opening * 50_000)


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [
        '{"messages":[{"role":"user","content":DEEP}]}',
        '{"messages":[{"role":"user","content":[{"x":DEEP}]}]}',
        '{"id":"c","messages":[{"x":DEEP}]}',
        '{"id":"c","metadata":{"k":DEEP},"messages":[]}',
        '{"id":"c","choices":DEEP,"messages":[]}',
    ],
)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_near_the_limit_of_the_stack_is_imported_or_bad_and_never_a_crash(
    shape: str, opening: str, closing: str
) -> None:
    for depth in range(850, 1000):
        line = shape.replace("DEEP", opening * depth + "1" + closing * depth)
        with contextlib.suppress(ValueError):  # the cause of a bad line; anything else would end the import
            assert read_line(line.encode()).body


def test_what_is_imported_can_be_read(reader: Client) -> None:
    for depth in range(800, 1000, 10):
        deep = "[" * depth + "]" * depth
        (outcome,) = import_lines([f'{{"id":"c-{depth}","messages":[{{"x":{deep}}},{{"content":"x"}}]}}'.encode()])
        if outcome.status == "imported":
            said = f"{depth} levels are imported and cannot be read"
            assert reader.get(f"/completions/c-{depth}/").status_code == 200, said


def test_every_line_has_an_outcome_in_its_order() -> None:
    lines: list[bytes] = []
    expected = []
    for n in range(1, 1_300):
        lines.append(b"junk" if n % 7 == 0 else b"" if n % 11 == 0 else to_lines([make_completion(f"c-{n}")])[0])
        if lines[-1]:
            expected.append((n, "bad" if lines[-1] == b"junk" else "imported"))
    assert [(outcome.line, outcome.status) for outcome in import_lines(lines)] == expected


def test_a_completion_is_stored_with_all_its_messages_or_not_at_all() -> None:
    why_bad(json.dumps({"id": "c", "messages": [*({"content": "x"} for _ in range(50)), 7]}))
    assert said_in() == []


# Files


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\n\n \t\n", b" \r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n", b"\xef\xbb\xbf\r\n"])
def test_bom_crlf_and_blank_lines_are_no_complaint(write: Callable[..., str], ending: bytes, start: bytes) -> None:
    first, second = to_lines([make_completion("one"), make_completion("two")])
    status, out, err = run_command(write(start + first, second, ending=ending))
    assert (status, err) == (0, [])
    assert out[-1] == "2 imported, 0 already there, 0 replaced, 0 kept as they were, 0 bad"


def test_the_last_line_needs_no_end(write: Callable[..., str]) -> None:
    assert run_command(write(*to_lines([make_completion("one")]), ending=b""))[0] == 0
    assert stored_ids() == {"one"}


def test_an_empty_file_is_no_complaint(write: Callable[..., str]) -> None:
    assert run_command(write()) == (0, ["0 imported, 0 already there, 0 replaced, 0 kept as they were, 0 bad"], [])


def test_bad_lines_are_named_by_number_and_the_status_is_1(write: Callable[..., str]) -> None:
    one, two = to_lines([make_completion("one"), make_completion("two")])
    file = write(one, b"", b"junk", two, b"\xff")
    status, out, err = run_command(file)
    assert status == 1
    assert out[-1] == "2 imported, 0 already there, 0 replaced, 0 kept as they were, 2 bad"
    assert [line.partition(": ")[0] for line in err] == [f"{file}, line 3", f"{file}, line 5"]
    assert stored_ids() == {"one", "two"}


def test_what_is_wrong_with_many_lines_is_said_once(write: Callable[..., str]) -> None:
    file = write(*[b'{"a":'] * 250)
    status, out, err = run_command(file)
    assert (status, len(err)) == (1, 1)
    assert err[0].startswith(f"{file}, lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 240 more: not a JSON object")
    assert out[-1].endswith("250 bad")


def test_many_different_complaints_do_not_fill_the_terminal(write: Callable[..., str]) -> None:
    file = write(*(b'{"a":1' + b"1" * n for n in range(250)))
    _, _, err = run_command(file)
    assert (len(err), err[-1]) == (101, f"{file}: 150 more complaints are only counted")


def test_a_completion_that_is_kept_is_named_and_no_failure(write: Callable[..., str], stored: Store) -> None:
    stored(make_completion("one"))
    file = write(*to_lines([make_completion("one", say("user", "new"))]))
    status, out, err = run_command(file)
    assert status == 0
    assert out[-1] == "0 imported, 0 already there, 0 replaced, 1 kept as they were, 0 bad"
    assert err == [f"{file}, line 1: another one is stored already; --replace would take this one"]
    status, out, _ = run_command("--replace", file)
    assert (status, out[-1]) == (0, "0 imported, 0 already there, 1 replaced, 0 kept as they were, 0 bad")


def test_several_files_are_counted_together_and_a_second_run_changes_nothing(write: Callable[..., str]) -> None:
    files = [write(*to_lines([make_completion(name)]), name=name) for name in ("a", "b")]
    assert run_command(*files)[1][-1] == "2 imported, 0 already there, 0 replaced, 0 kept as they were, 0 bad"
    assert run_command(*files)[1][-1] == "0 imported, 2 already there, 0 replaced, 0 kept as they were, 0 bad"


def test_a_missing_file_does_not_stop_the_others(write: Callable[..., str], tmp_path: Path) -> None:
    good = write(*to_lines([make_completion("one")]))
    status, out, err = run_command(str(tmp_path / "missing"), good)
    assert (status, out[-1]) == (1, "1 imported, 0 already there, 0 replaced, 0 kept as they were, 1 bad")
    assert err == [f"{tmp_path / 'missing'}: No such file or directory"]


@pytest.mark.parametrize("name", ["some.jsonl.gz", "misnamed.jsonl"])
def test_a_packed_file_is_unpacked_whatever_its_name(tmp_path: Path, name: str) -> None:
    lines = to_lines([make_completion("one"), make_completion("two")])
    (tmp_path / name).write_bytes(gzip.compress(lines[0] + b"\n") + gzip.compress(lines[1] + b"\n"))
    assert run_command(str(tmp_path / name))[0] == 0
    assert stored_ids() == {"one", "two"}


def test_of_a_cut_off_packed_file_the_lines_before_the_cut_are_in(tmp_path: Path) -> None:
    packed = gzip.compress(
        b"".join(line + b"\n" for line in to_lines(make_long(f"c-{n}", 20) for n in range(200))), compresslevel=0
    )
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    status, out, err = run_command(str(tmp_path / "cut.gz"))
    count = len(stored_ids())
    assert status == 1
    assert 50 < count < 150
    assert out[-1] == f"{count} imported, 0 already there, 0 replaced, 0 kept as they were, 1 bad"
    assert len(err) == 1
    assert err[0].startswith(str(tmp_path / "cut.gz"))


@pytest.mark.parametrize("damage", [b"\x1f\x8b", b"\x1f\x8bjunk", gzip.compress(b"x", mtime=0)[:-8] + b"\x00" * 8])
def test_a_broken_packed_file_is_one_sentence(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "broken.gz").write_bytes(damage)
    status, out, err = run_command(str(tmp_path / "broken.gz"))
    assert status == 1
    assert out[-1].startswith("0 imported")
    assert all(line.startswith(str(tmp_path / "broken.gz")) for line in err)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BufferedReader(io.BytesIO(b"\n".join([*to_lines([make_completion("one")]), b"junk"])))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    status, out, err = run_command("-")
    assert (status, out[-1]) == (1, "1 imported, 0 already there, 0 replaced, 0 kept as they were, 1 bad")
    assert err[0].startswith("-, line 2: ")


def test_standard_input_may_be_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BufferedReader(io.BytesIO(gzip.compress(to_lines([make_completion("one")])[0])))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    assert run_command("-")[0] == 0
    assert stored_ids() == {"one"}


def test_standard_input_named_twice_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.BufferedReader(io.BytesIO(to_lines([make_completion("one")])[0]))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(given))
    _, out, _ = run_command("-", "-")
    assert out[-1].startswith("1 imported")


def test_the_samples_import_without_a_complaint_twice() -> None:
    lines = [line for line in SAMPLES.read_bytes().splitlines() if line.strip()]
    status, out, err = run_command(str(SAMPLES))
    assert (status, err) == (0, [])
    assert out[-1] == f"{len(lines)} imported, 0 already there, 0 replaced, 0 kept as they were, 0 bad"
    assert run_command(str(SAMPLES))[1][-1].startswith(f"0 imported, {len(lines)} already there")


# Memory


class Lines:
    """Many lines, created on demand, that count how many were read."""

    def __init__(self, count: int, size: int = 10) -> None:
        self.taken = 0
        self._count, self._size = count, size

    def __iter__(self) -> Iterator[bytes]:
        for n in range(self._count):
            self.taken += 1
            yield to_lines([make_completion(f"c-{n}", say("user", "x" * self._size))])[0]


@pytest.mark.slow
@pytest.mark.parametrize(("count", "size", "ahead"), [(2_600, 10, 500), (60, 1_000_000, 9)])
def test_no_more_than_a_batch_is_read_ahead(count: int, size: int, ahead: int) -> None:
    lines = Lines(count, size)
    furthest = 0
    for done, outcome in enumerate(import_lines(lines), start=1):
        assert outcome.status == "imported"
        furthest = max(furthest, lines.taken - done + 1)
    assert lines.taken == done == count
    assert furthest <= ahead


def test_a_line_that_is_too_long_is_named_and_the_lines_around_it_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (document, documents, lines_of_files):
        monkeypatch.setattr(module, "MAX_BYTES", 2_000_000)
    monkeypatch.setattr(lines_of_files, "_SKIP_BYTES", 1_000)
    lines = to_lines([make_completion(name, say("user", "x" * size)) for name, size in
                      [("before", 9), ("fits", 1_999_000), ("long", 2_000_000), ("longer", 5_000_000), ("after", 9)]])  # fmt: skip
    file = tmp_path / "lines.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))
    said = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("import_completions", str(file), stdout=io.StringIO(), stderr=said)
    assert stored_ids() == {"before", "fits", "after"}
    told = "longer than 2 MB, the most that one conversation may have"
    assert [line.partition(", ")[2] for line in said.getvalue().splitlines()] == [f"lines 3, 4: {told}"]


def test_a_conversation_of_too_many_messages_is_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_chat, "_MAX_MESSAGES", 3)
    assert statuses(*to_lines([make_long("three", 3)])) == ["imported"]
    with pytest.raises(ValueError, match="more than 3 messages in one conversation"):
        read_line(*to_lines([make_long("four", 4)]))


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.parametrize("messages", [[say("user", "word by word " * 100_000)], [say("user", "a")] * 10_000])
@pytest.mark.parametrize("shape", ["stored", "tuning"])
def test_a_line_takes_memory_in_line_with_its_length(messages: list[dict[str, Any]], shape: str) -> None:
    """The values of many small messages would take fifty times their text, were they held together."""
    (line,) = to_lines([make_completion("one", *messages) if shape == "stored" else {"messages": messages}])
    tracemalloc.start()
    try:
        record = read_line(line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(record.messages) == len(messages)
    kept = sum(len(body) + 200 for _, body in record.messages)
    assert peak < 4 * len(line) + 3 * kept


@pytest.mark.once
@pytest.mark.parametrize("fields", [{}, {"a": 1.10, "z": {"b": [1], "a": "é"}}, {"Z": None, "model": "gpt"}])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_id_of_a_tuning_line_is_what_it_was_when_it_was_made_of_the_whole_line(
    fields: dict[str, Any], count: int
) -> None:
    line = {"messages": [say("user", f"é {n}") for n in range(count)], **fields}
    whole = hashlib.sha256(json.dumps(line, sort_keys=True).encode()).hexdigest()
    assert read_line(json.dumps(line).encode()).completion_id == f"chatcmpl-{whole[:29]}"


def test_an_outcome_is_told_only_when_it_is_committed() -> None:
    for told, outcome in enumerate(import_lines(Lines(1_200)), start=1):
        if outcome.line in (1, 500, 501, 1_001):
            assert StoredCompletion.objects.count() >= told


def test_a_source_that_breaks_keeps_what_came_before() -> None:
    def breaking() -> Iterator[bytes]:
        yield from to_lines(make_completion(f"c-{n}") for n in range(3))
        raise OSError("the cable was pulled")

    outcomes = []
    with pytest.raises(OSError, match="the cable was pulled"):
        outcomes.extend(import_lines(breaking()))
    assert stored_ids() == {"c-0", "c-1", "c-2"}


def test_a_batch_costs_a_fixed_number_of_queries(stored: Store, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(16):  # on PostgreSQL one of them keeps erasures waiting
        stored(*(make_completion(f"c-{n}", say("user", "x"), metadata={"a": "b"}) for n in range(50)))


@pytest.mark.once
def test_few_statements_differ_for_sqlite_keeps_them_with_their_values(stored: Store) -> None:
    asked: set[str] = set()

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.add(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        for length in range(70):
            stored(make_long(f"c-{length}", length))
    assert len([sql for sql in asked if sql.startswith("INSERT INTO archive_")]) < 20
    assert len(said_in()) == sum(range(70))


# Real processes


class Archive:
    """An archive in a folder of its own that real processes import into."""

    def __init__(self, migrated: Path, folder: Path) -> None:
        self.file = Path(shutil.copytree(migrated, folder)) / "lectern.sqlite3"
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SITE_URL", "PORT")
        }
        self._env = inherited | {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "viewer.settings"}

    def start(self, *arguments: str, stdin: Any = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.Popen(
            command, cwd=ROOT, env=self._env, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def holdings(self) -> dict[str, int]:
        """Read, from the file itself, how many messages each completion has."""
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as database:
            rows = database.execute(
                "SELECT c.completion_id, coalesce(sum(m.count), 0) FROM archive_storedcompletion c "
                "LEFT JOIN archive_messagepack m ON m.completion_id = c.id GROUP BY c.id"
            ).fetchall()
        database.close()
        assert len({completion_id for completion_id, _ in rows}) == len(rows)
        return dict(rows)

    def count(self) -> int:
        database = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)
        (count,) = database.execute("SELECT COUNT(*) FROM archive_storedcompletion").fetchone()
        database.close()
        return int(count)


@pytest.fixture
def archive(migrated: Path, tmp_path: Path) -> Archive:
    return Archive(migrated, tmp_path / "data")


def make_file(file: Path, count: int) -> dict[str, int]:
    """Write conversations of different lengths; give the number of messages of each."""
    lengths = {f"c-{n}": n % 13 for n in range(count)}
    with file.open("wb") as lines:
        for completion_id, length in lengths.items():
            lines.write(to_lines([make_long(completion_id, length)])[0] + b"\n")
    return lengths


@pytest.mark.once
@pytest.mark.slow
def test_an_import_killed_again_and_again_is_completed_by_the_next(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    expected = make_file(file, 1_500)
    before = 0
    for _ in range(2):
        process = archive.start("import_completions", str(file))
        while archive.count() == before:  # until this very process has committed something
            assert process.poll() is None, "the import ended before anything was committed"
            time.sleep(0.01)  # not longer, or the import is over; without it, this takes the import's processor away
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the import was over before it was killed"
        held = archive.holdings()
        assert before < len(held) < len(expected), "the kill did not land in the middle"
        assert held == {completion_id: expected[completion_id] for completion_id in held}
        before = len(held)
    process = archive.start("import_completions", str(file))
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert (
        out.decode()
        .splitlines()[-1]
        .startswith(f"{len(expected) - before} imported, {before} already there, 0 replaced")
    )
    assert archive.holdings() == expected


@pytest.mark.once
@pytest.mark.slow
def test_two_imports_at_the_same_time_store_everything_once(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    expected = make_file(file, 600)
    both = [archive.start("import_completions", str(file)) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [(process.returncode, err) for process, (_, err) in zip(both, said, strict=True)] == [(0, b"")] * 2
    assert sum(int(out.decode().splitlines()[-1].split()[0]) for out, _ in said) == len(expected)
    assert archive.holdings() == expected


@pytest.mark.once
@pytest.mark.slow
def test_a_pipe_is_imported_while_it_is_still_being_written(archive: Archive) -> None:
    process = archive.start("import_completions", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    for line in to_lines(make_long(f"c-{n}", 2) for n in range(600)):
        process.stdin.write(line + b"\n")
    process.stdin.flush()
    while archive.count() < 500:  # the first batch is in although the pipe is open
        assert process.poll() is None
        time.sleep(0.01)
    out, err = process.communicate(b"junk\n")
    assert (process.returncode, out.decode().splitlines()[-1].split(",")[0]) == (1, "600 imported")
    assert err.decode().startswith("-, line 601: not a JSON object")
    assert archive.holdings() == {f"c-{n}": 2 for n in range(600)}


def test_the_database_of_the_tests_is_the_kind_that_is_served() -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)


def test_a_choice_of_a_stored_completion_is_left_as_it_is(stored: Store) -> None:
    choices = [make_choice("a"), make_choice("b", 1, finish_reason="length")]
    stored(make_completion("c", choices=choices))
    assert body_of("c")["choices"] == choices


@pytest.mark.parametrize("replace", [False, True])
def test_lines_that_are_stored_already_are_not_even_read(
    replace: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = to_lines([make_completion(f"c-{n}", say("user", "refund")) for n in range(3)])
    (file := tmp_path / "lines.jsonl").write_bytes(b"\n".join(lines))
    assert statuses(*lines) == ["imported"] * 3

    def fail(*given: Any) -> Any:
        raise AssertionError("it was read")

    monkeypatch.setattr(openai_chat, "_take_apart", fail)
    assert statuses(*lines, replace=replace) == ["unchanged"] * 3
    assert run_command(str(file), *["--replace"] * replace)[1] == [
        "A file of OpenAI chat completions with 3 conversations",
        "0 imported, 3 already there, 0 replaced, 0 kept as they were, 0 bad",
    ]


def test_a_line_that_was_stored_takes_the_place_of_one_that_comes_before_it_in_the_file() -> None:
    older, newer = (to_lines([make_completion("c", say("user", text))])[0] for text in ("older", "newer"))
    assert statuses(older) == ["imported"]
    assert statuses(newer, older, replace=True) == ["replaced", "replaced"]
    assert messages_of("c")[0]["content"] == "older"
    assert statuses(newer, older) == ["kept", "unchanged"]


def test_what_is_taken_out_after_it_was_looked_up_is_stored_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = to_lines([make_completion("c", say("user", "refund"))])[0]
    new = to_lines([make_completion("new")])[0]
    before = {"c": hashlib.sha256(line).hexdigest()}
    looked_up = iter([before, dict(before)])  # and a third time when nobody else can write
    monkeypatch.setattr(importing, "digests_among", lambda ids: next(looked_up, {}))
    assert statuses(line, new) == ["imported", "imported"]
    assert messages_of("c")[0]["content"] == "refund"


def test_a_line_that_cannot_be_stored_is_bad_also_if_another_has_its_id() -> None:
    name = "c" * 255  # too long to make ids of messages of it
    assert statuses(*to_lines([{"id": name, "messages": []}])) == ["imported"]
    assert statuses(*to_lines([{"id": name, "messages": [{"role": "user", "content": "a"}]}])) == ["bad"]


def test_an_id_that_stands_elsewhere_in_a_line_is_not_taken_for_its_own() -> None:
    inner, outer = make_completion("inner"), make_completion("outer", say("user", "a") | {"id": "inner"})
    outer = {"messages": outer.pop("messages"), **outer}
    assert statuses(*to_lines([inner, outer])) == ["imported", "imported"]
    assert statuses(*to_lines([inner, outer])) == ["unchanged", "unchanged"]
