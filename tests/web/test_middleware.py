"""What every answer carries, where the machine knows less than usual."""

from __future__ import annotations

import threading
import zoneinfo
from datetime import UTC
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone

from viewer.web.middleware import FormMiddleware, StreamsMiddleware, TimeZoneMiddleware


@pytest.mark.parametrize("named", ["Europe/Berlin", "../../etc/passwd", ""])
def test_without_a_time_zone_database_times_are_in_utc(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    def is_missing(name: str) -> Any:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(timezone.get_current_timezone()))

    timezone.get_default_timezone()  # Django's own needs the database: the package tzdata brings one where none is
    monkeypatch.setattr(zoneinfo, "ZoneInfo", is_missing)
    request = RequestFactory().get("/")
    request.COOKIES["timezone"] = named
    assert TimeZoneMiddleware(answer)(request).content.decode() == str(UTC)


@pytest.mark.django_db  # closing an answer ends its request, and that looks at the connections
def test_so_many_answers_are_streamed_at_a_time_and_one_more_is_told_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and programs pass a middleware each, and share the threads of their process."""
    monkeypatch.setattr("viewer.web.middleware._streams", threading.BoundedSemaphore(2))
    page, program = (StreamsMiddleware(lambda request: StreamingHttpResponse([b"some", b"more"])) for _ in range(2))
    first, second = (ask(RequestFactory().get("/")) for ask in (page, program))
    for ask in (page, program):
        refused = ask(RequestFactory().get("/"))
        assert (refused.status_code, refused["Retry-After"]) == (503, "60")
        assert "Too many downloads at once" in refused.content.decode()
    first.close()
    assert program(RequestFactory().get("/")).status_code == second.status_code == 200
    assert StreamsMiddleware(lambda request: HttpResponse())(RequestFactory().get("/")).status_code == 200


class SlowBody:
    """A form body that arrives only when released."""

    def __init__(self) -> None:
        self.may_come = threading.Event()

    def read(self, *_: int) -> bytes:
        self.may_come.wait(10)
        return b""

    readline = read


@pytest.mark.slow
def test_few_forms_may_come_slowly_and_fewer_from_one_network(settings: Any) -> None:
    settings.SENDERS, settings.SENDERS_OF_NETWORK = 3, 2
    ask, body = FormMiddleware(lambda request: HttpResponse("taken")), SlowBody()

    def send(address: str, wsgi_input: Any = None) -> HttpResponse:
        more = {"wsgi.input": wsgi_input, "CONTENT_LENGTH": 100} if wsgi_input else {}
        return ask(RequestFactory().post("/login/", {"login": "alice"}, REMOTE_ADDR=address, **more))

    slow = [threading.Thread(target=send, args=[address, body]) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    for number, thread in enumerate(slow, 1):
        if number < 3:
            assert send("192.0.2.1").content == b"taken"
        thread.start()
        while ask._senders.total() < number:
            assert thread.is_alive()
        if number == 2:
            assert send("192.0.2.1").status_code == 503
            assert send("192.0.2.3").content == b"taken"
    refused = send("192.0.2.3")
    assert (refused.status_code, refused["Retry-After"]) == (503, "10")
    body.may_come.set()
    for thread in slow:
        thread.join()
    assert send("192.0.2.1").content == b"taken"


def test_nobody_sends_more_than_a_form() -> None:
    ask = FormMiddleware(lambda request: HttpResponse("taken"))
    assert ask(RequestFactory().post("/login/", b"x" * 1_000_001, content_type="text/plain")).status_code == 413
    assert ask(RequestFactory().post("/login/", {"label": "x" * 900_000})).content == b"taken"
