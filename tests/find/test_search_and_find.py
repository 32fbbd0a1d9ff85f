"""What the search finds, the page that it leads to shows, and finding in the conversation counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_choice, make_completion, say
from tests.pages import attributes, has
from tests.shapes import CHOICES, PICTURE, SEEN, UNSEEN, numbered

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
MARKED = re.compile(r"(?:SECRET|SEEN)-\d+z")
CITED = {"type": "url_citation", "url_citation": {"url": "https://a.example/X", "title": "X", "content": "X"}}
MORE = [
    say("assistant", "X", annotations=[CITED]), say("assistant", "X", context={"citations": [{"title": "X", "content": "X"}]}),
    say("user", "X", name="X"), say("assistant", '{"X": "X * X * X"}'), say("assistant", "[a](https://a.example/X) **X**"),
    say("assistant", "X", content_parts=[{"type": "text", "text": "X"}]), say("tool", '{"a": {"b": "X"}}', tool_call_id="X"),
    say("user", [{"type": "file", "file_url": "https://a.example/X"}]),
    say("user", [{"type": "image_url", "image_url": {"url": "https://a.example/X", "detail": "X"}}]), say("assistant", [{"type": "text", "text": "X", "citations": [{"title": "X", "cited_text": "X"}]}]),
]  # fmt: skip


def values_in(value: Any, name: str = "") -> Iterator[str]:
    """Give the marked words in the values; names of fields, who speaks and log probabilities are not looked for."""
    if isinstance(value, str):
        yield from MARKED.findall(value)
    elif isinstance(value, list):
        for one in value:
            yield from values_in(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name not in ("role", "logprobs"):
                yield from values_in(one)


def body(reader: Client, address: str, **asked: str) -> str:
    answer = reader.get(address, asked, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def ways_lost(reader: Client, word: str, hits: int = 1) -> str:
    """Search for a word, follow the result, and find the word there; say where it is lost."""
    links = attributes(body(reader, "/search/", q=f'"{word}" role:all'), "href", "a.found__hit")
    if not links:
        return f"{word} is not found"
    for link in links:
        if word not in unescape(body(reader, link)):
            return f"{word} is not on {link}"
        conversation = "/".join(link.split("/")[:3])
        if "find=" in link and not has(body(reader, f"{conversation}/find/", q=word), "a.hit"):
            return f"{word} is not counted on {link}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("message", [*(message for _, message in UNSEEN), *SEEN, *MORE])
def test_a_word_of_a_message_is_found_shown_and_counted(reader: Client, stored: Store, message: dict[str, Any]) -> None:
    held = numbered(message, iter(range(1000, 9999)))
    stored(make_completion("chatcmpl-one", say("user", "Hello"), held, choices=[]))
    assert [lost for word in values_in(held) if (lost := ways_lost(reader, word))] == []


@pytest.mark.slow
@pytest.mark.parametrize("is_appended", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        *({"choices": [choice]} for choice in CHOICES),
        {"choices": CHOICES},
        {"choices": [make_choice("Hi", thinking="X", verdict="X", error={"message": "X"})]},
        {"choices": [make_choice("Hi", images=[PICTURE | {"caption": "X"}])]},
        {"choices": [{"index": 0, "message": None, "error": {"message": "X"}}]},
        {"choices": [make_choice("X", annotations=[CITED])], "citations": ["https://a.example/X"]},
        {"choices": [make_choice("X", logprobs=None)], "search_results": [{"title": "X", "url": "https://a.example/X", "snippet": "X"}]},
        {"choices": [{**make_choice("X"), "content_filter_results": {"a": "X"}, "error": {"message": "X"}}]},
        {"choices": [make_choice("Hi")], "related_questions": ["X"], "metadata": {"a": "X"}, "error": {"message": "X"}},
        {"choices": [], "error": {"message": "X"}},
    ],
)  # fmt: skip
def test_a_word_of_the_answer_is_found_shown_and_counted(
    reader: Client, stored: Store, fields: dict[str, Any], is_appended: bool
) -> None:
    held = numbered(fields, iter(range(1000, 9999)))
    appended = [choice["message"] for choice in held["choices"] if choice.get("message")] if is_appended else []
    stored(make_completion("chatcmpl-one", say("user", "Hello"), *appended, **held))
    assert [lost for word in values_in(held) if (lost := ways_lost(reader, word))] == []


@pytest.mark.slow
def test_what_only_the_choice_says_of_an_appended_answer_is_found_shown_and_taken_along(
    reader: Client, stored: Store
) -> None:
    said = {"thinking": "X", "verdict": "X", "annotations": [CITED]}
    held = numbered(
        make_choice("Hi", finish_reason="length", **said) | {"error": {"message": "X"}}, iter(range(1000, 9999))
    )
    stored(make_completion("chatcmpl-one", say("user", "Hello"), say("assistant", "Hi"), choices=[held]))
    assert [lost for word in values_in(held) if (lost := ways_lost(reader, word))] == []
    for form in ("text", "markdown"):
        taken = b"".join(reader.get(ONE + "transcript/", {"format": form})).decode()
        assert [word for word in values_in(held) if word not in taken] == []
        assert taken.count("Cut off at the token limit") == 1


def test_a_picture_that_only_the_choice_has_is_shown(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("assistant", "Hi"), choices=[make_choice("Hi", images=[PICTURE])]))
    assert attributes(reader.get(ONE).text, "src", "img") == ["/completions/chatcmpl-one/choices/0/parts/1/"]
