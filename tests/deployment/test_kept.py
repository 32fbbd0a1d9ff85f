"""What a process keeps as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import caches

from viewer.deployment.kept import Kept

Make = Callable[[str], str]


@pytest.fixture
def made() -> list[str]:
    """What was made, in order."""
    return []


@pytest.fixture
def make(made: list[str]) -> Make:
    """Return twice a text, from what is kept if it is there; 100 characters are."""
    kept: Kept[str] = Kept(100)

    def double(text: str) -> str:
        def make() -> str:
            made.append(text)
            return text * 2

        return kept.of(text, make, len)

    return double


def test_the_same_is_made_once(make: Make, made: list[str]) -> None:
    assert [make("a"), make("b"), make("a")] == ["aa", "bb", "aa"]
    assert made == ["a", "b"]


def test_what_was_used_last_stays_and_no_more_of_it_than_fits(make: Make, made: list[str]) -> None:
    texts = [letter * 10 for letter in "abcde"]  # 20 characters each
    for text in (*texts, texts[0], "f" * 10, texts[0], texts[1]):
        make(text)
    assert made == [*texts, "f" * 10, texts[1]]


def test_what_takes_a_large_part_of_the_room_is_not_kept(make: Make, made: list[str]) -> None:
    for text in ("a" * 12, "b" * 13, "", "a" * 12, "b" * 13, ""):
        make(text)
    assert made == ["a" * 12, "b" * 13, "", "b" * 13, ""]


def test_it_goes_when_the_cache_of_bubbles_is_emptied(make: Make, made: list[str]) -> None:
    for _ in range(2):
        make("a")
        caches["bubbles"].clear()
    assert made == ["a", "a"]


def test_what_was_begun_before_the_cache_was_emptied_is_not_kept(made: list[str]) -> None:
    kept: Kept[str] = Kept(100)

    def make() -> str:
        made.append("a")
        if len(made) == 1:
            caches["bubbles"].clear()
            kept.of("b", lambda: "b", len)
        return "a"

    for _ in range(3):
        kept.of("a", make, len)
    assert made == ["a", "a"]
