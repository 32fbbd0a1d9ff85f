"""Who can open a share, how long and how often, and what one and the same answer hides."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.conftest import make_completion, make_key, make_long, say
from tests.pages import attributes, element, has, message_ids, visible
from tests.upstream import LONG, Upstream
from viewer.accounts.models import Session
from viewer.accounts.sessions import SessionStore
from viewer.erasure.erasing import erase
from viewer.keys.models import ApiKey
from viewer.read_log.querying import readings_of_share
from viewer.sharing.models import Share, Snapshot, SnapshotMessage, delete_old_snapshots
from viewer.sharing.snapshots import draft
from viewer.web.logs import JsonLines

FORM = "/completions/chatcmpl-one/share/"
ROBOT = {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    caches["attempts"].clear()
    yield
    caches["attempts"].clear()


@pytest.fixture
def conversation(stored: Callable[..., Any]) -> str:
    stored(
        make_completion(
            "chatcmpl-one",
            say("system", "You are the desk of the shop."),
            say("user", "Where is my parcel?"),
            say("assistant", "On its way."),
            say("user", "Thanks"),
        )
    )
    return "chatcmpl-one"


def make(browser: Client, address: str = FORM, **fields: Any) -> Share:
    answer = browser.post(address, fields)
    assert answer.status_code == 302, visible(element(answer.text, "#main"))
    share = Share.objects.latest("pk")
    assert answer["Location"] == f"/shares/{share.pk}/"
    return share


def address_of(share: Share) -> str:
    return f"/s/{share.token}/"


def signed_in(person: User) -> Client:
    browser = Client()
    browser.force_login(person)
    return browser


def test_a_share_is_made_opened_and_revoked(reader: Client, bob: User, conversation: str) -> None:
    share = make(reader, note="Look at #2")
    page = reader.get(f"/shares/{share.pk}/").text
    [address] = attributes(page, "data-share-url")
    assert address == f"http://testserver{address_of(share)}"
    assert has(page, "[data-share-url][autofocus]")  # to copy it is what comes next
    assert not has(reader.get(f"/shares/{share.pk}/").text, "[autofocus]")
    bobs = signed_in(bob)
    shared = bobs.get(address_of(share))
    assert message_ids(shared.text)[:4] == [f"chatcmpl-one-{n}" for n in range(4)]
    said = visible(shared.text)
    assert "This is a snapshot , shared by alice" in said
    assert "Look at #2" in said
    assert "Where is my parcel?" in said
    assert reader.post(f"/shares/{share.pk}/revoke/").status_code == 302
    for path in ("", "messages/chatcmpl-one-1/", "messages/chatcmpl-one-1/raw/", "raw/", "transcript/?format=json"):
        assert bobs.get(address_of(share) + path).status_code == 404, path
    assert not Snapshot.objects.exists()
    assert not SnapshotMessage.objects.exists()


def test_every_way_of_not_being_let_in_gets_the_same_answer(
    reader: Client, alice: User, bob: User, mallory: User, conversation: str, settings: Any
) -> None:
    settings.PUBLIC_SHARING = True
    expired, revoked, used_up, of_nobody, for_bob, public = (
        make(reader, **fields)
        for fields in ({}, {}, {"openings": "1"}, {}, {"person": "bob"}, {"audience": "link", "looked": "1"})
    )
    Share.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    reader.post(f"/shares/{revoked.pk}/revoke/")
    assert signed_in(bob).get(address_of(used_up)).status_code == 200
    carol = User.objects.create_user("carol")
    Share.objects.filter(pk=of_nobody.pk).update(owner=carol)
    User.objects.filter(pk=carol.pk).update(is_active=False)
    settings.PUBLIC_SHARING = False
    altered = address_of(for_bob)[:-3] + "xx/"
    inside = address_of(make(reader)) + "messages/chatcmpl-two-1/"
    browser = signed_in(mallory)
    closed = [expired, revoked, used_up, of_nobody, for_bob, public]
    answers = [browser.get(one) for one in (*map(address_of, closed), altered, "/s/unheard-of/", inside)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({str(sorted((n, v) for n, v in answer.items() if n != "X-Request-Id")) for answer in answers}) == 1


def test_a_stranger_is_asked_to_sign_in_and_comes_back_to_the_share(
    reader: Client, bob: User, conversation: str
) -> None:
    share = make(reader)
    stranger = Client()
    entrance = stranger.get(address_of(share))
    assert entrance["Location"] == f"/login/?next={address_of(share)}"
    credentials = {"login": "bob", "password": "bob reads 1", "next": address_of(share)}
    assert stranger.post("/login/", credentials)["Location"] == address_of(share)
    assert stranger.get(address_of(share)).status_code == 200


def test_whoever_must_have_a_second_factor_needs_it_for_shares_too(
    reader: Client, bob: User, conversation: str, settings: Any
) -> None:
    share = make(reader)
    settings.SECOND_FACTOR = "everyone"
    bobs = signed_in(bob)
    answer = bobs.get(address_of(share))
    assert answer["Location"] == reverse("mfa_index")
    assert "parcel" not in answer.text
    stored = DatabaseStore.decode(SessionStore(), Session.objects.get(user=bob).session_data)  # without decrypting
    assert share.token not in str(stored)
    totp.TOTP.activate(bob, totp.generate_totp_secret())
    assert address_of(share) in attributes(bobs.get(reverse("mfa_index")).text, "href", "main .notice a")


def test_only_those_who_are_named_can_open_it_and_find_it(
    reader: Client, bob: User, mallory: User, conversation: str
) -> None:
    share = make(reader, person="@bob", note="please")
    assert share.audience == "people"
    assert signed_in(mallory).get(address_of(share)).status_code == 404
    assert address_of(share) not in signed_in(mallory).get("/shares/with-me/").text
    listed = signed_in(bob).get("/shares/with-me/").text
    assert f"http://testserver{address_of(share)}" in attributes(listed, "href")
    assert signed_in(bob).get(address_of(share)).status_code == 200


def test_whoever_is_named_is_told_until_they_have_opened_it(
    reader: Client, bob: User, mallory: User, conversation: str
) -> None:
    first, second = (make(reader, person="bob mallory", note=note) for note in ("Look at #2", "And this"))
    bobs = signed_in(bob)
    page = bobs.get("/for-you/").text
    assert attributes(page, "data-unread") == ["2"]
    assert "For you: 2 unread" in attributes(page, "aria-label")
    assert attributes(page, "href", "[data-shared] a") == [address_of(second), address_of(first)]
    assert "Look at #2" in visible(page)
    assert bobs.get(address_of(first)).status_code == 200
    page = bobs.get("/for-you/").text
    assert attributes(page, "data-shared") == [str(second.pk)]
    bobs.post("/for-you/read/")
    assert attributes(bobs.get("/for-you/").text, "data-unread") == ["0"]
    assert bobs.get(address_of(second)).status_code == 200
    reader.post(f"/shares/{first.pk}/revoke/")
    assert attributes(signed_in(mallory).get("/for-you/").text, "data-shared") == [str(second.pk)]
    assert attributes(reader.get("/for-you/").text, "data-unread") == ["0"]


def test_a_share_is_read_once_a_page_of_it_was_shown_whoever_else_can_open_it(
    reader: Client, bob: User, conversation: str, settings: Any
) -> None:
    settings.PUBLIC_SHARING = True
    share = make(reader, person="bob", audience="link", looked="1")
    bobs = signed_in(bob)
    bobs.head(address_of(share))
    assert attributes(bobs.get("/for-you/").text, "data-unread") == ["1"]
    bobs.get(address_of(share))
    assert attributes(bobs.get("/for-you/").text, "data-unread") == ["0"]


def test_colleagues_are_named_in_any_capitals_unless_two_differ_in_them(reader: Client, conversation: str) -> None:
    for name in ("Anna", "anna", "Ömer"):
        User.objects.create_user(name)
    for written, meant in {"Anna": "Anna", "@anna": "anna", "Ömer": "Ömer", "ömer": "Ömer"}.items():
        assert make(reader, person=written).people_names == meant


def test_only_where_it_is_allowed_does_a_link_open_without_signing_in(
    reader: Client, conversation: str, settings: Any
) -> None:
    assert reader.post(FORM, {"audience": "link", "looked": "1"}).status_code == 422
    settings.PUBLIC_SHARING = True
    share = make(reader, audience="link", looked="1")
    assert Client().get(address_of(share)).status_code == 200
    assert "Where is my parcel" not in Client().get(address_of(share), headers=ROBOT).text
    used_up = make(reader, audience="link", looked="1", openings="1")
    assert [Client().get(address_of(used_up), headers=who).status_code for who in (ROBOT, {}, {}, ROBOT)] == [
        200, 200, 404, 404,
    ]  # fmt: skip
    settings.PUBLIC_SHARING = False
    assert Client().get(address_of(share)).status_code == 404


def test_an_opening_is_a_page_that_a_browser_did_not_see_before(reader: Client, bob: User, conversation: str) -> None:
    share = make(reader, openings="1")
    part_of_it = f"{address_of(share)}messages/chatcmpl-one-1/raw/"
    bobs = signed_in(bob)
    reader.get(address_of(share))
    assert bobs.head(address_of(share)).status_code == 200
    assert bobs.get(part_of_it).status_code == 404  # nothing of it comes before it was opened
    assert bobs.get(address_of(share)).status_code == 200
    for again in (address_of(share), part_of_it, f"{address_of(share)}messages/chatcmpl-one-1/"):
        assert bobs.get(again).status_code == 200
    share.refresh_from_db()
    assert share.openings == 1
    for other in (address_of(share), part_of_it):
        assert signed_in(bob).get(other).status_code == 404
        assert signed_in(bob).head(other).status_code == 404


def test_openings_at_once_do_not_exceed_their_number(reader: Client, conversation: str) -> None:
    share = make(reader, openings="1")
    same = Share.objects.get(pk=share.pk)
    assert [share.count_opening(), same.count_opening()] == [True, False]


def test_who_guesses_has_to_wait_and_nobody_else(reader: Client, conversation: str, settings: Any) -> None:
    settings.PUBLIC_SHARING = True
    share = make(reader, audience="link", looked="1")
    reads = Client()
    assert reads.get(address_of(share)).status_code == 200
    answers = [Client().get(f"/s/guess-{n}/").status_code for n in range(51)]
    assert answers == [404] * 50 + [429]
    assert Client().get(address_of(share)).status_code == 429
    assert reads.get(address_of(share)).status_code == 200  # this browser has opened it
    assert reader.get(address_of(share)).status_code == 200


def test_nothing_of_a_share_is_kept_indexed_or_told_to_others(reader: Client, bob: User, conversation: str) -> None:
    share = make(reader)
    bobs = signed_in(bob)
    for path in ("", "messages/chatcmpl-one-1/raw/", "messages/chatcmpl-one-1/parts/0/", "transcript/", "nowhere/"):
        answer = bobs.get(address_of(share) + path)
        if path != "nowhere/":
            assert answer["Cache-Control"] == "no-store", path
            assert answer["Referrer-Policy"] == "no-referrer", path
            assert answer["X-Robots-Tag"] == "noindex, nofollow", path


def test_a_stolen_database_holds_no_usable_link(reader: Client, alice: User, bob: User, conversation: str) -> None:
    share, other = make(reader), make(reader)
    stored = str(list(Share.objects.values()))
    assert share.token not in stored
    assert len(share.token) == 43  # 256 bits
    Share.objects.filter(pk=other.pk).update(sealed_token=share.sealed_token)
    assert Share.objects.get(pk=other.pk).token == ""  # copied into another row
    Share.objects.filter(pk=share.pk).update(owner=bob)
    assert Share.objects.get(pk=share.pk).token == ""


def test_a_share_that_waits_for_the_second_factor_is_no_link_in_the_database(
    reader: Client, bob: User, conversation: str
) -> None:
    share = make(reader)
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(bob, secret)
    browser = Client()
    form = {"login": "bob", "password": "bob reads 1", "next": address_of(share)}
    assert browser.post("/login/", form)["Location"].startswith("/login/code/")
    [session] = Session.objects.filter(user=None)
    stored = DatabaseStore.decode(SessionStore(), session.session_data)  # without decrypting
    assert "account_login" in stored
    assert share.token not in str(stored)
    code = totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))
    assert browser.post("/login/code/", {"code": code})["Location"] == address_of(share)


def test_shares_of_others_are_not_there(reader: Client, mallory: User, conversation: str) -> None:
    share = make(reader)
    browser = signed_in(mallory)
    for path in ("", "change/", "revoke/"):
        assert browser.get(f"/shares/{share.pk}/{path}").status_code == 404
        assert browser.post(f"/shares/{share.pk}/{path}").status_code in (404, 405)
    assert not has(browser.get("/shares/").text, "[data-share-id]")
    assert browser.get("/shares/all/").status_code == 404


def test_no_list_of_shares_loads_what_they_hold(reader: Client, bob: User, conversation: str) -> None:
    make(reader, person="bob")
    pages = [(reader, "/shares/"), (signed_in(bob), "/shares/with-me/"), (signed_in(bob), "/for-you/")]
    for browser, page in pages:
        with CaptureQueriesContext(connection) as queries:
            assert "Where is my parcel?" in visible(browser.get(page).text)
        sent = " ".join(one["sql"] for one in queries)
        assert '"sharing_snapshot"."title"' in sent
        assert not {'"sharing_snapshot"."body"', '"sharing_snapshot"."notes"'} & {*sent.replace(",", "").split()}, page


def test_an_administrator_sees_and_revokes_all_without_their_addresses(reader: Client, conversation: str) -> None:
    share = make(reader)
    root = signed_in(User.objects.create_superuser("root"))
    listed = root.get("/shares/all/").text
    assert attributes(listed, "data-share-id") == [str(share.pk)]
    for page in (listed, root.get(f"/shares/{share.pk}/").text):
        assert share.token not in page
    assert root.post(f"/shares/{share.pk}/revoke/").status_code == 302
    share.refresh_from_db()
    assert share.revoked_at is not None


def test_changing_a_share_keeps_its_address_and_by_default_its_snapshot(
    reader: Client, bob: User, conversation: str, stored: Callable[..., Any]
) -> None:
    share = make(reader)
    taken = share.snapshot.taken_at
    stored(make_completion("chatcmpl-one", say("user", "Something new")), replace=True)
    assert "Something new" not in reader.get(address_of(share)).text
    change = f"/shares/{share.pk}/change/"
    assert reader.post(change, {"step": "save", "note": "new words", "expires": "keep"}).status_code == 302
    assert Snapshot.objects.get().taken_at == taken
    assert "new words" in reader.get(address_of(share)).text
    assert reader.post(change, {"step": "renew", "expires": "7"}).status_code == 302
    assert "Something new" in reader.get(address_of(share)).text
    assert Share.objects.get().token == share.token
    assert reader.post(change, {"view": "customer"}).status_code == 302  # another view needs another snapshot
    assert Snapshot.objects.get().is_for_customer


def test_a_conversation_says_that_it_is_shared(reader: Client, bob: User, conversation: str) -> None:
    page = "/completions/chatcmpl-one/"
    assert not has(reader.get(page).text, "[data-shared]")
    make(reader)
    assert has(reader.get(page).text, "[data-shared]")
    assert not has(signed_in(bob).get(page).text, "[data-shared]")


def test_shared_pages_lead_nowhere_but_into_the_share(reader: Client, bob: User, stored: Callable[..., Any]) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "look", "arguments": '{"a": "%s"}' % ("x" * 30_000)},
    }
    image = {"type": "image_url", "image_url": {"url": "https://cdn.example/a.png"}}
    stored(
        make_completion(
            "chatcmpl-one",
            say("user", [{"type": "text", "text": "See"}, image]),
            say("assistant", None, tool_calls=[call]),
            say("tool", "y" * 200_000, tool_call_id="call_1"),
            *(say("user", f"more {n}") for n in range(30)),
            metadata={"customer_id": "cus_1"},
        )
    )
    share = make(reader)
    bobs = signed_in(bob)
    page = bobs.get(address_of(share)).text
    own = [one for one in attributes(page, "href") + attributes(page, "src") if one.startswith("/")]
    elsewhere = {one for one in own if not one.startswith((address_of(share), "/static/"))}
    assert elsewhere == {"/shares/with-me/"}
    assert not has(page, "form, load-image, [data-find], input")
    for one in attributes(page, "hx-get") + [one for one in own if one.startswith("/s/")]:
        assert bobs.get(one).status_code == 200, one
    told = bobs.get(f"{address_of(share)}transcript/?format=markdown").getvalue().decode()
    assert "/completions/" not in told
    assert f"http://testserver{address_of(share)}messages/chatcmpl-one-0/" in told
    assert "Snapshot:** taken" in told


def test_a_shared_page_costs_no_more_than_that_of_the_conversation(
    reader: Client, bob: User, stored: Callable[..., Any], django_assert_max_num_queries: Any
) -> None:
    stored(make_long("chatcmpl-one", 60))
    share = make(reader, opens="start")
    bobs = signed_in(bob)
    for browser in (reader, bobs):  # what is made once for each process is made
        browser.get("/completions/chatcmpl-one/")
        browser.get(address_of(share))
    with CaptureQueriesContext(connection) as of_conversation:
        whole = reader.get("/completions/chatcmpl-one/")
    with django_assert_max_num_queries(len(of_conversation)):
        shared = bobs.get(address_of(share))
    assert len(message_ids(shared.text)) == len(message_ids(whole.text)) == 20
    assert len(shared.content) < len(whole.content)


def test_whoever_reads_a_share_reads_nothing_live(reader: Client, alice: User, bob: User, upstream: Upstream) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ok")))
    form = f"/completions/{LONG}/share/"
    share = make(reader, form, first=f"{LONG}-50", last=f"{LONG}-50")
    upstream.forget()
    page = signed_in(bob).get(address_of(share)).text
    assert f"{LONG}-50" in message_ids(page)
    assert upstream.asked() == []
    assert signed_in(bob).get(f"/completions/{LONG}/").status_code == 404
    assert share.snapshot.source == upstream.host


def test_a_link_to_a_message_opens_what_was_shared_of_it_by_name(
    reader: Client, alice: User, bob: User, mallory: User, upstream: Upstream
) -> None:
    ApiKey.objects.choose(alice, make_key(alice, base_url=upstream.base("ok")))
    place = f"{LONG}-50"
    share = make(reader, f"/completions/{LONG}/share/", first=place, last=place, person="bob")
    link = f"/completions/{LONG}/messages/{place}/"
    bobs = signed_in(bob)
    assert bobs.get(link)["Location"] == f"{address_of(share)}messages/{place}/"
    assert bobs.get(f"/completions/{LONG}/messages/{LONG}-9/")["Location"] == address_of(share)
    assert signed_in(mallory).get(link).status_code == 404
    reader.post(f"/shares/{share.pk}/revoke/")
    assert bobs.get(link).status_code == 404


def test_a_share_that_was_revoked_meanwhile_is_not_opened_again_by_a_change(
    reader: Client, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = make(reader)

    def revoked_meanwhile(*args: Any) -> Any:
        share.revoke()
        return draft(*args)

    monkeypatch.setattr("viewer.sharing.views.making.draft", revoked_meanwhile)
    assert reader.post(f"/shares/{share.pk}/change/", {"step": "renew"}).status_code == 404
    assert not Snapshot.objects.exists()


def test_an_edit_of_the_audience_keeps_what_was_chosen_meanwhile(
    reader: Client, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = make(reader)
    change = f"/shares/{share.pk}/change/"

    def renewed_meanwhile(completion_ids: list[str]) -> set[str]:
        monkeypatch.undo()
        assert reader.post(change, {"step": "renew", "words": "parcel"}).status_code == 302
        return set()

    monkeypatch.setattr("viewer.sharing.views.making.erased_among", renewed_meanwhile)
    assert reader.post(change, {"expires": "keep"}).status_code == 302
    share.refresh_from_db()
    assert share.choices.words == ["parcel"]


def test_snapshots_are_deleted_a_month_after_their_shares_expired(reader: Client, conversation: str) -> None:
    kept, old = make(reader), make(reader)
    for share, days in ((kept, 29), (old, 31)):
        Share.objects.filter(pk=share.pk).update(expires_at=timezone.now() - timedelta(days=days))
    delete_old_snapshots()
    assert [one.share for one in Snapshot.objects.all()] == [kept]


def test_the_cache_of_rendered_messages_has_no_token(
    reader: Client, bob: User, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached: list[str] = []
    monkeypatch.setattr(caches["bubbles"], "set", lambda key, html, timeout: cached.append(html))
    monkeypatch.setattr(caches["bubbles"], "get", lambda key: cached[0] if cached else None)
    share = make(reader)
    bobs = signed_in(bob)
    page = bobs.get(address_of(share)).text
    assert page.count(f"{address_of(share)}messages/chatcmpl-one-0/") > 1
    assert cached
    assert share.token not in "".join(cached)
    again = bobs.get(address_of(share)).text
    assert f"{address_of(share)}messages/chatcmpl-one-0/" in again
    assert "<secret>" not in again


def test_the_log_has_no_token(reader: Client, bob: User, conversation: str, capsys: Any, caplog: Any) -> None:
    share = make(reader)
    with caplog.at_level("INFO"):
        signed_in(bob).get(address_of(share))
        Client().get(address_of(share), follow=True)
        Client().get(f"/s/{share.token[:-1]}/")
    said = [JsonLines().format(record) for record in caplog.records]
    assert len(said) > 3
    assert all(share.token[:-1] not in line for line in said)


def test_master_keys_can_be_replaced(reader: Client, conversation: str, settings: Any) -> None:
    share = make(reader, words="secret plan")
    address = address_of(share)
    old, new = settings.KEY_ENCRYPTION_KEYS, [base64.b64encode(b"n" * 32).decode()]
    settings.KEY_ENCRYPTION_KEYS = [*new, *old]
    call_command("rotate_encryption_keys")
    settings.KEY_ENCRYPTION_KEYS = new
    again = Share.objects.get()
    assert address_of(again) == address
    assert again.choices.words == ["secret plan"]
    settings.KEY_ENCRYPTION_KEYS = [base64.b64encode(b"o" * 32).decode()]
    assert again.token == ""
    assert set(again.choices.redact) > {"email", "name"}  # nothing is shared unredacted because of it
    assert reader.get(address).status_code == 200
    assert "master key" in visible(reader.get(f"/shares/{share.pk}/").text)


def test_what_readers_of_a_share_see_is_recorded_and_shown_to_its_owner(
    reader: Client, bob: User, mallory: User, conversation: str
) -> None:
    share = make(reader, person="bob")
    bobs, home = signed_in(bob), address_of(share)
    signed_in(mallory).get(home)
    for path in ("", "messages/chatcmpl-one-1/raw/", "transcript/?format=text"):
        bobs.get(home + path)
    rows = readings_of_share(share.pk).values_list("name", "action", "source", "completion_id")
    assert [*rows] == [("bob", action, "share", "chatcmpl-one") for action in ("transcript", "json", "share")]
    shown = visible(element(reader.get(f"/shares/{share.pk}/").text, "[data-readings]"))
    assert "bob: Share opened" in shown
    assert "mallory" not in shown


def test_erasing_a_conversation_erases_its_shares(
    reader: Client, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.erasure.erasing.purge", lambda: True)  # which no transaction may be around
    make(reader, note="keep me")
    erase(["chatcmpl-one"], "a test")
    assert not Share.objects.exists()
    assert not SnapshotMessage.objects.exists()
