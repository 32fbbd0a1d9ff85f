"""A page of the archive that is opened once more is neither built nor drawn again, and never out of date."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_choice, make_completion, say
from tests.pages import has, visible
from viewer.archive.models import CompletionLabel, Label, SeenCompletion, StoredCompletion
from viewer.conversations import row_html, thread
from viewer.erasure import erasing
from viewer.erasure.erasing import erase
from viewer.rendering import limits
from viewer.review.models import Note
from viewer.web import compression
from viewer.web.compression import deflate

Store = Callable[..., Any]
ONE = "/completions/chatcmpl-one/"
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"n": 1}'}}
MESSAGES = (
    say("user", "Where is my parcel?"),
    say("assistant", None, tool_calls=[CALL]),
    say("tool", '{"place": "Oslo"}', tool_call_id="call_1"),
)


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count pages that are built, in a process that has kept nothing."""
    caches["bubbles"].clear()
    built: list[int] = []
    build = thread.bubbles_of

    def count(*arguments: Any) -> Any:
        built.append(1)
        return build(*arguments)

    monkeypatch.setattr(thread, "bubbles_of", count)
    yield built
    caches["bubbles"].clear()


def keep(stored: Store, text: str = "It is in **Oslo**.", **fields: Any) -> None:
    choice = make_choice(text)
    stored(make_completion("chatcmpl-one", *MESSAGES, choices=[choice], **fields), replace=True)


def opened(reader: Client, address: str = ONE, **headers: str) -> str:
    answer = reader.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def thread_in(page: str) -> str:
    return page[page.index("<reading-place") : page.index("</reading-place")]


def test_it_is_built_once_and_looks_the_same(reader: Client, stored: Store, built: list[int]) -> None:
    keep(stored)
    first, second = (thread_in(opened(reader)) for _ in range(2))
    assert first == second
    assert "<strong>Oslo</strong>" in first
    assert built == [1]


def test_its_messages_are_compressed_once(reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(stored)
    compressed: list[bytes] = []
    monkeypatch.setattr(compression, "_LEAST", 1)
    monkeypatch.setattr(thread, "deflate", lambda html: compressed.append(deflate(html)) or compressed[-1])
    packed = {"accept-encoding": "gzip"}
    for _ in range(2):
        answer = reader.get(ONE, headers=packed)
        assert compressed[0] in answer.content
        assert thread_in(gzip.decompress(answer.content).decode()) == thread_in(opened(reader))
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert len(compressed) == 1


def test_what_is_said_of_a_message_is_in_the_compressed_page_too(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_LEAST", 1)
    keep(stored)
    opened(reader)
    assert reader.post(f"{ONE}messages/chatcmpl-one-0/note/", {"text": "Ask the carrier"}).status_code in (200, 302)
    answer = reader.get(ONE, headers={"accept-encoding": "gzip"})
    assert "Ask the carrier" in gzip.decompress(answer.content).decode()


def test_whatever_it_depends_on_makes_it_anew(reader: Client, stored: Store, built: list[int]) -> None:
    keep(stored)
    opened(reader)
    ways: list[Callable[[], object]] = [
        lambda: opened(reader, f"{ONE}?order=desc"),
        lambda: opened(reader, f"{ONE}messages/chatcmpl-one-0/"),
        lambda: opened(reader, **{"accept-language": "de"}),
        lambda: keep(stored, "It is in **Bergen**."),
        lambda: reader.cookies.load({"timezone": "Asia/Tokyo"}),
        lambda: reader.cookies.load({"texts": "source"}),
        lambda: reader.cookies.load({"audience": "customer"}),
    ]
    for number, change in enumerate(ways, start=2):
        change()
        opened(reader)
        opened(reader)
        assert len(built) == number
    assert not has(opened(reader), "[data-part=tool-call]")


def test_a_message_that_was_replaced_is_shown_as_it_is_now(reader: Client, stored: Store) -> None:
    keep(stored)
    assert "Oslo" in thread_in(opened(reader))
    keep(stored, "It is in Bergen.")
    assert "It is in Bergen." in thread_in(opened(reader))
    assert "Oslo</strong>" not in thread_in(opened(reader))


def test_what_a_page_had_no_time_to_format_is_formatted_the_next_time(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(stored)
    with monkeypatch.context() as busy:
        busy.setattr(limits.TimeBudget, "is_spent", True)
        assert has(opened(reader), "[data-unformatted]")
    assert not has(opened(reader), "[data-unformatted]")


def test_notes_below_a_message_are_those_of_now_and_of_this_conversation(
    reader: Client, stored: Store, alice: User
) -> None:
    keep(stored)
    opened(reader)
    note = Note.objects.create(completion_id="chatcmpl-one", place="chatcmpl-one-0", author=alice, text="Call her back")
    assert "Call her back" in thread_in(opened(reader))
    note.delete()
    assert "Call her back" not in thread_in(opened(reader))


def test_who_may_not_read_it_any_more_does_not(reader: Client, stored: Store) -> None:
    keep(stored)
    opened(reader)
    other = User.objects.create_user("bob", password="bob reads 1")
    StoredCompletion.objects.update(owner=other)
    assert reader.get(ONE).status_code == 404


def test_nothing_of_it_is_left_when_it_is_erased(
    reader: Client, stored: Store, built: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "purge", lambda: True)  # not within the transaction of a test
    keep(stored)
    opened(reader)
    erase(["chatcmpl-one"], "alice")
    assert reader.get(ONE).status_code == 404
    stored(make_completion("chatcmpl-two", say("user", "Hello")))
    opened(reader, "/completions/chatcmpl-two/")
    [(kept, _)] = thread._threads._kept.values()
    assert [one.id for one in kept.messages] == ["chatcmpl-two-0"]


def test_a_result_in_a_card_leaves_its_place(reader: Client, stored: Store) -> None:
    keep(stored)
    page = opened(reader)
    assert has(page, 'article.message--in-card[data-message-id="chatcmpl-one-2"][data-role="tool"]')
    assert visible(page).count("Oslo") == 2  # in the card, and in the answer


def test_a_row_of_a_list_is_drawn_once_but_for_what_differs_between_readers(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(stored)
    first = opened(reader, "/completions/")
    monkeypatch.setattr(row_html, "_draw_said", lambda *_: "drawn again")
    assert visible(opened(reader, "/completions/")) == visible(first)
    assert has(first, ".row--new")
    SeenCompletion.objects.create(person=User.objects.get(), completion_id="chatcmpl-one")
    label = Label.objects.create(name="refund", key="refund", colour="red")
    CompletionLabel.objects.create(completion_id="chatcmpl-one", label=label)
    Label.objects.update(name="parcel")
    page = opened(reader, "/completions/")
    assert not has(page, ".row--new")
    assert "parcel" in visible(page)
    assert "drawn again" not in page
    assert "drawn again" in opened(reader, "/completions/", **{"accept-language": "de"})
    keep(stored, "It is in Bergen.")
    assert "drawn again" in opened(reader, "/completions/")


def test_a_row_above_hits_is_drawn_once_whichever_they_are(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(stored)
    assert has(opened(reader, "/search/?q=parcel"), ".found .row__time")
    monkeypatch.setattr(row_html, "_draw_said", lambda *_: "drawn again")
    assert "drawn again" not in opened(reader, "/search/?q=Oslo")
    assert "drawn again" in opened(reader, "/search/?q=seen:no")  # without hits, with its answer
