"""Bounds what one page draws, however much its messages hold, so that no text can make a page slow or large.

The rule: a page draws 100,000 characters as Markdown and 400,000 in all, the oldest message first, and one message
takes no more than 100,000 of them. What comes after is shown as written, and then by its beginning, with its size and a
link to the whole. Twenty messages of 1.5 kB are a tenth of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from viewer.completions.markdown import MARKDOWN_LIMIT

MARKDOWN = 100_000  # characters; at worst each takes 20 µs and 15 characters of HTML
TEXT = 400_000
MESSAGE = 100_000
_SECONDS = 1.0  # of CPU that formatting takes on one page; the texts above take a third of it at worst
_FRAME = 500  # what a part costs beside its text, in characters
_BEGINNING = 2_000  # characters that stand for a text that is not shown whole
_LEAST = 200  # the same, when nothing is left
_LONGEST_ENTRY = 4_000  # what an entry of a list costs at most, for it stands there by its beginning


class Clock:
    """How long the texts of one page may still be formatted, in CPU of this thread: the net below all other bounds."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._left = seconds

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.thread_time()
        try:
            yield
        finally:
            self._left -= time.thread_time() - began


class Budget:
    """What one page may still draw. What is cut without a link of its own is counted, until the message is done.

    One that `is_whole` has no bounds: for a page that is sent as it is drawn, and must hold everything.
    """

    def __init__(self, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self.clock = Clock(sys.maxsize if is_whole else _SECONDS)
        self._markdown = MARKDOWN
        self._text = TEXT
        self._message = MESSAGE
        self._left_out = 0

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def opens(self, text: str) -> bool:
        """Whether a text is short enough to be open."""
        return self.is_whole or len(text) <= MARKDOWN_LIMIT

    def take_to_open(self, text: str) -> bool:
        """Take a text to be shown whole and open; False when it is long, or does not fit."""
        return self.opens(text) and self.take(text)

    def take_markdown(self, text: str) -> bool:
        """Take a text to be drawn as Markdown; False when it does not fit."""
        if (len(text) > self._markdown and not self.is_whole) or not self.take(text):
            return False
        self._markdown -= len(text)
        return True

    def take(self, text: str) -> bool:
        """Take a text to be shown whole; False when it does not fit."""
        if len(text) > self._left:
            return False
        self._spend(len(text))
        return True

    def take_beginning(self, text: str) -> str:
        """Take the beginning of a text; there is always one, be it short."""
        beginning = text[: _LEAST if self.is_spent else _BEGINNING]
        self._spend(len(beginning))
        return beginning

    def fit(self, text: str) -> str:
        """Give a text whole, or its beginning where it does not fit."""
        if not text or self.take(text):
            return text
        beginning = self.take_beginning(text)
        self.leave_out(len(text) - len(beginning))
        return beginning if len(beginning) == len(text) else f"{beginning}…"

    def fitting(self, texts: Iterable[str]) -> int:
        """Take the entries of a list; give the number of those that fit."""
        count = 0
        for text in texts:
            if self.is_spent:
                self.leave_out(len(text))
            else:
                self._spend(min(len(text), _LONGEST_ENTRY))
                count += 1
        return count

    def leave_out(self, characters: int) -> None:
        """Count what is not on the page."""
        self._left_out += characters

    def end_message(self) -> int:
        """Say how many characters of the message were left out, and go on to the next one."""
        left_out, self._left_out = self._left_out, 0
        self._message = MESSAGE
        return left_out

    @property
    def _left(self) -> int:
        return sys.maxsize if self.is_whole else min(self._text, self._message)

    def _spend(self, characters: int) -> None:
        self._text -= characters + _FRAME
        self._message -= characters + _FRAME
