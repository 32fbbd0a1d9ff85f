from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from tests.api.refusals import assert_refused, bearer
from tests.conftest import make_completion, make_long, say
from viewer.archive.api import respond
from viewer.keys.models import AccessToken

Store = Callable[..., Any]

LIST = "/v1/chat/completions"
ONE = "/v1/chat/completions/chatcmpl-one"
MESSAGES = "/v1/chat/completions/chatcmpl-one/messages"
ADDRESSES = [LIST, ONE, MESSAGES]
ALLOWED = {
    LIST: "GET, HEAD, OPTIONS",
    ONE: "GET, HEAD, POST, DELETE, OPTIONS",
    MESSAGES: "GET, HEAD, OPTIONS",
    "/v1/imports": "POST, OPTIONS",
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Client:
    """A program without a session. CSRF checks are on, as for a browser."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def _conversation(stored: Store) -> None:
    stored(make_long("chatcmpl-one", 30))


def everything_said(response: Any) -> str:
    return response.content.decode() + repr(list(response.headers.items()))


# Authentication


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.usefixtures("_conversation")
def test_a_token_opens_the_door_without_a_session(program: Client, alices_token: str, address: str) -> None:
    response = program.get(address, headers=bearer(alices_token))
    assert response.status_code == 200
    assert response.content == respond(address.removeprefix("/v1")).body
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"].startswith("req_")
    assert not response.cookies


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.usefixtures("_conversation")
def test_without_a_token_nobody_comes_in(program: Client, address: str) -> None:
    said = assert_refused(program.get(address), 401, type="invalid_request_error", param=None, code=None)
    assert said["message"].startswith("You didn't provide an access token.")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.usefixtures("_conversation")
def test_a_session_is_no_token(reader: Client, address: str) -> None:
    assert_refused(reader.get(address), 401, code=None)


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWxpY2U6eA==",
        "Token {token}",
        "{token}",
        "Bearer {token} {token}",
        "Bearer {token},x",
        "Bearer: {token}",
        "Bearer\t{token}",
        "bearer{token}",
        "x Bearer {token}",
    ],
)
def test_a_malformed_authorization_is_refused(program: Client, alices_token: str, shown: str) -> None:
    response = program.get(LIST, headers={"Authorization": shown.format(token=alices_token)})
    assert_refused(response, 401)
    assert alices_token not in everything_said(response)


@pytest.mark.parametrize("shown", ["Bearer {}", "bearer {}", "BEARER   {}", "Bearer {} "])
def test_the_scheme_may_be_written_in_any_case(program: Client, alices_token: str, shown: str) -> None:
    assert program.get(LIST, headers={"Authorization": shown.format(alices_token)}).status_code == 200


@pytest.mark.parametrize(
    "token",
    [
        "sk-proj-abcdef1234567890",
        "lectern_" + "A" * 43,
        "é",
        "\x80\xff",
        "a" * 10_000,
        "<script>",
        "'--",
        "null",
        "a\x00b",
    ],
)
def test_an_unknown_token_is_refused_and_never_repeated(program: Client, token: str) -> None:
    response = program.get(LIST, headers=bearer(token))
    said = assert_refused(response, 401, type="invalid_request_error", param=None, code="invalid_api_key")
    assert said["message"].startswith("Incorrect API key provided")
    assert token[:8] not in everything_said(response).replace("lectern_", "") or len(token) < 5
    assert token[-8:] not in everything_said(response) or len(token) < 5


def test_a_refused_program_is_told_how_to_ask(program: Client) -> None:
    assert program.get(LIST).headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "x", str.lower, str.upper, lambda t: t.removeprefix("lectern_")]
)
def test_nearly_the_token_is_not_the_token(program: Client, alices_token: str, change: Callable[[str], str]) -> None:
    assert_refused(program.get(LIST, headers=bearer(change(alices_token))), 401, code="invalid_api_key")


def test_a_revoked_token_is_refused_from_the_next_request(program: Client, reader: Client, alices_token: str) -> None:
    assert program.get(LIST, headers=bearer(alices_token)).status_code == 200
    reader.post(f"/tokens/{AccessToken.objects.get().pk}/revoke/")
    response = program.get(LIST, headers=bearer(alices_token))
    assert_refused(response, 401, code="invalid_api_key")
    assert alices_token not in everything_said(response)


def test_the_token_of_an_inactive_person_is_refused(program: Client, alice: User, alices_token: str) -> None:
    alice.is_active = False
    alice.save()
    assert_refused(program.get(LIST, headers=bearer(alices_token)), 401, code="invalid_api_key")


def test_revoking_one_token_leaves_the_others(program: Client, alice: User, mallory: User, alices_token: str) -> None:
    _, second = AccessToken.objects.issue(alice, "second")
    _, mallorys = AccessToken.objects.issue(mallory, "own")
    AccessToken.objects.filter(name="tests").delete()
    assert program.get(LIST, headers=bearer(alices_token)).status_code == 401
    assert program.get(LIST, headers=bearer(second)).status_code == 200
    assert program.get(LIST, headers=bearer(mallorys)).status_code == 200


def test_a_token_in_the_query_or_in_a_cookie_is_no_token(program: Client, alices_token: str) -> None:
    program.cookies["Authorization"] = f"Bearer {alices_token}"
    assert_refused(program.get(LIST, {"api_key": alices_token, "access_token": alices_token}), 401)


def test_the_use_of_a_token_is_noted_but_not_with_every_request(
    program: Client, alices_token: str, django_assert_num_queries: Any
) -> None:
    assert AccessToken.objects.get().last_used_at is None
    program.get(LIST, headers=bearer(alices_token))
    noted = AccessToken.objects.get().last_used_at
    assert noted is not None
    with django_assert_num_queries(3):  # the token, the page, the read log
        program.get(LIST, headers=bearer(alices_token))
    assert AccessToken.objects.get().last_used_at == noted


def test_a_refused_token_is_not_noted_as_used(program: Client, alices_token: str) -> None:
    program.get(LIST, headers=bearer(alices_token + "x"))
    assert AccessToken.objects.get().last_used_at is None


# Where it leads


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/models",
        "/v1/chat",
        "/v1/chat/",
        "/v1/chat/completions/",
        "/v1/chat/completions/chatcmpl-one/",
        "/v1/chat/completions/chatcmpl-one/messages/",
        "/v1/chat/completions/chatcmpl-one/messages/chatcmpl-one-0",
        "/v1/chat/completions/chatcmpl-one/x",
        "/v1//chat/completions",
        "/v1/chat/completions//messages",
        "/v1/Chat/Completions",
        "/v1/chat/completions/a%2Fb",
        "/v1/chat/completions/a%2F..%2Fb",
        "/v1/v1/chat/completions",
        "/v1/%2e%2e/completions/",
        "/v1/é",
    ],
)
@pytest.mark.usefixtures("_conversation")
def test_an_unknown_address_is_404_in_the_envelope(program: Client, alices_token: str, path: str) -> None:
    for headers in ({}, bearer(alices_token)):
        said = assert_refused(
            program.get(path, headers=headers), 404, type="invalid_request_error", param=None, code=None
        )
        assert said["message"].startswith("Invalid URL (GET /v1")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/a%0Ab",
        "/v1/chat/completions/a%0Ab/c",
        "/v1/%0A",
        "/v1/a%00b",
        "/v1/%FF",
        "/v1/a%0D%0Ab",
        "/v1/" + "x" * 5_000,
    ],
)
def test_an_address_of_odd_letters_is_404_in_the_envelope_too(program: Client, path: str) -> None:
    response = program.get(path)
    assert_refused(response, 404, code=None)
    assert len(response.content) < 4_000


@pytest.mark.parametrize("tail", ["", "/messages"])
@pytest.mark.parametrize(
    "completion_id",
    [
        "nope",
        "é",
        "日本",
        "%",
        "%25",
        "%2F",
        "%41",
        "a b",
        "a+b",
        "a?b",
        "a#b",
        "a&b=c",
        "a\x00b",
        "a\nb",
        "'--",
        "{id}",
        "..a",
        ".",
        "..",
        "...",
        "a;b",
        "~",
        "http:",
        "😀",
        "[x]",
        "a\\b",
    ],
)
def test_an_unknown_id_comes_back_as_it_was_asked_for(
    program: Client, alices_token: str, completion_id: str, tail: str
) -> None:
    quoted = completion_id.replace(".", "%2E") if completion_id in (".", "..") else quote(completion_id, safe="")
    response = program.get(f"{LIST}/{quoted}{tail}", headers=bearer(alices_token))
    message = f"Completion {completion_id} not found"
    assert_refused(response, 404, message=message, param="completion_id", code="not_found")


def test_a_dot_in_place_of_an_id_leads_to_no_other_completion(
    program: Client, alices_token: str, stored: Store
) -> None:
    stored(make_completion("messages", say("user", "mine")))
    for dots in ("%2E", "%2E%2E"):
        for tail in ("", "/messages"):
            response = program.get(f"{LIST}/{dots}{tail}", headers=bearer(alices_token))
            assert_refused(response, 404)


@pytest.mark.parametrize(
    "completion_id",
    ["é", "日本", "a+b", "a&b=c", "a:b", "a;b", "...", "~a", "[x]", "😀", "'--", "{x}", "a@b", "a,b", "messages"],
)
def test_an_id_of_any_letters_is_found_percent_encoded(
    program: Client, alices_token: str, stored: Store, completion_id: str
) -> None:
    stored(make_completion(completion_id, say("user", "x")))
    quoted = "".join(f"%{byte:02X}" for byte in completion_id.encode())
    for path in (f"{LIST}/{quoted}", f"{LIST}/{quote(completion_id)}"):
        assert json.loads(program.get(path, headers=bearer(alices_token)).content)["id"] == completion_id
        (message,) = json.loads(program.get(f"{path}/messages", headers=bearer(alices_token)).content)["data"]
        assert message["id"] == f"{completion_id}-0"


# Queries


@pytest.mark.parametrize(
    "value",
    [
        "a b",
        "a+b",
        "a&b",
        "a=b",
        "100%",
        "%41",
        "é",
        "日本",
        "a#b",
        "[x]",
        "a/b?c",
        "\\",
        '"',
        "'",
        "\u202e",
        "|",
        "{}",
        "a;b",
        "😀",
    ],
)
def test_a_query_reaches_the_archive_untouched(program: Client, alices_token: str, stored: Store, value: str) -> None:
    stored(make_completion("it", model=value, metadata={"key": value, value: "x"}), make_completion("other"))
    for query in ({"model": value}, {"metadata[key]": value}, {f"metadata[{value}]": "x"}):
        for encoded in (urlencode(query), urlencode(query, quote_via=quote), urlencode(query, safe="[]'")):
            response = program.get(LIST, QUERY_STRING=encoded, headers=bearer(alices_token))
            assert [item["id"] for item in json.loads(response.content)["data"]] == ["it"], encoded


@pytest.mark.usefixtures("_conversation")
def test_paging_reaches_the_archive(program: Client, alices_token: str) -> None:
    response = program.get(f"{MESSAGES}?limit=2&order=desc&after=chatcmpl-one-9", headers=bearer(alices_token))
    assert [item["id"] for item in json.loads(response.content)["data"]] == ["chatcmpl-one-8", "chatcmpl-one-7"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=%D9%A1", "limit"),
        ("order=up", "order"),
        ("after=", "after"),
        ("after=%00", "after"),
    ],
)
@pytest.mark.usefixtures("_conversation")
def test_a_bad_parameter_is_400_and_named(program: Client, alices_token: str, query: str, param: str) -> None:
    for address in (LIST, MESSAGES):
        assert_refused(program.get(f"{address}?{query}", headers=bearer(alices_token)), 400, param=param)


@pytest.mark.parametrize(
    "query",
    [
        "%",
        "%zz",
        "&&&",
        "=",
        "a=%ff",
        "%00",
        "limit=" + "9" * 3000,
        "limit=" + "0" * 5000 + "1",
        "x=" + "y" * 50_000,
        "&".join(f"metadata[k{n}]=v" for n in range(100)),
        "metadata[" * 500,
    ],
)
def test_a_hostile_query_is_answered_or_refused_but_never_an_error_of_ours(
    program: Client, alices_token: str, query: str
) -> None:
    assert program.get(LIST, QUERY_STRING=query, headers=bearer(alices_token)).status_code in (200, 400, 414)


# Methods


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("address", ALLOWED)
@pytest.mark.usefixtures("_conversation")
def test_another_method_is_405_with_allow_and_no_question_about_csrf(
    program: Client, alices_token: str, address: str, method: str
) -> None:
    for headers in ({}, bearer(alices_token)):
        response = program.generic(
            method, address, b'{"metadata":{}}', content_type="application/json", headers=headers
        )
        if method in ALLOWED[address]:
            assert_refused(response, 403 if headers else 401)
        else:
            assert_refused(response, 405, code="method_not_supported")
            assert response.headers["Allow"] == ALLOWED[address]


def test_another_method_at_an_unknown_address_is_404(program: Client) -> None:
    response = program.post("/v1/responses", {"a": "b"})
    assert assert_refused(response, 404)["message"] == "Invalid URL (POST /v1/responses)"


@pytest.mark.parametrize("address", ALLOWED)
def test_options_names_the_methods_and_asks_for_no_token(program: Client, address: str) -> None:
    response = program.options(address)
    assert (response.status_code, response.content, response.headers["Allow"]) == (204, b"", ALLOWED[address])
    assert response.headers["x-request-id"].startswith("req_")


def test_every_answer_has_an_id_of_its_own(program: Client, alices_token: str) -> None:
    addresses = [(LIST, 200), (f"{LIST}?limit=0", 400), (ONE, 404), ("/v1/x", 404)]
    responses = [(program.get(address, headers=bearer(alices_token)), status) for address, status in addresses]
    responses += [(program.get(LIST), 401), (program.delete(LIST), 405), (program.options(LIST), 204)]
    assert [response.status_code for response, _ in responses] == [status for _, status in responses]
    assert len({response.headers["X-Request-Id"] for response, _ in responses}) == len(responses)


# An unavailable database


def _broken(*_: Any) -> None:
    raise OperationalError("database is locked")


def test_an_archive_that_does_not_answer_is_503_in_the_envelope(program: Client, alices_token: str) -> None:
    def only_the_archive(execute: Any, sql: str, *rest: Any) -> Any:
        return _broken() if "archive_" in sql else execute(sql, *rest)

    with connection.execute_wrapper(only_the_archive):
        response = program.get(LIST, headers=bearer(alices_token))
    assert_refused(response, 503, type="server_error")
    assert b"locked" not in response.content


def test_a_token_that_cannot_be_looked_up_is_503_in_the_envelope(alices_token: str) -> None:
    program = Client(raise_request_exception=False)
    with connection.execute_wrapper(_broken):
        response = program.get(LIST, headers=bearer(alices_token))
    assert_refused(response, 503, type="server_error")


def test_a_use_that_cannot_be_noted_does_not_keep_the_answer_back(alices_token: str) -> None:
    """An import may hold the database's only write lock; reads continue."""

    def no_writing(execute: Any, sql: str, *rest: Any) -> Any:
        return _broken() if sql.startswith("UPDATE") else execute(sql, *rest)

    program = Client(raise_request_exception=False)
    with connection.execute_wrapper(no_writing):
        response = program.get(LIST, headers=bearer(alices_token))
    assert response.status_code == 200


# Over a real socket


def over_the_wire(live_server: Any, method: str, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(live_server.url)
    wire = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    wire.request(method, target, headers=headers)
    response = wire.getresponse()
    body = response.read()
    wire.close()
    found = {name.lower(): value for name, value in response.getheaders()}
    return response.status, found, body


def bytes_over_the_wire(live_server: Any, request: bytes) -> bytes:
    address = urlsplit(live_server.url)
    with socket.create_connection((address.hostname or "", address.port or 80), timeout=20) as wire:
        wire.sendall(request)
        received = b""
        while more := wire.recv(65_536):
            received += more
    return received


@pytest.mark.usefixtures("_conversation")
def test_head_says_what_get_says_without_the_body(live_server: Any, alices_token: str) -> None:
    for target in (*ADDRESSES, f"{MESSAGES}?limit=3", f"{MESSAGES}?limit=0", f"{LIST}/nope"):
        for headers in ({"Authorization": f"Bearer {alices_token}"}, {}):
            got, head = (over_the_wire(live_server, method, target, **headers) for method in ("GET", "HEAD"))
            assert got[0] == head[0]
            assert head[2] == b""
            assert got[2] != b""
            for name in ("content-type", "content-length", "allow", "www-authenticate", "cache-control"):
                assert got[1].get(name) == head[1].get(name), (target, name)
            assert {"x-request-id", "content-length"} <= set(head[1])


@pytest.mark.usefixtures("_conversation")
def test_head_sends_no_byte_behind_its_headers(live_server: Any, alices_token: str) -> None:
    request = (
        f"HEAD {LIST} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alices_token}\r\nConnection: close\r\n\r\n"
    )
    received = bytes_over_the_wire(live_server, request.encode())
    assert received.startswith(b"HTTP/1.1 200")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


def test_letters_in_a_query_need_not_be_percent_encoded(live_server: Any, alices_token: str, stored: Store) -> None:
    """As `curl 'http://…?model=日本'` sends them."""
    stored(make_completion("it", model="日本é", metadata={"ключ": "é"}))
    for query in ("model=日本é", "metadata[ключ]=é"):
        headers = f"Host: 127.0.0.1\r\nAuthorization: Bearer {alices_token}\r\nConnection: close\r\n\r\n"
        body = bytes_over_the_wire(live_server, f"GET {LIST}?{query} HTTP/1.1\r\n{headers}".encode()).partition(
            b"\r\n\r\n"
        )[2]
        assert [item["id"] for item in json.loads(body)["data"]] == ["it"], query


def test_the_length_is_told_and_no_cookie_is_set(live_server: Any, alices_token: str) -> None:
    status, headers, body = over_the_wire(live_server, "GET", LIST, Authorization=f"Bearer {alices_token}")
    assert status == 200
    assert int(headers["content-length"]) == len(body)
    assert headers["content-type"] == "application/json"
    assert "set-cookie" not in headers
    assert headers["cache-control"] == "private, no-cache"
