"""Draws the parts of templates that say the same on every page once for each language.

Half of what Django draws of a page are words that are only translated, and addresses of our own pages and files.
"""

from __future__ import annotations

from typing import Any

from django.template.base import Node, NodeList, TextNode, Variable
from django.template.context import Context
from django.template.defaulttags import IfNode, URLNode
from django.templatetags.i18n import TranslateNode
from django.templatetags.static import StaticNode
from django.utils.safestring import SafeString
from django.utils.translation import get_language


class ConstantPart(Node):
    """Nodes in a row that print the same whatever the page is about."""

    child_nodelists = ()

    def __init__(self, nodes: NodeList) -> None:
        self._nodes = nodes
        self._drawn: dict[Any, SafeString] = {}

    def render(self, context: Context) -> SafeString:
        key = (get_language(), context.autoescape)
        if key not in self._drawn:
            self._drawn[key] = self._nodes.render(context)
        return self._drawn[key]


def join_constant_parts(nodes: NodeList) -> None:
    """Put one node in place of each row of nodes that print the same on every page, also within other nodes."""
    joined = NodeList()
    row = NodeList()

    def end_row() -> None:
        joined.extend([ConstantPart(NodeList(row))] if any(not isinstance(one, TextNode) for one in row) else row)
        row.clear()

    for node in nodes:
        if _is_constant(node):
            row.append(node)
            continue
        end_row()
        joined.append(node)
        for inner in _lists_in(node):
            join_constant_parts(inner)
    end_row()
    nodes[:] = joined


def _lists_in(node: Node) -> list[NodeList]:
    if isinstance(node, IfNode):  # whose `nodelist` is a copy
        return [nodes for _, nodes in node.conditions_nodelists]
    return [inner for name in node.child_nodelists if (inner := getattr(node, name, None))]


def _is_constant(node: Node) -> bool:
    match node:
        case TextNode():
            return True
        case TranslateNode():
            return not (node.asvar or node.message_context) and _is_literal(node.filter_expression)
        case StaticNode():
            return node.varname is None and _is_literal(node.path)
        case URLNode():
            return not (node.asvar or node.args or node.kwargs) and _is_literal(node.view_name)
    return False


def _is_literal(expression: Any) -> bool:
    """Whether a template has a text in quotes there."""
    written = expression.var.literal if isinstance(expression.var, Variable) else expression.var
    return isinstance(written, str) and not expression.filters
