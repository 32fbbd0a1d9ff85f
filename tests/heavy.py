"""Completions that would cost a page dearly, and the pages that show them; `tests.table_of_costs` measures both."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.conftest import make_choice, make_completion, say

ID = "chatcmpl-heavy"
HOME = f"/completions/{ID}/"
WORD = "needle"
_LOAD = 1_000_000  # characters, times `size`, for what is heavy by its length


def _cited(count: int) -> list[dict[str, Any]]:
    return [
        {
            "type": "url_citation",
            "url_citation": {"url": f"https://{n}.example/", "title": f"T{n}", "start_index": n, "end_index": n + 5},
        }
        for n in range(count)
    ]


def _calls(count: int, arguments: str = "{}") -> list[dict[str, Any]]:
    return [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": arguments}} for n in range(count)
    ]


def _widening_table(_: int) -> dict[str, Any]:
    tasks = "".join(f"- [x] a{n}\n" for n in range(60))
    text = (tasks + "\n" + "x|b\n-|\n" * 3_000)[:20_000]
    cited = [
        {"type": "url_citation", "url_citation": {"url": f"https://{n}.example/", "title": "", "start_index": at, "end_index": at + 1}}
        for n, at in enumerate(at for at in range(len(tasks)) if tasks.startswith("x] a", at))
    ]  # fmt: skip
    return {"messages": [say("assistant", text, annotations=cited) for _ in range(5)]}


def _numbers(size: int) -> str:
    return "[" + ",".join(str(n % 1_000_000) for n in range(size * 140_000)) + "]"


def _said(role: str = "assistant", content: Any = "x", **fields: Any) -> dict[str, Any]:
    return {"messages": [say("user", WORD), say(role, content, **fields), say("user", f"and {WORD}")]}


def _nested(depth: int) -> Any:
    nested: Any = 1
    for n in range(depth):
        nested = [nested] if n % 2 else {"a": nested}
    return nested


# Each takes a size: 30 is a message of some 30 MB or 100,000 entries, the largest that can be stored.
HEAVY: dict[str, Callable[[int], dict[str, Any]]] = {
    "widening tables": _widening_table,
    "citations": lambda size: _said(annotations=_cited(size * 3_333)),
    "cited markdown": lambda size: _said(
        content="word [a](https://1.example/) " * 690, annotations=_cited(size * 3_333)
    ),
    "tool calls": lambda size: _said(tool_calls=_calls(size * 3_333)),
    "calls that fail": lambda size: _said(
        tool_calls=[call | {"output": {"error": "e"}} for call in _calls(size * 3_333)]
    ),
    "results": lambda size: _said(
        "user", [{"type": "tool_result", "tool_use_id": f"c{n}", "content": "r"} for n in range(size * 3_333)]
    ),
    "numbers": lambda size: _said(tool_calls=_calls(1, _numbers(size))),
    "numbers said": lambda size: _said("tool", _numbers(size), tool_call_id="c0"),
    "numbers in a text": lambda size: _said("user", _numbers(size)),
    "numbers beside": lambda size: _said(content="x", new_field=json.loads(_numbers(size))),
    "metadata": lambda size: {**_said(), "metadata": {f"key{n}": f"value {n}" for n in range(size * 667)}},
    "large metadata": lambda size: {**_said(), "metadata": {"k" * (size * 50_000): "v" * (size * 50_000)}},
    "choices": lambda size: {**_said(), "choices": [make_choice(f"answer {n} {WORD}", n) for n in range(size * 333)]},
    "choices without text": lambda size: {**_said(), "choices": [make_choice(None, n) for n in range(size * 3_333)]},
    "text": lambda size: _said("user", f"word {WORD} " * (size * 83_000)),
    "answer": lambda size: _said("assistant", f"word {WORD} " * (size * 83_000)),
    "long choice": lambda size: {**_said(), "choices": [make_choice(f"word {WORD} " * (size * 166_000))]},
    "text without the word": lambda size: _said("user", "word by word " * (size * 77_000)),
    "accents": lambda size: _said("user", f"é{WORD}\u202e " * (size * 50_000)),
    "one word": lambda size: _said("user", "x" * (size * _LOAD) + WORD),
    "name": lambda size: _said("user", "x", name="n" * (size * 100_000)),
    "call names": lambda size: _said(
        tool_calls=[
            {
                "id": "i" * size * 100_000,
                "type": "function",
                "function": {"name": "n" * size * 100_000, "arguments": "{}"},
            }
        ]
    ),
    "role": lambda size: _said("r" * (size * 100_000), "x"),
    "file name": lambda size: _said(
        "user", [{"type": "file", "file": {"filename": "é" * (size * 7_000) + ".pdf", "file_data": "JVBERi0xLjc="}}]
    ),
    "model": lambda size: {**_said(), "model": "m" * (size * 100_000)},
    "nested": lambda size: _said("user", "x", new_field=_nested(size * 25)),
    "nested arguments": lambda size: _said(tool_calls=_calls(1, "[" * (size * 33_000) + "]" * (size * 33_000))),
    "nested markdown": lambda size: _said(content="> " * min(9_999, size * 333)),
    "parts": lambda size: _said("user", [{"type": "text", "text": f"part {n}"} for n in range(size * 3_333)]),
    "images": lambda size: _said(
        "user", [{"type": "image_url", "image_url": {"url": f"https://a.example/{n}.png"}} for n in range(size * 3_333)]
    ),
    "picture": lambda size: _said(
        "user", [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0KGgo" * size * 90_000}}]
    ),
    "fields": lambda size: _said(**{f"field_{n}": n for n in range(size * 3_333)}),
    "completion fields": lambda size: {**_said(), **{f"field_{n}": n for n in range(size * 3_333)}},
    "a field": lambda size: {**_said(), "new_field": "f" * (size * _LOAD)},
    "a parameter": lambda size: {**_said(), "tools": [{"type": "function", "n": n} for n in range(size * 16_000)]},
    "log probabilities": lambda size: {
        **_said(),
        "choices": [
            make_choice("x")
            | {
                "logprobs": {
                    "content": [{"token": "t", "logprob": -0.5, "bytes": [116], "top_logprobs": []}] * (size * 15_000)
                }
            }
        ],
    },
    "reasoning": lambda size: _said(reasoning_content=f"thought {WORD} " * (size * 66_000)),
    "thoughts": lambda size: _said(reasoning_details=[{"type": "reasoning.text", "text": "t"}] * (size * 3_333)),
    "transcript": lambda size: _said(audio={"id": "a", "data": "", "transcript": f"said {WORD} " * (size * 83_000)}),
    "refusal": lambda size: _said(refusal=f"no {WORD} " * (size * 100_000)),
    "errors": lambda size: _said("tool", json.dumps({"error": "e" * (size * _LOAD)}), tool_call_id="c0"),
    "markdown": lambda size: {"messages": [say("assistant", _markdown(n)) for n in range(min(20, size * 5))]},
    "lines": lambda size: _said("user", f"{WORD}\n" * (size * 140_000)),
    "hidden characters": lambda size: _said("user", "\u202e\U000e0041" * (size * 166_000)),
    "messages": lambda size: {"messages": [say("user", f"{WORD} {n}") for n in range(size * 33)]},
}


def _markdown(n: int) -> str:
    pieces = ["**a** ", "|a|b|\n|-|-|\n", "1. a\n2. b\n", "`c` ", "[a](https://a.example/) ", "$a_b$ ", "C:\\_a\\ "]
    piece = pieces[n % len(pieces)]
    return (piece * 20_000)[:19_900] + str(n)


PAGES: dict[str, str] = {
    "list": "/completions/",
    "search": f"/search/?q={WORD}",
    "page": HOME,
    "newest": f"{HOME}?order=desc",
    "customer": f"{HOME}|audience=customer",
    "as written": f"{HOME}|texts=source",
    "message": f"{HOME}messages/{ID}-1/",
    "answer": f"{HOME}choices/0/",
    "find": f"{HOME}find/?q={WORD}",
    "print": f"{HOME}print/",
    "markdown": f"{HOME}transcript/?format=markdown",
    "text": f"{HOME}transcript/?format=text",
    "json": f"{HOME}transcript/?format=json",
    "jsonl": f"{HOME}transcript/?format=jsonl",
    "copied": f"{HOME}transcript/?format=markdown&bare&from={ID}-1&to={ID}-1",
    "raw": f"{HOME}messages/{ID}-1/raw/",
    "part": f"{HOME}messages/{ID}-1/parts/0/",
    "call": f"{HOME}messages/{ID}-1/calls/0/",
    "result": f"{HOME}messages/{ID}-1/results/0/",
    "raw completion": f"{HOME}raw/",
    "raw answer": f"{HOME}choices/0/raw/",
}


def make_heavy(name: str, size: int) -> dict[str, Any]:
    """Make one of the completions; `size` 30 is the largest that can be stored."""
    fields = HEAVY[name](size)
    return make_completion(ID, *fields.pop("messages"), **fields)
