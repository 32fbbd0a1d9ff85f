"""Saving one conversation for oneself: whole, as received, again, resumed, handed over, and when it is gone."""

from __future__ import annotations

import json
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tests.conftest import make_key
from tests.pages import attributes, has, visible
from tests.said import said_in, say_instead
from tests.upstream import COMPLETIONS, HEX, LIVE, MESSAGES, Upstream
from viewer.accounts.roles import CURATOR, READER, give_role
from viewer.archive.erased import erase_stored, erased_among
from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion
from viewer.erasure import erasing
from viewer.keys.models import AccessToken, ApiKey
from viewer.sharing.models import Share
from viewer.sync import saving
from viewer.sync.models import Copy, SavedPage, Saving

ONE = LIVE[11]


@pytest.fixture
def key(alice: User, upstream: Upstream) -> ApiKey:
    key = make_key(alice, base_url=upstream.base())
    ApiKey.objects.choose(alice, key)
    return key


def save(reader: Client, key: ApiKey, completion_id: str = ONE, **fields: Any) -> str:
    """Press the button, and go on until it is saved; return what the page says then."""
    for _ in range(9):
        answer = reader.post(f"/completions/{completion_id}/save/", {"key": key.pk, **fields})
        if answer["Location"] != f"/completions/{completion_id}/save/":
            break
    return visible(reader.get(answer["Location"]).content.decode())


def archived(person: User, path: str) -> Any:
    token = AccessToken.objects.issue(person, "tests")[1]
    answer = Client().get(f"/v1/chat/completions/{path}", headers={"Authorization": f"Bearer {token}"})
    return answer.json() if answer.status_code == 200 else answer.status_code


def test_it_is_stored_as_received_and_for_oneself_alone(reader: Client, key: ApiKey, alice: User, bob: User) -> None:
    assert has(reader.get(f"/completions/{ONE}/").content.decode(), f'button[data-save][value="{key.pk}"]')
    assert "Saved to the archive as received from work, with 12 messages. Only you can see it" in save(reader, key)
    assert archived(alice, ONE) == json.loads(json.dumps(COMPLETIONS[ONE]))
    assert archived(alice, f"{ONE}/messages?limit=100")["data"] == [
        json.loads(json.dumps(message)) | {"refusal": None} for message in MESSAGES[ONE]
    ]
    assert archived(bob, ONE) == 404
    copied = Copy.objects.get(completion__owner=alice)
    assert (copied.api_key, copied.host) == (key, f"127.0.0.1:{key.base_url.split(':')[2].split('/')[0]}")
    assert "Saved by you from 127.0.0.1" in visible(reader.get(f"/completions/{ONE}/").content.decode())


def test_what_was_erased_here_is_neither_saved_nor_shared(reader: Client, key: ApiKey, alice: User) -> None:
    reader.get(f"/completions/{ONE}/")
    erase_stored([ONE], "alice")
    assert "This conversation was erased here" in save(reader, key)
    answer = reader.post(f"/completions/{ONE}/share/")
    assert (answer.status_code, "This conversation was erased here" in visible(answer.text)) == (422, True)
    assert not StoredCompletion.objects.exists()
    assert not Saving.objects.exists()
    assert not Share.objects.exists()


