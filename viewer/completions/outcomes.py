"""Decides whether a tool failed. A failed tool is never shown as successful, and success is never guessed.

The rules are in a table in docs/reading.md. Cards, facts, `has:error`, find and transcripts all follow them.
"""

from __future__ import annotations

import re
from typing import Any

from .fields import Fields
from .source_text import decode
from .types import Message, Outcome, TextPart, ToolResult

_FAILED = {"error", "failed", "failure"}
_SUCCEEDED = {"success", "succeeded", "ok"}
_FAILURE_FLAGS = ("isError", "is_error")
_SUCCESS_FLAGS = ("success", "ok", "succeeded")
_STATUSES = ("status", "statusCode", "status_code")
_ERROR_FIELDS = ("error", "errors", "exception", "error_message", "errorMessage")
_FLAGS = frozenset((*_FAILURE_FLAGS, *_SUCCESS_FLAGS, *_STATUSES, *_ERROR_FIELDS))
_NO_ERROR: tuple[Any, ...] = (None, False, "", 0, [], {}, "null", "none", "None")
_MAX_JSON = 200_000  # characters; a longer result is not parsed as JSON
# "Error: …", "ValueError: …", "Failed to connect", "HTTP 404"; but not a report that begins with "Error rate".
_ERROR_TEXT = re.compile(
    r"""[\s\[(<*_`#"']*+(?:
        Traceback\ \(most\ recent\ call\ last\)
      | (?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception)\s*(?:[:(\[]|$)
      | (?i:an\ (?:\w+\ )?(?:error|exception)\ (?:has\ )?occurred)
      | (?i:error|exception|failed|failure|fatal(?:\ error)?)
        (?: \s*(?!:\s*(?i:none|null|false|0)\s*$)[]:;,.!)(\[>*_`–—-]
          | \s*$
          | \s+(?i:\w+ing|to|in|at|on|for|from|with|while|when|during|because|due|occurred|code)\b)
      | (?i:HTTP(?:/[\d.]+)?(?:\ status)?(?:\ error)?(?:\ code)?|status(?:\ code|_code)?)[\s:=]*[45]\d\d\b
      | [45]\d\d\ (?:Client|Server)\ Error\b
    )""",
    re.VERBOSE,
)


def result_text(message: Message, result: ToolResult) -> str:
    """Return the unchanged text that a tool returned, its parts joined by line breaks."""
    return "\n".join(part.text for part in message.parts[result.start : result.end] if isinstance(part, TextPart))


def outcome_of(message: Message, result: ToolResult) -> Outcome:
    """Decide whether a tool failed, by the flags of its message and by its result."""
    return worst_outcome(result.outcome, outcome_of_text(result_text(message, result)))


def worst_outcome(*outcomes: Outcome) -> Outcome:
    """Return an error if there is one: LangChain marks a result as a success unless the tool says otherwise."""
    return "error" if "error" in outcomes else "good" if "good" in outcomes else ""


def outcome_of_text(text: str) -> Outcome:
    """Decide by the result of a tool: by the flags of a JSON object, or by how a text begins."""
    if text.lstrip()[:1] in ("{", "[") and len(text) <= _MAX_JSON:
        try:
            return outcome_of_value(decode(text))
        except ValueError:
            pass
    return "error" if _ERROR_TEXT.match(text[:400]) else ""


def outcome_of_fields(fields: Fields) -> Outcome:
    """Decide by the flags of the message, part or call that holds a tool result."""
    return "" if fields.has_none_of(_FLAGS) else outcome_of_value({name: fields.get(name) for name in _FLAGS})


def take_failure_flags(fields: Fields) -> None:
    """Take the flags that say no more than the outcome, which is shown."""
    for name in _FAILURE_FLAGS:
        fields.take_value(name, bool)


def outcome_of_value(value: Any) -> Outcome:
    """Decide by the flags that tools, MCP and agent frameworks set."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and isinstance(value[0].get("text"), str):
        return outcome_of_text(value[0]["text"])  # MCP's content
    return worst_outcome(*_flags(value)) if isinstance(value, dict) else ""


def _flags(value: dict[str, Any]) -> set[Outcome]:
    flags: set[Outcome] = set()
    if _FLAGS.isdisjoint(value):  # as most results
        return flags
    for name in _FAILURE_FLAGS:
        if isinstance(value.get(name), bool):
            flags.add("error" if value[name] else "good")
    for name in _SUCCESS_FLAGS:
        if isinstance(value.get(name), bool):
            flags.add("good" if value[name] else "error")
    for name in _STATUSES:
        status = value.get(name)
        if str(status).casefold() in _FAILED or (isinstance(status, int) and 400 <= status < 600):
            flags.add("error")
        elif str(status).casefold() in _SUCCEEDED:
            flags.add("good")
    if any(name in value and value[name] not in _NO_ERROR for name in _ERROR_FIELDS):
        flags.add("error")
    return flags
