"""Draws a template once for each of its shapes, and from then on only puts in what varies.

Django takes microseconds for each tag of a template, which for a page of messages is most of the time. But messages
have few shapes: what a text says changes none of the tags around it. So whoever draws passes texts, which the template
only prints or checks for being empty, and other values, such as `is_linked`, which decide what it prints. A frame is
the template drawn with a mark for each text.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from itertools import count
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

_MAX_FRAMES = 1_000  # some 2 kB each; a page has a dozen
_EDGE = "\ufff9"  # of a mark; hidden, so that a filter which changes texts cannot pass a mark on unnoticed
_MARK = re.compile(f"{_EDGE}([0-9]+){_EDGE}")
_Frame = tuple[str, tuple[int, ...]]  # for the operator %, and which texts it takes
_frames: dict[Hashable, _Frame] = {}
_language: ContextVar[str | None] = ContextVar("language", default=None)


@contextmanager
def one_language() -> Iterator[None]:
    """Ask for the language once for all that is drawn meanwhile: to ask takes a third of drawing one text."""
    token = _language.set(get_language())
    try:
        yield
    finally:
        _language.reset(token)


def draw(template: str, **context: Any) -> SafeString:
    """Draw a template with strings, numbers, and tuples and dicts of them.

    It may print a string, escaped unless it is safe, or check whether there is one; it may not compare it or pass it
    through a filter. Anything else may decide what is drawn, so it should have few values.
    """
    texts: list[str] = []
    key = (template, _language.get() or get_language(), *context, *_shapes_of(context.values(), texts))
    if (frame := _frames.get(key)) is None:
        if len(_frames) >= _MAX_FRAMES:
            _frames.clear()
        frame = _frames[key] = _frame(template, context)
    html, printed = frame
    return SafeString(html % tuple([_escaped(texts[n]) for n in printed]))  # a template, escaped texts


def _shapes_of(values: Iterable[Any], texts: list[str]) -> list[Hashable]:
    """Collect the texts in some values; return what else there is of each."""
    shapes: list[Hashable] = []
    for value in values:
        if isinstance(value, str):
            shapes.append(_EDGE if value else None)
            if value:
                texts.append(value)
        elif isinstance(value, tuple):
            shapes.append(tuple(_shapes_of(value, texts)))
        elif isinstance(value, dict):
            shapes.append((*value, *_shapes_of(value.values(), texts)))
        else:
            shapes.append((value,))
    return shapes


def _frame(template: str, context: dict[str, Any]) -> _Frame:
    """Draw a template with marks in place of the texts. Raise ValueError if it does more than print them."""
    html = render_to_string(template, _marked(context, count())).replace("%", "%%")
    printed = tuple(int(mark[1]) for mark in _MARK.finditer(html))
    html = _MARK.sub("%s", html)
    if _EDGE in html or "[U+FFF9]" in html:
        raise ValueError(f"{template} changes a text that it should only print")
    return html, printed


def _marked(value: Any, numbers: Iterator[int]) -> Any:
    """Replace the texts in a value by marks, in the order of `_shapes_of`."""
    if isinstance(value, str):
        return f"{_EDGE}{next(numbers)}{_EDGE}" if value else ""
    if isinstance(value, dict):
        return {name: _marked(each, numbers) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_marked(each, numbers) for each in value)
    return value


def _escaped(text: str) -> str:
    return text if isinstance(text, SafeString) else escape(text)
