"""Makes up the conversations with which the archive is measured: the same ones every time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import accumulate, count, islice
from typing import Any

SEED = 20260101
SAYINGS = (
    "Where is my order", "Thank you for your patience", "I would like a refund for the order", "Is there anything else",
    "The parcel left the warehouse on Tuesday", "Please tell me the number of your order", "I am sorry to hear that",
    "You will get the money within five days", "Can I change the address", "The café in Zürich never got it",
)  # fmt: skip
_UNSPACED = ("我想退款，订单还没有到", "東京の天気はどうですか", "환불해 주세요", "送料はいくらですか")


def make_conversations(size: int) -> Iterator[dict[str, Any]]:
    """Make up conversations with so many messages in all."""
    chance = random.Random(SEED)
    say = _speech(chance)
    made = 0
    for number in count():
        length = min(chance.choice((2, 4, 6, 8, 12, 20, 40, 200)), size - made)
        if not length:
            return
        made += length
        completion_id = f"chatcmpl-{number}"
        yield {
            "object": "chat.completion", "id": completion_id, "model": chance.choice(("gpt-4.1", "gpt-4o", "o4-mini")),
            "created": 1_735_689_600 + chance.randrange(31_536_000), "request_id": f"req_{number}", "usage": None,
            "metadata": {"tier": chance.choice(("gold", "tin")), "ticket": str(number)},
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": say()}}],
            "messages": list(islice(_messages(completion_id, say, chance), length)),
        }  # fmt: skip


def _messages(completion_id: str, say: Callable[[], str], chance: random.Random) -> Iterator[dict[str, Any]]:
    for position in count():
        message = {"id": f"{completion_id}-{position}", "content_parts": None, "name": None, "refusal": None}
        call_id = f"call_{position - position % 8}"
        if position % 8 == 4:
            function = {"name": "lookup_order", "arguments": json.dumps({"order": f"TK{chance.randrange(10**6)}"})}
            calls = [{"id": call_id, "type": "function", "function": function}]
            yield message | {"role": "assistant", "content": None, "tool_calls": calls}
        elif position % 8 == 5:
            found = {"error": "unknown"} if chance.random() < 0.1 else {"state": "sent", "note": say()}
            yield message | {"role": "tool", "content": json.dumps(found), "tool_call_id": f"call_{position - 1}"}
        else:
            yield message | {"role": ("user", "assistant")[position % 2], "content": say()}


def _speech(chance: random.Random) -> Callable[[], str]:
    """Give a function that makes up texts: words as frequent as in a language, phrases, numbers, other scripts."""
    syllables = [a + b for a in "bdfgklmnprstvw" for b in "aeiou"]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(30_000)]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))

    def say() -> str:
        said = chance.choices(words, cum_weights=weights, k=chance.choice((4, 8, 16, 32, 64, 120)))
        said.insert(len(said) // 2, chance.choice(SAYINGS))
        if chance.random() < 0.1:
            said.append(f"TK{100_000 + chance.randrange(900_000)}")
        if chance.random() < 0.03:
            said.append(chance.choice(_UNSPACED))
        return " ".join(said)

    return say
