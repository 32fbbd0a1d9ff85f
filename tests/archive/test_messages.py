"""Messages are packed, and come out of their packs as they would of rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.conftest import make_completion, make_long, say
from tests.said import said_in, say_instead
from viewer.archive import messages, moving
from viewer.archive.api import completion_of, respond
from viewer.archive.erased import erase_stored
from viewer.archive.messages import ArchivedMessages, holders_of, messages_at
from viewer.archive.models import MessagePack, OwnMessageId, StoredCompletion, StoredMessage
from viewer.archive.packing import pack, unpack
from viewer.archive.search import index as search_index

Store = Callable[..., Any]
pytestmark = pytest.mark.django_db


def make_row(completion_id: str) -> StoredCompletion:
    return StoredCompletion.objects.create(completion_id=completion_id, created=1, body="{}", digest="d")


def page(completion_id: str, **asked: Any) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer: dict[str, Any] = json.loads(respond(f"/chat/completions/{completion_id}/messages", query).body)
    return answer


# Ids that could be those of other places, and of another conversation
IDS = some.lists(some.sampled_from(["", "own", "c-0", "c-1", "c-2", "c-01", "c-9", "d-0", "c--1", "-0"]), max_size=12)


def with_ids(ids: Iterable[str], texts: Iterable[str]) -> list[tuple[str, str]]:
    """Give messages of `c`, each with its own id where no other has it yet, or else the id of its place."""
    made = dict[str, str]()
    for position, (own_id, text) in enumerate(zip(ids, texts, strict=False)):
        message_id = own_id if own_id and own_id not in made else f"c-{position}"
        while message_id in made:
            message_id += "x"
        made[message_id] = json.dumps(text, ensure_ascii=False)
    return list(made.items())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(ids=IDS, texts=some.lists(some.text(max_size=30), min_size=12, max_size=12), most=some.integers(1, 90))
def test_every_page_is_that_of_rows(
    monkeypatch: pytest.MonkeyPatch, ids: list[str], texts: list[str], most: int
) -> None:
    monkeypatch.setattr(messages, "_MAX_CHARACTERS", most)
    completion = StoredCompletion.objects.filter(completion_id="c").first() or make_row("c")
    said = with_ids(ids, texts)
    say_instead(completion, said)
    assert said_in() == said
    kept = ArchivedMessages("c", None)
    assert list(kept.all_beyond()) == said
    for descending in (False, True):
        ordered = said[::-1] if descending else said
        assert list(kept.page(None, descending=descending, limit=3)) == ordered[:3]
        for at, (message_id, _) in enumerate(ordered):
            assert list(kept.page(message_id, descending=descending, limit=3)) == ordered[at + 1 : at + 4]
    for position, (message_id, body) in enumerate(said):
        assert list(kept.all_beyond(message_id)) == said[position + 1 :]
        assert (kept.position_of(message_id), kept.id_at(position)) == (position, message_id)
        assert holders_of(message_id, None) == [(completion.pk, position)]
        assert messages_at([(completion.pk, position)]) == {(completion.pk, position): (message_id, body)}
    for unknown in {"own", "c-0", "c-1", "c-9", "c-01", f"c-{len(said)}", "", "c"} - {one for one, _ in said}:
        assert not kept.has(unknown)
        assert list(kept.page(unknown, descending=False, limit=3)) == list(kept.all_beyond(unknown or "?")) == []
        assert holders_of(unknown, None) == []
    assert messages_at([(completion.pk, len(said))]) == {}
    assert kept.id_at(len(said)) is None


def test_ids_with_the_same_digest_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "digest_of", lambda message_id: 7)
    one, other = make_row("one"), make_row("other")
    say_instead(one, [("a", "1")])
    say_instead(other, [("b", "2")])
    assert (completion_of("a", None), completion_of("b", None), completion_of("c", None)) == ("one", "other", None)
    assert not ArchivedMessages("one", None).has("b")


def test_a_long_conversation_is_read_from_one_pack_or_two(stored: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(make_long("c", 3_000))
    assert MessagePack.objects.count() > 4
    assert not OwnMessageId.objects.exists()
    unpacked: list[int] = []
    real = messages._unpacked
    monkeypatch.setattr(messages, "_unpacked", lambda *given: unpacked.append(given[1]) or real(*given))  # type: ignore[func-returns-value]
    for asked in (
        {},
        {"order": "desc"},
        {"after": "c-1500"},
        {"after": "c-1500", "order": "desc"},
        {"after": "c-2979"},
    ):
        unpacked.clear()
        assert len(page("c", limit=20, **asked)["data"]) == 20
        assert len(unpacked) <= 2, asked


def test_what_others_saved_is_not_found_by_the_ids_of_its_messages(stored: Store, alice: User, bob: User) -> None:
    stored(make_completion("c", say("user", "x", id="own"), say("user", "y")))
    StoredCompletion.objects.update(owner=alice)
    for message_id in ("own", "c-1"):
        assert completion_of(message_id, alice.pk) == "c"
        assert completion_of(message_id, bob.pk) is completion_of(message_id, None) is None


def test_a_message_that_is_too_large_is_not_unpacked(stored: Store) -> None:
    stored(make_completion("c", say("user", "x", id="small"), say("user", "y" * 400_000, id="own")))
    (row,) = StoredCompletion.objects.values_list("pk", flat=True)
    read = messages_at([(row, 0), (row, 1)], 1_000)
    assert {message_id: bool(body) for message_id, body in read.values()} == {"small": True, "own": False}


# What earlier versions stored


def as_rows() -> list[tuple[str, str]]:
    """Store all messages as earlier versions did; give them."""
    said = said_in()
    for completion in StoredCompletion.objects.all():
        rows = enumerate(messages.messages_of(completion))
        StoredMessage.objects.bulk_create(
            StoredMessage(completion=completion, position=position, message_id=message_id, body=body)
            for position, (message_id, body) in rows
        )
    for table in (MessagePack, OwnMessageId):
        table.objects.all().delete()
    return said


@pytest.fixture
def earlier(stored: Store) -> list[tuple[str, str]]:
    stored(
        *(make_long(f"c-{n}", 7) for n in range(30)),
        make_completion("own", say("user", "aardvark", id="mine"), say("user", "x", id="c-7")),
    )
    return as_rows()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("batch", [1, 50, 5_000])
def test_rows_are_packed_by_the_next_start(
    earlier: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(moving, "_MESSAGES", batch)
    call_command("migrate", verbosity=0)
    assert said_in() == earlier
    assert not StoredMessage.objects.exists()
    assert [one["id"] for one in page("own")["data"]] == ["mine", "c-7"]
    assert search_index.unindexed().count() == 31
    call_command("migrate", verbosity=0)
    assert said_in() == earlier


def test_what_threads_pack_at_once_is_not_mixed() -> None:
    texts = [f"{n}, " * 20_000 for n in range(40)]
    with ThreadPoolExecutor(8) as threads:
        assert [unpack(packed) for packed in threads.map(pack, texts)] == texts


@pytest.mark.django_db(transaction=True)
def test_packing_goes_on_where_it_was_broken_off(
    earlier: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "_MESSAGES", 20)
    for _ in range(3):
        done = moving._moved()
        next(done)
        done.close()
    assert 0 < StoredMessage.objects.count() < len(earlier)
    assert 0 < MessagePack.objects.count() < 31
    moving.move_messages()
    assert said_in() == earlier


def test_what_is_not_packed_yet_is_erased_too(earlier: list[tuple[str, str]]) -> None:
    erase_stored(["own"], "ann")
    assert not StoredMessage.objects.filter(message_id__in=["mine", "c-7"]).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one machine")
def test_a_machine_that_knows_no_packs_can_delete_a_conversation(stored: Store) -> None:
    stored(make_completion("c", say("user", "x", id="own")))
    with connection.cursor() as cursor:
        for table in (
            "archive_storedmetadata",
            "archive_storedsummary",
            "archive_searchdocument",
            "archive_storedcompletion",
        ):
            cursor.execute(f"DELETE FROM {table}")
    assert not MessagePack.objects.exists()
    assert not OwnMessageId.objects.exists()
