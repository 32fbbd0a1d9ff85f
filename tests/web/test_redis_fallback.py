"""A Redis that rejects commands is treated like an unavailable one: slower, but still correct."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from tests.conftest import has_servers
from tests.servers import redis as redis_server
from viewer.settings import _cache
from viewer.web import redis_fallback as caches
from viewer.web.redis_fallback import RedisWithFallback

REFUSALS = [OutOfMemoryError("command not allowed"), ReadOnlyError("replica"), ResponseError("MISCONF cannot persist")]


def _instead(folder: Path) -> dict[str, Any]:
    return {"INSTEAD": {"BACKEND": "viewer.web.caches.OfProcess", "LOCATION": str(folder)}}


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_what_redis_refuses_this_process_keeps_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: RedisError
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.set", refuse)
    monkeypatch.setattr(caches, "_states", defaultdict(caches._State))
    cache = RedisWithFallback("redis://refusing.example", _instead(tmp_path))
    assert not cache.is_unavailable
    cache.set("name", "value")
    assert cache.is_unavailable
    assert cache.get("name") == "value"


@pytest.mark.filterwarnings("error")
def test_a_redis_that_only_answers_is_not_believed_until_it_takes_something(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise a full Redis would return old counters of wrong passwords, a few times a minute."""
    is_full = True

    def set(self: RedisWithFallback, key: str, *args: Any) -> None:
        self.make_and_validate_key(key)  # which warns of a space
        if is_full:
            raise OutOfMemoryError("command not allowed")

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.set", set)
    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.get", lambda *args, **kwargs: "old")
    monkeypatch.setattr(caches, "_PAUSE", 0.0)
    cache = RedisWithFallback("redis://full.example", _instead(tmp_path))
    for value in ("new", "newer"):
        cache.set("name", value)
        assert cache.get("name") == value
    is_full = False
    assert cache.get("name") == "old"
    assert [line.message.partition(",")[0] for line in caplog.records] == ["Redis fails", "Redis is back"]


def test_while_redis_is_away_nothing_pushes_out_the_counters_of_wrong_passwords(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CACHE_URL", "redis://127.0.0.1:1/0")
    bubbles, attempts = (
        RedisWithFallback(made["LOCATION"], made)
        for made in (_cache("bubbles", 10), _cache("attempts", 10, is_counting=True))
    )
    attempts.set("somebody", 5)
    for n in range(20):
        bubbles.set(str(n), "drawn")
    assert attempts.get("somebody") == 5
    assert bubbles.get("0") is None


@pytest.mark.skipif(not has_servers, reason="./run test --postgres brings a Redis")
def test_a_full_redis_is_slower_and_still_right(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with redis_server(tmp_path) as url:
        server = Redis.from_url(url)
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("maxmemory", "1mb")
        cache = RedisWithFallback(url, _instead(tmp_path / "instead"))
        for n in range(200):
            cache.set(f"bubble-{n}", "x" * 60_000)
            assert cache.get(f"bubble-{n}") == "x" * 60_000
        assert cache.is_unavailable
        server.close()


@pytest.mark.skipif(not has_servers, reason="./run test --postgres brings a Redis")
def test_what_an_erasure_empties_has_no_counters_of_wrong_passwords(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Otherwise whoever may erase could guess the code of a colleague without end."""
    tmp_path.chmod(0o777)
    monkeypatch.setattr(caches, "_KEYS_AT_ONCE", 10)
    with redis_server(tmp_path) as url:
        monkeypatch.setenv("CACHE_URL", url)
        bubbles, attempts = (
            RedisWithFallback(url, made) for made in (_cache("bubbles", 10), _cache("attempts", 10, is_counting=True))
        )
        attempts.set("somebody", 5)
        for n in range(25):
            bubbles.set(str(n), "drawn")
        bubbles.clear()
        assert [bubbles.get(str(n)) for n in range(25)] == [None] * 25
        assert attempts.get("somebody") == 5
        assert not bubbles.is_unavailable
