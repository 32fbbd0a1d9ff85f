"""`/v1` for an access token that is bound to one of the person's keys: passed on, and nothing added or leaked."""

from __future__ import annotations

import gc
import hashlib
from contextlib import suppress
from itertools import islice
from time import sleep
from typing import Any

import openai
import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_completion, make_key
from tests.traces import traces
from tests.upstream import Upstream
from viewer.client.limiter import MAX_REQUESTS
from viewer.client.problems import Problem
from viewer.keys.models import AccessToken
from viewer.remote_images import fetch as remote_images
from viewer.sources.sources import Source

ONE = "chatcmpl-live-0001"
SECRET = "sk-good-alice-canary-27182818"
SHAPES = [
    "600d9c2a41d05b68e3a90f1c7d42b586",
    "600d9c2a-41d0-4b68-a3a9-0f1c7d42b586",
    "sk-good-proj-7f3e9c2aCANARY41d05b68",
]


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


@pytest.mark.parametrize("accepted", ["gzip", "br", "identity"])
def test_a_body_is_asked_for_packed_and_handed_on_unpacked(
    alice: User, upstream: Upstream, base: str, accepted: str
) -> None:
    answer = requests.get(base, headers={**bearer(alice, upstream, "gzip"), "Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert answer.content == directly(upstream, "").content
    assert upstream.asked()[0]["headers"]["accept-encoding"] == "gzip"


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("secret", SHAPES)
@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 404, 409, 418, 422, 429, 500, 503, 599])
def test_no_form_of_the_key_comes_back_at_any_status(
    alice: User, upstream: Upstream, base: str, secret: str, status: int
) -> None:
    answer = requests.get(f"{base}/{ONE}/messages", headers=bearer(alice, upstream, f"echoes-{status}", secret))
    assert answer.status_code == status
    shown = answer.text + str(answer.headers)
    assert "[key]" in answer.text
    for part in traces(secret) if status == 200 else [*traces(secret), secret[:16], secret[-16:], secret[-4:]]:
        assert part not in shown
    assert answer.json()


