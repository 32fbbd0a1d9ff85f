"""The sieve lets through every message that has a match, and holds back nearly all others."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_long, say
from tests.find.messages import every_message
from tests.pages import attributes
from viewer.archive.messages import ArchivedMessages
from viewer.archive.models import StoredCompletion
from viewer.archive.search.texts import texts_in
from viewer.completions.folding import compile_pattern
from viewer.completions.invisibles import escape_invisible
from viewer.completions.reading import read_message
from viewer.completions.types import Unreadable
from viewer.find import finding
from viewer.find.fields import text_fields
from viewer.find.hits import Search, matches_in_message
from viewer.find.sieve import Sieve


def test_what_a_message_shows_is_let_through() -> None:
    """Pieces of every text that find looks through, in capitals and not, and with its escapes and without."""
    chance = random.Random(15)
    held_back = []
    for message in every_message():
        source = json.dumps(message, ensure_ascii=chance.random() < 0.5)
        item = read_message(source)
        stored = () if isinstance(item, Unreadable) else (text for text, _ in texts_in(item))
        for text in filter(None, chain((field.text for field in text_fields(item)), stored)):
            shown = escape_invisible(text)
            start = chance.randrange(len(shown))
            words = chance.choice((str, str.upper))(shown[start : start + chance.choice((2, 3, 5, 9, 30))].strip())
            if finding.is_too_short(words) or Sieve(words).lets_through(source):
                continue
            if matches_in_message(item, compile_pattern(words)):
                held_back.append((words, source))
    assert held_back == []


def test_what_only_the_page_says_is_let_through() -> None:
    file = json.dumps(say("user", [{"type": "document", "source": {"type": "base64", "data": "AA==", "odd": "x"}}]))
    link = json.dumps(say("assistant", "[a](http://a.example/é)"))
    for words, source in (("content[0].file", file), ("[U+202E]", json.dumps(say("user", "a\u202eb"))), ("c3", link)):
        item = read_message(source)
        assert matches_in_message(item, compile_pattern(words))
        assert Sieve(words).lets_through(source)


def test_nearly_everything_else_is_held_back() -> None:
    sources = [json.dumps(message) for message in every_message()][:300]
    assert sum(map(Sieve("zebrafinch").lets_through, sources)) < len(sources) / 10


@pytest.mark.parametrize("words", ["->", "</>", "?!"])
def test_words_of_signs_hold_nothing_back(words: str) -> None:
    assert Sieve(words).lets_through(json.dumps(say("user", "Hello")))


def test_only_what_is_let_through_is_read(
    reader: Client, stored: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    look_at = Search.hits_in_stored
    monkeypatch.setattr(Search, "hits_in_stored", lambda self, *one: read.append(one[0]) or look_at(self, *one))
    stored(make_long("chatcmpl-one", 450))
    page = reader.get("/completions/chatcmpl-one/find/", {"q": "number 123 of"}).content.decode()
    assert attributes(page, "data-message", "a.hit") == ["chatcmpl-one-123"]
    assert len(read) == 1


def test_nothing_is_read_of_what_a_person_may_not_see(alice: User, bob: User, stored: Callable[..., Any]) -> None:
    stored(make_long("chatcmpl-one", 3))
    StoredCompletion.objects.update(owner=alice)
    as_alice, as_bob, as_the_team = (ArchivedMessages("chatcmpl-one", reader) for reader in (alice.pk, bob.pk, None))
    assert [message_id for message_id, _ in as_alice.all_beyond("chatcmpl-one-0")] == [
        "chatcmpl-one-1",
        "chatcmpl-one-2",
    ]
    assert list(as_bob.all_beyond()) == list(as_the_team.all_beyond()) == []
    assert list(as_alice.all_beyond("unknown")) == []
