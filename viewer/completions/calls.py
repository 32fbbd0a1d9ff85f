"""Reads the tool calls of a message that are not in its content."""

from __future__ import annotations

import re

from .fields import Fields, json_type
from .outcomes import outcome_of_fields, outcome_of_text, worst_outcome
from .source_text import Piece, clean
from .types import ToolCall

CALL_LISTS = ("tool_calls", "toolCalls")  # the second in JavaScript's clients and in AG-UI
_ARGUMENTS = ("arguments", "input")
_OUTPUT = ("output", "result")
_SUFFIX = re.compile(r"(?<=.)(?:__thought__|\|)")


def read_tool_calls(fields: Fields) -> tuple[tuple[ToolCall, ...], dict[str, str]]:
    """Take `tool_calls` and the older `function_call`; return the calls, and the JSON of their unknown fields."""
    calls: list[ToolCall] = []
    other: dict[str, str] = {}
    name = next((each for each in CALL_LISTS if fields.get(each)), CALL_LISTS[0])
    items, rest = fields.take_items(name)
    if rest:
        other[f"{name}[{len(items)}…]"] = clean(rest)
    for n, item in enumerate(items):
        call, remaining = _read_tool_call(item, f"{name}[{n}].")
        calls.append(call)
        other |= remaining
    if (legacy := fields.take("function_call", dict)) is not None:
        inner = Fields(legacy.source, legacy.value or None)
        calls.append(_build_call("", "function_call", inner, Fields("{}", {}), legacy))
        other |= inner.remaining("function_call.")
    return tuple(calls), other


def base_id(call_id: str) -> str:
    """Return an id without the suffix that gateways append."""
    return _SUFFIX.split(call_id, maxsplit=1)[0]


def _read_tool_call(piece: Piece, path: str) -> tuple[ToolCall, dict[str, str]]:
    if not isinstance(piece.value, dict):
        return ToolCall("", json_type(piece.value), "", "", clean(piece.source)), {}
    outer = Fields(piece.source, piece.value or None)
    call_id, kind = outer.take_text("id", "call_id"), outer.take_text("type")
    inner = outer.take_object("custom" if kind == "custom" else "function")
    kind = kind or ("function" if inner is not None else "unknown")
    if inner is None and not any(name in outer for name in (*_ARGUMENTS, *_OUTPUT)):
        return ToolCall(call_id, kind, outer.take_text("name"), "", clean(piece.source)), {}
    call = _build_call(call_id, kind, Fields("{}", {}) if inner is None else inner, outer, piece)
    outer.take_value("index", int)  # repeats its position in the list
    return call, outer.remaining(path) | (inner.remaining(path) if inner is not None else {})


def _build_call(call_id: str, kind: str, inner: Fields, outer: Fields, whole: Piece) -> ToolCall:
    output = _first(inner, outer, _OUTPUT)
    return ToolCall(
        id=call_id,
        kind=kind,
        name=inner.take_text("name") or outer.take_text("name"),
        arguments=_first(inner, outer, _ARGUMENTS) or "",
        source=clean(whole.source),
        output=output,
        outcome=worst_outcome(outcome_of_fields(outer), outcome_of_fields(inner), outcome_of_text(output or "")),
    )


def _first(inner: Fields, outer: Fields, names: tuple[str, ...]) -> str | None:
    text = inner.take_as_text(*names)
    return outer.take_as_text(*names) if text is None else text
