"""What is compared with another commit, a module for each subject.

A module has `prepare(checkout)`, which gives the work of one round, and GOALS. It uses only what every commit has: its
commands, its pages, its API.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import ge, le

Figures = dict[str, float]  # by what was measured, with its unit
Round = Callable[[], Figures]  # does the work once
_scale = [1.0]


def set_scale(scale: float) -> None:
    """Let subjects work with so much of their data, to try them out; figures are for all of it."""
    _scale[0] = scale


def scaled(count: int) -> int:
    return max(1, round(count * _scale[0]))


@dataclass(frozen=True)
class Goal:
    """What a figure is to be: at most or at least so much, of the other commit's or by itself."""

    limit: float
    is_most: bool = True
    is_of_other: bool = True

    def judge(self, other: float, now: float) -> str:
        reached = now / other if self.is_of_other else now
        verdict = "met" if (le if self.is_most else ge)(reached, self.limit) else "missed"
        return f"{verdict}: {'at most' if self.is_most else 'at least'} {self.limit:g}"
