"""Makes up the pages of messages with which rendering is measured: typical ones, and ones of the largest kind."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import Any

from viewer.completions.markdown import MARKDOWN_LIMIT

ID = "chatcmpl-benchmark"
_TOPICS = ["the refund", "your parcel", "the invoice", "the subscription", "a kettle", "the address", "this seat"]
_PLACES = ["the warehouse", "Oslo", "our carrier", "the billing team", "your bank", "gate B12", "the returns desk"]
_SITES = ["help.example", "carrier.example", "bank.example", "status.example"]
_SENTENCES = (
    "I have looked at {topic} and it left {place} on **Tuesday**, so it should be with you by Friday.",
    "Thank you for your patience; {place} has confirmed {topic}, and nothing more is needed from you.",
    "If you would rather cancel, please tell me *today*: after that {topic} is out of our hands.",
    "The reference is `{number}`; quote it when you write to {place} about {topic}.",
)
_BLOCKS = (
    "- {topic}: **{number}.00 EUR**\n- from {place}, 2-3 days\n- see [the terms](https://{site}/terms?id={number})",
    "1. Open **Settings**\n2. Choose {topic}\n3. Send the form to {place}",
    "### About {topic}\n\nIt was booked on 3 March and paid by card.",
    "| item | price | days |\n|---|---:|---:|\n| {topic} | {number}.90 | 3 |\n| postage | 4.90 | 2 |",
)
_CODE = """```python
def total(rows: list[dict], currency: str = "EUR") -> float:
    # only what was paid in {number} counts
    return sum(row["amount"] for row in rows if row["currency"] == currency)
```"""
HOSTILE = (
    "[", "![a](", "*", "a**b", "**a*_b_ ", "`", "~~a", ">", "> - ", "1. a\n", "|a|b|\n|-|-|\n", "|a", "<a ", "&amp;",
    "\\[a", "http://a.b ", "<http://a.b>", "a@b.c ", "[^1]\n\n[^1]: a\n", "([a.b](http://x.y))", "\u202e", "\U000f0000",
)  # fmt: skip
Message = dict[str, Any]
Make = Callable[[random.Random], list[Message]]


def _say(n: int, role: str, content: str | None, **fields: Any) -> Message:
    return {"id": f"{ID}-{n}", "role": role, "content": content, "content_parts": None, "name": None, **fields}


def _text(chance: random.Random, length: int, blocks: tuple[str, ...] = _BLOCKS) -> str:
    """Write Markdown as a support desk does, of about a length."""
    written = ""
    while len(written) < length:
        sentences = " ".join(chance.choices(_SENTENCES, k=3))
        block = f"{sentences}\n\n{chance.choice(blocks)}\n\n"
        for slot, words in (("{topic}", _TOPICS), ("{place}", _PLACES), ("{site}", _SITES)):
            while slot in block:
                block = block.replace(slot, chance.choice(words), 1)
        written += block.replace("{number}", str(chance.randrange(10, 99)))
    return written[:length].rstrip()


def _cited(chance: random.Random, text: str) -> tuple[str, list[Message]]:
    """Put two citations behind a text, each with OpenAI's marker."""
    notes = []
    for site in chance.sample(_SITES, 2):
        url = f"https://{site}/answers/{chance.randrange(10_000)}?utm_source=openai"
        marker = f" ([{site}]({url}))"
        cite = {"url": url, "title": f"Answers of {site}", "start_index": len(text) + 1}
        text += marker
        notes.append({"type": "url_citation", "url_citation": cite | {"end_index": len(text)}})
    return text, notes


def _reference(chance: random.Random) -> list[Message]:
    """Customer and assistant in turns, 1.5 kB each; every second answer cites."""
    messages = []
    for n in range(20):
        if n % 4 == 3:
            text, notes = _cited(chance, _text(chance, 1_350))
            messages.append(_say(n, "assistant", text, annotations=notes))
        else:
            messages.append(_say(n, "assistant" if n % 2 else "user", _text(chance, 1_500)))
    return messages


