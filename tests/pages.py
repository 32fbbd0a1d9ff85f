"""Reads pages as a browser does: parsed, and asked by CSS selector.

Ask for the hooks that pages promise first (docs/development.md#templates-scripts-and-styles). A page is the text of a
response, whole or a fragment, or an element of one.
"""

from __future__ import annotations

from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

Page = str | LexborNode


@lru_cache(maxsize=8)  # a test asks several times of one page; nobody may change what is kept
def _parse(page: str) -> LexborHTMLParser:
    return LexborHTMLParser(page)


def elements(page: Page, selector: str) -> list[LexborNode]:
    """All elements that match, in the order of the page."""
    return (_parse(page) if isinstance(page, str) else page).css(selector)


def element(page: Page, selector: str) -> LexborNode:
    """The only element that matches."""
    found = elements(page, selector)
    assert len(found) == 1, f"{len(found)} elements match {selector}"
    return found[0]


def has(page: Page, selector: str) -> bool:
    return bool(elements(page, selector))


def attributes(page: Page, name: str, selector: str = "") -> list[str]:
    """The values of an attribute, of all elements that match and have it."""
    found = elements(page, selector or f"[{name}]")
    return [one.attributes[name] or "" for one in found if name in one.attributes]


def visible(page: Page) -> str:
    """The text without tags, as one line of words; tags part words."""
    body = _parse(page).body if isinstance(page, str) else page
    return " ".join(body.text(separator=" ").split()) if body else ""


def texts(page: Page, selector: str) -> list[str]:
    """What is visible of each element that matches."""
    return [visible(found) for found in elements(page, selector)]


def message_ids(page: Page) -> list[str]:
    return attributes(page, "data-message-id", "article")


def completion_ids(page: Page) -> list[str]:
    """The rows of a list."""
    return attributes(page, "data-completion-id")


def part_kinds(page: Page) -> list[str]:
    return attributes(page, "data-part")


def link(page: Page, direction: str) -> str | None:
    """The URL behind `[data-more=direction]`, as a reader without JavaScript follows it."""
    found = attributes(page, "href", f'[data-more="{direction}"] a')
    return found[0] if found else None


def problems(page: Page) -> list[str]:
    """The problems that a page reports, by name."""
    return attributes(page, "data-problem", '[role="alert"]')
