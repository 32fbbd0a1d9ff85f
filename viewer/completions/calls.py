"""Reads the calls of tools that stand beside a message's content."""

from __future__ import annotations

import re

from .fields import Fields, json_type
from .outcomes import outcome_beside, outcome_of_text, worst
from .source_text import Piece, clean
from .types import ToolCall

_GIVEN = ("arguments", "input")
_OUTPUT = ("output", "result")
_SUFFIX = re.compile(r"(?<=.)(?:__thought__|\|)")


def read_tool_calls(fields: Fields) -> tuple[tuple[ToolCall, ...], dict[str, str]]:
    """Take `tool_calls` and the older `function_call`, and keep the JSON of what a call says beside its arguments."""
    calls: list[ToolCall] = []
    other: dict[str, str] = {}
    found, rest = fields.take_items("tool_calls")
    if rest:
        other[f"tool_calls[{len(found)}…]"] = clean(rest)
    for n, item in enumerate(found):
        call, left = _read_tool_call(item, f"tool_calls[{n}].")
        calls.append(call)
        other |= left
    if (legacy := fields.take("function_call", dict)) is not None:
        inner = Fields(legacy.source, legacy.value or None)
        calls.append(_call("", "function_call", inner, Fields("{}", {}), legacy))
        other |= inner.left("function_call.")
    return tuple(calls), other


def stem_of(call_id: str) -> str:
    """Give an id without what gateways write behind it."""
    return _SUFFIX.split(call_id, maxsplit=1)[0]


def _read_tool_call(piece: Piece, place: str) -> tuple[ToolCall, dict[str, str]]:
    if not isinstance(piece.value, dict):
        return ToolCall("", json_type(piece.value), "", "", clean(piece.source)), {}
    outer = Fields(piece.source, piece.value or None)
    call_id, kind = outer.text("id", "call_id"), outer.text("type")
    inner = outer.inside("custom" if kind == "custom" else "function")
    kind = kind or ("function" if inner is not None else "unknown")
    if inner is None and not any(name in outer for name in (*_GIVEN, *_OUTPUT)):
        return ToolCall(call_id, kind, outer.text("name"), "", clean(piece.source)), {}
    call = _call(call_id, kind, Fields("{}", {}) if inner is None else inner, outer, piece)
    outer.take_value("index", int)  # its place in the list, once more
    return call, outer.left(place) | (inner.left(place) if inner is not None else {})


def _call(call_id: str, kind: str, inner: Fields, outer: Fields, whole: Piece) -> ToolCall:
    said = _first(inner, outer, _OUTPUT)
    return ToolCall(
        id=call_id,
        kind=kind,
        name=inner.text("name") or outer.text("name"),
        arguments=_first(inner, outer, _GIVEN) or "",
        source=clean(whole.source),
        output=said,
        outcome=worst(outcome_beside(outer), outcome_beside(inner), outcome_of_text(said or "")),
    )


def _first(inner: Fields, outer: Fields, names: tuple[str, ...]) -> str | None:
    said = inner.shown(*names)
    return outer.shown(*names) if said is None else said
