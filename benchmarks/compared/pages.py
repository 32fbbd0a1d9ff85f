"""Pages of the archive: the processor time of the server for each, in milliseconds."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import comrak
import nh3

from benchmarks.archive_lines import make_conversations
from benchmarks.compared import Figures, Goal, Round
from benchmarks.desk import Checkout, Desk, Person, open_desk
from benchmarks.rendering_pages import PAGES, Message

GOALS = {
    "a list of 20": Goal(0.25),
    "the list beside": Goal(0.25),
    "a conversation of 20, drawn before": Goal(0.45),
    "drawn for the first time, as a multiple of its texts alone": Goal(3, is_of_other=False),
}
_BY_SCRIPT = {"HX-Request": "true"}  # otherwise the list beside leads to the list
_REPEATS = 40  # requests of each kind in a round: processor time is counted in steps of 10 ms
_FRESH = 20  # conversations that a round opens for the first time
_ROUNDS = 30  # at most, of those
_EXTENSIONS = comrak.ExtensionOptions()
_EXTENSIONS.table = _EXTENSIONS.strikethrough = _EXTENSIONS.tasklist = _EXTENSIONS.autolink = True


@dataclass
class _Pages:
    desk: Desk
    reader: Person
    listed: str  # a conversation, beside which the list stands
    fresh: Iterator[tuple[str, list[Message]]]

    def round(self) -> Figures:
        fresh = list(islice(self.fresh, _FRESH))
        known = [f"/completions/{completion_id}/" for completion_id, _ in fresh]
        empty = self._cost(["/shortcuts/"] * _REPEATS)
        first = self._cost(known)
        floor = _floor([messages for _, messages in fresh])
        return {
            "a list of 20": self._cost(["/completions/"] * _REPEATS),
            "the list beside": self._cost([f"/completions/{self.listed}/beside/"] * _REPEATS, **_BY_SCRIPT),
            "the next page of a list": self._cost([f"/completions/?after={self.listed}"] * _REPEATS, **_BY_SCRIPT),
            "a conversation of 20, drawn before": self._cost(known * 2),
            "drawn for the first time": first,
            "drawn for the first time, as a multiple of its texts alone": (first - empty) / floor,
            "a page without content": empty,
        }

    def _cost(self, paths: list[str], **headers: str) -> float:
        """Give the milliseconds of the server's processor time for each page."""
        before = self.desk.cpu_seconds()
        for path in paths:
            self.reader.get(path, **headers).raise_for_status()
        return (self.desk.cpu_seconds() - before) * 1000 / len(paths)


@contextmanager
def prepare(checkout: Checkout) -> Iterator[Round]:
    chance = random.Random(4)
    texts = [(f"chatcmpl-fresh-{n}", list(PAGES.values())[n % len(PAGES)](chance)) for n in range(_FRESH * _ROUNDS)]
    others = [json.dumps(each) for each in make_conversations(4_000)]
    with open_desk(checkout) as desk:
        desk.import_completions("\n".join([*(_line(*text) for text in texts), *others]))
        reader = Person(desk)
        reader.choose("")
        yield _Pages(desk, reader, reader.list_completions()[0], iter(texts)).round


def _line(completion_id: str, messages: list[Message]) -> str:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}
    completion = {"id": completion_id, "object": "chat.completion", "model": "gpt-4.1", "created": 1_700_000_000}
    named = [message | {"id": f"{completion_id}-{n}"} for n, message in enumerate(messages)]
    return json.dumps(completion | {"metadata": {}, "choices": [choice], "messages": named})


def _floor(pages: list[list[Message]]) -> float:
    """Give the milliseconds per page of what no drawing can avoid: to parse its JSON, and each text as Markdown."""
    bodies = [json.dumps(messages, ensure_ascii=False) for messages in pages]
    began = time.process_time()
    for body in bodies:
        for message in json.loads(body):
            parts = message["content_parts"] or [{"text": message["content"]}]
            for text in (part["text"] for part in parts if part.get("text")):
                nh3.clean(comrak.render_markdown(text, _EXTENSIONS))
    return (time.process_time() - began) * 1000 / len(pages)
