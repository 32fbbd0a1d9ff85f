"""Which family takes a file: several could read messages that look alike, and only one knows what else is in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.formats.files import FILES, conversations_in, found_in
from viewer.formats.document import Conversation
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