def _tools(chance: random.Random) -> list[Message]:
    """Three calls, their results, an answer, and so on."""
    messages: list[Message] = []
    while len(messages) < 20:
        calls = [(f"call_{len(messages)}_{i}", _arguments(chance, 12)) for i in range(3)]
        asked = [
            {"id": call_id, "type": "function", "function": {"name": "look_up_order", "arguments": arguments}}
            for call_id, arguments in calls
        ]
        messages.append(_say(len(messages), "assistant", None, tool_calls=asked))
        messages += [
            _say(len(messages) + i, "tool", _arguments(chance, 40), tool_call_id=call_id)
            for i, (call_id, _) in enumerate(calls)
        ]
        messages.append(_say(len(messages), "assistant", _text(chance, 800)))
    return messages


def _arguments(chance: random.Random, keys: int) -> str:
    pairs = {f"{chance.choice(('order', 'parcel', 'invoice'))}_{n}": chance.choice(_PLACES) for n in range(keys)}
    return json.dumps(pairs | {"amount": chance.randrange(10_000) / 100, "lines": [{"sku": "K-1", "n": 2}] * 3})


def _code(chance: random.Random) -> list[Message]:
    return [_say(n, "assistant", _text(chance, 1_500, (_CODE,))) for n in range(20)]


def _images(chance: random.Random, each: int = 60_000) -> list[Message]:
    """An image with every message of the customer. Only its first bytes are valid: no server decodes the rest."""
    messages = []
    for n in range(20):
        text = _text(chance, 300)
        parts: list[Message] | None = None
        if n % 2 == 0:
            picture = {"type": "image_url", "image_url": {"url": _picture(chance, each)}}
            parts = [{"type": "text", "text": text}, picture]
        messages.append(_say(n, "assistant" if n % 2 else "user", text) | {"content_parts": parts})
    return messages


def _picture(chance: random.Random, size: int) -> str:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x80\x00\x00\x01\xe0\x08\x02\x00\x00\x00"
    return f"data:image/png;base64,{base64.b64encode(head + chance.randbytes(size)).decode()}"


def _long(chance: random.Random) -> list[Message]:
    """A hundred messages of 250 kB, which the upstream sends as one page."""
    text = _text(chance, 250_000)
    return [_say(n, "assistant", f"{n}. {text}") for n in range(100)]


def _hostile(chance: random.Random) -> list[Message]:
    """Twenty texts of the longest kind that is rendered as Markdown, made to be slow, with very many citations."""
    cites = [{"url": f"https://{n}.example/", "start_index": n * 30, "end_index": n * 30 + 9} for n in range(600)]
    notes = [{"type": "url_citation", "url_citation": cite} for cite in cites]
    pieces = chance.sample(HOSTILE, 20)
    return [_say(n, "assistant", longest_text(piece), annotations=notes) for n, piece in enumerate(pieces)]


def longest_text(piece: str) -> str:
    """Repeat a piece up to the length at which a text is no longer rendered as Markdown."""
    return (piece * MARKDOWN_LIMIT)[:MARKDOWN_LIMIT]


def _deep(chance: random.Random) -> list[Message]:
    """Calls with 400 keys or with 900 levels, and results of 250 kB."""
    deep = "[" * 900 + "1" + "]" * 900
    kinds = (_arguments(chance, 400), f'{{"deep": {deep}}}', f"[[[[[[[[{'1,' * 50_000}1]]]]]]]]")
    return [
        message
        for n in range(10)
        for message in (
            _say(2 * n, "assistant", None, tool_calls=[
                {"id": f"call_{n}_{i}", "type": "function", "function": {"name": "look_up", "arguments": kinds[i % 3]}}
                for i in range(30)
            ]),
            _say(2 * n + 1, "tool", _arguments(chance, 5_000), tool_call_id=f"call_{n}_0"),
        )
    ]  # fmt: skip


PAGES: dict[str, Make] = {"reference": _reference, "tools": _tools, "code": _code, "images": _images}
LARGE_PAGES: dict[str, Make] = {
    "pictures": lambda chance: _images(chance, 2_200_000),
    "long": _long,
    "hostile": _hostile,
    "deep": _deep,
}
