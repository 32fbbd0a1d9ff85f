"""Which family takes a file: several could read messages that look alike, and only one knows what else is in the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.formats.files import FILES, conversation_in, conversations_in, found_in, remarks_on
from viewer.formats.document import Conversation, Document, Refusal
from viewer.formats.registry import FAMILIES

# Files that are named after a tool whose records another family reads.
OTHERS = {
    "logfire_streamed.jsonl": "opentelemetry", "openinference.jsonl": "opentelemetry", "openllmetry.json": "opentelemetry",
    "otel_console.json": "opentelemetry", "otel_events": "opentelemetry", "pydantic_ai_spans.jsonl": "opentelemetry",
    "llama_index.json": "llamaindex",
}  # fmt: skip


def expected_family(file: Path) -> str:
    """Return the family whose name a file has; of several the longest."""
    named = [one.name for one in FAMILIES if file.name.replace("_", "-").startswith(one.name)]
    return OTHERS.get(file.name) or max(named, key=len)


@pytest.mark.parametrize("file", sorted(FILES.iterdir()), ids=lambda file: file.name)
def test_a_file_is_read_by_the_family_of_its_tool(file: Path) -> None:
    read = [each.family for each in found_in(file) if isinstance(each, Conversation)]
    assert set(read) == {expected_family(file)}


def test_a_sample_of_inspect_on_a_line_is_not_taken_for_its_messages() -> None:
    """Its messages have parts of the type `image` and blocks of reasoning, as Anthropic's have."""
    (sample, *_) = json.loads((FILES / "inspect_log.json").read_text())["samples"]
    assert {conversation.family for conversation in conversations_in(sample)} == {"inspect"}


def test_names_of_families_are_their_own() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("written", "created", "kept"),
    [
        (1795863032, 1795863032, {}),
        (1795863032.5, 1795863032, {"created": 1795863032.5}),
        ("2026-11-28T11:17:12.5Z", 1795864632, {"created": "2026-11-28T11:17:12.5Z"}),
        ("yesterday", None, {"created": "yesterday", "undated": True}),
    ],
)
def test_a_time_is_stored_as_the_api_has_it_and_kept_as_the_file_has_it(
    written: Any, created: int | None, kept: dict[str, Any]
) -> None:
    fields = dict(conversation_in({"timestamp": written, "question": "A17?", "answer": "It left."}).fields)
    assert isinstance(fields["created"].value, int)
    assert created in (None, fields["created"].value)
    origin = json.loads(fields["lectern"].source)
    assert {name: origin[name] for name in ("created", "undated") if name in origin} == kept


@pytest.mark.parametrize(
    ("record", "remark"),
    [
        ({"traceId": "5b8e", "spanId": "ee1", "name": "GET /", "startTimeUnixNano": 1, "attributes": {"http.route": "/"}},
         "This is a trace in which no model was called."),
        ({"type": "session.created", "event_id": "event_1", "session": {"object": "realtime.session"}},
         "An OpenAI Realtime session in which nothing was said."),
    ],
)  # fmt: skip
def test_records_that_have_to_be_found_together_and_are_no_conversation_are_named(
    record: dict[str, Any], remark: str
) -> None:
    assert found_in(record) == []
    assert remarks_on(record) == [remark]


@pytest.mark.parametrize("failing", ["parts", "key", "thread", "own"])
def test_a_record_that_a_family_cannot_tell_apart_is_refused_and_the_rest_is_read(
    failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the import of all files."""

    def fail(document: Document) -> Any:
        return document.value["missing"]

    def matches(value: Any) -> bool:
        return isinstance(value, dict) and "page" in value

    family = replace(FAMILIES[0], matches=matches, **{"key": lambda document: "one"} | {failing: fail})
    monkeypatch.setattr("viewer.formats.registry.FAMILIES", (family, *FAMILIES))
    lines = [{"page": [1, "2"]}, {"messages": [{"role": "user", "content": "Hello"}]}]
    found = found_in("\n".join(map(json.dumps, lines)).encode())
    assert [type(each) for each in found] == [Refusal, Conversation]
