"""Reads Markdown as the words that a page shows of it, for lines in which nothing is drawn."""

from __future__ import annotations

import re
from html import unescape

MARKDOWN_LIMIT = 20_000  # characters; a longer text is plain, and the page folds it

# No two parts of these can match the same character, so that no text makes them slow.
_MARKER = re.compile(r" ?\(\[[^\[\]\n]*\]\([^()\s]*\)\)")
_LINK = re.compile(r"(?<!\\)!?\[([^\[\]\n]*)\]\(([^()\s]*)(?:\s[^()\n]*)?\)")
_LINE = re.compile(r"^[ \t]{0,12}(?:`{3,}|~{3,}|[|:\-_* \t]++$|#{1,6} |[-*+] |> ?)", re.MULTILINE)
_ROW = re.compile(r"^\|[^\n]*\|[ \t]*$", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<!\\)(\*{1,3})(?=\S)([^*\n]++)(?<=[^\s\\])\1")
_CODE = re.compile(r"(?<![\\`])(`++)([^`]++)\1(?!`)")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")


def without_marks(text: str) -> str:
    """Take the marks off a text; of a link its words stay. What Markdown knows and this does not stays as written."""
    plain = _ROW.sub(lambda row: row[0].replace("|", " "), _LINE.sub("", _LINK.sub(r"\1", text)))
    for _ in range(2):  # italics within bold
        plain = _EMPHASIS.sub(r"\2", plain)
    return unescape(_ESCAPED.sub(r"\1", _CODE.sub(r"\2", plain)))


def without_markers(text: str) -> str:
    """Take out where sources are cited: `([site](address))`. A page has chips in their place."""
    return _MARKER.sub("", text)


def addresses_in(text: str) -> list[str]:
    """List where the links and pictures of a text lead."""
    return [link[2] for link in _LINK.finditer(text)]
