"""What n8n writes of tools into the texts of LangChain's messages, which its chat memory keeps: tool calls again.

Some of its memories get `[Used tools: Tool: …, Input: …, Result: …; Tool: …] ` before an answer, which no customer saw;
others a message that says “Calling … with input: …” beside the call itself. Seen in n8n-nodes-langchain 2.41.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from viewer.formats.drafts import DraftMessage, tool_call

_BEGIN, _END, _NEXT, _RESULT = "[Used tools: ", "] ", "; ", ", Result: "
_TOOL = re.compile(r"Tool: ([^,\n]{1,200}), Input: ")
_CALLING = re.compile(r"Calling (.{1,200}?) with input: (.*)", re.DOTALL)
_JSON = json.JSONDecoder()


def unfolded(messages: Iterable[DraftMessage]) -> list[DraftMessage]:
    """Return messages with the tool calls that stand in texts as messages of their own."""
    return [each for number, message in enumerate(messages, start=1) for each in _unfolded(message, number)]


def _unfolded(message: DraftMessage, number: int) -> list[DraftMessage]:
    text = message.content if message.role == "assistant" and isinstance(message.content, str) else ""
    if message.tool_calls and _says_call(text, message.tool_calls):
        message.content = None
    if message.tool_calls or not text.startswith(f"{_BEGIN}Tool: "):
        return [message]
    found = _used(text)
    if found is None:  # where a result ends cannot be told
        return [message]
    tools, message.content = found
    named = [(f"{number}-{n}", *tool) for n, tool in enumerate(tools, start=1)]
    calls = [tool_call(call_id, name, given) for call_id, name, given, _result in named]
    called = DraftMessage("assistant", tool_calls=calls, created=message.created)
    results = [
        DraftMessage("tool", result, name=name, tool_call_id=call_id, created=message.created)
        for call_id, name, _given, result in named
    ]
    return [called, *results, message]


def _says_call(text: str, calls: list[dict[str, Any]]) -> bool:
    """Whether a text says nothing but what the call beside it says."""
    match = _CALLING.fullmatch(text)
    if match is None or all(call["function"]["name"] != match[1] for call in calls):
        return False
    return _json_until(match[2], 0) == len(match[2])


def _used(text: str) -> tuple[list[tuple[str, str, str]], str] | None:
    """Return the name, the input and the result of each tool, and the answer; None if they cannot be told apart."""
    tools, at = list[tuple[str, str, str]](), len(_BEGIN)
    while match := _TOOL.match(text, at):
        given = _json_until(text, match.end())
        if not given or not text.startswith(_RESULT, given):
            return None
        begin = given + len(_RESULT)
        end = _end_of_result(text, begin)
        if not end:
            return None
        tools.append((match[1], text[match.end() : given], text[begin:end]))
        if text.startswith(_END, end):
            return tools, text[end + len(_END) :]
        at = end + len(_NEXT)
    return None


def _json_until(text: str, begin: int) -> int:
    """Return where the JSON that begins here ends; 0 if there is none."""
    try:
        return _JSON.raw_decode(text, begin)[1] if text[begin : begin + 1] in ("{", "[", '"') else 0
    except (ValueError, RecursionError):
        return 0


def _end_of_result(text: str, begin: int) -> int:
    """Return where a result ends, which may be any text; 0 if more than one place could be its end."""
    known = _json_until(text, begin)
    if known and (text.startswith(_END, known) or _TOOL.match(text, known + len(_NEXT))):
        return known
    ends = list(_found(text, _END, begin))
    nexts = [at for at in _found(text, _NEXT, begin) if _TOOL.match(text, at + len(_NEXT))]
    if nexts and (not ends or nexts[0] < ends[0]):
        return nexts[0]
    return ends[0] if len(ends) == 1 else 0


def _found(text: str, mark: str, begin: int) -> Iterator[int]:
    while (begin := text.find(mark, begin)) >= 0:
        yield begin
        begin += 1
