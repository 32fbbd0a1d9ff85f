"""Finding words in long conversations of the archive: processor time of the server until all hits are listed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from itertools import chain, count, islice
from typing import Any

from benchmarks.archive_lines import make_conversations
from benchmarks.compared import Figures, Goal, Round, scaled
from benchmarks.desk import Checkout, Desk, Person, open_desk
from benchmarks.rendering_pages import PAGES

_RARE, _FREQUENT, _IN_ALL = "zebrafinch", "marigold", "periwinkle"
_SEARCHES = {
    "in few messages": ("plain", _RARE),
    "in every second message": ("plain", _FREQUENT),
    "in every message": ("plain", _IN_ALL),
    "in every message, a letter less": ("plain", _IN_ALL[:-1]),
    "in most, with Markdown": ("formatted", "patience"),
    "in most, with Markdown, a letter less": ("formatted", "patienc"),
}
GOALS = {f"{name}: messages a second": Goal(10, is_most=False) for name in _SEARCHES}
_PLAIN, _FORMATTED = 50_000, 10_000  # messages
_EVERY = 5_000  # messages until the rare word comes again
_BY_SCRIPT = {"HX-Request": "true"}  # otherwise a step has ten times as long
_NEXT = re.compile(r'hx-get="([^"]+)"')
Message = dict[str, Any]


@dataclass
class _Reader:
    """Somebody who looks for words in a conversation to its end, as the script of its page does."""

    desk: Desk
    person: Person

    def round(self) -> Figures:
        figures = Figures()
        for name, (completion_id, words) in _SEARCHES.items():
            before = self.desk.cpu_seconds()
            hits = self._find(f"/completions/{completion_id}/find/?q={words}")
            size = scaled(_PLAIN if completion_id == "plain" else _FORMATTED)
            figures[f"{name}: hits"] = hits
            figures[f"{name}: messages a second"] = size / max(self.desk.cpu_seconds() - before, 0.01)
        return figures

    def _find(self, address: str) -> int:
        hits = 0
        while address:
            step = self.person.get(address, **_BY_SCRIPT)
            step.raise_for_status()
            hits += step.text.count('class="hit"')
            following = _NEXT.search(step.text)
            address = unescape(following[1]) if following else ""
        return hits


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    with open_desk(checkout) as desk:
        desk.import_completions(_line("plain", _plain(scaled(_PLAIN))))
        desk.import_completions(_line("formatted", _formatted(scaled(_FORMATTED))))
        yield _Reader(desk, Person(desk)).round


def _line(completion_id: str, messages: Iterator[Message]) -> str:
    named = [message | {"id": f"{completion_id}-{n}"} for n, message in enumerate(messages)]
    completion = {"id": completion_id, "object": "chat.completion", "model": "gpt-4.1", "created": 1_700_000_000}
    return json.dumps(completion | {"metadata": {}, "choices": [], "messages": named})


def _plain(size: int) -> Iterator[Message]:
    """Make up texts, calls and results, with the words of `_SEARCHES` in them."""
    for n, message in enumerate(chain.from_iterable(each["messages"] for each in make_conversations(size))):
        words = [_IN_ALL, *([_FREQUENT] if n % 2 else []), *([] if n % _EVERY else [_RARE])]
        yield _with_words(message, " ".join(words))


def _with_words(message: Message, words: str) -> Message:
    if message["content"] is None:
        [call] = message["tool_calls"]
        arguments = json.dumps(json.loads(call["function"]["arguments"]) | {"note": words})
        return message | {"tool_calls": [call | {"function": call["function"] | {"arguments": arguments}}]}
    if message["role"] == "tool":
        return message | {"content": json.dumps(json.loads(message["content"]) | {"words": words})}
    return message | {"content": f"{message['content']} {words}"}


def _formatted(size: int) -> Iterator[Message]:
    chance = random.Random(4)
    return islice(chain.from_iterable(list(PAGES.values())[n % 2](chance) for n in count()), size)
