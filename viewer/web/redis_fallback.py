"""Keeps what can be made again in Redis, shared by all processes; while Redis is away, in this process's own memory."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

_PATIENCE = 0.5  # seconds for Redis to take a connection, and to answer
_PAUSE = 5.0  # seconds without asking it, after it failed
log = logging.getLogger(__name__)


@dataclass
class _State:
    """What the threads of this process know of one Redis."""

    is_away: bool = False
    pause_ends: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_states: dict[str, _State] = defaultdict(_State)  # by server


def _either(name: str) -> Any:
    def ask(self: RedisElseMemory, *given: Any, **named: Any) -> Any:
        if self._may_be_asked():
            try:
                return getattr(super(RedisElseMemory, self), name)(*given, **named)
            except RedisError as error:  # also one that is full, read-only, or cannot save (MISCONF)
                self._leave_alone(error)
        return getattr(self.memory, name)(*given, **named)

    return ask


class RedisElseMemory(RedisCache):
    """Slower while Redis is away, and still right: each process counts failed sign-ins itself, and draws pages anew."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        patience = {"socket_connect_timeout": _PATIENCE, "socket_timeout": _PATIENCE}
        super().__init__(server, params | {"OPTIONS": patience})
        self.memory = LocMemCache(f"{self.key_prefix} instead of {server}", params)
        self._state = _states[server]

    @property
    def is_away(self) -> bool:
        """Whether it failed, and has taken nothing since."""
        return self._state.is_away

    def _may_be_asked(self) -> bool:
        """After a pause, one thread tries whether it takes something; the others do not wait for that.

        One that is full still answers what it has: old counters, of which those in memory have gone on.
        """
        if not self.is_away:
            return True
        with self._state.lock:
            if time.monotonic() < self._state.pause_ends:
                return False
            self._state.pause_ends = time.monotonic() + _PAUSE
        try:
            super().set("back", "", 1)
        except RedisError:
            return False
        self._state.is_away = False
        log.warning("Redis is back")
        return True

    def _leave_alone(self, error: RedisError) -> None:
        with self._state.lock:
            was_away, self._state.is_away = self._state.is_away, True
            self._state.pause_ends = time.monotonic() + _PAUSE
        if not was_away:
            cause = f"{type(error).__name__}: {error}"
            log.warning("Redis fails, this process counts and keeps for itself until it is back: %s", cause)

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
