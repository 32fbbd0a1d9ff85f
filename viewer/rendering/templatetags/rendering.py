"""Prints bubbles, each with what a page shows below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from viewer.rendering.customer import Hidden
from viewer.rendering.drawing import draw_bubble
from viewer.rendering.messages import Bubble
from viewer.web.frames import one_language

register = template.Library()


class Beside(Protocol):
    """What a page gives as `beside`: what else it shows below its messages, which is not part of them."""

    def html_of(self, bubble: Bubble) -> str:
        """Return rendered HTML, or nothing. It is never cached with the message."""


@register.simple_tag(takes_context=True)
def render_bubbles(context: template.Context, bubbles: Iterable[Bubble | Hidden]) -> SafeString:
    """Print bubbles in a row. A page has many of them, and tags of a template would take longer than what is kept."""
    given: Beside | None = context.get("beside")
    pieces = list[str]()
    with one_language():
        for bubble in bubbles:
            if isinstance(bubble, Hidden):
                pieces.append(render_to_string("rendering/_hidden.html", {"bubble": bubble}))
                continue
            pieces.append(bubble.html or draw_bubble(bubble))
            if given:
                pieces.append(given.html_of(bubble))
    return mark_safe("\n".join(pieces))  # noqa: S308  # templates have rendered them
