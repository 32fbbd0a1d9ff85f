"""Draws a part of a page once for each language, because it is the same for everybody."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


class DrawnOnce(template.Node):
    """A part that depends on nothing but the language and a few values, such as rights, with which it is drawn."""

    def __init__(self, nodes: NodeList, names: dict[str, FilterExpression]) -> None:
        self.nodelist = nodes
        self._names = names
        self._drawn: dict[Any, SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        values = {name: value.resolve(context) for name, value in self._names.items()}
        key = (get_language(), *values.values())
        if key not in self._drawn:
            # It sees these values alone: what belongs to one person cannot get into it.
            self._drawn[key] = self.nodelist.render(context.new(values))
        return self._drawn[key]


@register.tag
def drawn_once(parser: Parser, token: Token) -> DrawnOnce:
    """Read `{% drawn_once may_curate … %}` to `{% end_drawn_once %}`. There should be few different values."""
    names = token.split_contents()[1:]
    nodes = parser.parse(("end_drawn_once",))
    parser.delete_first_token()
    return DrawnOnce(nodes, {name: parser.compile_filter(name) for name in names})
