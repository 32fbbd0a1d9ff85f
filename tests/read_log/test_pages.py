"""The pages of the read log: for administrators with filters and as CSV, for each person, and beside a conversation."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from tests.conftest import make_completion, say
from tests.pages import attributes, has, texts, visible
from viewer.accounts.roles import ADMINISTRATOR
from viewer.read_log import querying
from viewer.read_log.models import Reading
from viewer.read_log.querying import Cursor, Filters, every_row, read_page, readers_of, readings_of_share

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def read(name: str = "alice", at: datetime = NOON, **values: Any) -> Reading:
    row = {"action": "conversation", "completion_id": "chatcmpl-one", "source": "archive", **values}
    return Reading.objects.create(at=at, name=name, **row)


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    root = User.objects.create_user("root", password="root reads 1")
    root.groups.add(Group.objects.get_or_create(name=ADMINISTRATOR)[0])
    client.force_login(root)
    return client


def shown(page: str) -> list[int]:
    return [int(pk) for pk in attributes(page, "data-reading")]


def test_administrators_see_every_row_and_the_newest_first(admin: Client) -> None:
    rows = [read(at=NOON + timedelta(seconds=n)) for n in (3, 1, 2, 1)]
    page = admin.get("/read-log/").text
    assert shown(page) == [rows[n].pk for n in (0, 2, 3, 1)]
    assert Reading.objects.order_by("-pk")[0].action == "read log"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("person=bob", {"bobs"}), ("person=gone", {"gone"}), ("conversation=chatcmpl-two", {"two"}),
        ("action=print", {"print"}), ("source=key", {"key"}), ("share=7", {"share"}),
        ("since=2026-03-11", {"later"}), ("until=2026-03-09", {"before"}),
        ("since=2026-03-10&until=2026-03-10&action=print&person=alice", {"print"}),
        ("action=print&source=key", set()),
    ],
)  # fmt: skip
def test_the_log_is_filtered(admin: Client, bob: User, alice: User, asked: str, found: set[str]) -> None:
    rows = {
        "bobs": read("bob", person=bob.pk),
        "gone": read("gone", person=999_999),
        "two": read(completion_id="chatcmpl-two"),
        "print": read(action="print", person=alice.pk),
        "key": read(source="key", source_name="work, api.example"),
        "share": read("", share=7, source="share"),
        "later": read(at=NOON + timedelta(hours=12)),
        "before": read(at=NOON - timedelta(hours=12, microseconds=1)),
    }
    seen = shown(admin.get(f"/read-log/?{asked}").text)
    assert {name for name, row in rows.items() if row.pk in seen} == found


def test_days_are_those_of_the_reader(admin: Client) -> None:
    row = read(at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    admin.cookies["timezone"] = "Europe/Berlin"
    assert shown(admin.get("/read-log/?since=2026-03-10&until=2026-03-10").text) == [row.pk]
    assert shown(admin.get("/read-log/?until=2026-03-09").text) == []


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_the_calendar_are_days_too(admin: Client, zone: str) -> None:
    row = read()
    admin.cookies["timezone"] = zone
    assert row.pk in shown(admin.get("/read-log/?since=0001-01-01&until=9999-12-31").text)


@pytest.mark.parametrize("asked", ["since=yesterday", "share=x", "action=nothing"])
def test_a_filter_with_a_mistake_says_so_and_is_no_download(admin: Client, asked: str) -> None:
    for address in ("/read-log/", "/read-log/csv/"):
        answer = admin.get(f"{address}?{asked}")
        assert answer.status_code == 422
        assert has(answer.text, ".field-error")


def test_pages_follow_each_other_without_a_gap(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also among rows of the same moment, with a filter and without, however few of the rows match it."""
    monkeypatch.setattr(querying, "_WINDOW", 4)
    for n in range(23):
        read(at=NOON + timedelta(seconds=n // 5), action="print" if n % 6 == 0 else "json", source="archive")
    for values in ({}, {"action": "json"}, {"source": "archive"}, {"action": "print", "source": "archive"}):
        everything = Reading.objects.filter(**values).order_by("-at", "-id")
        found, page = [], read_page(Filters(values), size=2)
        found += page.rows
        while page.next:
            assert len(page.rows) == 2 or page.searched_to
            assert Cursor.read(str(page.next)) == page.next
            page = read_page(Filters(values), page.next, size=2)
            found += page.rows
        assert found == [*everything], values
        assert [*every_row(Filters(values))] == [*everything]


def test_a_page_that_searched_only_a_part_says_so_and_goes_on(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(querying, "_WINDOW", 3)
    old = read(action="print", source="key")
    for _ in range(4):
        read(at=NOON + timedelta(seconds=1), action="print")
    page = admin.get("/read-log/?action=print&source=key").text
    assert shown(page) == []
    assert "The log was searched back to" in visible(page)
    page = admin.get(f"/read-log/{attributes(page, 'href', 'a[rel=next]')[0]}").text
    assert shown(page) == [old.pk]


@pytest.mark.parametrize(
    "cursor", ["x", "2026-03-10T12:00:00_1", "_", "2026-03-10T12:00:00+00:00_x", "0001-01-01T00:00:00+14:00_1"]
)
def test_a_cursor_that_is_none_shows_the_newest(admin: Client, cursor: str) -> None:
    assert shown(admin.get("/read-log/", {"before": cursor}).text) == []
    row = read()
    assert row.pk in shown(admin.get("/read-log/", {"before": cursor}).text)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        *((cell, f"'{cell}") for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "＝1", "＠A1")),
        ("\t=1", "'\t'=1"), ("\r=1", "'\r'=1"), ("\n=1", "'\n'=1"),
        ("a;=1", "a;'=1"), ("a,+1", "a,'+1"), ("a\n@A1", "a\n'@A1"),
        *((cell, cell) for cell in ('"=1', "a,b", "a-b=c", 'say "hi"', "ä")),
    ],
)  # fmt: skip
def test_the_csv_is_what_is_shown_and_runs_nothing(admin: Client, cell: str, safe: str) -> None:
    row = read(name=cell, completion_id=cell, person=5, share=7, address="192.0.2.7")
    answer = admin.get("/read-log/csv/?share=7")
    assert answer.streaming
    assert "attachment" in answer["Content-Disposition"]
    content = b"".join(answer).decode()
    assert content.startswith("\ufefftime,person,name,")
    assert content.endswith("\r\n")
    [line] = csv.DictReader(io.StringIO(content.removeprefix("\ufeff"), newline=""))
    assert (line["name"], line["conversation"]) == (safe, safe)
    assert (line["time"], line["person"], line["share"]) == ("2026-03-10T12:00:00.000Z", "5", "7")
    assert (line["channel"], line["address"]) == ("page", row.address)
    assert line["action"] == "conversation"


