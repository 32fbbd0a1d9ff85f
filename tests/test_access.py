"""Who may open what: every route of the URLconf, for each kind of person. A new route without an entry here fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import caches
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from tests.conftest import make_completion, make_key, say
from tests.passkeys import Passkey
from viewer.archive.models import Label
from viewer.conversations.models import SavedView
from viewer.keys.models import AccessToken, ApiKey
from viewer.people.models import EntryLink
from viewer.review.models import Note
from viewer.sharing.models import Share
from viewer.sync.models import CopyRun, Selection
from viewer.uploads.models import Upload

OF_PROGRAMS = ("v1", "otlp", "opentelemetry")  # where a token opens, see tests/api and tests/telemetry
# Route: what (a stranger, another person, staff, the owner) get for a GET. `in` is the way to sign in.
EXPECTED: dict[str, tuple[int | str, int, int, int]] = {
    "home": ("in", 302, 302, 302),
    "completions": ("in", 200, 200, 200),
    "search": ("in", 200, 200, 200),
    "open": ("in", 302, 302, 302),
    "conversation": ("in", 200, 200, 200),
    "find": ("in", 200, 200, 200),
    "beside": ("in", 302, 302, 302),
    "next": ("in", 302, 302, 302),
    "previous": ("in", 302, 302, 302),
    "go-to": ("in", 302, 302, 302),
    "raw": ("in", 200, 200, 200),
    "raw-message": ("in", 200, 200, 200),
    "raw-choice": ("in", 200, 200, 200),
    "transcript": ("in", 200, 200, 200),
    "print": ("in", 200, 200, 200),
    "choose-view": ("in", 405, 405, 405),
    "choose-language": ("in", 405, 405, 405),
    "permalink": ("in", 200, 200, 200),
    "answer": ("in", 200, 200, 200),
    "part": ("in", 200, 200, 200),
    "choice-part": ("in", 200, 200, 200),
    "tool-call": ("in", 404, 404, 404),
    "choice-tool-call": ("in", 404, 404, 404),
    "tool-output": ("in", 404, 404, 404),
    "choice-tool-output": ("in", 404, 404, 404),
    "tool-result": ("in", 404, 404, 404),
    "remote-image": ("in", 404, 404, 404),
    "choice-remote-image": ("in", 404, 404, 404),
    "api-keys": ("in", 200, 200, 200),
    "choose-source": ("in", 405, 405, 405),
    "api-key": ("in", 404, 404, 200),
    "test-api-key": ("in", 405, 405, 405),
    "delete-api-key": ("in", 404, 404, 200),
    "imports": ("in", 403, 200, 200),
    "import-run": ("in", 403, 404, 200),
    "import": ("in", 403, 200, 200),
    "import-apps": ("in", 403, 200, 200),
    "upload": ("in", 403, 404, 200),
    "upload-progress": ("in", 403, 404, 302),
    "upload-first": ("in", 403, 404, 302),
    "upload-first-part": ("in", 403, 404, 200),
    "upload-file": ("in", 405, 405, 405),
    "upload-part": ("in", 405, 405, 405),
    "old-imports": ("in", 301, 301, 301),
    "old-import-run": ("in", 301, 301, 301),
    "save": ("in", 200, 200, 200),
    "erase": ("in", 403, 200, 200),
    "hand-over": ("in", 403, 404, 404),
    "shortcuts": ("in", 200, 200, 200),
    "tokens": ("in", 200, 200, 200),
    "revoke-token": ("in", 404, 404, 200),
    "session": ("in", 204, 204, 204),
    "people": ("in", 403, 200, 403),
    "invite": ("in", 403, 200, 403),
    "withdraw-invitation": ("in", 403, 405, 403),
    "person": ("in", 403, 200, 403),
    "person-state": ("in", 403, 405, 403),
    "person-reset": ("in", 403, 405, 403),
    "enter": (200, 200, 200, 200),
    "mfa_index": ("in", 200, 200, 200),
    "end-sessions": ("in", 405, 405, 405),
    "disconnect": ("in", 405, 405, 405),
    "mfa_activate_totp": ("in", 200, 200, 200),
    "mfa_deactivate_totp": ("in", 404, 404, 404),
    "mfa_view_recovery_codes": ("in", 404, 404, 404),
    "mfa_generate_recovery_codes": ("in", 200, 200, 200),
    "mfa_download_recovery_codes": ("in", 404, 404, 404),
    "mfa_add_webauthn": ("in", 200, 200, 200),
    "mfa_edit_webauthn": ("in", 404, 404, 200),
    "mfa_remove_webauthn": ("in", 404, 404, 200),
    "account_reauthenticate": ("in", 403, 403, 200),
    "mfa_reauthenticate": ("in", 403, 403, 302),
    "mfa_reauthenticate_webauthn": ("in", 403, 403, 200),
    "confirm-by-single-sign-on": ("in", 404, 404, 404),
    "openid_connect_login": (404, 404, 404, 404),
    "openid_connect_callback": (404, 404, 404, 404),
    "socialaccount_login_cancelled": (302, 302, 302, 302),
    "mfa_authenticate": (302, 302, 302, 302),
    "mfa_login_webauthn": (302, 302, 302, 302),
    "account_login": (200, 302, 302, 302),
    "account_logout": (302, 200, 200, 200),
    "account_change_password": ("in", 302, 302, 200),
    "account_set_password": ("in", 200, 200, 302),
    "account_reset_password": (200, 200, 200, 200),
    "account_signup": (200, 200, 200, 200),
    "account_inactive": (200, 200, 200, 200),
    "customer": ("in", 200, 200, 200),
    "go": ("in", 302, 302, 302),
    "read-log": ("in", 403, 200, 403),
    "read-log-csv": ("in", 403, 200, 403),
    "my-read-log": ("in", 200, 200, 200),
    "palette": ("in", 200, 200, 200),
    "rail": ("in", 200, 200, 200),
    "filter-choices": ("in", 200, 200, 200),
    "next-unseen": ("in", 302, 302, 302),
    "first-unseen": ("in", 302, 302, 302),
    "forget-seen": ("in", 405, 405, 405),
    "mark-list-seen": ("in", 405, 405, 405),
    "save-view": ("in", 302, 302, 302),
    "saved-view": ("in", 404, 404, 200),
    "delete-view": ("in", 404, 404, 200),
    "make-share": ("in", 200, 200, 200),
    "share-message": ("in", 200, 200, 200),
    "my-shares": ("in", 200, 200, 200),
    "shared-with-me": ("in", 200, 200, 200),
    "all-shares": ("in", 404, 200, 404),
    "share": ("in", 404, 200, 200),
    "change-share": ("in", 404, 404, 200),
    "revoke-share": ("in", 404, 200, 200),
    "shared": ("in", 200, 200, 200),
    "shared-raw": ("in", 200, 200, 200),
    "shared-transcript": ("in", 200, 200, 200),
    "shared-message": ("in", 200, 200, 200),
    "shared-raw-message": ("in", 200, 200, 200),
    "shared-part": ("in", 200, 200, 200),
    "shared-call": ("in", 404, 404, 404),
    "shared-output": ("in", 404, 404, 404),
    "shared-result": ("in", 404, 404, 404),
    "shared-answer": ("in", 200, 200, 200),
    "shared-raw-choice": ("in", 200, 200, 200),
    "shared-choice-part": ("in", 200, 200, 200),
    "shared-choice-call": ("in", 404, 404, 404),
    "shared-choice-output": ("in", 404, 404, 404),
    "note-on-conversation": ("in", 200, 200, 200),
    "note-on-message": ("in", 200, 200, 200),
    "note-on-answer": ("in", 200, 200, 200),
    "note": ("in", 404, 404, 200),
    "delete-note": ("in", 404, 404, 200),
    "marks": ("in", 200, 200, 200),
    "labels": ("in", 200, 200, 200),
    "label": ("in", 403, 200, 200),  # for curators
    "delete-label": ("in", 403, 200, 200),
    "verdict": ("in", 200, 200, 200),
    "verdicts": ("in", 200, 200, 200),
    "verdict-list": ("in", 200, 200, 200),
    "verdict-reasons": ("in", 403, 200, 200),  # for curators
    "for-you": ("in", 200, 200, 200),
    "read-notes": ("in", 405, 405, 405),
    "health": (200, 200, 200, 200),
    "ready": (200, 200, 200, 200),
}
# Routes that change something: what a POST for the owner's thing gets.
CHANGING: dict[str, tuple[int | str, int, int, int]] = {
    "test-api-key": ("in", 404, 404, 302),
    "delete-api-key": ("in", 404, 404, 302),
    "revoke-token": ("in", 404, 404, 302),
    "api-key": ("in", 404, 404, 422),
    "imports": ("in", 403, 422, 422),
    "import-run": ("in", 403, 404, 302),
    "import": ("in", 403, 422, 422),
    "upload": ("in", 403, 404, 302),
    "upload-file": ("in", 403, 422, 422),
    "upload-part": ("in", 403, 404, 415),
    "people": ("in", 403, 405, 403),
    "invite": ("in", 403, 422, 403),
    "withdraw-invitation": ("in", 403, 302, 403),
    "person": ("in", 403, 422, 403),
    "person-state": ("in", 403, 302, 403),
    "person-reset": ("in", 403, 200, 403),
    "enter": (422, 422, 422, 422),
    "end-sessions": ("in", 302, 302, 302),
    "disconnect": ("in", 404, 404, 404),
    "mfa_edit_webauthn": ("in", 404, 404, 200),
    "mfa_remove_webauthn": ("in", 404, 404, 302),
    "saved-view": ("in", 404, 404, 422),
    "delete-view": ("in", 404, 404, 302),
    "make-share": ("in", 302, 302, 302),
    "change-share": ("in", 404, 404, 302),
    "revoke-share": ("in", 404, 302, 302),
    "note-on-conversation": ("in", 422, 422, 422),
    "note": ("in", 404, 404, 422),
    "delete-note": ("in", 404, 404, 302),
    "read-notes": ("in", 302, 302, 302),
    "marks": ("in", 422, 422, 422),
    "verdict": ("in", 422, 422, 422),
    "verdict-reasons": ("in", 403, 422, 422),
    "labels": ("in", 403, 422, 422),
    "label": ("in", 403, 422, 422),
    "delete-label": ("in", 403, 302, 404),
}
PEOPLE = ("stranger", "another", "staff", "owner")


def routes() -> Iterator[URLPattern]:
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and not str(pattern.pattern).lstrip("^").startswith(OF_PROGRAMS):
            yield pattern


def arguments_of(route: URLPattern) -> set[str]:
    return {*route.pattern.converters} | ({"provider_id"} & {*route.default_args})


def her_passkey() -> Any:
    options = {"challenge": "eHg", "user": {"id": "YQ"}, "rp": {"id": "testserver"}}
    return json.loads(Passkey().create({"publicKey": options}))


@pytest.fixture
def things(alice: User, stored: Callable[..., Any]) -> dict[str, Any]:
    stored(make_completion("chatcmpl-one", say("user", "x"), metadata={"customer_id": "cus_1"}))
    caches["guesses"].clear()  # of what the metadata keys of other tests were
    key = make_key(alice, base_url="http://127.0.0.1:9/v1")
    token, _ = AccessToken.objects.issue(alice, "hers")
    browser_of("owner", alice).post("/completions/chatcmpl-one/share/")
    share = Share.objects.get()
    return {
        "completion_id": "chatcmpl-one", "message_id": "chatcmpl-one-0", "n": 0, "position": 0, "key_id": key.pk, "token_id": token.pk,
        "run_id": CopyRun.objects.start_or_resume(key, Selection()).pk,
        "link_id": EntryLink.objects.issue(role="reader")[0].pk, "secret": EntryLink.objects.issue(role="reader")[1],
        "person_id": User.objects.create_user("carol").pk, "provider_id": settings.OIDC_PROVIDER,
        "pk": Authenticator.objects.create(user=alice, type="webauthn", data={"name": "her phone", "credential": her_passkey()}).pk,
        "value": "cus_1", "view_id": SavedView.objects.create(owner=alice, name="hers", query="q=refund").pk,
        "share_id": share.pk, "token": share.token,
        "note_id": Note.objects.create(completion_id="chatcmpl-one", author=alice, text="hers").pk,
        "upload_id": Upload.objects.create(
            person=alice, size=1, place=uuid4(), state="preview", first_id="chatcmpl-one", first_body="{}"
        ).pk, "place": "raw/",
        "label_id": Label.objects.create(name="Urgent", key="urgent", colour="red").pk,
    }  # fmt: skip


def browser_of(kind: str, alice: User) -> Client:
    client = Client()
    if kind == "another":
        client.force_login(User.objects.create_user("mallory"))
    elif kind == "staff":
        client.force_login(User.objects.create_superuser("root"))
    elif kind == "owner":
        client.force_login(alice)
    return client


def outcome(answer: Any) -> int | str:
    return "in" if answer.get("Location", "").startswith("/login/?next=") else answer.status_code


def test_every_route_has_an_entry() -> None:
    assert {route.name for route in routes()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_everybody_gets_what_is_theirs_and_others_a_404(alice: User, things: dict[str, Any], name: str) -> None:
    route = next(route for route in routes() if route.name == name)
    address = reverse(name, kwargs={argument: things[argument] for argument in arguments_of(route)})
    for kind, expected in zip(PEOPLE, EXPECTED[name], strict=True):
        assert outcome(browser_of(kind, alice).get(address)) == expected, kind


@pytest.mark.parametrize("name", CHANGING)
def test_nobody_but_the_owner_changes_what_is_theirs(alice: User, things: dict[str, Any], name: str) -> None:
    route = next(route for route in routes() if route.name == name)
    address = reverse(name, kwargs={argument: things[argument] for argument in arguments_of(route)})
    for kind, expected in zip(PEOPLE, CHANGING[name], strict=True):
        assert ApiKey.objects.count() == AccessToken.objects.count() == 1
        assert outcome(browser_of(kind, alice).post(address)) == expected, kind


def test_the_page_of_people_shows_neither_keys_nor_tokens(things: dict[str, Any], alice: User) -> None:
    browser = browser_of("staff", alice)
    for page in ("/people/", f"/people/{alice.pk}/"):
        assert "alice" in (shown := browser.get(page).text)
        assert not [secret for secret in ("hers", "…0001") if secret in shown]
