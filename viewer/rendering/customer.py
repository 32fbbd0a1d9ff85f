"""The customer's view: only messages of certain roles, and in them only certain kinds of parts.

Everything else is hidden, counted and named. The page, find, print, transcripts and the list follow this rule, and
`completions.customer` follows it with JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext, gettext_noop

from viewer.completions.customer import sees_role
from viewer.completions.invisibles import escape_invisible

from .answers import NoAnswer
from .media_parts import AudioView, FileView, ImageView
from .messages import Bubble
from .parts import JsonView, MarkdownView, PartView, RefusalView, TextView, UnknownView, is_from_tool

_PARTS = (TextView, JsonView, MarkdownView, ImageView, AudioView, FileView, RefusalView)
_UNSEEN_ROLES = {
    "system": gettext_noop("system prompt"),
    "developer": gettext_noop("developer prompt"),
    "tool": gettext_noop("tool result"),
    "function": gettext_noop("function result"),
    "note": gettext_noop("private note"),
    "event": gettext_noop("event"),
}  # within a sentence
NO_ANSWER = NoAnswer("")  # the customer does not see why there is none


@dataclass(frozen=True, slots=True)
class Hidden:
    """Consecutive messages that the customer did not see: how many, and of what kinds."""

    hidden: int
    kinds: str


def sees_part(part: PartView) -> bool:
    """Whether the customer saw a part, in a message of a role that the customer saw."""
    return isinstance(part, _PARTS) and not is_from_tool(part)


def is_hidden_from_customer(bubble: Bubble) -> bool:
    """Whether the customer saw nothing of it: prompts, tool results, and calls or reasoning without text."""
    return not sees_role(bubble.role) or not (bubble.is_empty or any(map(sees_part, bubble.parts)))


def for_customer(bubbles: Iterable[Bubble]) -> list[Bubble | Hidden]:
    """Keep only what the customer saw, with a note where something is hidden. A linked message always stays."""
    seen: list[Bubble | Hidden] = []
    hidden: list[Bubble] = []
    for bubble in bubbles:
        is_hidden = is_hidden_from_customer(bubble)
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
        unseen=_join_kinds(_unseen_kinds(bubble)) if is_more_hidden else "",
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
    return [Hidden(len(hidden), _join_kinds(kinds))] if hidden else []


def _join_kinds(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in kinds.items() if count)


def _unsupported(name: str) -> str:
    return gettext("content of type “%(name)s”") % {"name": escape_invisible(name)}
