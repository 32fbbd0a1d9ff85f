"""Reads the Atlassian Document Format, in which Jira keeps what people write, as plain text."""

from __future__ import annotations

from typing import Any

from .drafts import as_text
from .family import list_at, object_at

_MAX_DEPTH = 60  # of nodes within nodes
_BLOCKS = (
    "paragraph",
    "heading",
    "codeBlock",
    "rule",
    "mediaSingle",
    "mediaGroup",
    "tableRow",
    "taskItem",
    "decisionItem",
)


def text_of_document(node: dict[str, Any]) -> str:
    """Return the text of a document: lists with dashes and numbers, quotes with `>`, links as `words (address)`."""
    return _text_of(node, 0).strip("\n")


def _text_of(node: dict[str, Any], depth: int) -> str:
    kind, about = as_text(node.get("type")), object_at(node, "attrs")
    held = [each for each in list_at(node, "content") if isinstance(each, dict)] if depth < _MAX_DEPTH else []
    match kind:
        case "text":
            return _linked(node)
        case "hardBreak":
            return "\n"
        case "rule":
            return "---\n"
        case "mention" | "emoji" | "status" | "date":
            return as_text(about.get("text") or about.get("shortName") or about.get("timestamp"))
        case "inlineCard" | "blockCard" | "embedCard":
            return as_text(about.get("url"))
        case "media" | "mediaInline":
            return f"[{as_text(about.get('alt') or about.get('id'))}]"
        case "bulletList" | "orderedList":
            marks = (f"{n}." if kind == "orderedList" else "-" for n in range(1, len(held) + 1))
            return "".join(_item(mark, each, depth) for mark, each in zip(marks, held, strict=True))
        case "blockquote":
            said = "".join(_text_of(each, depth + 1) for each in held).strip("\n")
            return "".join(f"> {line}\n" for line in said.split("\n"))
        case "tableRow":
            return " | ".join("".join(_text_of(each, depth + 1) for each in list_at(cell, "content")).strip("\n")
                              for cell in held) + "\n"  # fmt: skip
    title = f"{as_text(about['title'])}\n" if about.get("title") else ""
    text = title + "".join(_text_of(each, depth + 1) for each in held)
    return f"{text}\n" if kind in _BLOCKS else text


def _linked(node: dict[str, Any]) -> str:
    text = as_text(node.get("text"))
    links = (object_at(mark, "attrs").get("href") for mark in list_at(node, "marks"))
    address = next((link for link in links if isinstance(link, str)), "")
    return f"{text} ({address})" if address and address != text else text


def _item(mark: str, item: dict[str, Any], depth: int) -> str:
    lines = _text_of(item, depth + 1).strip("\n").split("\n")
    return f"{mark} " + "\n  ".join(lines) + "\n"