@pytest.mark.parametrize("at", ["fetch_completion", "read_line"])  # before its pages are read, and after
def test_what_is_erased_while_it_is_saved_is_not_stored(
    reader: Client, key: ApiKey, alice: User, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    step = getattr(saving, at)

    def erase_meanwhile(*arguments: Any) -> Any:
        erasing.erase([ONE], "bob")
        return step(*arguments)

    monkeypatch.setattr(erasing, "purge", lambda: True)
    monkeypatch.setattr(saving, at, erase_meanwhile)
    assert "This conversation was erased here" in save(reader, key)
    assert not StoredCompletion.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_message_stays_of_what_is_erased_when_saving_begins(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    def erase_beside() -> None:
        try:
            erasing.erase([ONE], "bob")
        finally:
            connection.close()

    beside = Thread(target=erase_beside)

    def erase_meanwhile(completion_ids: Any) -> set[str]:
        erased = erased_among(completion_ids)
        if beside.ident is None:
            beside.start()
            beside.join(0.5)
        return erased

    monkeypatch.setattr(erasing, "purge", lambda: True)
    monkeypatch.setattr(saving, "erased_among", erase_meanwhile)
    with suppress(saving.ErasedHere):
        saving.save_step(key, ONE)
    beside.join()
    for table in (Saving, SavedPage, StoredCompletion):
        assert not table.objects.exists()


def test_a_long_one_goes_on_where_it_stopped(
    reader: Client, key: ApiKey, upstream: Upstream, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_SECONDS", -1.0)
    first = reader.post(f"/completions/{HEX}/save/", {"key": key.pk})
    shown = reader.get(first["Location"]).content.decode()
    assert "100 messages have been received and are kept." in visible(shown)
    assert attributes(shown, "hx-trigger") == ["load"]  # with JavaScript it goes on by itself
    assert not StoredCompletion.objects.exists()
    fragment = reader.post(f"/completions/{HEX}/save/", {"key": key.pk}, headers={"HX-Request": "true"})
    assert "200 messages have been received" in visible(fragment.content.decode())
    assert "with 300 messages" in save(reader, key, HEX)
    ids = [one["id"] for after in ("", f"&after={MESSAGES[HEX][99]['id']}", f"&after={MESSAGES[HEX][199]['id']}")
           for one in archived(alice, f"{HEX}/messages?limit=100{after}")["data"]]  # fmt: skip
    assert ids == [message["id"] for message in MESSAGES[HEX]]
    assert not Saving.objects.exists()
    assert not SavedPage.objects.exists()


def test_saving_again_says_what_has_changed(reader: Client, key: ApiKey, alice: User) -> None:
    save(reader, key)
    assert "Nothing has changed at work since this was saved." in save(reader, key)
    stored = StoredCompletion.objects.get(owner=alice)
    body = json.loads(stored.body)
    body["metadata"] = {"team": "old team", "gone": "x"}
    body["choices"] = []
    StoredCompletion.objects.filter(pk=stored.pk).update(body=json.dumps(body))
    (first_id, _), *others = said_in(owner=alice)
    say_instead(stored, [(first_id, '{"role": "user", "content": "before"}'), *others[:-1]])
    said = save(reader, key)
    for change in (
        "team: old team became",
        "gone is gone; it was x",
        "1 new message; 1 message differs; another answer",
    ):
        assert change in said
    assert len(said_in(owner=alice)) == 12


def test_what_the_team_has_is_not_stored_twice(reader: Client, key: ApiKey, alice: User) -> None:
    save(reader, key)
    own = StoredCompletion.objects.get(owner=alice)
    line = own.body[:-1] + ',"messages":[' + ",".join(body for _, body in said_in(owner=alice)) + "]}"
    own.delete()
    list(import_lines([line.encode()]))
    assert "The archive of the team has exactly this conversation" in save(reader, key)
    assert StoredCompletion.objects.get().owner is None


def test_what_is_deleted_at_its_source_stays_and_says_so(
    reader: Client, key: ApiKey, upstream: Upstream, alice: User
) -> None:
    save(reader, key)
    StoredCompletion.objects.update(completion_id="chatcmpl-since-deleted")
    assert "Deleted at the source" not in visible(reader.get("/completions/chatcmpl-another/").content.decode())
    page = visible(reader.get("/completions/chatcmpl-since-deleted/").content.decode())
    assert "Message 11" in page
    assert "Deleted at the source, noticed on" in page
    answer = reader.post("/completions/chatcmpl-since-deleted/save/", {"key": key.pk})
    assert answer.status_code == 404
    assert not Saving.objects.exists()


def test_a_curator_hands_it_to_the_team_and_replaces_what_the_team_had(
    reader: Client, key: ApiKey, alice: User, bob: User
) -> None:
    give_role(alice, READER)
    save(reader, key)
    save(reader, key, HEX)
    assert reader.get(f"/completions/{ONE}/hand-over/").status_code == 403
    assert reader.post(f"/completions/{ONE}/hand-over/").status_code == 403
    give_role(alice, CURATOR)
    shown = reader.get(f"/completions/{ONE}/").content.decode()
    assert has(shown, f'a[href="/completions/{ONE}/hand-over/"]') == (ONE in shown and "Saved by you" in shown)
    own = StoredCompletion.objects.get(owner=alice, completion_id=ONE)
    StoredCompletion.objects.create(
        completion_id=ONE, created=own.created, model="old", body=json.dumps({"id": ONE, "model": "old"}), digest="x"
    )
    asked = visible(reader.get(f"/completions/{ONE}/hand-over/").content.decode())
    assert "12 new messages" in asked
    assert "Everyone who can sign in here will be able to read" in asked
    assert reader.post(f"/completions/{ONE}/hand-over/").status_code == 302
    assert archived(bob, f"{ONE}/messages?limit=1")["data"][0]["id"] == f"{ONE}-0"
    assert archived(bob, HEX) == 404
    assert reader.post(f"/completions/{ONE}/hand-over/").status_code == 404


def test_whoever_hands_it_over_twice_at_once_loses_nothing(reader: Client, key: ApiKey, alice: User, bob: User) -> None:
    save(reader, key)
    twice = [saving.own_of(alice, ONE) for _ in range(2)]
    for own in twice:
        assert own is not None
        saving.hand_to_team(own)
    assert archived(bob, f"{ONE}/messages?limit=1")["data"][0]["id"] == f"{ONE}-0"


def test_nobody_saves_with_the_key_of_another(client: Client, key: ApiKey, bob: User) -> None:
    client.force_login(bob)
    for given in (str(key.pk), "", "nonsense"):
        assert client.post(f"/completions/{ONE}/save/", {"key": given}).status_code == 404
    assert not Saving.objects.exists()
