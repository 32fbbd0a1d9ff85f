"""Shortens a text to one line."""

from __future__ import annotations


def first_line(text: str, length: int = 240) -> str:
    """Return the first line of a text that is not blank, for a row or a summary."""
    line = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return line if len(line) <= length else line[: length - 1] + "…"


def in_one_line(text: str, length: int = 240) -> str:
    """Return the beginning of a text with all whitespace collapsed, for a row or a heading."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"
