"""Finds the reasoning of a model: in fields of many shapes, in parts, and between tags in its text."""

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
# gpt-oss names the channel of each text: only the final channel is the answer.
_CHANNEL = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>(?P<name>\w{1,40})(?:[^<]|<\|constrain\|>){0,200}<\|message\|>(?P<text>[^<]*+(?:<(?!\|)[^<]*+)*+)"
    r"(?:<\|(?:end|return|call)\|>)?"
)
_NAMES = ("content", "summary", "text", "reasoning", "thinking", "reasoningContent", "reasoningText")
_FENCE = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,})", re.MULTILINE)


def thoughts_in(value: Any) -> list[str]:
    """Return the texts of reasoning at any depth: strings, and the fields that servers use."""
    texts, waiting = [], [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            texts.append(clean(item))
        elif isinstance(item, list):
            waiting += item[::-1]
        elif isinstance(item, dict):
            waiting += [item.get(name) for name in _NAMES]
    return [text for text in texts if text]


def has_other_content(value: Any) -> bool:
    """Whether reasoning contains more than the texts of `thoughts_in`: a signature, an image, a number."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        elif isinstance(item, dict):
            if any(content is not None and name not in (*_NAMES, "type") for name, content in item.items()):
                return True
            waiting += [item.get(name) for name in _NAMES]
        elif not (item is None or isinstance(item, str)):
            return True
    return False


def has_tags(text: str) -> bool:
    """Whether a text contains a reasoning tag, even if only in code."""
    return "<|channel|>" in text or (any(sign in text for sign in "<◁[") and _TAG.search(text) is not None)


def split_thoughts(text: str) -> tuple[str, list[str]]:
    """Split a text into the answer and the thoughts between `<think>` and `</think>`, or the end of the text.

    Some chat templates put the opening tag into the prompt, so that the answer contains only the closing one. Tags in
    code are text.
    """
    if not has_tags(text):
        return text, []
    if "<|channel|>" in text and "`" not in text.partition("<|channel|>")[0]:
        return _split_channels(text)
    fences = [fence.start() for fence in _FENCE.finditer(text)]
    answers: list[str] = []
    thoughts: list[str] = []
    start, is_thought = 0, False
    for tag in _TAG.finditer(text):
        if bisect(fences, tag.start()) % 2 or "`" in text[max(0, tag.start() - 1) : tag.end() + 1]:
            continue  # in code
        is_closing = any(tag.groups())
        if is_thought or (is_closing and not thoughts and not answers):
            if is_closing:
                thoughts.append(text[start : tag.start()].strip())
                start, is_thought = tag.end(), False
        elif not is_closing:
            answers.append(text[start : tag.start()])
            start, is_thought = tag.end(), True
    (thoughts if is_thought else answers).append(text[start:])
    return "".join(answers).strip("\n") if thoughts else text, [thought for thought in thoughts if thought]


def _split_channels(text: str) -> tuple[str, list[str]]:
    thoughts = [channel["text"].strip() for channel in _CHANNEL.finditer(text) if channel["name"] != "final"]
    answer = _CHANNEL.sub(lambda channel: channel["text"] if channel["name"] == "final" else "", text)
    return answer.strip("\n"), [thought for thought in thoughts if thought]


def merge_reasoning(fields: Iterable[Reasoning]) -> tuple[Reasoning, ...]:
    """Merge reasoning that servers repeat under several names, keeping every name and source."""
    fields = tuple(fields)
    if len(fields) < 2:  # the usual case; splitting a text of millions of words takes time
        return fields
    by_text: dict[str, Reasoning] = {}
    for n, field in enumerate(fields):
        key = " ".join(field.text.split()) or f"\0{n}"
        if (first := by_text.get(key)) is None:
            by_text[key] = field
        else:
            name = first.name if field.name in first.name.split(", ") else f"{first.name}, {field.name}"
            by_text[key] = Reasoning(name, first.text, "\n".join(filter(None, (first.source, field.source))))
    return tuple(by_text.values())
