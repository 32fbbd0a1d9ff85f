"""A hit says of its message what the page says, and what is stored here is found as if the API had answered it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import make_completion, say
from tests.find.messages import every_message
from viewer.completions.reading import read_message
from viewer.completions.types import Unreadable
from viewer.find.finding import Limits, find_words
from viewer.find.hits import Search
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import is_hidden_from_customer
from viewer.rendering.messages import build_bubbles
from viewer.sources.archive_client import ArchiveClient, archive_client

NO_LIMITS = Limits(seconds=1e9, asked=10**9, hits=10**9)


def test_a_hit_names_who_spoke_and_whether_the_customer_saw_it_as_the_page_does() -> None:
    search, context = Search("chatcmpl-one", "called"), RenderContext("chatcmpl-one")
    spoken = [*every_message(), *(say(role, None) for role in ("user", "assistant", "tool", "critic"))]
    for n, message in enumerate(spoken):
        item = read_message(json.dumps(message | {"id": f"chatcmpl-one-{n}", "name": "called"}))
        assert not isinstance(item, Unreadable)
        hit = search.hits_in_message(item, item.id)[0]
        [bubble] = build_bubbles(context.with_new_budget(), [item])
        assert hit.url == f"{bubble.url}?find=called"
        assert (hit.who, hit.number) == (bubble.label, bubble.number)
        assert hit.is_hidden == is_hidden_from_customer(bubble)


@pytest.mark.slow
def test_what_is_stored_here_is_found_as_the_api_answers_it(
    stored: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [{**message, "id": f"chatcmpl-one-{n}"} for n, message in enumerate(every_message())]
    stored(make_completion("chatcmpl-one", *messages))
    client = archive_client(None)
    searches = ["fund", "a.example", "02", "is it", "包"]
    directly = [find_words(client, "chatcmpl-one", words, "", NO_LIMITS) for words in searches]
    monkeypatch.setattr(ArchiveClient, "bodies", lambda *_: ())
    assert [find_words(client, "chatcmpl-one", words, "", NO_LIMITS) for words in searches] == directly
    assert all(step.hits for step in directly)
