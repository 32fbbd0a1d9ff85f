"""Messages of every shape, with texts of which a page shows something else than their letters in a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.conf import settings

from tests.conftest import say
from tests.shapes import SEEN, UNSEEN

INTRICATE = [
    "re**fund**able", "~~str~~ike", "_it_alic `co``de`x", "re\\*fund", "C:\\users\\Bob", "**包**裹", "ﬁne ½ ™ ＡＢＣ",
    "soft\u00adhyphen", "a\u202eb", "re[U+0041]fund", "M&uuml;ller &#114;efund", "R&D", "re[fund](http://a.example/x)able",
    "[re](a)[fund](b)", "[a](http://a.example/ü) b", "[a](http://a.example/(b)c 'title')d", "a[b][c]d\n\n[c]: http://a.example/é",
    "re ([site](http://a.example/))fund", "re<think>x</think>fund", "<think>x</think>y", "z[THINK]x[/THINK]y",
    "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b", "| a | b |\n|-|-|\n| c**d**e | f |",
    '{"a": "Z\\u00fcrich \\\\u00fc\\u00e9"}', "07) one\n08) two", "がギ", "😀\ufe0f 2024",
]  # fmt: skip


def in_every_shape(text: str) -> Iterator[dict[str, Any]]:
    cited = [{"type": "url_citation", "url_citation": {"url": "https://a.example/ü", "title": text}}, "odd"]
    nested = json.dumps({"q": text, "inner": json.dumps({"q": text})})
    for role in ("assistant", "user", "tool"):
        for content in (
            text,
            [{"type": "text", "text": text}],
            [{"type": "document", "source": {"data": text}, "x": 1}],
        ):
            yield say(role, content)
        yield say(role, text, annotations=cited)
        yield say(role, text, odd=text, reasoning_content=text, error={"code": 7, "message": text})
        yield say(role, None, tool_calls=[{"id": text, "odd": 1, "function": {"name": "f", "arguments": nested}}])


def every_message() -> Iterator[dict[str, Any]]:
    lines = (settings.BASE_DIR / "viewer/archive/samples.jsonl").read_text().splitlines()
    yield from (message for line in lines for message in json.loads(line)["messages"])
    yield from (*SEEN, *(message for _, message in UNSEEN))
    yield from chain.from_iterable(map(in_every_shape, INTRICATE))
