"""Cuts one line out of a text."""

from __future__ import annotations


def first_line(text: str, length: int = 240) -> str:
    """Cut the first line out of a text, for a row or a summary."""
    line = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return line if len(line) <= length else line[: length - 1] + "…"


def in_one_line(text: str, length: int = 240) -> str:
    """Cut the beginning out of a text, line breaks and runs of blanks as one blank each, for a row or a heading."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length else line[: length - 1] + "…"
