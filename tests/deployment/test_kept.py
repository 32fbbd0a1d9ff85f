"""What a process keeps as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client

from tests.conftest import make_completion, say
from tests.pages import completion_ids
from viewer.deployment.kept import Kept, asking_once

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


def test_whether_the_cache_was_emptied_is_asked_once_meanwhile_and_again_afterwards(
    make: Make, made: list[str]
) -> None:
    with asking_once():
        make("a")
        caches["bubbles"].clear()
        assert [make("a"), make("b")] == ["aa", "bb"]
    assert made == ["a", "b"]
    make("b")
    assert made == ["a", "b", "b"]


def test_a_list_asks_once_however_many_rows_it_has(
    reader: Client, stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Redis, to ask for each row took longer than all else of a list."""
    for number in range(10):
        stored(make_completion(f"c-{number}", say("user", "question")))
    reader.get("/completions/")
    asked = list[str]()
    cache_type: Any = type(caches["bubbles"])
    get = cache_type.get

    def note(self: Any, key: Any, *rest: Any, **more: Any) -> Any:
        asked.append(key)
        return get(self, key, *rest, **more)

    monkeypatch.setattr(cache_type, "get", note)
    for address in ("/completions/", "/search/?q=question"):
        asked.clear()
        assert len(completion_ids(reader.get(address).text)) == 10
        assert asked.count("begun") == 1