def test_the_csv_has_all_rows_and_is_written_as_it_is_read(admin: Client) -> None:
    Reading.objects.bulk_create(Reading(at=NOON, action="json", name="alice") for _ in range(1_203))
    answer = admin.get("/read-log/csv/?action=json")
    assert b"".join(answer).count(b"\r\n") == 1_204


def test_people_see_their_own_rows_and_nobody_elses(reader: Client, alice: User, bob: User) -> None:
    mine = [read(person=alice.pk), read(person=alice.pk, action="api", token="reports")]
    read("bob", person=bob.pk)
    read("alice", person=bob.pk)  # of somebody who had this name
    page = reader.get("/read-log/mine/?person=bob").text
    assert shown(page) == [row.pk for row in reversed(mine)]
    assert "with the access token “reports”" in visible(page)
    assert not has(page, 'a[href="/read-log/"]')
    assert reader.get("/read-log/").status_code == 403


def test_of_a_share_people_see_that_they_read_it_and_not_the_id_that_it_redacts(reader: Client, alice: User) -> None:
    of_share = read(person=alice.pk, share=7, completion_id="anna@example.com")
    own = read(person=alice.pk, completion_id="chatcmpl-own")
    page = reader.get("/read-log/mine/").text
    assert shown(page) == [own.pk, of_share.pk]
    assert "chatcmpl-own" in page
    assert "Share 7" in page
    assert "anna@example.com" not in page


def test_beside_a_conversation_stands_who_read_it(reader: Client, bob: User, stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", "Hello")))
    assert not has(reader.get("/completions/chatcmpl-one/").text, "[data-read-by]")
    for minutes, action in ((50, "conversation"), (40, "transcript"), (40, "part"), (30, "messages")):
        read("bob", person=bob.pk, action=action, at=timezone.now() - timedelta(minutes=minutes, seconds=1))
    read("", share=3, source="share", action="share", at=timezone.now() - timedelta(hours=5))
    read("carol", completion_id="chatcmpl-two")
    read("dave", action="erase")  # of an earlier import
    page = reader.get("/completions/chatcmpl-one/").text
    assert texts(page, "[data-read-by] dt") == ["alice", "bob", "With a share link"]
    assert [" ".join(each.split()) for each in texts(page, "[data-read-by] dd")] == [
        "just now", "30 minutes ago (2 times)", "5 hours ago",
    ]  # fmt: skip


def test_who_read_a_conversation_costs_the_same_however_often_it_was_read(
    db: None, django_assert_num_queries: Any
) -> None:
    Reading.objects.bulk_create(
        Reading(at=NOON, action="conversation", name=f"p{n % 3}", completion_id="chatcmpl-one") for n in range(900)
    )
    with django_assert_num_queries(1):
        assert sum(reader.times for reader in readers_of("chatcmpl-one")) == 500


def test_a_share_knows_its_readings(db: None) -> None:
    rows = [read("", share=7, at=NOON), read("bob", share=7, at=NOON + timedelta(hours=1))]
    read("bob", share=8)
    assert [*readings_of_share(7)] == rows[::-1]


def test_what_a_row_holds_is_shown_as_text(admin: Client) -> None:
    read("<b>eve</b>\u202e", completion_id="a/b", detail="<i>", token="<u>", source="key", source_name="<s>")
    answer = admin.get("/read-log/")
    assert answer.status_code == 200
    assert not has(answer.text, "td b, td i:not(.icon), td u, td s")
