"""HTTP requests to a real server that misbehaves."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tests.upstream import Upstream
from viewer.client import limiter as limiter_module
from viewer.client.client import Client
from viewer.client.http import HttpClient, KeyAuth, Limits, _clean_headers, new_session
from viewer.client.limiter import ConcurrencyLimit, HostLimiter, RequestLimiter
from viewer.client.problems import Problem
from viewer.client.scrubbing import Scrubber

ONE = "chatcmpl-live-0001"
KEY = "sk-good-1234567890abcd"


def client_of(
    upstream: Upstream, mode: str, *, seconds: float = 20, limiter: HostLimiter | None = None, key: str = KEY
) -> Client:
    base = upstream.base(mode)
    http = HttpClient(
        new_session(),
        KeyAuth(lambda: key, base, {}),
        RequestLimiter(limiter or HostLimiter("host", 8), ConcurrencyLimit("somebody", 8)),
        Limits(seconds, 32_000_000),
    )
    return Client(http, base)


def problem_in(upstream: Upstream, mode: str, **options: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        client_of(upstream, mode, **options).messages(ONE)
    return caught.value


@pytest.mark.parametrize(
    "mode", ["ok", "wrong-type", "gzip", "chunked", "close", "surrogates", "ids-empty", "nested", "slow-0.2"]
)
def test_a_strange_but_complete_response_is_read(upstream: Upstream, mode: str) -> None:
    assert client_of(upstream, mode).messages(ONE).items
    assert len(upstream.asked()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "name", "asked"),
    [
        ("html", "unreadable", 1), ("html-502", "unavailable", 3), ("bad-json", "unreadable", 1),
        ("no-data", "unreadable", 1), ("forbidden", "forbidden", 1), ("quota", "quota-exhausted", 1), ("quota-1", "quota-exhausted", 1),
        ("storm", "unavailable", 3), ("overloaded", "unavailable", 3), ("should-not-retry", "unavailable", 1),
        ("rate-limited-ms-100", "rate-limited", 3), ("rate-limited-long", "rate-limited", 1), ("rate-limited-bare", "rate-limited", 3),
        ("truncated", "unavailable", 3), ("reset", "unavailable", 3), ("redirect", "unreadable", 1), ("messages-404", "not-found", 1),
        ("stalled", "timeout", 1), ("drip", "timeout", 1), ("drip-headers", "timeout", 1),
    ],
)  # fmt: skip
def test_every_failure_becomes_one_problem_after_as_many_requests_as_the_server_allows(
    upstream: Upstream, mode: str, name: str, asked: int
) -> None:
    """The deadline is in real time: a server that drips would send the whole response, but minutes later."""
    assert problem_in(upstream, mode, seconds=1 if name == "timeout" else 20).name == name
    assert len(upstream.asked()) == asked


@pytest.mark.parametrize("mode", ["flaky~x", "rate-limited-once~x", "should-retry~x"])
def test_one_failure_is_retried(upstream: Upstream, mode: str) -> None:
    assert client_of(upstream, mode).messages(ONE).items
    assert len(upstream.asked()) == 2


@pytest.mark.parametrize("mode", ["huge", "gzip-bomb"])
def test_too_much_is_refused_while_reading(upstream: Upstream, mode: str) -> None:
    assert problem_in(upstream, mode).name == "too-large"


def test_a_long_wait_is_left_to_the_reader(upstream: Upstream) -> None:
    assert problem_in(upstream, "rate-limited-long").retry_after == 60
    wait = problem_in(upstream, "rate-limited-date-30").retry_after
    assert wait is not None
    assert 20 < wait <= 30


def test_the_servers_message_and_request_id_are_kept_and_the_key_is_not(upstream: Upstream) -> None:
    secret = "sk-canary-refused-31415926"
    with pytest.raises(Problem) as caught:
        client_of(upstream, "ok", key=secret).messages(ONE)
    assert caught.value.name == "invalid-key"
    assert "API key" in caught.value.message
    assert caught.value.request_id.startswith("req_")
    for part in (secret, secret[:8], secret[-4:]):
        assert part not in caught.value.message


def test_no_cookie_is_kept_and_no_netrc_is_read(
    upstream: Upstream, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    client = client_of(upstream, "ok")
    client.messages(ONE)
    client.messages(ONE)
    for asked in upstream.asked():
        assert asked["headers"]["authorization"] == f"Bearer {KEY}"
        assert "cookie" not in asked["headers"]


def test_a_secret_is_taken_out_of_each_header_and_nothing_that_two_of_them_make_together() -> None:
    key = "7f3e9c2a41d05b68e3a90f1c7d42b586"
    headers = {"x-one": f"for {key}", "x-two": key[:7], "x-three": "****", "x-four": key[-7:], "x-empty": ""}
    assert dict(_clean_headers(headers, Scrubber([key]))) == {**headers, "x-one": "for [key]", "x-three": "[key]"}
    assert not _clean_headers({}, Scrubber([key]))


def test_connections_are_used_again(upstream: Upstream) -> None:
    client = client_of(upstream, "ok")
    for _ in range(5):
        client.messages(ONE)
        client.completion(ONE)
    assert len({asked["connection"] for asked in upstream.asked()}) == 1


def test_azure_gets_the_key_in_its_own_header() -> None:
    import requests

    for host, header in (
        ("desk.openai.azure.com", "api-key"),
        ("api.openai.com", "Authorization"),
        ("openai.azure.com.evil.example", "Authorization"),
    ):
        request = requests.Request("GET", f"https://{host}/openai/v1/x").prepare()
        KeyAuth(lambda: KEY, f"https://{host}/openai/v1", {"OpenAI-Project": "p"})(request)
        assert KEY in request.headers[header]
        assert request.headers["OpenAI-Project"] == "p"
        assert sum(KEY in value for value in request.headers.values()) == 1
    assert KEY not in repr(KeyAuth(lambda: KEY, "https://api.openai.com/v1", {}))


def test_after_five_failures_a_host_gets_no_request_until_the_pause_is_over(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(limiter_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    limiter = HostLimiter("host", 8)
    for _ in range(5):
        problem_in(upstream, "should-not-retry", limiter=limiter)
    upstream.forget()
    problem = problem_in(upstream, "ok", limiter=limiter)
    assert problem.name == "unavailable"
    assert problem.retry_after == 15
    assert upstream.asked() == []
    now[0] += 15
    assert client_of(upstream, "ok", limiter=limiter).messages(ONE).items
    assert len(upstream.asked()) == 1
    assert client_of(upstream, "ok", limiter=limiter).messages(ONE).items


def test_not_found_is_not_counted_as_a_failure(upstream: Upstream) -> None:
    limiter = HostLimiter("host", 8)
    for _ in range(8):
        problem_in(upstream, "messages-404", limiter=limiter)
    assert client_of(upstream, "ok", limiter=limiter).messages(ONE).items


@pytest.mark.slow
def test_concurrent_requests_are_limited(quiet_upstream: Upstream) -> None:
    limiter = HostLimiter("host", 3)
    outcomes: list[str] = []

    def request() -> None:
        try:
            client_of(quiet_upstream, "slow-1.5", limiter=limiter).messages(ONE)
            outcomes.append("answered")
        except Problem as problem:
            outcomes.append(problem.name)

    threads = [threading.Thread(target=request) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert quiet_upstream.busy()["most"] <= 3
    assert outcomes.count("answered") >= 3
    assert set(outcomes) == {"answered", "unavailable"}
