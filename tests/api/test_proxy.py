"""`/v1` for an access token that is bound to one of the person's keys: passed on, and nothing added or leaked."""

from __future__ import annotations

import hashlib
from typing import Any

import openai
import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_key
from tests.upstream import Upstream
from viewer.keys.models import AccessToken

ONE = "chatcmpl-live-0001"
SECRET = "sk-good-alice-canary-27182818"


@pytest.fixture
def base(live_server: Any) -> str:
    return f"{live_server.url}/v1/chat/completions"


def bearer(person: User, upstream: Upstream, mode: str = "ok", secret: str = SECRET) -> dict[str, str]:
    key = make_key(person, f"{mode} {secret}"[:60], secret, base_url=upstream.base(mode))
    return {"Authorization": f"Bearer {AccessToken.objects.issue(person, 'proxy', key)[1]}"}


def directly(upstream: Upstream, path: str, mode: str = "ok", secret: str = SECRET) -> requests.Response:
    headers = {"Authorization": f"Bearer {secret}"}
    return requests.get(f"{upstream.base(mode)}/chat/completions{path}", headers=headers, allow_redirects=False)


@pytest.mark.parametrize(
    "path",
    [
        "", "?limit=2&order=asc", "?metadata%5Bticket%5D=a%20b+c&unknown=%F0%9F%93%A6&empty=", f"/{ONE}", f"/{ONE}/messages?limit=1",
        "/chatcmpl-nope", f"/{ONE}/messages?limit=101", f"/{ONE}/messages?after=nope",
    ],
)  # fmt: skip
def test_status_and_body_come_back_byte_for_byte_and_the_query_goes_untouched(
    alice: User, upstream: Upstream, base: str, path: str
) -> None:
    expected = directly(upstream, path)
    upstream.forget()
    answer = requests.get(base + path, headers=bearer(alice, upstream))
    assert (answer.status_code, answer.content) == (expected.status_code, expected.content)
    asked = upstream.asked()[0]
    assert asked["query"] == path.partition("?")[2]
    assert asked["headers"]["authorization"] == f"Bearer {SECRET}"
    assert "lectern_" not in str(asked)


def test_headers_a_client_needs_come_back_and_others_do_not(alice: User, upstream: Upstream, base: str) -> None:
    answer = requests.get(base, headers=bearer(alice, upstream))
    for name in ("x-request-id", "openai-organization", "openai-project", "openai-processing-ms", "openai-version"):
        assert name in answer.headers
    for name in ("set-cookie", "cf-ray", "strict-transport-security"):
        assert name not in answer.headers
    assert SECRET not in str(answer.headers)
    limited = requests.get(base, headers=bearer(alice, upstream, "rate-limited-long"))
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "60")
    assert len(upstream.asked()) == 2


def test_a_packed_body_goes_through_packed(alice: User, upstream: Upstream, base: str) -> None:
    answer = requests.get(base, headers={**bearer(alice, upstream, "gzip"), "Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["object"] == "list"


def test_a_large_body_streams_through_unchanged(alice: User, upstream: Upstream, base: str) -> None:
    headers = bearer(alice, upstream, "huge-40")
    with requests.get(f"{base}/{ONE}/messages", headers=headers, stream=True) as answer:
        through = hashlib.sha256()
        size = 0
        for piece in answer.iter_content(1 << 20):
            through.update(piece)
            size += len(piece)
    assert size > 39_000_000
    assert through.hexdigest() == hashlib.sha256(directly(upstream, f"/{ONE}/messages", "huge-40").content).hexdigest()


@pytest.mark.parametrize(
    ("mode", "status", "code"),
    [("stalled", 504, "timeout"), ("drip-headers", 504, "timeout"), ("reset", 503, "unavailable")],
)
def test_silence_upstream_is_told_in_the_envelope(
    alice: User, upstream: Upstream, base: str, settings: Any, mode: str, status: int, code: str
) -> None:
    settings.UPSTREAM_DEADLINE = 1 if code == "timeout" else 20
    answer = requests.get(base, headers=bearer(alice, upstream, mode))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_redirect_is_not_followed(alice: User, upstream: Upstream, base: str) -> None:
    answer = requests.get(base, headers=bearer(alice, upstream, "redirect"), allow_redirects=False)
    assert answer.status_code == 502
    assert "location" not in answer.headers


def test_an_echo_of_the_key_does_not_come_back(alice: User, upstream: Upstream, base: str) -> None:
    secret = "sk-canary-refused-31415926"
    answer = requests.get(base, headers=bearer(alice, upstream, secret=secret))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    for part in (secret, secret[:8], secret[-4:]):
        assert part not in answer.text


def test_lectern_only_reads(alice: User, upstream: Upstream, base: str) -> None:
    headers = bearer(alice, upstream)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = requests.request(method, f"{base}/{ONE}", headers=headers, json={"metadata": {}})
        assert answer.status_code == 405
        assert answer.json()["error"]["code"] == "method_not_supported"
    assert upstream.asked() == []
    head = requests.head(base, headers=headers)
    assert (head.status_code, head.content) == (200, b"")


def test_deleting_the_key_or_revoking_the_token_takes_effect_at_once(
    alice: User, upstream: Upstream, base: str, client: Client
) -> None:
    headers, others = bearer(alice, upstream), bearer(alice, upstream, "close")
    assert requests.get(base, headers=headers).status_code == 200
    assert requests.get(base, headers=others).status_code == 200
    client.force_login(alice)
    tokens = AccessToken.objects.of(alice).order_by("id")
    client.post(f"/keys/{tokens[0].api_key_id}/delete/")
    client.post(f"/tokens/{tokens.last().pk}/revoke/")
    assert requests.get(base, headers=headers).status_code == 401
    assert requests.get(base, headers=others).status_code == 401


def test_the_official_client_works_through_it(alice: User, upstream: Upstream, live_server: Any) -> None:
    token = bearer(alice, upstream)["Authorization"].removeprefix("Bearer ")
    with openai.OpenAI(base_url=f"{live_server.url}/v1", api_key=token, max_retries=0) as client:
        listed = [completion.id for completion in client.chat.completions.list(limit=7)]
        assert len(listed) == len(set(listed)) >= 30
        assert client.chat.completions.retrieve(ONE).id == ONE
        messages = [message.id for message in client.chat.completions.messages.list("chatcmpl-live-hex", limit=50)]
        assert len(messages) == len(set(messages)) == 300
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.retrieve("chatcmpl-nope")


def test_turns_are_given_back_whatever_becomes_of_the_answer(
    alice: User, upstream: Upstream, base: str, settings: Any
) -> None:
    settings.UPSTREAM_QUESTIONS = 2
    headers = bearer(alice, upstream, "huge-20")
    for _ in range(6):
        with requests.get(base, headers=headers, stream=True) as answer:
            assert answer.raw.read(10)  # and leave
    calm = bearer(alice, upstream)
    for _ in range(6):
        assert requests.get(base, headers=calm).status_code == 200
        assert requests.head(base, headers=calm).status_code == 200
        assert requests.get(f"{base}/nope", headers=calm).status_code == 404
