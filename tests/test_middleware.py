"""What every answer carries, where the machine knows less than usual."""

from __future__ import annotations

import zoneinfo
from datetime import UTC
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from viewer.middleware import TimeZoneMiddleware


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
