"""Keeps what can be made again in Redis, shared by all processes; while Redis is away, in this process's own memory."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

_PATIENCE = 0.5  # seconds for Redis to take a connection, and to answer
_PAUSE = 5.0  # seconds without asking it, after it failed
_MOST_IN_MEMORY = 1_000  # entries
_away_until: dict[str, float] = {}  # by server; shared by the threads of this process
log = logging.getLogger(__name__)


def _either(name: str) -> Any:
    def ask(self: RedisElseMemory, *given: Any, **named: Any) -> Any:
        if not self.is_away:
            try:
                return getattr(super(RedisElseMemory, self), name)(*given, **named)
            except RedisError as error:  # also one that is full, read-only, or cannot save (MISCONF)
                _away_until[self.server] = time.monotonic() + _PAUSE
                log.warning(
                    "Redis fails, this process counts and keeps for itself: %s: %s", type(error).__name__, error
                )
        return getattr(self.memory, name)(*given, **named)

    return ask


class RedisElseMemory(RedisCache):
    """Slower while Redis is away, and still right: each process counts failed sign-ins itself, and draws pages anew."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        patience = {"socket_connect_timeout": _PATIENCE, "socket_timeout": _PATIENCE}
        super().__init__(server, params | {"OPTIONS": patience})
        self.server = server
        self.memory = LocMemCache(f"instead of {server}", params | {"OPTIONS": {"MAX_ENTRIES": _MOST_IN_MEMORY}})

    @property
    def is_away(self) -> bool:
        """Whether it failed in the last seconds and is not asked."""
        return time.monotonic() < _away_until.get(self.server, 0.0)

    add = _either("add")
    get = _either("get")
    set = _either("set")
    touch = _either("touch")
    delete = _either("delete")
    incr = _either("incr")
    has_key = _either("has_key")
    get_many = _either("get_many")
    set_many = _either("set_many")
    delete_many = _either("delete_many")
    clear = _either("clear")
