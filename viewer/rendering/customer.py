"""What the customer saw: what these roles said, in parts of these kinds.

Whatever is not listed is hidden, counted and named. The page, find, print, transcripts and the list follow this rule.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext, gettext_noop

from viewer.completions.invisibles import escape_invisible

from .answers import NoAnswer
from .media_parts import AudioView, FileView, ImageView
from .messages import Bubble
from .parts import JsonView, MarkdownView, PartView, RefusalView, TextView, UnknownView, is_from_tool

_ROLES = ("user", "assistant")
_PARTS = (TextView, JsonView, MarkdownView, ImageView, AudioView, FileView, RefusalView)
_UNSEEN_ROLES = {
    "system": gettext_noop("system prompt"),
    "developer": gettext_noop("developer prompt"),
    "tool": gettext_noop("tool result"),
    "function": gettext_noop("function result"),
}  # within a sentence
NO_ANSWER = NoAnswer("")  # why there is none is not for the customer


@dataclass(frozen=True, slots=True)
class Hidden:
    """Messages in a row that the customer did not see: how many, and of what kinds."""

    hidden: int
    kinds: str


def sees_role(role: str) -> bool:
    """Whether the customer saw what a role said, as far as its parts go."""
    return role in _ROLES


def sees_part(part: PartView) -> bool:
    """Whether the customer saw a part, in a message of a role that the customer saw."""
    return isinstance(part, _PARTS) and not is_from_tool(part)


def is_behind_the_scenes(bubble: Bubble) -> bool:
    """Whether the customer saw nothing of it: prompts, tool results, and calls or reasoning without a word."""
    return not sees_role(bubble.role) or not (bubble.is_empty or any(map(sees_part, bubble.parts)))


def for_customer(bubbles: Iterable[Bubble]) -> list[Bubble | Hidden]:
    """Leave only what the customer saw; say where something is hidden, how much, and what. A linked message stays."""
    seen: list[Bubble | Hidden] = []
    hidden: list[Bubble] = []
    for bubble in bubbles:
        is_hidden = is_behind_the_scenes(bubble)
        if is_hidden and not bubble.is_linked:
            hidden.append(bubble)
            continue
        seen += _summary_of(hidden)
        hidden = []
        seen.append(replace(bubble, is_out_of_sight=True) if is_hidden else _without_unseen(bubble))
    return seen + _summary_of(hidden)


def _without_unseen(bubble: Bubble) -> Bubble:
    parts = tuple(filter(sees_part, bubble.parts))
    is_more_hidden = (
        bubble.calls or bubble.results or bubble.reasoning or bubble.error or len(parts) < len(bubble.parts)
    )
    return replace(
        bubble,
        parts=parts,
        calls=(),
        results=(),
        reasoning=(),
        error="",
        other=(),
        source="",
        shows_json=False,
        unseen=_listed(_unseen_kinds(bubble)) if is_more_hidden else "",
    )


def _unseen_kinds(bubble: Bubble) -> Counter[str]:
    role = bubble.role
    if not sees_role(role):
        return Counter([gettext(_UNSEEN_ROLES[role]) if role in _UNSEEN_ROLES else bubble.label])
    unknown = (part for part in bubble.parts if isinstance(part, UnknownView) and not part.is_from_tool)
    kinds = Counter(_unsupported(part.name) for part in unknown)
    kinds[gettext("tool call")] = len(bubble.calls)
    kinds[gettext("tool result")] = len(bubble.results)
    kinds[gettext("reasoning")] = int(bool(bubble.reasoning))
    kinds[gettext("error")] = int(bool(bubble.error))
    return +kinds or Counter([gettext("other fields")])


def _summary_of(hidden: list[Bubble]) -> list[Bubble | Hidden]:
    kinds: Counter[str] = sum(map(_unseen_kinds, hidden), Counter())
    return [Hidden(len(hidden), _listed(kinds))] if hidden else []


def _listed(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.items() if count)


def _unsupported(name: str) -> str:
    return gettext("content of type “%(name)s”") % {"name": escape_invisible(name)}
