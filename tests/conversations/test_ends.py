"""Only the server says where a list or a conversation ends, and some servers say it in odd ways."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_key
from tests.pages import attributes, completion_ids, elements, has, message_ids, problems, texts, visible
from tests.upstream import COMPLETIONS, HEX, LIVE, MESSAGES, Upstream
from viewer.conversations.views import navigation
from viewer.find import views as find
from viewer.keys.models import ApiKey

ODD = ["more-missing", "more-string", "more-number", "more-null", "more-when-full"]
WITHOUT_A_WAY_ON = ["ignores-after", "ids-empty"]
TWENTY, THIRTY = LIVE[19], LIVE[29]  # a full page of messages, and one and a half
END = "End of the conversation"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browse(alice: User, upstream: Upstream, reader: Client) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base()))


def opened(reader: Client, address: str, status: int = 200) -> str:
    answer = reader.get(address, headers=HTMX)
    assert answer.status_code == status
    return answer.content.decode()


def next_page(page: str) -> str:
    return "".join(attributes(page, "hx-get", '[data-more="later"]'))


def read_on(reader: Client, address: str) -> list[str]:
    """Scroll to the end; give what each answer added to the page."""
    pages = []
    while address:
        pages.append(opened(reader, address))
        address = next_page(pages[-1])
    return pages


@pytest.mark.parametrize("mode", ODD)
@pytest.mark.parametrize("completion_id", [TWENTY, THIRTY])
def test_a_conversation_is_shown_to_its_end_with_its_answer(
    reader: Client, browse: None, upstream: Upstream, mode: str, completion_id: str
) -> None:
    upstream.set("mode", mode)
    pages = read_on(reader, f"/completions/{completion_id}/")
    assert [one for page in pages for one in message_ids(page)] == [one["id"] for one in MESSAGES[completion_id]]
    assert [page.count(END) for page in pages] == [0] * (len(pages) - 1) + [1]
    assert sum(len(elements(page, "[data-answer]")) for page in pages) == 1
    assert "No messages are stored" not in "".join(pages)


def test_an_answer_that_the_messages_end_with_stands_there_once_when_nothing_follows_them(
    reader: Client, browse: None, upstream: Upstream
) -> None:
    nineteen = LIVE[18]  # and the answer, which is appended
    upstream.set("mode", "appending")
    first = opened(reader, f"/completions/{nineteen}/")
    assert len(message_ids(first)) == 20
    last = opened(reader, f"/completions/{nineteen}/?after={nineteen}-19")
    assert (END in last, has(last, "[data-answer]")) == (True, False)
    found = reader.get(f"/completions/{nineteen}/find/?q=parcel&after={nineteen}-19").content.decode()
    assert "No matches." in visible(found)


@pytest.mark.parametrize("mode", ODD)
def test_a_list_is_shown_to_its_end(reader: Client, browse: None, upstream: Upstream, mode: str) -> None:
    upstream.set("mode", mode)
    pages = read_on(reader, "/completions/")
    shown = [one for page in pages for one in completion_ids(page)]
    assert shown == list(COMPLETIONS)
    assert [page.count("End of the list") for page in pages] == [0] * (len(pages) - 1) + [1]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ODD)
def test_find_and_a_transcript_read_to_the_end(
    reader: Client, browse: None, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(find, "_STEP_SECONDS", 60)
    upstream.set("mode", mode)
    assert "301 matches. 300 messages searched." in visible(opened(reader, f"/completions/{HEX}/find/?q={HEX}"))
    text = reader.get(f"/completions/{HEX}/transcript/?format=text").getvalue().decode()
    assert "-- End of the transcript, 301 messages. --" in text


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("ignores-after", "The server sent the same page again instead of the next one."),
        ("more-but-empty", "The server reports more but sends nothing."),
    ],
)
def test_a_page_that_cannot_follow_is_a_problem_in_words_and_no_end(
    reader: Client, browse: None, upstream: Upstream, mode: str, said: str
) -> None:
    first = opened(reader, f"/completions/{THIRTY}/")
    list_ = opened(reader, "/completions/")
    upstream.set("mode", mode)
    for page in (first, list_):
        following = opened(reader, next_page(page), 502)
        assert problems(following) == ["unreadable"]
        assert said in visible(following)
        assert not message_ids(following)
    assert not [end for end in (END, "End of the list") if end in first + list_]


def test_a_server_that_sends_an_empty_page_once_gets_a_second_request(
    reader: Client, browse: None, upstream: Upstream
) -> None:
    upstream.set("mode", "more-but-empty")
    opened(reader, f"/completions/{THIRTY}/", 502)
    assert sum(asked["path"].endswith("/messages") for asked in upstream.asked()) == 2


def test_messages_without_ids_are_shown_and_nobody_says_that_they_end(
    reader: Client, browse: None, upstream: Upstream
) -> None:
    upstream.set("mode", "ids-empty")
    page = opened(reader, f"/completions/{THIRTY}/")
    assert len(elements(page, "article")) == 20
    assert (END in page, has(page, "[data-answer]")) == (False, False)
    assert "There are more messages, but the server did not say where to continue." in visible(page)


@pytest.mark.parametrize("mode", WITHOUT_A_WAY_ON)
def test_find_keeps_what_it_found_and_says_that_it_did_not_read_all(
    reader: Client, browse: None, upstream: Upstream, mode: str
) -> None:
    upstream.set("mode", mode)
    page = opened(reader, f"/completions/{HEX}/find/?q={HEX}")
    assert len(elements(page, "a.hit")) == 100
    assert problems(page) == ["unreadable"]
    assert not [words for words in texts(page, "ol.hits ~ *") if "messages" in words]


@pytest.mark.parametrize("mode", WITHOUT_A_WAY_ON)
@pytest.mark.parametrize("address", ["transcript/?format=text", "transcript/?format=json", "print/"])
def test_what_is_taken_along_from_it_is_not_taken_for_whole(
    reader: Client, browse: None, upstream: Upstream, mode: str, address: str
) -> None:
    upstream.set("mode", mode)
    text = reader.get(f"/completions/{HEX}/{address}").getvalue().decode()
    assert "INCOMPLETE" in text or '"incomplete":"' in text or "data-problem" in text
    assert ("Message 99 of 300" in text, "Message 100 of 300" in text) == (True, False)
    assert not [end for end in (END, "End of the transcript", '"incomplete":null') if end in text]


@pytest.mark.parametrize("mode", WITHOUT_A_WAY_ON)
def test_no_message_is_denied_that_may_be_further_on(
    reader: Client, browse: None, upstream: Upstream, mode: str
) -> None:
    upstream.set("mode", mode)
    reader.get(f"/completions/{HEX}/go/?to=250")
    assert "There is no message" not in visible(reader.get(f"/completions/{HEX}/").content.decode())


def test_no_next_conversation_is_denied_that_may_be_further_on(
    reader: Client, browse: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(navigation, "_MAX_PAGES", 0)
    reader.get(f"/completions/{HEX}/next/")
    told = visible(reader.get(f"/completions/{HEX}/").content.decode())
    assert ("does not support this" in told, "the last conversation" in told) == (True, False)
