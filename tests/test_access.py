"""Who may open what: every route of the URLconf, for each kind of person. A new route without an entry here fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from tests.conftest import make_completion, make_key, say
from viewer.archive.models import Label
from viewer.conversations.models import SavedView
from viewer.keys.models import AccessToken, ApiKey
from viewer.review.models import Note
from viewer.sync.models import CopyRun

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
    "imports": ("in", 200, 200, 200),
    "import-run": ("in", 404, 404, 200),
    "old-imports": ("in", 301, 301, 301),
    "old-import-run": ("in", 301, 301, 301),
    "shortcuts": ("in", 200, 200, 200),
    "tokens": ("in", 200, 200, 200),
    "revoke-token": ("in", 404, 404, 200),
    "session": ("in", 204, 204, 204),
    "account_login": (200, 302, 302, 302),
    "account_logout": (302, 200, 200, 200),
    "account_change_password": ("in", 302, 302, 200),
    "account_set_password": ("in", 200, 200, 302),
    "account_reset_password": (200, 200, 200, 200),
    "account_signup": (200, 200, 200, 200),
    "account_inactive": (200, 200, 200, 200),
    "customer": ("in", 200, 200, 200),
    "go": ("in", 302, 302, 302),
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
    "note-on-conversation": ("in", 200, 200, 200),
    "note-on-message": ("in", 200, 200, 200),
    "note-on-answer": ("in", 200, 200, 200),
    "note": ("in", 404, 404, 200),
    "delete-note": ("in", 404, 404, 200),
    "marks": ("in", 200, 200, 200),
    "labels": ("in", 200, 200, 200),
    "label": ("in", 403, 200, 403),  # for curators
    "delete-label": ("in", 403, 200, 403),
    "verdict": ("in", 200, 200, 200),
    "verdicts": ("in", 200, 200, 200),
    "verdict-list": ("in", 200, 200, 200),
    "verdict-reasons": ("in", 403, 200, 403),  # for curators
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
    "imports": ("in", 422, 422, 422),
    "import-run": ("in", 404, 404, 302),
    "saved-view": ("in", 404, 404, 422),
    "delete-view": ("in", 404, 404, 302),
    "note-on-conversation": ("in", 422, 422, 422),
    "note": ("in", 404, 404, 422),
    "delete-note": ("in", 404, 404, 302),
    "read-notes": ("in", 302, 302, 302),
    "marks": ("in", 422, 422, 422),
    "verdict": ("in", 422, 422, 422),
    "verdict-reasons": ("in", 403, 422, 403),
    "labels": ("in", 403, 422, 403),
    "label": ("in", 403, 422, 403),
    "delete-label": ("in", 403, 302, 403),
}
PEOPLE = ("stranger", "another", "staff", "owner")


def routes() -> Iterator[URLPattern]:
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and not str(pattern.pattern).lstrip("^").startswith("v1"):
            yield pattern


@pytest.fixture
def things(alice: User, stored: Callable[..., Any]) -> dict[str, Any]:
    stored(make_completion("chatcmpl-one", say("user", "x"), metadata={"customer_id": "cus_1"}))
    cache.clear()  # of what the metadata keys of other tests were
    key = make_key(alice, base_url="http://127.0.0.1:9/v1")
    token, _ = AccessToken.objects.issue(alice, "hers")
    return {
        "completion_id": "chatcmpl-one", "message_id": "chatcmpl-one-0", "n": 0, "position": 0, "key_id": key.pk, "token_id": token.pk,
        "run_id": CopyRun.objects.start_or_resume(key, "", {}, None).pk,
        "value": "cus_1", "view_id": SavedView.objects.create(owner=alice, name="hers", query="q=refund").pk,
        "note_id": Note.objects.create(completion_id="chatcmpl-one", author=alice, text="hers").pk,
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
    address = reverse(name, kwargs={argument: things[argument] for argument in route.pattern.converters})
    for kind, expected in zip(PEOPLE, EXPECTED[name], strict=True):
        assert outcome(browser_of(kind, alice).get(address)) == expected, kind


@pytest.mark.parametrize("name", CHANGING)
def test_nobody_but_the_owner_changes_what_is_theirs(alice: User, things: dict[str, Any], name: str) -> None:
    route = next(route for route in routes() if route.name == name)
    address = reverse(name, kwargs={argument: things[argument] for argument in route.pattern.converters})
    for kind, expected in zip(PEOPLE, CHANGING[name], strict=True):
        assert ApiKey.objects.count() == AccessToken.objects.count() == 1
        assert outcome(browser_of(kind, alice).post(address)) == expected, kind


def test_the_admin_shows_neither_keys_nor_tokens(things: dict[str, Any], alice: User) -> None:
    page = browser_of("staff", alice).get("/admin/").content.decode()
    assert "/admin/auth/user/" in page
    assert "/admin/keys/" not in page
