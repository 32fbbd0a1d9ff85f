"""Reads the text that Python writes of an object, such as `Message(content='Hi', role='assistant')`, as JSON."""

from __future__ import annotations

import ast
import json
import re
from base64 import b64encode
from typing import Any

from .document import Document

_OBJECT = re.compile(r"\s*[A-Za-z_][\w.]{0,100}\(\s*\w+=")
_IN_JSON = re.compile(r'"\[?[A-Z]\w{0,100}\(\w+=')
_OF_MESSAGES = {"role", "type", "choices", "object"}
_CLASSES = (
    "HumanMessage", "AIMessage", "AIMessageChunk", "SystemMessage", "ToolMessage", "FunctionMessage", "ChatMessage",
)  # fmt: skip
_MAX_CHARACTERS = 10_000_000


def object_in(text: str) -> dict[str, Any] | None:
    """Return the fields of the object that a text shows; None if it shows none, or is cut off. Nothing is executed."""
    value = _parsed(text) if _OBJECT.match(text) else None
    return value if isinstance(value, dict) else None


def shows_object(text: str) -> bool:
    """Whether a text begins as that of an object does."""
    return _OBJECT.match(text) is not None


def container_in(text: str) -> Any:
    """Return the dictionary or the list that a text shows; None if it shows none. Nothing is executed."""
    value = _parsed(text) if text[:1] + text[-1:] in ("{}", "[]") else None
    return value if isinstance(value, (dict, list)) else None


def with_objects(document: Document) -> Document:
    """Return a document with messages and parts in the place of the texts that Python has written of them.

    Programs write such texts where they give `str` to `json.dumps` for what is no JSON.
    """
    if not _IN_JSON.search(document.text):
        return document
    opened = _opened(document.value)
    if opened == document.value:
        return document
    return Document(json.dumps(opened, ensure_ascii=False), document.place, document.find)


def _opened(value: Any) -> Any:
    if isinstance(value, list):
        return [_opened(item) for item in value]
    if isinstance(value, dict):
        return {name: _opened(item) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    shown = object_in(value) or (container_in(value) if value.startswith("[") else None)
    items = shown if isinstance(shown, list) else [shown]
    is_said = all(isinstance(item, dict) and not _OF_MESSAGES.isdisjoint(item) for item in items)
    return shown if items and is_said else value


def _parsed(text: str) -> Any:
    if len(text) > _MAX_CHARACTERS:
        return None
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


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
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            kind = {"type": name} if name.endswith(_CLASSES) else {}  # of LangChain, whose class says who speaks
            return kind | {keyword.arg: _value(keyword.value) for keyword in keywords if keyword.arg}
        case ast.Call() | ast.Name() | ast.Attribute():  # a time, or a constant
            return ast.unparse(node)
    raise ValueError(ast.dump(node)[:100])
