"""Reads our pages by the hooks they promise (docs/development.md#templates-scripts-and-styles)."""

from __future__ import annotations

import re
from html import unescape

_MESSAGE = re.compile(r'<article class="message[^"]*"(?: id="[^"]*")? data-message-id="([^"]*)"')


def message_ids(page: str) -> list[str]:
    return [unescape(found) for found in _MESSAGE.findall(page)]


def link(page: str, direction: str) -> str | None:
    """The address behind `[data-more=direction]`, as a reader without JavaScript follows it."""
    found = re.search(rf'data-more="{direction}".*?<a [^>]*href="([^"]+)"', page, re.DOTALL)
    return unescape(found[1]) if found else None


def part_kinds(page: str) -> list[str]:
    return re.findall(r'data-part="([^"]+)"', page)


def visible(page: str) -> str:
    """The page's text, without tags, as one line of words."""
    body = page.split("<body", 1)[-1]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
