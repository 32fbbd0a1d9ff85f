"""A failed tool is recognised alike by its card, the facts, the search, find and a transcript."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import elements, has, texts, visible
from tests.said import said_in
from tests.tool_results import FAILED, GOOD, UNPROVEN
from viewer.archive.search.query import read_query
from viewer.archive.search.results import search
from viewer.completions.reading import read_message
from viewer.find.fields import text_fields

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
CALL = {"id": "call_a", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
VERDICTS = [
    *((said, "error") for said in FAILED),
    *((said, "") for said in UNPROVEN),
    *((said, "good") for said in GOOD),
]


def body(reader: Client, address: str, **asked: str) -> str:
    answer = reader.get(address, asked)
    assert answer.status_code == 200
    return b"".join(answer).decode()


def in_a_message(said: str, call_id: str | None = "call_a") -> list[dict[str, Any]]:
    return [say("assistant", None, tool_calls=[{**CALL, "id": call_id or ""}]), say("tool", said, tool_call_id=call_id)]


def in_the_call(said: str) -> list[dict[str, Any]]:
    return [say("assistant", None, tool_calls=[{**CALL, "output": said}])]


def in_a_block(said: str) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": "call_a", "name": "look_up", "input": {}}
    return [say("assistant", [use]), say("user", [{"type": "tool_result", "tool_use_id": "call_a", "content": said}])]


@pytest.mark.parametrize(
    "messages", [in_a_message, *(pytest.param(one, marks=pytest.mark.slow) for one in (in_the_call, in_a_block))]
)
@pytest.mark.parametrize(("said", "verdict"), VERDICTS)
def test_every_place_shows_the_same_outcome_of_a_result(
    reader: Client, stored: Store, said: str, verdict: str, messages: Callable[[str], list[dict[str, Any]]]
) -> None:
    stored(make_completion("chatcmpl-one", *messages(said), choices=[]))
    assert told(reader) == {
        "card": verdict,
        "facts": 1 if verdict == "error" else 0,
        "has:error": verdict == "error",
        "transcript": "Error" if verdict == "error" else "Result",
        "find": ["Error" if verdict == "error" else "Result"],
    }


def count_of_errors(page: str) -> str:
    (jump,) = [words for words in texts(page, "jump-to a") if words.startswith("Tool errors ")]
    return jump.removeprefix("Tool errors ")


def told(reader: Client) -> dict[str, Any]:
    page = body(reader, ONE)
    card = elements(page, '[data-part="tool-call"] > summary')[0]
    transcript = body(reader, f"{ONE}transcript/", format="text")
    line = re.search(r"^  (Error|Result)(?: · |$)", transcript, re.MULTILINE)
    assert line
    chips = {"chip--bad": "error", "chip--good": "good"}
    verdicts = [verdict for chip, verdict in chips.items() if has(card, f".{chip}")]
    pages = [read_message(source) for _, source in said_in()]
    labels = [field.label for message in pages for field in text_fields(message) if field.part.startswith("tool")]
    return {
        "card": "".join(verdicts),
        "facts": int(count_of_errors(page)),
        "has:error": bool(search(read_query("has:error")).groups),
        "transcript": line[1],
        "find": [label for label in labels if label in ("Error", "Result")],
    }


@pytest.mark.parametrize(("said", "verdict"), [(FAILED[0], "error"), (UNPROVEN[0], ""), (GOOD[0], "good")])
def test_a_result_without_an_id_has_the_same_outcome_in_the_linked_card(
    reader: Client, stored: Store, said: str, verdict: str
) -> None:
    stored(make_completion("chatcmpl-one", *in_a_message(said, None), choices=[]))
    assert told(reader)["card"] == verdict
    assert told(reader)["has:error"] == (verdict == "error")


def test_of_two_results_without_an_id_no_card_takes_one(reader: Client, stored: Store) -> None:
    asked = say("assistant", None, tool_calls=[{**CALL, "id": ""}, {**CALL, "id": ""}])
    stored(make_completion("chatcmpl-one", asked, say("tool", FAILED[0]), say("tool", "fine"), choices=[]))
    page = body(reader, ONE)
    assert visible(page).count("Missing ids") == 2
    assert not has(page, ".call--error")
    assert count_of_errors(page) == "1"
    assert bool(search(read_query("has:error")).groups)


def test_an_error_of_the_result_is_none_of_what_the_call_carries(reader: Client, stored: Store) -> None:
    asked = say("assistant", None, tool_calls=[{**CALL, "output": "fine"}])
    stored(make_completion("chatcmpl-one", asked, say("tool", FAILED[0], tool_call_id="call_a"), choices=[]))
    assert count_of_errors(body(reader, ONE)) == "1"
    transcript = body(reader, f"{ONE}transcript/", format="text")
    assert re.findall(r"^  (Error|Result)\b", transcript, re.MULTILINE) == ["Result", "Error"]
