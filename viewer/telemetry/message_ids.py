"""Gives the messages of a conversation that grows ids that stay theirs, whatever comes before them or between them.

So permalinks, notes and shares lead to the same message after spans came late.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from viewer.completions.ids import is_usable_id
from viewer.completions.source_text import to_object
from viewer.formats.document import Document
from viewer.formats.drafts import Draft, DraftMessage
from viewer.formats.merging import digest_of_said, said_by

_Known = tuple[str, str, str]  # the id, the role, a digest of what is said


@dataclass
class MessageIds:
    """What is remembered of the messages of a conversation: in their order the input, then the answers.

    `next` is the first number that no message has had.
    """

    messages: list[_Known] = field(default_factory=list)
    answers: int = 0  # how many of them are answers
    next: int = 0

    @classmethod
    def read(cls, text: str) -> MessageIds:
        """Read what `to_json` has written; nothing from nothing."""
        if not text:
            return cls()
        value = json.loads(text)
        return cls([(one, role, digest) for one, role, digest in value["messages"]], value["answers"], value["next"])

    def to_json(self) -> str:
        """Write it for `read`."""
        value = {"messages": self.messages, "answers": self.answers, "next": self.next}
        return json.dumps(value, separators=(",", ":"))

    def given_to(self, draft: Draft, completion_id: str) -> MessageIds:
        """Write the ids into the messages of a draft; return what is to be remembered of them.

        An answer has no id, but keeps one for when it becomes a message. Those that come late between others have no
        number, because numbers tell the order.
        """
        answers = [message for message, _ in draft.choices]
        if not answers and draft.messages and draft.messages[-1].role == "assistant":
            answers = draft.messages[-1:]  # as `Draft.finish` takes it
        inputs = draft.messages[: len(draft.messages) - (len(answers) if not draft.choices else 0)]
        found = MessageIds(answers=len(answers), next=self.next)
        keys = [_key_of(message) for message in (*inputs, *answers)]
        places = self._places_of(keys)
        used = {self.messages[place][0] for place in places if place is not None}
        last = max((n for n, place in enumerate(places) if place is not None), default=-1)
        for n, (message, (role, digest), place) in enumerate(zip((*inputs, *answers), keys, places, strict=True)):
            own = _own_id(message)
            if own and own not in used:
                message_id = own
            elif place is not None:
                message_id = self.messages[place][0]
            else:
                is_late = n < last
                message_id = f"{completion_id}-{found.next}{'-late' if is_late else ''}"
                found.next += 1
            used.add(message_id)
            found.messages.append((message_id, role, digest))
        for message, (message_id, *_) in zip(inputs, found.messages, strict=False):
            _write_id(message, message_id)
        return found

    def moved_answers(self, after: MessageIds) -> dict[int, str]:
        """Return which answers have become messages since: their index, and the id of the message."""
        count = len(self.messages) - self.answers
        inputs = {message_id for message_id, *_ in after.messages[: len(after.messages) - after.answers]}
        answers = (message_id for message_id, *_ in self.messages[count:])
        return {n: message_id for n, message_id in enumerate(answers) if message_id in inputs}

    def _places_of(self, keys: list[tuple[str, str]]) -> list[int | None]:
        """Return for each message where it was before: what says the same, or stands at its place rewritten."""
        by_key: dict[tuple[str, str], list[int]] = {}
        for n, (_, role, digest) in enumerate(self.messages):
            by_key.setdefault((role, digest), []).append(n)
        places: list[int | None] = []
        cursor = 0
        for key in keys:
            left = by_key.get(key, [])
            place = next((one for one in left if one >= cursor), left[0] if left else None)
            if place is not None:
                left.remove(place)
                cursor = place + 1
            places.append(place)
        return self._with_rewritten(keys, places)

    def _with_rewritten(self, keys: list[tuple[str, str]], places: list[int | None]) -> list[int | None]:
        used = {place for place in places if place is not None}
        before = -1
        for n, place in enumerate(places):
            following = before + 1
            if place is None and following < len(self.messages) and following not in used:
                is_same_role = self.messages[following][1] == keys[n][0]
                following_known = next((one for one in places[n + 1 :] if one is not None), len(self.messages))
                if is_same_role and following < following_known:
                    places[n] = place = following
                    used.add(following)
            before = before if place is None else place
        return places


def _key_of(message: DraftMessage) -> tuple[str, str]:
    said = said_by(message)
    return said.role, digest_of_said([said])[:8].hex()


def _own_id(message: DraftMessage) -> str:
    own: Any = message.given.value.get("id") if message.given is not None else message.id
    return own if is_usable_id(own) else ""


def _write_id(message: DraftMessage, message_id: str) -> None:
    if message.given is None:
        message.id = message.id if message.id not in (None, "") else message_id
    elif message.given.value.get("id") is None:
        members: Iterable[tuple[str, Document]] = message.given.members.items()
        pairs = [("id", json.dumps(message_id)), *((name, each.text) for name, each in members if name != "id")]
        message.given = Document(to_object(pairs), message.given.place, message.given.find)
