"""Finds what a model thought: in fields of many shapes, in parts, and between tags in its text."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable
from typing import Any

from .source_text import clean
from .types import Reasoning

# Kimi writes ◁think▷, Magistral [THINK], Seed <seed:think>, OpenThinker <|begin_of_thought|>.
_TAG = re.compile(
    r"<(/?)(?:seed:)?(?:think|thinking|thought|reasoning|reflection|scratchpad|(?:inner|internal)_monologue)(?:\s[^<>\n]{0,200})?>"
    r"|<\|(?:begin|(end))_of_thought\|>|◁(/?)think▷|\[(/?)(?-i:THINK)\]",
    re.IGNORECASE,
)
# gpt-oss says which channel a text is on: only the final one is said.
_CHANNEL = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>(?P<name>\w{1,40})(?:[^<]|<\|constrain\|>){0,200}<\|message\|>(?P<text>[^<]*+(?:<(?!\|)[^<]*+)*+)"
    r"(?:<\|(?:end|return|call)\|>)?"
)
_NAMES = ("content", "summary", "text", "reasoning", "thinking", "reasoningContent", "reasoningText")
_FENCE = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,})", re.MULTILINE)


def thoughts_in(value: Any) -> list[str]:
    """Find the texts in reasoning, at any depth: strings, and what stands under the names that servers use."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.append(clean(one))
        elif isinstance(one, list):
            waiting += one[::-1]
        elif isinstance(one, dict):
            waiting += [one.get(name) for name in _NAMES]
    return [text for text in found if text]


def says_more(value: Any) -> bool:
    """Whether reasoning holds anything beside what `thoughts_in` finds: a signature, a picture, a number."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            if any(said is not None and name not in (*_NAMES, "type") for name, said in one.items()):
                return True
            waiting += [one.get(name) for name in _NAMES]
        elif not (one is None or isinstance(one, str)):
            return True
    return False


def has_tags(text: str) -> bool:
    """Whether a text holds a tag around thoughts, be it in code."""
    return "<|channel|>" in text or (any(begins in text for begins in "<◁[") and _TAG.search(text) is not None)


def split_thoughts(text: str) -> tuple[str, list[str]]:
    """Take the thoughts between `<think>` and `</think>` out of a text; one that is not closed goes to the end.

    Some templates write the first tag into the prompt, so that an answer holds the closing one alone. Tags in code are
    words.
    """
    if not has_tags(text):
        return text, []
    if "<|channel|>" in text and "`" not in text.partition("<|channel|>")[0]:
        return _split_channels(text)
    fences = [fence.start() for fence in _FENCE.finditer(text)]
    said: list[str] = []
    thoughts: list[str] = []
    at, is_thought = 0, False
    for tag in _TAG.finditer(text):
        if bisect(fences, tag.start()) % 2 or "`" in text[max(0, tag.start() - 1) : tag.end() + 1]:
            continue  # it stands in code
        is_closing = any(tag.groups())
        if is_thought or (is_closing and not thoughts and not said):
            if is_closing:
                thoughts.append(text[at : tag.start()].strip())
                at, is_thought = tag.end(), False
        elif not is_closing:
            said.append(text[at : tag.start()])
            at, is_thought = tag.end(), True
    (thoughts if is_thought else said).append(text[at:])
    return "".join(said).strip("\n") if thoughts else text, [thought for thought in thoughts if thought]


def _split_channels(text: str) -> tuple[str, list[str]]:
    thoughts = [found["text"].strip() for found in _CHANNEL.finditer(text) if found["name"] != "final"]
    said = _CHANNEL.sub(lambda found: found["text"] if found["name"] == "final" else "", text)
    return said.strip("\n"), [thought for thought in thoughts if thought]


def merged(found: Iterable[Reasoning]) -> tuple[Reasoning, ...]:
    """Show once what servers mirror under several names; each name is kept, and every JSON that says more."""
    found = tuple(found)
    if len(found) < 2:  # most often, and the words of one may be millions
        return found
    by_text: dict[str, Reasoning] = {}
    for n, one in enumerate(found):
        key = " ".join(one.text.split()) or f"\0{n}"
        if (first := by_text.get(key)) is None:
            by_text[key] = one
        else:
            name = first.name if one.name in first.name.split(", ") else f"{first.name}, {one.name}"
            by_text[key] = Reasoning(name, first.text, "\n".join(filter(None, (first.source, one.source))))
    return tuple(by_text.values())
