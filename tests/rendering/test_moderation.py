"""What OpenAI's moderation says of the messages and the answer, in words beside the conversation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_long
from tests.pages import problems, texts
from viewer.rendering.moderation import build_moderation

MODEL = "omni-moderation-latest"
CLEAN, FLAGGED = (
    {
        "type": "moderation_result",
        "model": MODEL,
        "flagged": is_flagged,
        "categories": {"harassment": is_flagged, "self-harm/intent": False, "violence": is_flagged},
        "category_scores": {"harassment": 0.91, "self-harm/intent": 0.0001, "violence": 0.66},
        "category_applied_input_types": {"harassment": ["text"], "self-harm/intent": [], "violence": ["text"]},
    }
    for is_flagged in (False, True)
)
FAILED = {"type": "error", "code": "moderation_unavailable", "message": "The check took too long."}


def in_chat(*results: Any) -> dict[str, Any]:
    """A side in a chat completion; in a response, it is one result itself."""
    return {"type": "moderation_results", "model": MODEL, "results": results}


@pytest.mark.parametrize(
    ("moderation", "words"),
    [
        ({"input": in_chat(CLEAN), "output": in_chat(CLEAN)}, ["Nothing flagged"]),
        ({"input": in_chat(CLEAN, FLAGGED), "output": in_chat(CLEAN)}, ["Messages flagged: harassment, violence"]),
        ({"input": CLEAN, "output": FLAGGED}, ["Answer flagged: harassment, violence"]),
        ({"input": FLAGGED, "output": FAILED}, ["Messages flagged: harassment, violence", "Answer not checked: The check took too long."]),
        ({"input": in_chat(CLEAN)}, []),
        ({"input": in_chat({"flagged": True}), "output": None}, ["Messages flagged"]),
        ({"input": "no", "output": ["such"]}, []),
        ({"input": {"results": 1}, "output": {"results": None}}, []),
        (None, []),
        (["another kind"], []),
    ],
)  # fmt: skip
def test_it_says_what_was_flagged_and_what_was_not_checked(moderation: Any, words: list[str]) -> None:
    """As openai 3.57.0 has it in types/chat/chat_completion.py and types/responses/response.py."""
    assert [one.words for one in build_moderation(json.dumps(moderation))] == words


def test_it_stands_beside_the_conversation_but_not_in_the_customers_view(
    reader: Client, stored: Callable[..., Any]
) -> None:
    flagged = {"input": in_chat(CLEAN), "output": in_chat(FLAGGED)}
    stored(make_long("chatcmpl-one", 2) | {"moderation": flagged})
    page = reader.get("/completions/chatcmpl-one/").content.decode()
    assert texts(page, "[data-moderation]") == ["Answer flagged: harassment, violence"]
    reader.cookies["audience"] = "customer"
    assert "flagged" not in reader.get("/completions/chatcmpl-one/").content.decode()


def test_it_says_why_there_is_no_answer(reader: Client, stored: Callable[..., Any]) -> None:
    blocked = {"input": in_chat(FLAGGED), "output": in_chat()}
    stored(make_long("chatcmpl-one", 1) | {"moderation": blocked, "choices": []})
    page = reader.get("/completions/chatcmpl-one/").content.decode()
    assert "Messages flagged: harassment, violence" in str(texts(page, "[data-answer]"))
    assert not problems(page)
