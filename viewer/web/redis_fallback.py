"""A cache in Redis, shared by all machines, that falls back to that of this machine while Redis is unavailable."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.cache.backends.redis import RedisCache
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

_TIMEOUT = 0.5  # seconds to connect to Redis, and to wait for a response
_PAUSE = 5.0  # seconds before it is tried again after a failure
_KEYS_AT_ONCE = 1_000  # that are deleted together
log = logging.getLogger(__name__)


@dataclass
class _State:
    """The state of one Redis server, shared by the threads of this process."""

    is_unavailable: bool = False
    pause_ends: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_states: dict[str, _State] = defaultdict(_State)  # by server


def _with_fallback(name: str) -> Any:
    def call(self: RedisWithFallback, *args: Any, **kwargs: Any) -> Any:
        if self._is_usable():
            try:
                return getattr(super(RedisWithFallback, self), name)(*args, **kwargs)
            except RedisError as error:  # also if it is full, read-only, or cannot save (MISCONF)
                self._mark_failed(error)
        return getattr(self.instead, name)(*args, **kwargs)

    return call


class _Redis(RedisCache):
    """One of several caches in a database of Redis."""

    def clear(self) -> None:
        """Delete the keys of this cache. Django's own method deletes all: the counters of wrong passwords, too."""
        client = self._cache.get_client(None, write=True)
        keys = client.scan_iter(f"{self.key_prefix}:*", _KEYS_AT_ONCE)
        while several := list(islice(keys, _KEYS_AT_ONCE)):
            client.unlink(*several)


class RedisWithFallback(_Redis):
    """Slower without Redis, but still correct: each machine counts failed sign-ins itself and renders pages again."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        timeouts = {"socket_connect_timeout": _TIMEOUT, "socket_timeout": _TIMEOUT}
        super().__init__(server, params | {"OPTIONS": timeouts})
        instead = params["INSTEAD"]
        self.instead = import_string(instead["BACKEND"])(instead["LOCATION"], instead)
        self._state = _states[server]

    @property
    def is_unavailable(self) -> bool:
        """Whether Redis failed and has accepted no write since."""
        return self._state.is_unavailable

    def _is_usable(self) -> bool:
        """Whether to use Redis. After a pause, one thread tries a write; the others do not wait for it.

        A read would not do: a full Redis still returns old counters, while those in memory have advanced.
        """
        if not self.is_unavailable:
            return True
        with self._state.lock:
            if time.monotonic() < self._state.pause_ends:
                return False
            self._state.pause_ends = time.monotonic() + _PAUSE
        try:
            super().set("back", "", 1)
        except RedisError:
            return False
        self._state.is_unavailable = False
        log.warning("Redis is back")
        return True

    def _mark_failed(self, error: RedisError) -> None:
        with self._state.lock:
            was_unavailable, self._state.is_unavailable = self._state.is_unavailable, True
            self._state.pause_ends = time.monotonic() + _PAUSE
        if not was_unavailable:
            cause = f"{type(error).__name__}: {error}"
            log.warning("Redis fails, this machine counts and keeps for itself until it is back: %s", cause)

    add = _with_fallback("add")
    get = _with_fallback("get")
    set = _with_fallback("set")
    touch = _with_fallback("touch")
    delete = _with_fallback("delete")
    incr = _with_fallback("incr")
    has_key = _with_fallback("has_key")
    get_many = _with_fallback("get_many")
    set_many = _with_fallback("set_many")
    delete_many = _with_fallback("delete_many")
    _clear = _with_fallback("clear")

    def clear(self) -> None:
        self.instead.clear()  # else it would be there again while Redis is away the next time
        self._clear()
