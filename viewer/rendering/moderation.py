"""What moderation says of a completion, in words.

OpenAI checks the messages and the answer if the request asks for it, and writes into `moderation` what it found: a list
of results in a chat completion, one result in a response (openai 3.57.0, types/chat/chat_completion.py and
types/responses/response.py). With the policy `block`, this is why there is no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_noop

from viewer.completions.invisibles import escape_invisible
from viewer.completions.source_text import decode

_FLAGGED = {"input": gettext_noop("Messages flagged"), "output": gettext_noop("Answer flagged")}
_NOT_CHECKED = {"input": gettext_noop("Messages not checked"), "output": gettext_noop("Answer not checked")}
_MAX_WORDS = 500  # characters of a sentence


@dataclass(frozen=True, slots=True)
class Moderation:
    """One sentence on the messages, on the answer or on both; `is_bad` if something was flagged or not checked."""

    words: str
    is_bad: bool = True


def build_moderation(source: str) -> list[Moderation]:
    """Return what the field `moderation` says; nothing if there is none, or one of another kind."""
    try:
        value = decode(source or "null")
    except ValueError:
        return []
    reports = {side: value.get(side) for side in _FLAGGED} if isinstance(value, dict) else {}
    sentences = [sentence for side, report in reports.items() for sentence in _sentences(side, report)]
    if not sentences and reports and all(map(_results, reports.values())):
        return [Moderation(gettext("Nothing flagged"), is_bad=False)]
    return sentences


def _sentences(side: str, report: Any) -> Iterator[Moderation]:
    flagged = [result for result in _results(report) if result["flagged"]]
    if flagged:
        categories = [one["categories"] for one in flagged if isinstance(one.get("categories"), dict)]
        names = dict.fromkeys(name for those in categories for name, is_so in those.items() if is_so is True)
        yield _sentence(gettext(_FLAGGED[side]), ", ".join(names))
    elif isinstance(report, dict) and report.get("type") == "error":
        yield _sentence(gettext(_NOT_CHECKED[side]), str(report.get("message") or report.get("code") or ""))


def _results(report: Any) -> list[dict[str, Any]]:
    listed = report.get("results", [report]) if isinstance(report, dict) else None
    each = listed if isinstance(listed, list) else []
    return [result for result in each if isinstance(result, dict) and isinstance(result.get("flagged"), bool)]


def _sentence(words: str, more: str) -> Moderation:
    return Moderation(f"{words}: {escape_invisible(more[:_MAX_WORDS])}" if more else words)
