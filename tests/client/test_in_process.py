from __future__ import annotations

import pytest
from django.db import OperationalError

from viewer.archive.api import Response
from viewer.client.in_process import BASE_URL, InProcess
from viewer.client.problems import Problem


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ""),
        ("model=a%20b&after=%C3%A4", "model=a%20b&after=%C3%A4"),
        ("model=100%", "model=100%25"),
        ("model=a%20b&after=100%zz", "model=a%2520b&after=100%25zz"),  # as the client of other servers sends it
        ("limit=2#after=x", "limit=2"),
    ],
)
def test_a_query_is_read_as_it_would_be_sent_to_another_server(query: str, asked: str) -> None:
    server = InProcess(lambda path, query: Response(200, f"{path} {query}".encode()))
    assert server.get(f"{BASE_URL}/chat/completions?{query}").body.decode() == f"/chat/completions {asked}"


def test_an_error_is_shown_without_keys_and_passed_on_as_it_is() -> None:
    server = InProcess(lambda path, query: Response(404, b"nothing with sk-abcdefgh"))
    assert server.get(BASE_URL).body == b"nothing with [key]"
    assert server.stream(BASE_URL, {}).body == b"nothing with sk-abcdefgh"


def test_a_large_body_and_a_database_that_fails_are_problems() -> None:
    def fail(path: str, query: str) -> Response:
        raise OperationalError("locked")

    for server, name in (
        (InProcess(lambda *_: Response(200, b"12345"), 4), "too-large"),
        (InProcess(fail), "unavailable"),
    ):
        for ask in (server.get, lambda url, server=server: server.stream(url, {})):
            with pytest.raises(Problem) as caught:
                ask(BASE_URL)
            assert caught.value.name == name
