"""A Redis that refuses is as good as one that is away: slower, and still right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from tests.conftest import has_servers
from tests.servers import redis as redis_server
from viewer import caches
from viewer.caches import RedisElseMemory

REFUSALS = [OutOfMemoryError("command not allowed"), ReadOnlyError("replica"), ResponseError("MISCONF cannot persist")]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_what_redis_refuses_this_process_keeps_itself(monkeypatch: pytest.MonkeyPatch, error: RedisError) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.set", refuse)
    monkeypatch.setattr(caches, "_away_until", {})
    cache = RedisElseMemory("redis://refusing.example", {})
    assert not cache.is_away
    cache.set("name", "value")
    assert cache.is_away
    assert cache.get("name") == "value"


@pytest.mark.skipif(not has_servers, reason="./run test --postgres brings a Redis")
def test_a_full_redis_is_slower_and_still_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.setattr(caches, "_away_until", {})
    with redis_server(tmp_path) as url:
        server = Redis.from_url(url)
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("maxmemory", "1mb")
        cache = RedisElseMemory(url, {})
        for n in range(200):
            cache.set(f"bubble-{n}", "x" * 60_000)
            assert cache.get(f"bubble-{n}") == "x" * 60_000
        assert cache.is_away
        server.close()
