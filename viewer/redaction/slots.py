"""Goes through the strings of JSON, also those inside strings, and rewrites some; everything else stays as written.

JSON is rewritten as text, because numbers such as `1.10`, a 64-bit seed and duplicate keys do not survive parsing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from viewer.completions.source_text import decode, is_json_text

_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]++|\\.)*+")(?P<colon>\s*+:)?|(?<![\w.+-])(?P<number>\d{9,19})(?![\w.])', re.DOTALL
)
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_OPENS = re.compile(r"\s*+[\[{]")
_MAX_DEPTH = 8  # JSON in a string in JSON in a string …

# Takes a string, and the name of the field that it is in, and gives what stands there instead.
Rewrite = Callable[[str, str], str]


def rewrite_json(text: str, rewrite: Rewrite, drop_tokens: bool = False, depth: int = 0) -> str:
    """Rewrite each string, key and long whole number of a JSON text, which must be valid.

    The name of a number begins with "#". The log probabilities hold the text again, token by token; they are left
    alone, or become null.
    """
    pieces, position, name = list[str](), 0, ""
    next_token = _TOKEN.search(text)
    while next_token:
        token, end = next_token, next_token.end()
        if token["number"]:
            new, written = rewrite(token["number"], f"#{name}"), token["number"]
        else:
            written = _decoded(token["string"])
            new = rewrite_string(written, "" if token["colon"] else name, rewrite, (drop_tokens, depth))
            if token["colon"]:
                name = written[:100]
        if new != written:
            old = token["string"] or token["number"]
            pieces += text[position : token.start()], json.dumps(new, ensure_ascii=old.isascii())
            position = token.start() + len(old)
        if name == "logprobs" and token["colon"] and _OPENS.match(text, end):
            start, end = end, _end_of_container(text, end)
            if drop_tokens:
                pieces += text[position:start], "null"
                position = end
        next_token = _TOKEN.search(text, end)
    return "".join(pieces) + text[position:] if pieces else text


def rewrite_string(text: str, name: str, rewrite: Rewrite, state: tuple[bool, int] = (False, 0)) -> str:
    """Rewrite a string; if it is JSON, the strings in it."""
    drop_tokens, depth = state
    if depth < _MAX_DEPTH and text[:1] in "{[ \n" and is_json_text(text):
        return rewrite_json(text, rewrite, drop_tokens, depth + 1)
    return rewrite(text, name)


def _decoded(token: str) -> str:
    return str(decode(token)) if "\\" in token else token[1:-1]


def _end_of_container(text: str, start: int) -> int:
    depth = 0
    for token in _BRACKET.finditer(text, start):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(text)
