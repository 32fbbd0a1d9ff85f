"""A page of the list is that of the API, with what is known of each conversation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User

from tests.conftest import make_completion, save, say
from viewer.archive import listing
from viewer.archive.api import respond
from viewer.archive.labels import Marks, set_marks
from viewer.archive.listing import Place, known_of, read_list, summary_of
from viewer.archive.models import Label, StoredCompletion
from viewer.archive.seen import mark_seen
from viewer.archive.summaries import summaries_of
from viewer.client.client import PAGE_SIZE, ROWS_BEFORE
from viewer.sources.archive_client import archive_client

Store = Callable[..., Any]
SECONDS = (*[5] * 4, 7, 7, 8, *[9] * 6, 12, 13, *[14] * 20)  # an import gives many the same


@pytest.fixture
def listed(stored: Store, alice: User, bob: User) -> list[str]:
    """The ids that bob sees: those of the team, his own, and one that both have, at different times."""
    for number, second in enumerate(SECONDS):
        one = make_completion(f"c-{number}", say("user", f"question {number}"), created=second)
        if number % 4 == 3:
            save(bob, one)
        else:
            stored(one)
        save(alice, make_completion(f"hers-{number}", say("user", "A secret"), created=second))
    save(bob, make_completion("c-4", say("user", "as he saw it"), created=11))
    return [f"c-{number}" for number in range(len(SECONDS))]


def ids_of_api(reader: int, **query: Any) -> tuple[list[str], bool]:
    page = json.loads(respond("/chat/completions", urlencode(query), reader).body)
    return [one["id"] for one in page["data"]], page["has_more"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 4, 20])
def test_pages_are_those_of_the_api_from_everywhere(listed: list[str], bob: User, order: str, limit: int) -> None:
    for after in (None, *listed):
        cursor = {"after": after} if after else {}
        page = read_list(Place(limit, order == "desc", after or "", is_counted=True), bob.pk)
        assert ([one.id for one in page.rows], page.has_more) == ids_of_api(bob.pk, order=order, limit=limit, **cursor)
        assert {page.total} <= {len(listed) + 1, 0}
        assert bool(page.rows) == bool(page.total)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_page_around_a_conversation_is_that_of_the_client(listed: list[str], bob: User, order: Any) -> None:
    StoredCompletion.objects.filter(owner=bob, completion_id="c-4").delete()  # the API goes on from an id, not a row
    for one in listed:
        window = archive_client(bob.pk).completions_around(one, order=order)
        page = read_list(Place(ROWS_BEFORE + PAGE_SIZE, order == "desc", around=one, before=ROWS_BEFORE), bob.pk)
        assert [row.id for row in page.rows] == [item.id for item in window.items]
        assert (page.has_earlier, page.has_more) == (window.has_earlier, window.has_later)


def test_nothing_is_listed_from_a_conversation_that_the_reader_does_not_see(listed: list[str], bob: User) -> None:
    for one in ("hers-3", "nowhere", "\x00", "c-3' --"):
        assert read_list(Place(20, after=one), bob.pk).rows == ()
        assert read_list(Place(20, around=one, before=3), bob.pk).rows == ()


def test_a_row_has_its_summary_and_what_is_known_for_the_reader_alone(
    listed: list[str], alice: User, bob: User
) -> None:
    labels = [Label.objects.create(name=name, key=name.lower(), colour="red") for name in ("Ü", "Billing", "Art")]
    set_marks("c-2", Marks(tuple(labels), "open", alice))
    set_marks("c-3", Marks((labels[1],)))
    mark_seen(bob.pk, ["c-2", "c-5"])
    mark_seen(alice.pk, ["c-6"])
    rows = {row.id: row for row in read_list(Place(50), bob.pk).rows if row.id != "c-4"}
    assert {one: summary_of(row.described) for one, row in rows.items()} == summaries_of(rows, bob.pk)
    assert {one for one, row in rows.items() if row.known.is_seen} == {"c-2", "c-5"}
    assert {one for one, row in rows.items() if row.known.marks} == {"c-2", "c-3"}
    marks = rows["c-2"].known.marks
    assert marks == Marks(tuple(sorted(labels, key=lambda label: label.key)), "open", alice)
    assert known_of(rows, bob.pk) == {one: row.known for one, row in rows.items()}


def test_a_page_ends_where_it_would_be_too_large(listed: list[str], bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_PAGE", 700)
    page = read_list(Place(20), bob.pk)
    assert 1 <= len(page.rows) < 5
    assert page.has_more
