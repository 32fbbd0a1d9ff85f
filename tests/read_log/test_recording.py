"""Every response that shows something has its row, written before it is sent; no row, no response."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import Error, OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern

from tests.conftest import make_completion, make_key, make_long, say
from tests.pages import has
from tests.upstream import Upstream
from viewer.conversations.views import content
from viewer.deployment.waiting import patience
from viewer.keys.models import ApiKey
from viewer.read_log import middleware, recording
from viewer.read_log.actions import LABELS, OPENINGS, ROUTES
from viewer.read_log.models import Reading
from viewer.web.request import note_of

ONE = "/completions/chatcmpl-one/"
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
Store = Callable[..., Any]


@pytest.fixture
def one(stored: Store) -> None:
    caches["guesses"].clear()  # of what the metadata keys of other tests were
    stored(
        make_completion(
            "chatcmpl-one",
            say("user", [{"type": "text", "text": "secret words"}, {"type": "image_url", "image_url": {"url": PNG}}]),
            say("assistant", None, tool_calls=[CALL]),
            say("tool", "found", tool_call_id="call_1"),
            metadata={"customer_id": "cus_1"},
        )
    )


def routes() -> Iterator[str]:
    """Name every route of the URLconf as the log does."""
    for pattern in get_resolver().url_patterns:
        assert isinstance(pattern, URLPattern)
        yield pattern.name or pattern.lookup_str


def test_every_route_says_what_it_shows_or_that_it_shows_nothing() -> None:
    assert set(routes()) == set(ROUTES), "say in read_log/actions.py what a route shows"
    assert {action.name for action in ROUTES.values() if action} <= set(LABELS)
    assert {"conversation", "json", "transcript", "print", "api"} <= OPENINGS


VALUES = {"int": "0", "str": "x", "path": "x", "uuid": str(UUID(int=1))}  # of the converters of a route
PLAIN = [route for route in get_resolver().url_patterns if isinstance(getattr(route, "pattern", None), RoutePattern)]


@pytest.mark.parametrize("route", [route for route in PLAIN if isinstance(route, URLPattern)], ids=str)
def test_every_route_writes_the_one_row_that_the_table_names(
    reader: Client, monkeypatch: pytest.MonkeyPatch, route: URLPattern
) -> None:
    """Whatever a view answers: here every one shows something."""

    @wraps(route.callback)  # with its name, and whether it needs a sign-in
    def show(*_: Any, **__: Any) -> HttpResponse:
        return HttpResponse("shown")

    action = ROUTES[route.name or route.lookup_str]
    monkeypatch.setattr(route, "callback", show)
    address = re.sub(r"<(\w+):\w+>", lambda match: VALUES[match[1]], str(route.pattern))
    assert reader.get(f"/{address}").content == b"shown"
    assert [*Reading.objects.values_list("action", flat=True)] == ([action.name] if action else [])


SHOWN = {
    ONE: ("conversation", "chatcmpl-one", ""),
    f"{ONE}messages/chatcmpl-one-0/": ("conversation", "chatcmpl-one", "chatcmpl-one-0"),
    f"{ONE}choices/0/": ("conversation", "chatcmpl-one", "choices/0"),
    f"{ONE}raw/": ("json", "chatcmpl-one", ""),
    f"{ONE}messages/chatcmpl-one-0/raw/": ("json", "chatcmpl-one", "chatcmpl-one-0"),
    f"{ONE}choices/0/raw/": ("json", "chatcmpl-one", "choices/0"),
    f"{ONE}messages/chatcmpl-one-0/parts/1/": ("part", "chatcmpl-one", "chatcmpl-one-0/1"),
    f"{ONE}choices/0/parts/0/": ("part", "chatcmpl-one", "choices/0/0"),
    f"{ONE}messages/chatcmpl-one-1/calls/0/": ("tool call", "chatcmpl-one", "chatcmpl-one-1/0"),
    f"{ONE}messages/chatcmpl-one-2/results/0/": ("tool call", "chatcmpl-one", "chatcmpl-one-2/0"),
    f"{ONE}transcript/": ("transcript", "chatcmpl-one", "markdown"),
    f"{ONE}transcript/?format=json": ("transcript", "chatcmpl-one", "json"),
    f"{ONE}print/": ("print", "chatcmpl-one", ""),
    f"{ONE}find/?q=secret": ("find", "chatcmpl-one", ""),
    f"{ONE}erase/": ("conversation", "chatcmpl-one", ""),
    f"{ONE}messages/chatcmpl-one-0/note/": ("note", "chatcmpl-one", "chatcmpl-one-0"),
    "/search/?q=secret": ("search", "", ""),
    "/palette/?q=secret": ("search", "", ""),
    "/completions/": ("list", "", ""),
    "/customers/cus_1/": ("list", "", ""),
    "/filters/": ("list", "", ""),
    "/read-log/mine/": ("read log", "", ""),
}


@pytest.mark.parametrize("address", SHOWN)
def test_what_shows_something_writes_one_row_without_words(
    reader: Client, alice: User, one: None, address: str
) -> None:
    answer = reader.get(address, REMOTE_ADDR="192.0.2.7")
    row = Reading.objects.get()  # before anybody has read the answer
    assert answer.status_code == 200
    assert (row.action, row.completion_id, row.detail) == SHOWN[address]
    assert (row.person, row.name, row.address, row.token) == (alice.pk, "alice", "192.0.2.7", "")
    assert row.source == ("" if row.action == "read log" else "archive")
    assert "secret" not in str(vars(row))
    assert "cus_1" not in str(vars(row))


@pytest.mark.parametrize(
    ("address", "headers", "action"),
    [
        (f"{ONE}?after=chatcmpl-one-0", {"HX-Request": "true"}, "messages"),
        (ONE, {"HX-Request": "true", "HX-History-Restore-Request": "true"}, "conversation"),
        (f"{ONE}beside/", {"HX-Request": "true"}, "list"),
        ("/completions/?after=chatcmpl-one", {"HX-Request": "true"}, "list"),
    ],
)
def test_what_a_page_loads_later_is_recorded_as_such(
    reader: Client, one: None, address: str, headers: dict[str, str], action: str
) -> None:
    reader.get(address, headers=headers)
    row = Reading.objects.get()
    assert (row.action, row.completion_id) == (action, "" if action == "list" else "chatcmpl-one")


def test_a_page_around_a_form_with_mistakes_is_recorded(admin_client: Client) -> None:
    assert admin_client.get("/read-log/?share=x").status_code == 422
    assert Reading.objects.get().action == "read log"


@pytest.mark.parametrize(("status", "count"), [(304, 1), (204, 0), (302, 0), (404, 0), (503, 0)])
def test_whether_something_is_shown_depends_on_the_status(
    reader: Client, one: None, monkeypatch: pytest.MonkeyPatch, status: int, count: int
) -> None:
    monkeypatch.setattr(content, "HttpResponse", lambda *args, **kwargs: HttpResponse(status=status))
    assert reader.get(f"{ONE}raw/").status_code == status
    assert Reading.objects.count() == count


def test_words_that_were_found_before_have_a_source_too(reader: Client, one: None) -> None:
    for _ in range(2):
        caches["readings"].clear()
        reader.get(f"{ONE}find/?q=secret")
    assert [*Reading.objects.values_list("action", "source")] == [("find", "archive")] * 2


def test_head_tells_that_it_is_there_and_is_recorded(reader: Client, one: None) -> None:
    reader.head(f"{ONE}raw/")
    assert Reading.objects.get().action == "json"


@pytest.mark.parametrize(
    "address",
    [
        "/completions/chatcmpl-none/", f"{ONE}messages/chatcmpl-one-0/parts/9/", "/nowhere/", f"{ONE}next/", "/",
        "/keys/", "/tokens/", "/shortcuts/", "/session/", "/health/",
    ],
)  # fmt: skip
def test_what_shows_nothing_writes_no_row(reader: Client, one: None, address: str) -> None:
    reader.get(address)
    assert not Reading.objects.exists()


def test_a_stranger_reads_nothing_and_writes_no_row(client: Client, one: None) -> None:
    for address in SHOWN:
        client.get(address)
    assert not Reading.objects.exists()


def test_a_route_that_nobody_entered_is_recorded(reader: Client, one: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ROUTES, "conversation")
    reader.get(ONE)
    assert Reading.objects.get().action == "other"


def test_a_program_is_recorded_with_its_owner_and_its_token(
    client: Client, alice: User, alices_token: str, one: None
) -> None:
    headers = {"Authorization": f"Bearer {alices_token}"}
    for path in ("", "/chatcmpl-one", "/chatcmpl-one/messages", "/chatcmpl-none"):
        client.get(f"/v1/chat/completions{path}", headers=headers)
    client.get("/v1/chat/completions", headers={"Authorization": "Bearer none"})
    client.options("/v1/chat/completions", headers=headers)
    rows = Reading.objects.order_by("pk").values_list("action", "completion_id", "person", "token", "source")
    assert [*rows] == [("api", each, alice.pk, "tests", "archive") for each in ("", "chatcmpl-one", "chatcmpl-one")]


def test_the_source_is_the_one_that_had_it(reader: Client, alice: User, one: None, upstream: Upstream) -> None:
    key = make_key(alice, "work", base_url=upstream.base())
    ApiKey.objects.choose(alice, key)
    reader.get(ONE)  # the server does not have it
    reader.get("/completions/")
    found, listed = Reading.objects.order_by("pk")
    assert (found.source, found.source_name) == ("archive", "")
    assert (listed.source, listed.source_name) == ("key", f"work, {upstream.host}")


def test_a_holder_of_a_share_is_recorded_without_a_name(db: None, rf: RequestFactory) -> None:
    def share(request: Any) -> HttpResponse:
        note = note_of(request)
        note.share, note.completion_id = 7, "chatcmpl-one"
        return HttpResponse("shared")

    client = Client()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ROUTES, "health", ROUTES["raw"])
        patch.setattr(
            next(p for p in get_resolver().url_patterns if getattr(p, "name", "") == "health"), "callback", share
        )
        share.login_required = False  # type: ignore[attr-defined]
        assert client.get("/health/").content == b"shared"
    row = Reading.objects.get()
    assert (row.person, row.name, row.share, row.source, row.completion_id) == (None, "", 7, "share", "chatcmpl-one")


def test_what_an_open_page_loads_again_within_a_minute_is_one_reading(
    reader: Client, stored: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(make_long("chatcmpl-one", 90), make_long("chatcmpl-two", 90))
    for completion in ("one", "two", "one", "two"):
        for n in (20, 40, 60):
            address = f"/completions/chatcmpl-{completion}/?after=chatcmpl-{completion}-{n}"
            assert reader.get(address, headers={"HX-Request": "true"}).status_code == 200
    assert Reading.objects.count() == 2
    reader.get("/completions/chatcmpl-one/")
    reader.get("/completions/chatcmpl-one/")
    assert Reading.objects.count() == 4  # each opening is one


@pytest.mark.parametrize("address", [ONE, f"{ONE}transcript/", f"{ONE}raw/", f"{ONE}messages/chatcmpl-one-0/parts/1/"])
def test_what_cannot_be_recorded_is_not_shown(
    reader: Client, one: None, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(recording, "write", fail)
    answer = reader.get(address)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert has(answer.text, '[role="alert"][data-problem="unavailable"]')
    assert "What is read must be recorded" in answer.text
    assert "secret words" not in answer.text
    monkeypatch.undo()
    assert b"".join(reader.get(address))  # the slot of the download that was refused is free again


def fail(*_: Any, **__: Any) -> None:
    raise OperationalError("database is locked")


def test_a_failed_reading_is_not_taken_for_one_that_was_recorded(
    reader: Client, one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = f"{ONE}messages/chatcmpl-one-0/parts/1/"
    with monkeypatch.context() as broken:
        broken.setattr(recording, "write", fail)
        assert reader.get(part).status_code == 503
    assert reader.get(part).status_code == 200
    assert Reading.objects.count() == 1


def test_a_program_gets_its_envelope_when_its_reading_cannot_be_recorded(
    client: Client, alices_token: str, one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "write", fail)
    answer = client.get("/v1/chat/completions/chatcmpl-one", headers={"Authorization": f"Bearer {alices_token}"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "server_error")
    assert "secret words" not in answer.text


def test_a_fragment_says_in_its_place_that_it_cannot_be_recorded(
    reader: Client, one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "write", fail)
    answer = reader.get(f"{ONE}?after=chatcmpl-one-0", headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert "<html" not in answer.text
    assert has(answer.text, '[data-problem="unavailable"]')


@pytest.mark.skipif(connection.vendor != "sqlite", reason="one place to write is SQLite's")
@pytest.mark.django_db(transaction=True)
def test_a_reader_waits_for_a_writer_only_so_long(reader: Client, one: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_MAX_WAIT", 0.05)
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert reader.get(ONE).status_code == 503
    other.execute("ROLLBACK")
    other.close()
    assert reader.get(ONE).status_code == 200
    assert Reading.objects.count() == 1
    assert patience.get() == 20


def test_what_no_column_can_hold_is_recorded_all_the_same(rf: RequestFactory, db: None, alice: User) -> None:
    recording.write(action="json", completion_id="a\x00\ud800" + "b" * 400, name="alice")
    assert re.fullmatch("a\ufffd+b+", Reading.objects.get().completion_id)


def test_the_middleware_stands_where_every_data_response_passes(settings: Any) -> None:
    """Inside those who know the person and the language, outside those that still change what is sent."""
    order = settings.MIDDLEWARE
    place = order.index(f"{middleware.__name__}.ReadLogMiddleware")
    assert order.index("viewer.accounts.signing_in.SignInMiddleware") < place
    assert place < order.index("viewer.web.middleware.StreamsMiddleware")
    assert issubclass(OperationalError, Error)
