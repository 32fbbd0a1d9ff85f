"""What a problem says, and which source had it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import has, visible
from viewer.client.problems import Problem
from viewer.keys.models import ApiKey
from viewer.sources.problem_pages import title_of
from viewer.sources.sources import Source, SourceProblem

Store = Callable[..., Any]


@pytest.mark.parametrize("label", ["e", "No", "Billing 100%"])
def test_the_line_of_a_problem_names_its_source_once_whatever_its_label(label: str) -> None:
    source = Source(ApiKey(label=label))
    gone = title_of(SourceProblem(Problem("not-found"), source))
    assert gone == f"{label}: You cannot open a conversation with this id"
    assert title_of(SourceProblem(Problem("unavailable"), source)) == f"{label} is unavailable"


@pytest.mark.parametrize("place", ["", "messages/chatcmpl-hers-3/", "choices/0/"])
def test_whoever_cannot_open_a_link_has_a_text_to_ask_its_sender(reader: Client, place: str) -> None:
    """The same whether there is such a conversation, see tests/archive/test_owners.py."""
    answer = reader.get(f"/completions/chatcmpl-hers/{place}")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "Lectern looked in: Archive." in visible(page)
    assert "name me as the reader: alice." in visible(page)
    assert f"http://testserver/completions/chatcmpl-hers/{place}</textarea>" in page


def test_a_missing_message_of_a_readable_conversation_needs_nobody_to_ask(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x")))
    page = reader.get("/completions/chatcmpl-one/messages/chatcmpl-one-9/").content.decode()
    assert "No message with this id in the conversation" in visible(page)
    assert not has(page, "textarea")
