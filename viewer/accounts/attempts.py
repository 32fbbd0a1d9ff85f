"""Limits on wrong passwords and wrong second factors. Only failures count, and only after the password was checked.

A known browser (devices.py) has its own counter. For all others, a name has one counter per address and one in total.
An address has no limit of its own, or one stranger could lock out a whole office: after many failures from an address,
each name has fewer attempts from there instead.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.cache import caches
from django.http import HttpRequest

from viewer.web.client_address import network_of

from .devices import known_device, name_digest

_SHORT, _LONG = 5 * 60, 60 * 60  # seconds
_MAX_FROM_ADDRESS = 100  # failures in an hour, after which each name has one attempt from there


@dataclass(frozen=True, slots=True)
class Limit:
    """A maximum of failures within a number of seconds from the first."""

    key: str
    max_failures: int
    seconds: int

    def wait(self) -> int:
        """Return the seconds until the next attempt is allowed."""
        if caches["attempts"].get(self.key, 0) < self.max_failures:
            return 0
        end: float = caches["attempts"].get(f"{self.key}:end", 0)
        return max(0, math.ceil(end - time.time()))

    def count(self) -> None:
        cache = caches["attempts"]
        cache.add(f"{self.key}:end", time.time() + self.seconds, self.seconds)
        cache.add(self.key, 0, self.seconds)
        with suppress(ValueError):  # it expired just now
            cache.incr(self.key)

    def forget(self) -> None:
        caches["attempts"].delete_many([self.key, f"{self.key}:end"])


@dataclass(frozen=True, slots=True)
class SecondFactorAttempt:
    """An attempt at a second factor of somebody whose password, session or single sign-on was right.

    A code has six digits and is one of three at a time, so the limits do not depend on the address: who knows the
    password can have many. Each attempt counts before the code is checked, so that none escapes by being sent at once.
    """

    request: HttpRequest
    person_id: int

    def wait(self) -> int:
        """Return the seconds until this attempt is allowed."""
        return max(limit.wait() for limit in self._limits())

    def count(self) -> None:
        for limit in self._limits():
            limit.count()

    def succeed(self) -> None:
        for limit in self._limits():
            limit.forget()

    def _limits(self) -> list[Limit]:
        # A browser in which the person has signed in before counts for itself: a stranger with the password must not
        # lock out the owner, who has to change it.
        name = User.objects.values_list("username", flat=True).get(pk=self.person_id)
        who = known_device(self.request, name) or self.person_id
        return [Limit(f"factor:{who}", 5, _SHORT), Limit(f"factor:{who}:hour", 20, _LONG)]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to sign in with a name from a browser."""

    request: HttpRequest
    name: str

    @property
    def is_known(self) -> bool:
        """Whether the person has signed in with this browser before."""
        return bool(known_device(self.request, self.name))

    def wait(self) -> int:
        """Return the seconds until this attempt is allowed."""
        return max(limit.wait() for limit in self._limits())

    def count_failure(self) -> bool:
        """Count this attempt as failed, and return whether the next has to wait."""
        for limit in (*self._limits(), self._from_address()):
            limit.count()
        return self.wait() > 0

    def _limits(self) -> list[Limit]:
        name = name_digest(self.name)
        if device := known_device(self.request, self.name):
            return [Limit(f"device:{device}", 5, _SHORT), Limit(f"device:{device}:hour", 20, _LONG)]
        name_and_network = f"{name}:{network_of(self.request)}"
        is_under_attack = caches["attempts"].get(self._from_address().key, 0) >= _MAX_FROM_ADDRESS
        return [
            Limit(name_and_network, 5, _SHORT),
            Limit(f"{name_and_network}:hour", 1 if is_under_attack else 20, _LONG),
            Limit(name, 100, _LONG),
        ]

    def _from_address(self) -> Limit:
        return Limit(f"address:{network_of(self.request)}", _MAX_FROM_ADDRESS, _LONG)
