from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from tests.conftest import make_choice, make_completion, make_key, save, say
from tests.pages import completion_ids, element, elements, has, link, problems, texts, visible
from tests.upstream import Upstream
from viewer.accounts.roles import ROLES, Role, give_role
from viewer.archive.identity_keys import identity_keys
from viewer.archive.labels import Marks, set_marks
from viewer.archive.models import Label
from viewer.archive.seen import mark_seen
from viewer.client.client import Client as ApiClient
from viewer.client.problems import Problem
from viewer.conversations.models import SavedView
from viewer.sources import archive_client

Store = Callable[..., Any]


def opened(reader: Client, address: str) -> str:
    answer = reader.get(address, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_rows_say_what_was_asked_what_was_answered_and_by_whom(reader: Client, stored: Store) -> None:
    stored(
        make_completion(
            "c-1", say("system", "Be brief"), say("user", "\n\nWhere is it?\nSoon?"), metadata={"ticket": "T-9"}
        ),
        make_completion("c-2", say("user", "Tell me"), choices=[make_choice(None, refusal="I cannot.")]),
        make_completion("c-3", choices=[], usage=None),
    )
    page = opened(reader, "/completions/")
    titles = elements(page, 'a.row__title[dir="auto"]')
    assert [(title.attributes["href"], visible(title)) for title in titles] == [
        ("/completions/c-3/", "Not yet seen: c-3"),
        ("/completions/c-2/", "Not yet seen: Tell me"),
        ("/completions/c-1/", "Not yet seen: Where is it? Soon?"),
    ]
    text = visible(page)
    assert "Assistant You are welcome." in text
    assert "Refused I cannot." in text
    assert "ticket: T-9" in text
    assert [visible(row) for row in elements(page, ".row__contents")] == [
        "0 0 messages",
        "1 1 message Refusals: 1",
        "2 2 messages",
    ]


def test_a_row_shows_the_words_of_markdown_without_its_marks(reader: Client, stored: Store) -> None:
    answer = (
        "# Sent\n\n**Two** `cups`, [*today*](https://x.example/a)\n\n| a | b |\n|---|---|\n| 1 | <b>2</b> &amp; 3 |"
    )
    stored(
        make_completion("c-1", say("user", "Where?"), choices=[make_choice(answer)]),
        make_completion("c-2", say("user", "Who?"), choices=[make_choice("![ ](https://x.example/only.png)")]),
        make_completion("c-3", choices=[make_choice("**Only** an answer")]),
    )
    page = opened(reader, "/completions/")
    assert "Assistant Sent Two cups, today a b 1 <b>2</b> & 3 " in visible(page)
    assert "Assistant ![ ](https://x.example/only.png) " in visible(page)
    assert "Only an answer c-3" in visible(page)  # once


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_following_next_page_lists_everything_once_in_order(reader: Client, stored: Store, order: str) -> None:
    stored(*(make_completion(f"c-{n}", created=1_762_000_000 + n // 3) for n in range(65)))
    seen: list[str] = []
    address: str | None = f"/completions/?order={order}"
    while address:
        page = opened(reader, address)
        seen += completion_ids(page)
        address = link(page, "later")
    expected = [f"c-{n}" for n in range(65)]
    assert seen == (expected if order == "asc" else expected[::-1])


def test_a_filter_is_part_of_the_url_and_of_every_link(reader: Client, stored: Store) -> None:
    for n in range(50):
        stored(
            make_completion(
                f"c-{n}", model="a" if n % 2 else "b", metadata={"k [x]": "v & w"} if n % 5 else {}, created=n
            )
        )
    answer = reader.get("/completions/", {"model": "a", "key": "k [x]", "value": "v & w"})
    assert answer["Location"] == "/completions/?model=a&metadata%5Bk+%5Bx%5D%5D=v+%26+w"  # as in the API
    page = opened(reader, answer["Location"])
    assert completion_ids(page) == [f"c-{n}" for n in reversed(range(50)) if n % 2 and n % 5]
    assert "model%3Aa" in element(page, ".rail").attributes["hx-get"]
    assert has(page, 'a[aria-label="Remove filter k [x] v & w"]')
    without = element(page, 'a[aria-label="Remove filter Model a"]')
    assert parse_qs(urlsplit(without.attributes["href"] or "").query) == {"q": ['meta."k [x]":"v & w"']}


def test_an_empty_archive_says_what_to_do(reader: Client, db: None) -> None:
    assert has(opened(reader, "/completions/"), '.empty a[href="/import/"]')


def test_a_filter_that_matches_nothing_offers_the_way_out(reader: Client, stored: Store) -> None:
    stored(make_completion("c-1"))
    page = opened(reader, "/completions/?model=nothing")
    assert "No results" in page
    assert "Clear filters" in texts(page, 'main a[href="/completions/"]')


def test_an_unknown_cursor_is_explained_and_not_a_failure(reader: Client, stored: Store) -> None:
    answer = reader.get("/completions/?after=gone")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert problems(page) == ["bad-request"]
    assert "The conversation to continue from may have been deleted." in page
    assert "Open the list from its start" in page
    assert "Open the conversation from its start" not in page


def fail_with(problem: Problem) -> Callable[..., Any]:
    def fail(*asked: Any, **more: Any) -> Any:
        raise problem

    return fail


def test_a_list_that_is_refused_from_its_start_blames_no_cursor(
    reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApiClient, "completions", fail_with(Problem("bad-request", "unknown", status=400)))
    page = reader.get('/completions/?metadata["]=x').content.decode()
    assert "Remove a filter" in page
    assert "may have been deleted" not in page


def test_only_a_fragment_says_that_what_is_on_the_page_stays(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiClient, "completions", fail_with(Problem("unavailable")))
    for headers, stays in (({}, False), ({"HX-Request": "true"}, True)):
        page = reader.get("/completions/?after=x", headers=headers).content.decode()
        told = visible(element(page, '[data-problem="unavailable"]'))
        assert ("You can go on reading this page." in told) is stays
        assert "Try again in a moment." in told


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        ("chatcmpl-one", "/completions/chatcmpl-one/"),
        ("  chatcmpl-one\n", "/completions/chatcmpl-one/"),
        ("chatcmpl-one-0", "/completions/chatcmpl-one/messages/chatcmpl-one-0/"),
        ("msg_x", "/completions/chatcmpl-two-7/messages/msg_x/"),
        ("chatcmpl-two-7", "/completions/chatcmpl-two-7/"),
        ("chatcmpl-elsewhere-3", "/completions/chatcmpl-elsewhere/messages/chatcmpl-elsewhere-3/"),
        ("https://lectern.example/completions/chatcmpl-one/", "/completions/chatcmpl-one/"),
        (
            "https://x.example/completions/chatcmpl-one/messages/chatcmpl-one-0/?a=b#c",
            "/completions/chatcmpl-one/messages/chatcmpl-one-0/",
        ),
        ("/completions/chatcmpl-one", "/completions/chatcmpl-one/"),
        ("https://evil.example/elsewhere", "/completions/"),
        ("//evil.example", "/completions/"),
        ("", "/completions/"),
    ],
)
def test_the_box_leads_to_what_was_pasted_and_never_off_this_site(
    reader: Client, stored: Store, given: str, leads_to: str
) -> None:
    stored(
        make_completion("chatcmpl-one", say("user", "x")),
        make_completion("chatcmpl-two-7", say("user", "x", id="msg_x")),
    )
    assert reader.get("/completions/open/", {"id": given})["Location"] == leads_to


def test_the_box_says_when_it_does_not_understand(reader: Client, db: None) -> None:
    assert "is not a valid id. Paste the id" in opened(reader, "/completions/open/?id=https://evil.example/elsewhere")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("count", [3, 90])
def test_a_list_and_the_list_beside_cost_six_queries_at_most_whoever_reads_and_whatever_they_hold(
    client: Client, bob: User, stored: Store, django_assert_max_num_queries: Any, count: int, role: Role
) -> None:
    give_role(bob, role)
    make_key(bob)
    rows = [make_completion(f"c-{n}", say("system", "Hi"), say("user", f"q {n}")) for n in range(count)]
    stored(*rows[::2])
    label = Label.objects.create(name="Billing", key="billing", colour="red")
    for row in rows:
        if rows.index(row) % 2:
            save(bob, row)
        set_marks(row["id"], Marks((label,), "open", bob))
    SavedView.objects.create(owner=bob, name="Theirs", query="q=open", is_shared=True)
    identity_keys()  # are guessed once a minute
    client.force_login(bob)
    for address in ("/completions/", f"/completions/?after=c-{count - 2}", f"/completions/c-{count // 2}/beside/"):
        for headers in ({}, {"HX-Request": "true"}):
            with django_assert_max_num_queries(6):  # one of them is the row of the read log
                answer = client.get(address, headers=headers)
            if answer.status_code == 302:  # a page of its own is the list
                continue
            page = answer.content.decode()
            titles = {title.removeprefix("Not yet seen: ") for title in texts(page, "a.row__title")}
            assert all(title.startswith("q ") for title in titles)
            assert "Billing" in texts(page, ".row .label")


def test_a_list_of_a_server_costs_six_queries_at_most(
    reader: Client, alice: User, upstream: Upstream, django_assert_max_num_queries: Any
) -> None:
    key = make_key(alice, base_url=upstream.base(), is_chosen=True)
    set_marks("chatcmpl-live", Marks((), "open", alice))
    identity_keys()  # are guessed once a minute
    with django_assert_max_num_queries(6):
        assert reader.get("/completions/").status_code == 200
    with django_assert_max_num_queries(6):
        reader.get("/completions/?after=x", headers={"HX-Request": "true", "X-Page-Source": str(key.pk)})


def test_a_list_says_that_the_archive_does_not_answer(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("gone")

    stored(make_completion("c-1", say("user", "Hello")))
    monkeypatch.setattr(archive_client, "read_list", fail)
    assert problems(reader.get("/completions/").content.decode()) == ["unavailable"]


@pytest.mark.parametrize("address", ["/completions/", "/completions/c-1/beside/"])
def test_a_row_is_drawn_anew_when_what_it_shows_or_who_reads_it_changes(
    reader: Client, alice: User, stored: Store, address: str
) -> None:
    def row(language: str = "en", zone: str = "UTC") -> str:
        reader.cookies.load({"language": language, "timezone": zone})
        page = reader.get(address, headers={"HX-Request": "true"}).content.decode()
        return str(element(page, '[data-completion-id="c-1"]').html)

    one = make_completion("c-1", say("user", "Where is it?"), metadata={"ticket": "T-1"})
    stored(one)
    label = Label.objects.create(name="Billing", key="billing", colour="red")
    drawn = [row(), row("de"), row(zone="Pacific/Auckland")]
    stored(one | {"metadata": {"ticket": "T-2"}}, replace=True)
    drawn.append(row())
    stored(one | {"choices": [make_choice("Here.")]}, replace=True)
    drawn.append(row())
    set_marks("c-1", Marks((label,), "open"))
    drawn.append(row())
    Label.objects.update(name="Refunds")
    drawn.append(row())
    mark_seen(alice.pk, ["c-1"])
    drawn.append(row())
    assert len({*drawn}) == len(drawn)
