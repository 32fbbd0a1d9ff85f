"""What every answer carries, where the machine knows less than usual."""

from __future__ import annotations

import zoneinfo
from datetime import UTC
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.utils import timezone

from viewer.middleware import StreamsMiddleware, TimeZoneMiddleware


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
def test_so_many_answers_are_streamed_at_a_time_and_one_more_is_told_to_wait(settings: Any) -> None:
    settings.STREAMS = 2
    ask = StreamsMiddleware(lambda request: StreamingHttpResponse([b"some", b"more"]))
    first, second = (ask(RequestFactory().get("/")) for _ in range(2))
    refused = ask(RequestFactory().get("/"))
    assert (refused.status_code, refused["Retry-After"]) == (503, "60")
    assert "Too much is being downloaded at the moment" in refused.content.decode()
    first.close()
    assert ask(RequestFactory().get("/")).status_code == second.status_code == 200
    assert StreamsMiddleware(lambda request: HttpResponse())(RequestFactory().get("/")).status_code == 200
