"""Reads the text that Python writes of an object, such as `Message(content='Hi', role='assistant')`, as JSON."""

from __future__ import annotations

import ast
import re
from base64 import b64encode
from typing import Any

_OBJECT = re.compile(r"\s*[A-Za-z_][\w.]{0,100}\(\s*\w+=")
_MAX_CHARACTERS = 10_000_000


def object_in(text: str) -> dict[str, Any] | None:
    """Return the fields of the object that a text shows; None if it shows none, or is cut off. Nothing is executed."""
    if len(text) > _MAX_CHARACTERS or not _OBJECT.match(text):
        return None
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return value if isinstance(value, dict) else None


def base64_in(text: str) -> str:
    """Return the base64 of bytes that a text shows as Python writes them, `b'…'`; any other text as it is."""
    if len(text) > _MAX_CHARACTERS or text[:2] not in ("b'", 'b"'):
        return text
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    return b64encode(value).decode() if isinstance(value, bytes) else text


def _value(node: ast.expr) -> Any:
    """Return the value of an expression. Raises ValueError if it is more than texts, numbers, containers, objects."""
    match node:
        case ast.Constant(value=str() | int() | float() | bool() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [_value(element) for element in elements]
        case ast.Dict(keys=keys, values=values):
            return {str(_value(key)): _value(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.Call(args=[], keywords=keywords):
            return {keyword.arg: _value(keyword.value) for keyword in keywords if keyword.arg}
    raise ValueError(ast.dump(node)[:100])
