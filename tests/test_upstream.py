"""The fake upstream does what its modes say, so that a test that fails elsewhere is not its fault."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.upstream import COMPLETIONS, MESSAGES, MODES, Upstream, running_upstream

ONE = "chat/completions/chatcmpl-live-0001"
LAST = "chat/completions/chatcmpl-live-0030"


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(server: Upstream) -> Upstream:
    server.forget()
    return server


def get(upstream: Upstream, mode: str, path: str = f"{ONE}/messages", key: str = "sk-good-1", **options: Any) -> Any:
    headers = {"api-key": key} if mode == "azure" else {"authorization": f"Bearer {key}"}
    options = {"timeout": 20, "allow_redirects": False, "headers": headers, **options}
    return requests.get(f"{upstream.base(mode)}/{path}", **options)


def test_it_answers_as_openai_does(upstream: Upstream) -> None:
    page = get(upstream, "ok", f"{LAST}/messages").json()
    assert list(page) == ["object", "data", "first_id", "last_id", "has_more"]
    assert page["data"] == MESSAGES["chatcmpl-live-0030"][:20]
    assert page["has_more"] is True
    rest = get(upstream, "ok", f"{LAST}/messages", params={"after": page["last_id"]}).json()
    assert [item["id"] for item in rest["data"]] == [f"chatcmpl-live-0030-{n}" for n in range(20, 30)]
    assert rest["has_more"] is False
    assert get(upstream, "ok", f"{LAST}/messages", params={"after": rest["last_id"]}).text == (
        '{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'
    )
    completion = get(upstream, "ok", ONE).json()
    assert len(completion) == 19
    assert all(abs(item["seed"]) > 2**53 and abs(item["seed"]) < 2**63 for item in COMPLETIONS.values())


def test_the_list_is_newest_first_and_filtered(upstream: Upstream) -> None:
    page = get(upstream, "ok", "chat/completions", params={"metadata[team]": "billing", "limit": 2}).json()
    assert [item["id"] for item in page["data"]] == ["chatcmpl-live-0003", "chatcmpl-live-0006"]
    everything = {"metadata[team]": "nobody", "limit": 100}
    assert get(upstream, "ok", "chat/completions", params=everything).json()["data"] == []
    assert len(get(upstream, "ignores-metadata", "chat/completions", params=everything).json()["data"]) == 33


def test_refusals_are_openais_to_the_byte(upstream: Upstream) -> None:
    missing = get(upstream, "ok", "chat/completions/chatcmpl-" + "x" * 29)
    assert (missing.status_code, len(missing.content)) == (404, 189)
    refused = get(upstream, "ok", key="not-a-real-key-as-it-was-sanitized")
    assert (refused.status_code, refused.text[-2:]) == (401, "}\n")
    assert refused.json()["error"]["message"].startswith("Incorrect API key provided: not-a-re**********")
    assert "ized. You can" in refused.text
    assert get(upstream, "ok", key="sk-other-1").status_code == 404
    assert get(upstream, "ok", headers={}).status_code == 401


@pytest.mark.parametrize(
    ("mode", "status", "header", "value"),
    [
        ("rate-limited", 429, "retry-after", "1"),
        ("rate-limited-7", 429, "retry-after", "7"),
        ("rate-limited-ms", 429, "retry-after-ms", "200"),
        ("rate-limited-bare", 429, "retry-after", None),
        ("quota", 429, "retry-after", None),
        ("should-not-retry", 500, "x-should-retry", "false"),
        ("html-502", 502, "content-type", "text/html"),
        ("wrong-type", 200, "content-type", "text/plain"),
        ("redirect", 302, "location", "http://127.0.0.1:1/"),
        ("close", 200, "connection", "close"),
        ("messages-404", 404, "openai-version", "2020-10-01"),
        ("forbidden", 403, "retry-after", None),
    ],
)
def test_a_mode_has_its_status_and_header(
    upstream: Upstream, mode: str, status: int, header: str, value: str | None
) -> None:
    answer = get(upstream, mode)
    assert (answer.status_code, answer.headers.get(header)) == (status, value)


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [
        ("flaky", [503, 200, 200]),
        ("rate-limited-once", [429, 200, 200]),
        ("should-retry", [400, 200, 200]),
        ("late", [404, 404, 200]),
    ],
)
def test_some_modes_count(upstream: Upstream, mode: str, statuses: list[int]) -> None:
    assert [get(upstream, mode).status_code for _ in range(3)] == statuses
    assert get(upstream, f"{mode}~again").status_code == statuses[0]


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("stalled", requests.ReadTimeout),
        ("slow-2.5", requests.ReadTimeout),
        ("truncated", requests.exceptions.ChunkedEncodingError),
        ("reset", requests.ConnectionError),
        ("bad-json", requests.JSONDecodeError),
        ("html", requests.JSONDecodeError),
        ("nested", RecursionError),
    ],
)
def test_some_modes_fail(upstream: Upstream, mode: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        get(upstream, mode, timeout=1 if problem is requests.ReadTimeout else 20).json()


def test_a_reset_is_a_reset(upstream: Upstream) -> None:
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        get(upstream, "reset")


def test_it_drips(upstream: Upstream) -> None:
    body = get(upstream, "drip-0.001", stream=True).raw
    assert body.read(30).startswith(b'{"object":"list","data":[{"id"')
    body.close()
    with pytest.raises(requests.ReadTimeout):
        get(upstream, "drip-headers", timeout=0.1)


@pytest.mark.slow
def test_big_answers_are_big_and_valid(upstream: Upstream) -> None:
    packed = get(upstream, "gzip-bomb", stream=True).raw.read(decode_content=False)
    assert len(packed) < 400_000
    unpacked = zlib.decompress(packed, zlib.MAX_WBITS | 16)
    assert len(unpacked) > 300_000_000
    assert unpacked[-3:] == b'a"}'
    assert len(get(upstream, "huge-5").json()["padding"]) == 5_000_000
    assert get(upstream, "gzip").json() == get(upstream, "chunked").json() == get(upstream, "ok").json()


def test_other_servers(upstream: Upstream) -> None:
    appended = get(upstream, "appending").json()["data"]
    assert [message["role"] for message in appended] == ["user", "assistant"]
    assert appended[1]["content"] == COMPLETIONS["chatcmpl-live-0001"]["choices"][0]["message"]["content"]
    azure = get(upstream, "azure").json()
    assert azure["total"] == 1
    assert "content_parts" not in azure["data"][0]
    assert get(upstream, "azure", "chat/completions").json()["data"][0]["object"] is None
    assert get(upstream, "ok", headers={"api-key": "sk-good"}).status_code == 401
    assert get(upstream, "no-list", "chat/completions").json() == {"detail": "Method Not Allowed"}
    assert get(upstream, "no-list", ONE).status_code == 200


def test_odd_pages(upstream: Upstream) -> None:
    assert "\ud83d \udc00 \0" in get(upstream, "surrogates").json()["data"][0]["content"]
    page = get(upstream, "ids-empty").json()
    assert (page["first_id"], "id" in page["data"][0]) == ("", False)
    page = get(upstream, "more-for-ever", params={"after": "chatcmpl-live-0001-0"}).json()
    assert (page["data"], page["has_more"]) == ([], True)
    assert get(upstream, "more-but-empty").json()["data"] == []


def test_it_tells_what_was_asked_and_can_be_set(upstream: Upstream) -> None:
    session = requests.Session()
    session.headers["authorization"] = "Bearer sk-good-1"
    for _ in range(2):
        session.get(f"{upstream.base(key='here')}/{ONE}/messages?order=desc&limit=5", timeout=5)
    one, two = upstream.asked()
    assert (one["method"], one["path"], one["query"]) == ("GET", f"/ok~here/v1/{ONE}/messages", "order=desc&limit=5")
    assert one["headers"]["authorization"] == "Bearer sk-good-1"
    assert one["connection"] == two["connection"]
    upstream.set("mode", "storm")
    assert get(upstream, "ok").status_code == 500
    upstream.set("mode", None)
    upstream.set("refuses", ["sk-good-1"])
    assert get(upstream, "ok").status_code == 401
    assert get(upstream, "ok", key="sk-good-2").status_code == 200
    upstream.forget()
    assert upstream.asked() == []
    assert get(upstream, "ok").status_code == 200


@pytest.mark.slow
def test_fifty_wait_at_the_same_time(upstream: Upstream) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: get(upstream, "slow-1.5").status_code, range(50)))
    assert answers == [200] * 50
    assert upstream.busy()["most"] >= 8  # all fifty, on a machine with nothing else to do


@pytest.mark.slow
def test_every_mode_answers_or_fails_without_a_traceback(upstream: Upstream, capfd: pytest.CaptureFixture[str]) -> None:
    for mode in MODES.keys() - {"drip-headers"}:  # a byte each 0.2 s outlives every timeout that counts reads
        for path in ("chat/completions", ONE, f"{ONE}/messages"):
            try:
                get(upstream, mode, path, timeout=0.5 if mode in ("slow", "stalled") else 20, stream=True).close()
            except requests.RequestException:
                assert mode in ("slow", "stalled", "reset"), mode
    assert json.loads(get(upstream, "ok").text)
    assert "Traceback" not in capfd.readouterr().err
