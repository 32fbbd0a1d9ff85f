"""Limits what one page renders, so that no text can make a page slow or large.

A page renders 100,000 characters as Markdown and 400,000 in total, beginning with the oldest message; one message may
use 100,000 of them. Further texts are shown as written, and then truncated, with their size and a link to the whole
text. Twenty messages of 1.5 kB use a tenth of that.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from viewer.completions.markdown import MARKDOWN_LIMIT

MAX_MARKDOWN = 100_000  # characters; at worst each takes 20 µs and 15 characters of HTML
MAX_TEXT = 400_000
MAX_MESSAGE = 100_000
MAX_CITATIONS = 1_000  # of one message; each costs 50 µs
MAX_SECONDS = 1.0  # of CPU time to format the texts of one page; within the limits above they take at most a third
_MAX_ENTRY = 4_000  # characters that a list entry costs at most, because only its beginning is shown
_BEGINNING = 2_000  # characters that are shown of a truncated text
_SHORT_BEGINNING = 200  # the same, when the budget is spent
_OVERHEAD = 500  # what a part costs in addition to its text, in characters


class TimeBudget:
    """The CPU time of this thread that is left to format the texts of one page, in case the other limits fail."""

    def __init__(self, seconds: float = MAX_SECONDS) -> None:
        self._left = seconds

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.thread_time()
        try:
            yield
        finally:
            self._left -= time.thread_time() - began


class PageBudget:
    """What is left of the limits of one page. It counts characters that are left out without a link to them.

    A budget with `is_whole` has no limits: it is for a page that must contain everything, and is streamed.
    """

    def __init__(self, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        self.time = TimeBudget(sys.maxsize if is_whole else MAX_SECONDS)
        self._markdown = MAX_MARKDOWN
        self._text = MAX_TEXT
        self._message = MAX_MESSAGE
        self._left_out = 0

    @property
    def is_spent(self) -> bool:
        return self._left <= 0

    def allows_open(self, text: str) -> bool:
        """Whether a text is short enough to be shown unfolded."""
        return self.is_whole or len(text) <= MARKDOWN_LIMIT

    def take_open(self, text: str) -> bool:
        """Take a text to be shown whole and unfolded; False if it is long, or does not fit."""
        return self.allows_open(text) and self.take(text)

    def take_markdown(self, text: str) -> bool:
        """Take a text to be rendered as Markdown; False if it does not fit."""
        if (len(text) > self._markdown and not self.is_whole) or not self.take(text):
            return False
        self._markdown -= len(text)
        return True

    def take(self, text: str) -> bool:
        """Take a text to be shown whole; False if it does not fit."""
        if len(text) > self._left:
            return False
        self._spend(len(text))
        return True

    def take_beginning(self, text: str) -> str:
        """Take the beginning of a text; there is always room for a short one."""
        beginning = text[: _SHORT_BEGINNING if self.is_spent else _BEGINNING]
        self._spend(len(beginning))
        return beginning

    def truncate(self, text: str) -> str:
        """Take a text, or its beginning if it does not fit."""
        if not text or self.take(text):
            return text
        beginning = self.take_beginning(text)
        self.leave_out(len(text) - len(beginning))
        return beginning if len(beginning) == len(text) else f"{beginning}…"

    def take_entries(self, texts: Iterable[str]) -> int:
        """Take the entries of a list; return the number of those that fit."""
        count = 0
        for text in texts:
            if self.is_spent:
                self.leave_out(len(text))
            else:
                self._spend(min(len(text), _MAX_ENTRY))
                count += 1
        return count

    def leave_out(self, characters: int) -> None:
        """Count what is not on the page."""
        self._left_out += characters

    def end_message(self) -> int:
        """Return how many characters of the message were left out, and begin the next message."""
        left_out, self._left_out = self._left_out, 0
        self._message = MAX_MESSAGE
        return left_out

    @property
    def _left(self) -> int:
        return sys.maxsize if self.is_whole else min(self._text, self._message)

    def _spend(self, characters: int) -> None:
        self._text -= characters + _OVERHEAD
        self._message -= characters + _OVERHEAD
