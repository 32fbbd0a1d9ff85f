"""Reads chats that Cursor has written as Markdown, in which marks of its own say who speaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_HEAD = re.compile(
    r"\A(?:#[^\n]*\n){0,3}#[ \t]*(?P<title>[^\n]*?)\r?\n"
    r"_Exported on (?P<exported>[^\n]{1,80}) from Cursor \((?P<version>[\w.-]+)\)_[ \t\r]*\n"
)
_TURN = re.compile(r"^---\r?\n\r?\n\*\*(User|Cursor)\*\*\r?\n\r?\n", re.M)


def is_cursor_chat(text: str) -> bool:
    """Whether a text begins as such an export."""
    return bool(_HEAD.match(text))


def cursor_chat_of(lines: Iterable[str]) -> str:
    """Return the JSON of a chat, with its turns as they stand in the text."""
    text = "".join(lines)
    head = _HEAD.match(text)
    about = head.groupdict() if head else {}
    _, *turns = _TURN.split(text)
    pairs = zip(turns[::2], turns[1::2], strict=True)
    written = [{"speaker": speaker, "text": said.strip()} for speaker, said in pairs]
    return json.dumps({"exported_from": "Cursor", **about, "turns": written}, ensure_ascii=False)
