"""Results that this process keeps as they are, because what they are made of is often just as it was before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex
from threading import Lock
from typing import Any, Generic, TypeVar

from django.core.cache import caches

Result = TypeVar("Result")
_CACHE, _BEGUN = "bubbles", "begun"  # in that cache: since when it is as it is
_asked: ContextVar[list[str] | None] = ContextVar("asked", default=None)  # that word, once it was asked for


class Kept(Generic[Result]):
    """Results by all that they are made of: those used last, of at most so many characters in all. Nobody changes them.

    They are no easier to reach than what they are made of, which whoever asks for them has to have. They go when the
    cache `bubbles` is emptied, as an erasure does, in every process and on every machine that shares it: emptying it
    takes away the word that is in it while they are kept.
    """

    def __init__(self, characters: int) -> None:
        self._most, self._most_of_one = characters, characters // 4
        self._kept: OrderedDict[Hashable, tuple[Result, int]] = OrderedDict()
        self._characters = 0
        self._begun = ""
        self._lock = Lock()

    def of(self, made_of: Hashable, make: Callable[[], Result], size: Callable[[Result], int]) -> Result:
        """Return what was made of the same before, else make it, and keep it unless it is too large, or its size 0."""
        begun = _begun()
        with self._lock:
            if begun != self._begun:
                self._forget(begun)
            if (found := self._kept.get(made_of)) is not None:
                self._kept.move_to_end(made_of)
                return found[0]
        result = make()
        if 0 < (characters := size(result)) <= self._most_of_one:
            with self._lock:
                if begun == self._begun and made_of not in self._kept:
                    self._kept[made_of] = (result, characters)
                    self._characters += characters
                    while self._characters > self._most:
                        _, (_, freed) = self._kept.popitem(last=False)
                        self._characters -= freed
        return result

    def _forget(self, begun: str) -> None:
        self._kept.clear()
        self._characters, self._begun = 0, begun


@contextmanager
def asking_once() -> Iterator[None]:
    """Ask the cache once for all that is returned meanwhile: to Redis each time is a request, and lists have many rows.

    What is kept although the cache was emptied meanwhile goes when somebody else asks.
    """
    token = _asked.set([])
    try:
        yield
    finally:
        _asked.reset(token)


def _begun() -> str:
    """Return the word that is in the cache until it is emptied."""
    asked = _asked.get()
    if asked:
        return asked[0]
    cache: Any = caches[_CACHE]
    word: str | None = cache.get(_BEGUN)
    if word is None:
        cache.add(_BEGUN, token_hex(8), None)  # another process may be a moment earlier
        word = cache.get(_BEGUN)
    if asked is not None:
        asked.append(word or "")
    return word or ""
