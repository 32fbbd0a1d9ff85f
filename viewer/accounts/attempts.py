"""How many wrong passwords are taken before the next has to wait. Only failures count, and only after the check.

A known browser (devices.py) has a counter of its own. For all others a name has one counter for each address and one
in all. An address has no limit of its own, or one stranger in an office would lock out the office: once much has
failed there, a name has fewer tries there instead.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass

from django.core.cache import caches
from django.http import HttpRequest

from viewer.web.client_address import network_of

from .devices import known_device, name_digest

_SHORT, _LONG = 5 * 60, 60 * 60  # seconds
_MOST_FROM_ADDRESS = 100  # failures in an hour, after which a name has one try there


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many failures within so many seconds of the first."""

    key: str
    most: int
    seconds: int

    def wait(self) -> int:
        """How many seconds until the next try is taken."""
        if caches["attempts"].get(self.key, 0) < self.most:
            return 0
        end: float = caches["attempts"].get(f"{self.key}:end", 0)
        return max(0, math.ceil(end - time.time()))

    def count(self) -> None:
        kept = caches["attempts"]
        kept.add(f"{self.key}:end", time.time() + self.seconds, self.seconds)
        kept.add(self.key, 0, self.seconds)
        with suppress(ValueError):  # it has run out this very moment
            kept.incr(self.key)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in with a name from a browser."""

    request: HttpRequest
    name: str

    @property
    def is_known(self) -> bool:
        """Whether the person has signed in with this browser before."""
        return bool(known_device(self.request, self.name))

    def wait(self) -> int:
        """How many seconds until this try is taken."""
        return max(limit.wait() for limit in self._limits())

    def count_failure(self) -> bool:
        """Count this try as failed, and tell whether the next has to wait."""
        for limit in (*self._limits(), self._from_address()):
            limit.count()
        return self.wait() > 0

    def _limits(self) -> list[Limit]:
        name = name_digest(self.name)
        if device := known_device(self.request, self.name):
            return [Limit(f"device:{device}", 5, _SHORT), Limit(f"device:{device}:hour", 20, _LONG)]
        here = f"{name}:{network_of(self.request)}"
        is_hot = caches["attempts"].get(self._from_address().key, 0) >= _MOST_FROM_ADDRESS
        return [
            Limit(here, 5, _SHORT),
            Limit(f"{here}:hour", 1 if is_hot else 20, _LONG),
            Limit(name, 100, _LONG),
        ]

    def _from_address(self) -> Limit:
        return Limit(f"address:{network_of(self.request)}", _MOST_FROM_ADDRESS, _LONG)
