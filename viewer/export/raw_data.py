"""Writes a conversation as JSON, as received, and as JSON Lines that can be imported again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from viewer.client.problems import Problem
from viewer.completions.source_text import members, to_object

from .extracts import Extract

_BREAK_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|[\r\n]+', re.DOTALL)
_CONTROL = re.compile("[\x00-\x1f]")


def to_json(extract: Extract) -> Iterator[str]:
    """Write the completion and its messages as received; `incomplete` says why messages are missing, or is null."""
    yield f'{{"completion":{extract.completion.source},"messages":[\n'
    separator, cause = "", None
    try:
        for page in extract.pages:
            for item in page:
                yield f"{separator}{item.source}"
                separator = ",\n"
    except Problem as problem:
        cause = extract.why_incomplete(problem)
    yield f'\n],"incomplete":{json.dumps(cause)}}}\n'


def to_json_line(extract: Extract) -> Iterator[str]:
    """Write one line for `import_completions`, with every value as received. An incomplete line cannot be imported."""
    fields = [(name, piece.source) for name, piece in members(extract.completion.source) if name != "messages"]
    head = to_object(fields)[:-1]
    yield _on_one_line(f"{head}," if fields else head) + '"messages":['
    separator = ""
    try:
        for page in extract.pages:
            for item in page:
                yield separator + _on_one_line(item.source)
                separator = ","
    except Problem as problem:
        yield f"\n{json.dumps({'incomplete': extract.why_incomplete(problem)})}\n"
    else:
        yield "]}\n"


def _on_one_line(source: str) -> str:
    """Remove line breaks from JSON. Inside strings, where some servers do not escape them, they are escaped."""
    return _BREAK_OR_STRING.sub(_escape_controls, source) if _CONTROL.search(source) else source


def _escape_controls(match: re.Match[str]) -> str:
    return _CONTROL.sub(lambda control: f"\\u{ord(control[0]):04x}", match[0]) if match[0][0] == '"' else " "
