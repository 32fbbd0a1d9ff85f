from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern

from viewer import urls
from viewer.web.middleware import OF_PROGRAMS
from viewer.web.programs import ProgramsMiddleware

PROGRAMS = URLResolver(RegexPattern(r"^/"), urls.programs)
ADDRESSES = ("/v1", "/v1/chat/completions", "/v1/imports", "/v1/x/y", "/otlp/v1/traces", "/otlp/x")
# What looks like an address of a program and is none, or that of a page.
NOT_OF_PROGRAMS = (
    "/",
    "/login/",
    "/completions/",
    "/keys/",
    "/v1x",
    "/v1.",
    "/V1/chat",
    "//v1/chat",
    "/otlpx",
    "/s/v1/",
)


def test_the_routes_of_programs_need_no_session_and_take_no_form() -> None:
    for pattern in urls.programs:
        assert pattern.callback.login_required is False
        assert pattern.callback.csrf_exempt is True


def test_the_routes_of_programs_are_those_below_their_addresses_and_no_others() -> None:
    for pattern in urls.urlpatterns:
        is_below = f"/{str(pattern.pattern).lstrip('^')}".replace("\\", "").startswith(OF_PROGRAMS)
        assert is_below == (pattern in urls.programs), pattern


@pytest.mark.parametrize("address", [*ADDRESSES, *NOT_OF_PROGRAMS])
def test_only_a_route_of_programs_leaves_the_middleware_of_pages_out(address: str) -> None:
    passed = list[str]()

    def pages(request: Any) -> HttpResponse:
        passed.append(request.path)
        return HttpResponse("a page")

    ProgramsMiddleware(pages)(RequestFactory().options(address))
    try:
        PROGRAMS.resolve(address)
        is_of_program = True
    except Resolver404:
        is_of_program = False
    assert is_of_program == (address in ADDRESSES)
    assert bool(passed) != is_of_program


def test_both_lists_of_middleware_record_before_they_send(db: None) -> None:
    for order in (settings.MIDDLEWARE, settings.PROGRAM_MIDDLEWARE):
        record = order.index("viewer.read_log.middleware.ReadLogMiddleware")
        assert record < order.index("viewer.web.middleware.StreamsMiddleware")
    for name in settings.PROGRAM_MIDDLEWARE:
        assert name in settings.MIDDLEWARE


def test_an_answer_to_a_program_has_the_headers_that_pages_have(client: Client, db: None) -> None:
    ours, page = client.get("/v1/nothing"), client.get("/health/ready/")
    for name in (
        "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control",
        "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
    ):  # fmt: skip
        assert name in ours.headers
        assert sorted(ours.headers[name].split("; ")) == sorted(page.headers[name].split("; "))
    assert ours.headers["X-Request-Id"].startswith("req_")
    assert ours.headers["Content-Length"] == str(len(ours.content))
    assert ours.headers["Vary"] == "Cookie"
    assert not ours.cookies


def test_a_program_is_answered_in_english_after_a_reader_of_another_language(client: Client, db: None) -> None:
    german = client.get("/login/", headers={"Accept-Language": "de"})
    assert 'lang="de"' in german.text
    answer = client.get("/v1/chat/completions", headers={"Accept-Language": "de"})
    assert "You didn't provide an access token" in answer.text


def test_what_only_looks_like_an_address_of_programs_is_a_page_like_any_other(client: Client, db: None) -> None:
    headers = {"Accept-Language": "de", "Accept-Encoding": "gzip"}
    answer = client.get("/v1x", headers=headers)
    assert (answer.status_code, answer.headers["Content-Language"]) == (404, "de")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/v1/nothing", headers=headers).headers