@pytest.mark.parametrize("status", [600, 999, 199])
def test_a_status_that_does_not_exist_is_a_502_in_the_envelope(
    alice: User, upstream: Upstream, base: str, status: int
) -> None:
    answer = requests.get(base, headers=bearer(alice, upstream, f"odd-status-{status}"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "unreadable")


def test_headers_that_http_cannot_carry_are_left_out(alice: User, upstream: Upstream, base: str) -> None:
    answer = requests.get(base, headers=bearer(alice, upstream, "control-in-header"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["object"] == "list"
    assert "x-ratelimit-reset-requests" not in answer.headers
    assert "x-request-id" in answer.headers


def test_what_cannot_be_unpacked_cannot_be_looked_through_and_is_refused(
    alice: User, upstream: Upstream, base: str
) -> None:
    answer = requests.get(base, headers=bearer(alice, upstream, "packed-oddly"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "unreadable")


def test_an_echo_of_the_key_does_not_come_back(alice: User, upstream: Upstream, base: str) -> None:
    secret = "sk-canary-refused-31415926"
    answer = requests.get(base, headers=bearer(alice, upstream, secret=secret))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    for part in (secret, secret[:8], secret[-4:]):
        assert part not in answer.text


def test_nothing_is_written_with_an_api_key(alice: User, upstream: Upstream, base: str) -> None:
    headers = bearer(alice, upstream)
    AccessToken.objects.update(may_change_metadata=True, may_delete=True)
    for method, refusal in (("PUT", 405), ("PATCH", 405), ("POST", 403), ("DELETE", 403)):
        answer = requests.request(method, f"{base}/{ONE}", headers=headers, json={"metadata": {}})
        code = "read_only_source" if refusal == 403 else "method_not_supported"
        assert (answer.status_code, answer.json()["error"]["code"]) == (refusal, code)
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


ODD = [
    "odd-status-999",
    "odd-status-600",
    "control-in-header",
    "broken-header",
    "broken-chunk",
    "packed-oddly",
    "truncated",
    "drip",
]


@pytest.mark.slow
def test_turns_are_given_back_whatever_becomes_of_the_answer(
    alice: User, upstream: Upstream, base: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPSTREAM_MAX_CONCURRENCY, settings.UPSTREAM_DEADLINE = 2, 2
    monkeypatch.setattr("viewer.client.http._STREAM_IDLE_SECONDS", 0.5)
    for mode in ("huge-20", *ODD):
        headers = bearer(alice, upstream, mode)
        for _ in range(4):
            with (
                suppress(requests.RequestException),
                requests.get(base, headers=headers, stream=True, timeout=20) as answer,
            ):
                answer.raw.read(10)  # and leave
    sleep(1)  # longer than the silence that the last stream may keep
    settings.UPSTREAM_DEADLINE = 20
    calm = bearer(alice, upstream)
    for _ in range(6):
        assert requests.get(base, headers=calm).status_code == 200
        assert requests.head(base, headers=calm).status_code == 200
        assert requests.get(f"{base}/nope", headers=calm).status_code == 404


def test_a_turn_is_given_back_when_the_answer_cannot_be_handed_on(
    alice: User, upstream: Upstream, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.UPSTREAM_MAX_CONCURRENCY = 2
    headers = bearer(alice, upstream, "huge-5")
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("viewer.api.views.StreamingHttpResponse", lambda *args, **fields: 1 / 0)
        assert [client.get("/v1/chat/completions", headers=headers).status_code for _ in range(4)] == [500] * 4
    assert client.get("/v1/chat/completions", headers=bearer(alice, upstream)).status_code == 200


def test_an_answer_is_sent_whole_if_it_has_arrived_and_as_it_arrives_if_not(
    alice: User, upstream: Upstream, client: Client
) -> None:
    whole = client.get("/v1/chat/completions", headers=bearer(alice, upstream))
    assert (whole.streaming, whole.content) == (False, directly(upstream, "").content)
    arriving = client.get("/v1/chat/completions", headers=bearer(alice, upstream, "huge-1"))
    arriving.close()
    assert arriving.streaming


@pytest.mark.slow
def test_a_stream_that_nobody_reads_or_closes_gives_its_turn_back(alice: User, upstream: Upstream) -> None:
    key = make_key(alice, base_url=upstream.base("huge-5"))
    for _ in range(12):
        stream = Source(key).client.stream("/chat/completions", "", {})
        assert stream.status == 200
        del stream
        gc.collect()


@pytest.mark.slow
def test_a_stream_that_its_client_does_not_take_gives_its_turn_back_at_its_end(
    alice: User, upstream: Upstream, settings: Any
) -> None:
    settings.UPSTREAM_DEADLINE = 0.5
    key = make_key(alice, base_url=upstream.base("huge-5"))
    held = [
        Source(key).client.stream("/chat/completions", "", {}) for _ in range(settings.UPSTREAM_MAX_CONCURRENCY // 2)
    ]
    for _ in range(10):  # each waits a second for a turn
        with suppress(Problem):
            held.append(Source(key).client.stream("/chat/completions", "", {}))
            break
    assert len(held) > settings.UPSTREAM_MAX_CONCURRENCY // 2


@pytest.mark.slow
def test_a_stream_has_an_end(alice: User, upstream: Upstream, base: str, settings: Any) -> None:
    settings.UPSTREAM_DEADLINE = 0.5
    came = []
    answer = requests.get(base, headers=bearer(alice, upstream, "drip-0.01"), timeout=20, stream=True)
    with answer, suppress(requests.RequestException):
        came.extend(islice(answer.iter_content(1), 2_000))
    assert len(came) < 2_000  # they drip forever, a hundred a second
    settings.UPSTREAM_DEADLINE = 20
    assert requests.get(base, headers=bearer(alice, upstream)).status_code == 200


def test_a_stream_that_grows_too_large_breaks_off(
    alice: User, upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("viewer.client.http._MAX_STREAM_BYTES", 1_000_000)
    answer = client.get("/v1/chat/completions", headers=bearer(alice, upstream, "huge-5"))
    with pytest.raises(BrokenPipeError):
        list(answer.streaming_content)


@pytest.mark.slow
def test_one_persons_questions_leave_room_for_others(alice: User, mallory: User, upstream: Upstream) -> None:
    """A request to a server that hangs occupies a slot; one person may have half of a host's slots."""
    hers = [make_key(mallory, f"{n}", base_url=upstream.base("drip")) for n in range(2)]
    held = []
    for n in range(8):
        with suppress(Problem):
            held.append(Source(hers[n % 2]).client.stream("/chat/completions", "", {}))
    assert len(held) == 4
    assert Source(make_key(alice, base_url=upstream.base())).client.completions().items
    for stream in held:
        stream.close()


def test_questions_in_all_leave_threads_for_the_archive(
    upstream: Upstream, stored: Any, client: Client, settings: Any
) -> None:
    held = []
    people = [User.objects.create_user(f"person {n}") for n in range(6)]
    for person in people:
        for host in ("127.0.0.1", "localhost"):
            key = make_key(person, host, base_url=upstream.base("drip").replace("127.0.0.1", host))
            with suppress(Problem):
                held += [Source(key).client.stream("/chat/completions", "", {}) for _ in range(2)]
    assert len(held) == MAX_REQUESTS
    held_elsewhere = remote_images._slots._initial_value + settings.STREAMS + settings.SENDERS
    assert MAX_REQUESTS + held_elsewhere < settings.SERVER_THREADS
    stored(make_completion())
    headers = {"Authorization": f"Bearer {AccessToken.objects.issue(people[0], 'archive')[1]}"}
    assert client.get("/v1/chat/completions", headers=headers).status_code == 200
    for stream in held:
        stream.close()
