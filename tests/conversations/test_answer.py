"""The answer of a completion is a message: it has a name, an address of its own, and is an end of what is taken along."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, make_long, say
from tests.pages import elements, has, link, message_ids, problems, texts, visible
from tests.upstream import Upstream
from viewer.client.client import Client as Asking
from viewer.client.problems import Problem
from viewer.completions.reading import read_completion, read_message
from viewer.completions.types import Completion
from viewer.keys.models import ApiKey
from viewer.rendering.answers import place_answers
from viewer.rendering.context import RenderContext
from viewer.rendering.messages import build_bubbles

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def two(stored: Store) -> None:
    """A conversation of 45 messages with two answers."""
    stored(make_long("chatcmpl-one", 45) | {"choices": [make_choice("It is red."), make_choice("It is blue.", 7)]})


def opened(reader: Client, address: str, **headers: str) -> str:
    answer = reader.get(address, headers=headers)
    assert answer.status_code == 200, address
    return answer.content.decode()


def taken(reader: Client, first: str, last: str, **asked: str) -> str:
    answer = reader.get(f"{ONE}transcript/", {"format": "text", "from": first, "to": last, **asked})
    assert answer.status_code == 200
    return answer.getvalue().decode()


def ringed(page: str) -> list[str]:
    """The linked messages and answers, by the end of their permalinks."""
    linked = [found.attributes for found in elements(page, 'article[aria-current="true"]')]
    return [found.get("data-message-id") or f"choices/{found['data-choice']}" for found in linked]


def headings(text: str) -> list[str]:
    return re.findall(r"^== (.*) ==$", text, re.MULTILINE)


# Its address


def test_an_answer_opens_at_the_end_of_the_conversation_with_a_ring(reader: Client, two: None) -> None:
    page = opened(reader, f"{ONE}choices/1/")
    assert message_ids(page) == [f"chatcmpl-one-{n}" for n in range(25, 45)]
    assert ringed(page) == ["choices/1"]
    assert visible(page).count("Linked answer") == 1
    assert page.rindex("number 44") < page.rindex("It is red.") < page.rindex("It is blue.")
    assert link(page, "later") is None
    assert link(page, "earlier") == f"{ONE}?before=chatcmpl-one-25"
    assert has(page, f'a[href="{ONE}choices/1/"][title="Copy the link to this answer"]')
    assert has(page, f'a[href="{ONE}choices/1/raw/"][title^="JSON of this answer"]')


def test_an_answer_opens_newest_first_too(reader: Client, two: None) -> None:
    page = opened(reader, f"{ONE}choices/0/?order=desc")
    assert message_ids(page) == [f"chatcmpl-one-{n}" for n in range(44, 24, -1)]
    assert ringed(page) == ["choices/0"]
    assert page.rindex("It is blue.") < page.rindex("It is red.") < page.rindex("number 44")
    assert link(page, "earlier") == f"{ONE}?order=desc&after=chatcmpl-one-25"


def test_an_answer_without_messages_has_its_address(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one"))
    assert ringed(opened(reader, f"{ONE}choices/0/")) == ["choices/0"]


def test_an_answer_that_cannot_be_read_has_its_address(reader: Client, stored: Store) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x"), choices=[None, make_choice("y")]))
    page = opened(reader, f"{ONE}choices/0/")
    assert ringed(page) == ["choices/0"]
    assert "Answer 1 of 2" in visible(page)


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("position", [2, 10**30])
def test_an_answer_that_is_not_there_is_said_with_what_to_do(
    reader: Client, two: None, position: int, headers: dict[str, str]
) -> None:
    answer = reader.get(f"{ONE}choices/{position}/", headers=headers)
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "No answer with this number in the conversation" in page
    assert "Check the link, or read the conversation from its start." in page
    assert headers or "Open the conversation from its start" in texts(page, f'a.button[href="{ONE}"]')


def test_an_answer_of_an_unknown_conversation_is_a_problem_of_the_conversation(reader: Client, two: None) -> None:
    answer = reader.get("/completions/chatcmpl-gone/choices/0/")
    assert answer.status_code == 404
    assert "You cannot open a conversation with this id" in answer.content.decode()


@pytest.mark.parametrize(("position", "expected"), [(0, 45), (1, 46)])
def test_the_address_of_an_answer_that_a_server_appended_is_that_of_its_message(
    reader: Client, stored: Store, position: int, expected: int
) -> None:
    long = make_long("chatcmpl-one", 45)
    appended = [say("assistant", "Red."), say("assistant", "Blue.")]
    choices = [make_choice("Red."), make_choice("Blue.", 1)]
    stored(make_completion("chatcmpl-one", *long["messages"], *appended, choices=choices))
    answer = reader.get(f"{ONE}choices/{position}/?find=e&order=desc")
    assert answer["Location"] == f"{ONE}messages/chatcmpl-one-{expected}/?find=e&order=desc"
    page = opened(reader, f"{ONE}messages/chatcmpl-one-{expected}/")
    assert ringed(page) == [f"chatcmpl-one-{expected}"]
    assert f"Answer {position + 1} of 2" in visible(page)


def test_an_appended_answer_whose_id_has_no_address_is_ringed_where_it_stands() -> None:
    completion = read_completion(json.dumps(make_completion(choices=[make_choice("Red."), make_choice("Blue.", 1)])))
    assert isinstance(completion, Completion)
    shown = tuple(read_message(json.dumps(say("assistant", text))) for text in ("Red.", "Blue."))
    context = RenderContext("c", linked="choices/1")
    placed, apart = place_answers(context, completion, shown, build_bubbles(RenderContext("c"), shown))
    assert [bubble.is_linked for bubble in placed] == [False, True]
    assert apart == []


def test_for_an_answer_that_is_not_there_no_other_source_is_asked(
    reader: Client, two: None, alice: User, upstream: Upstream
) -> None:
    make_key(alice, base_url=upstream.base("ok"))
    assert reader.get(f"{ONE}choices/2/").status_code == 404
    assert upstream.asked() == []


def test_without_the_completion_the_messages_stand_below_the_problem(
    reader: Client, two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise Problem("unavailable", status=503)

    monkeypatch.setattr(Asking, "completion", fail)
    page = opened(reader, f"{ONE}choices/0/")
    assert problems(page) == ["unavailable"]
    assert message_ids(page)[-1] == "chatcmpl-one-44"
    assert ringed(page) == []


def test_the_address_survives_signing_in(client: Client, two: None, alice: User) -> None:
    answer = client.get(f"{ONE}choices/1/?find=blue")
    assert answer["Location"] == "/login/?next=/completions/chatcmpl-one/choices/1/%3Ffind%3Dblue"


def test_a_linked_answer_is_shown_in_the_customers_view_though_it_was_not_seen(reader: Client, stored: Store) -> None:
    call = {"id": "call_a", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
    stored(make_completion("chatcmpl-one", say("user", "Hi"), choices=[make_choice(None, tool_calls=[call])]))
    reader.cookies["audience"] = "customer"
    assert ringed(opened(reader, ONE)) == []
    page = opened(reader, f"{ONE}choices/0/")
    assert ringed(page) == ["choices/0"]
    assert "Not seen by the customer" in page


# Its name


@pytest.mark.parametrize(("count", "names"), [(1, ["Answer"]), (2, ["Answer 1 of 2", "Answer 2 of 2"])])
def test_an_answer_has_one_name_everywhere(reader: Client, stored: Store, count: int, names: list[str]) -> None:
    choices = [make_choice(f"Parcel {n}", index=5) for n in range(count)]
    stored(make_completion("chatcmpl-one", say("user", "Where?"), choices=choices))
    page = opened(reader, ONE)
    assert texts(page, "[data-choice] .message__number") == names
    printed = reader.get(f"{ONE}print/").getvalue().decode()
    assert texts(printed, "[data-choice] .message__number") == names
    assert texts(opened(reader, f"{ONE}find/?q=parcel"), "a.hit b") == names
    assert texts(opened(reader, "/search/?q=parcel"), "a.found__hit b") == names[:1]
    assert headings(taken(reader, "", "")) == ["#0 Customer", *(f"Assistant, {name}" for name in names)]
    markdown = reader.get(f"{ONE}transcript/").getvalue().decode()
    site = "http://testserver/completions/chatcmpl-one/choices"
    assert re.findall(r"^## Assistant, \[(Answer.*?)\]\(<(.*?)>\)$", markdown, re.MULTILINE) == [
        (name, f"{site}/{n}/") for n, name in enumerate(names)
    ]
    assert names[-1] in taken(reader, "", f"choices/{count - 1}").split("==")[0]


# As an end of what is taken along

MESSAGES = [f"#{n} {'Assistant' if n % 2 else 'Customer'}" for n in range(45)]
ANSWERS = ["Assistant, Answer 1 of 2", "Assistant, Answer 2 of 2"]


@pytest.mark.parametrize(
    ("first", "last", "expected", "told"),
    [
        ("choices/1", "choices/1", ANSWERS[1:], "Answer 2 of 2 to Answer 2 of 2"),
        ("choices/0", "choices/1", ANSWERS, "Answer 1 of 2 to Answer 2 of 2"),
        ("choices/1", "choices/0", ANSWERS, "Answer 1 of 2 to Answer 2 of 2"),
        ("choices/1", "", ANSWERS[1:], "Answer 2 of 2 to the last"),
        ("", "choices/0", MESSAGES + ANSWERS[:1], "the first to Answer 1 of 2"),
        ("chatcmpl-one-43", "choices/0", MESSAGES[43:] + ANSWERS[:1], "#43 to Answer 1 of 2"),
        ("choices/0", "chatcmpl-one-43", MESSAGES[43:] + ANSWERS[:1], "#43 to Answer 1 of 2"),
        ("chatcmpl-one-43", "", MESSAGES[43:] + ANSWERS, "#43 to the last"),
        ("chatcmpl-one-43", "chatcmpl-one-44", MESSAGES[43:], "#43 to #44"),
    ],
)
def test_a_range_ends_or_begins_at_an_answer(
    reader: Client, two: None, first: str, last: str, expected: list[str], told: str
) -> None:
    text = taken(reader, first, last)
    assert headings(text) == expected
    assert f"Messages: {told}\n" in text
    count = f"{len(expected)} message{'s' if len(expected) > 1 else ''}"
    assert text.endswith(f"-- End of the transcript, {count}. --\n")
    printed = reader.get(f"{ONE}print/", {"from": first, "to": last}).getvalue().decode()
    assert told in texts(printed, "dd")
    assert len(elements(printed, "article")) == len(expected)
    got = json.loads(taken(reader, first, last, format="json"))
    assert len(got["messages"]) == sum(heading.startswith("#") for heading in expected)
    assert len(got["completion"]["choices"]) == 2


def test_a_range_to_an_answer_works_where_ids_do_not_count(reader: Client, stored: Store) -> None:
    long = make_long("chatcmpl-one", 45, prefix="msg_")
    stored(long)
    last = long["messages"][44]["id"]
    for ends in ((last, "choices/0"), ("choices/0", last)):
        assert len(headings(taken(reader, *ends))) == 2


def test_one_answer_can_be_quoted(reader: Client, two: None) -> None:
    link = f"http://testserver{ONE}choices"
    assert taken(reader, "choices/1", "choices/1", quote="1") == (
        f"It is blue.\n\n-- Assistant, Answer 2 of 2, {link}/1/\n"
    )
    assert taken(reader, "choices/0", "choices/0", quote="1", format="markdown").strip() == (
        f"> It is red.\n\n— Assistant, Answer 1 of 2, <{link}/0/>"
    )


def test_a_range_of_answers_reads_no_messages(reader: Client, alice: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ok")))
    address = "/completions/chatcmpl-live-long/transcript/"
    answer = reader.get(address, {"format": "text", "from": "choices/0", "to": "choices/0", "quote": "1"})
    assert "your parcel is on its way" in answer.getvalue().decode()
    assert not [asked for asked in upstream.asked() if asked["path"].endswith("/messages")]


def test_only_the_answers_in_which_something_hides_say_so(reader: Client, stored: Store) -> None:
    choices = [make_choice("plain"), make_choice("hid\u200bden", 1)]
    stored(make_completion("chatcmpl-one", say("user", "x"), choices=choices))
    assert headings(taken(reader, "choices/0", "choices/1")) == [
        ANSWERS[0],
        f"{ANSWERS[1]}, hidden characters made visible",
    ]


@pytest.mark.parametrize("page", ["transcript", "print"])
def test_a_range_to_an_answer_that_is_not_there_is_a_problem(reader: Client, two: None, page: str) -> None:
    answer = reader.get(f"{ONE}{page}/", {"to": "choices/2"})
    assert answer.status_code == 404
    assert "No answer with this number in the conversation" in answer.content.decode()


@pytest.mark.parametrize(
    ("reason", "words"),
    [("length", "Cut off at the token limit"), ("content_filter", "Stopped by the content filter"), ("stop", "")],
)
def test_an_answer_that_was_cut_off_says_so_at_its_end_too(
    reader: Client, stored: Store, reason: str, words: str
) -> None:
    cited = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example/", "title": "A", "start_index": 0, "end_index": 3},
    }
    choice = make_choice("The parcel will", annotations=[cited]) | {"finish_reason": reason}
    stored(make_completion("chatcmpl-one", say("user", "Where is it?"), choices=[choice]))
    (bubble,) = elements(opened(reader, ONE), "article[data-choice] > .bubble")
    assert visible(bubble).startswith(f"The 1 parcel will {words}".strip())
    assert texts(bubble, "[data-cut]") == [words] * bool(words)


def test_an_answer_cut_off_in_a_tool_call_says_so_below_it(reader: Client, stored: Store) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "find", "arguments": '{"where": '}}
    choice = make_choice(None, tool_calls=[call]) | {"finish_reason": "length"}
    stored(make_completion("chatcmpl-one", say("user", "Where is it?"), choices=[choice]))
    page = opened(reader, ONE)
    assert has(page, "article[data-choice] > .calls + [data-cut]")
