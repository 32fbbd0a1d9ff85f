"""What a person saved is theirs: for everybody else, nothing that they can see changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import IntegrityError
from django.test import Client

from tests.conftest import make_completion, save, say
from tests.said import said_in
from viewer.archive.models import SeenCompletion, StoredCompletion, StoredSummary
from viewer.keys.models import AccessToken
from viewer.sources.reader import openable_among

Store = Callable[..., Any]
SECRET = make_completion(
    "chatcmpl-hers", say("user", "My zeppelin has a puncture"), say("assistant", "Return the zeppelin"),
    metadata={"customer": "Zora", "ticket": "TK-9"}, model="gpt-hers",
)  # fmt: skip
OF_TEAM = (
    make_completion("chatcmpl-a", say("user", "Zeppelins are fine"), metadata={"customer": "Zora", "ticket": "TK-8"}),
    make_completion("chatcmpl-b", say("user", "Where is my parcel?"), metadata={"customer": "Yannik"}),
)
# What could show it: lists, searches of every kind, counts, proposals, values, neighbours, parts.
PAGES = (
    "/completions/", "/completions/?order=oldest", "/completions/?model=gpt-hers", "/completions/?after=chatcmpl-hers",
    "/completions/?metadata[ticket]=TK-9", "/search/?q=zeppelin", "/search/?q=%22zeppelin+has%22", "/search/?q=punkture",
    "/search/?q=puncture", "/search/?q=same:+zeppelin+puncture", "/search/?q=model:gpt-hers", "/search/?q=id:chatcmpl-hers",
    "/search/?q=id:chatcmpl-hers-0", "/search/?q=seen:no", "/search/?q=seen:no&around=chatcmpl-hers", "/search/?q=TK-9",
    "/search/?q=chatcmpl-hers-0", "/palette/?text=zora", "/palette/?text=zepp", "/palette/?text=TK-9", "/filters/",
    "/filters/?text=TK-9", "/filters/?text=gpt-h", "/views/", "/customers/Zora/", "/go?ticket=TK-9", "/go?customer=Zora",
    "/completions/chatcmpl-a/", "/completions/chatcmpl-a/next/?q=zeppelin", "/completions/chatcmpl-b/previous/",
    "/completions/chatcmpl-hers/", "/completions/chatcmpl-hers/raw/", "/completions/chatcmpl-hers/transcript/?format=text",
    "/completions/chatcmpl-hers/messages/chatcmpl-hers-0/raw/", "/completions/chatcmpl-hers/find/?q=zeppelin",
    "/completions/chatcmpl-hers/go/?to=0", "/completions/chatcmpl-hers/go/?to=tool",
    "/completions/open/?id=chatcmpl-hers-0", "/unseen/?q=zeppelin",
)  # fmt: skip
API = (
    "", "?model=gpt-hers", "?metadata[customer]=Zora", "?after=chatcmpl-hers", "/chatcmpl-hers", "/chatcmpl-hers/messages",
)  # fmt: skip

_VOLATILE = re.compile(
    r'(?<=name="csrfmiddlewaretoken" value=")[^"]*|<section data-read-by>.*?</section>\s*', re.DOTALL
)


def seen_by(person: User) -> dict[str, str]:
    """Everything that could show something, without what differs between two requests."""
    caches["guesses"].clear()
    browser, found = Client(), {}
    browser.force_login(person)
    for page in PAGES:
        answer = browser.get(page)
        found[page] = f"{answer.status_code} {answer.get('Location', '')} {b''.join(answer).decode()}"
    token = AccessToken.objects.issue(person, "tests")[1]
    for path in API:
        answer = Client().get(f"/v1/chat/completions{path}", headers={"Authorization": f"Bearer {token}"})
        found[path] = f"{answer.status_code} {answer.content.decode()}"
    AccessToken.objects.filter(owner=person).delete()
    SeenCompletion.objects.filter(person=person).delete()
    return {name: _VOLATILE.sub("", text) for name, text in found.items()}


def test_what_one_saves_changes_nothing_for_another(stored: Store, alice: User, bob: User) -> None:
    stored(*OF_TEAM)
    before = seen_by(bob)
    save(alice, SECRET)
    after = seen_by(bob)
    assert [name for name in before if before[name] != after[name]] == []


def test_the_owner_finds_and_reads_it_like_everything_else(stored: Store, alice: User) -> None:
    stored(*OF_TEAM)
    save(alice, SECRET)
    hers = seen_by(alice)
    for page in (
        "/search/?q=puncture",
        "/completions/",
        "/customers/Zora/",
        "/search/?q=model:gpt-hers",
        "/go?ticket=TK-9",
    ):
        assert "chatcmpl-hers" in hers[page], page
    assert hers["/completions/chatcmpl-hers/"].startswith("200")
    assert [one["id"] for one in json.loads(hers[""].partition(" ")[2])["data"]] == [
        "chatcmpl-hers", "chatcmpl-b", "chatcmpl-a",
    ]  # fmt: skip


def test_each_has_their_own_and_the_team_its_own_of_one_completion(stored: Store, alice: User, bob: User) -> None:
    stored(SECRET)
    save(alice, {**SECRET, "model": "as Alice saw it"})
    save(bob, {**SECRET, "model": "as Bob saw it"})
    models = {
        reader: StoredCompletion.objects.named("chatcmpl-hers", reader).get().model
        for reader in (alice.pk, bob.pk, None)
    }
    assert models == {alice.pk: "as Alice saw it", bob.pk: "as Bob saw it", None: "gpt-hers"}
    with pytest.raises(IntegrityError):
        StoredCompletion.objects.create(completion_id="chatcmpl-hers", created=1, owner=alice)


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_of_one_item_come_to_an_end_where_two_have_the_same_id(
    alices_token: str, alice: User, stored: Store, order: str
) -> None:
    """The cursor is an id alone, so both are behind it."""
    stored(*OF_TEAM, SECRET)
    save(alice, SECRET)
    after, ids = "", []
    while len(ids) < 9:
        page = Client().get(
            "/v1/chat/completions", {"limit": "1", "order": order, **({"after": after} if after else {})},
            headers={"Authorization": f"Bearer {alices_token}"},
        ).json()  # fmt: skip
        ids += [one["id"] for one in page["data"]]
        if not page["has_more"] or not page["data"]:
            break
        after = page["last_id"]
    assert sorted({*ids}) == ["chatcmpl-a", "chatcmpl-b", "chatcmpl-hers"]
    assert len(ids) == 3


def test_saving_again_replaces_what_was_saved_and_nothing_else(stored: Store, alice: User, bob: User) -> None:
    stored(SECRET)
    for owner in (alice, bob, alice):
        save(owner, SECRET)
    assert StoredCompletion.objects.count() == StoredSummary.objects.count() == 3
    assert len(said_in()) == 6


def test_a_new_owner_leaves_it_in_the_index(alice: User, bob: User) -> None:
    """A trigger deletes entries when a completion changes, but not when it is handed on."""
    save(alice, SECRET)
    StoredCompletion.objects.update(owner=None)
    assert "chatcmpl-hers" in seen_by(bob)["/search/?q=puncture"]


def test_only_its_owner_can_open_it_for_certain(alice: User, bob: User) -> None:
    save(alice, SECRET)
    assert openable_among(alice, ["chatcmpl-hers"]) == {"chatcmpl-hers"}
    assert openable_among(bob, ["chatcmpl-hers"]) == set()
