"""Puts a frame into a page, where an include would draw a template anew each time."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from viewer.web.frames import draw

register = template.Library()


@register.simple_tag(takes_context=True)
def frame(context: template.Context, name: str, from_context: str = "", **values: Any) -> SafeString:
    """Draw a template with some values of the page, by their names, and with others."""
    return draw(name, **{each: context.get(each, "") for each in from_context.split()}, **values)
