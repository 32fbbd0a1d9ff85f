"""What stands beside a conversation: how the answer was asked for, and what the messages hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from viewer.client.client import Order
from viewer.completions.types import Completion
from viewer.rendering.customer import Hidden
from viewer.rendering.limits import PageBudget
from viewer.rendering.media_parts import AudioView, FileView, ImageView
from viewer.rendering.messages import Bubble, build_other
from viewer.rendering.parts import PartView, RefusalView

from .filters import metadata_links, with_query

_FEW = 50  # pairs, which all have room
_MOST_REASONS, _LONGEST_REASON = 10, 200
_LONGEST_READ = 1_000_000  # characters of JSON that are read to say them in words


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to jump to: its name, its icon, what the browser finds it by, and how many a bubble holds.

    `name` is that of `completions.holdings`, and `count` gives as many as are counted there.
    """

    name: str
    label: str
    icon: str
    selector: str
    count: Callable[[Bubble], int]


@dataclass(frozen=True, slots=True)
class Jump:
    """A kind in words, how many there are, on the page or in the whole, and the address of one that holds one."""

    kind: Kind
    label: str
    count: int
    url: str


def _parts(kind: type[PartView]) -> Callable[[Bubble], int]:
    return lambda bubble: sum(isinstance(part, kind) for part in bubble.parts)


_KINDS = (
    Kind("image", gettext_noop("Images"), "image", "[data-part=image]", _parts(ImageView)),
    Kind("tool", gettext_noop("Tool calls"), "tool", "[data-part=tool-call]", lambda bubble: len(bubble.calls)),
    Kind(
        "error",
        gettext_noop("Tool errors"),
        "alert",
        "[data-part=tool-result]:has(.chip--bad), [data-part=tool-call][data-failed]",
        lambda bubble: [one.outcome for tools in (bubble.results, bubble.calls) for one in tools].count("error"),
    ),
    Kind("citation", gettext_noop("Cited sources"), "quote", "[data-sources] li", lambda bubble: len(bubble.sources)),
    Kind("refusal", gettext_noop("Refusals"), "shield", "[data-part=refusal]", _parts(RefusalView)),
    Kind("audio", gettext_noop("Audio"), "audio", "[data-part=audio]", _parts(AudioView)),
    Kind("file", gettext_noop("Files"), "file", "[data-part=file]", _parts(FileView)),
)
KINDS = {kind.name: kind for kind in _KINDS}


def build_jumps(bubbles: Iterable[Bubble | Hidden]) -> list[Jump]:
    """Count what is on the page, kind by kind; also the kinds that are not there yet, for more may be loaded."""
    shown = [bubble for bubble in bubbles if isinstance(bubble, Bubble)]
    return [_draw_jump(kind, [bubble for bubble in shown if kind.count(bubble)]) for kind in KINDS.values()]


def build_jumps_in_whole(completion_id: str, counts: Mapping[str, int], order: Order) -> list[Jump]:
    """Give what the archive has counted in the whole conversation; an address leads to the first that holds one."""
    url, asked = reverse("go-to", args=[completion_id]), {"order": order} if order == "desc" else {}
    return [
        Jump(kind, gettext(kind.label), counts.get(name, 0), with_query(url, {"to": name} | asked))
        for name, kind in KINDS.items()
    ]


def _draw_jump(kind: Kind, holders: list[Bubble]) -> Jump:
    url = next((one.url for one in holders if one.url), "")
    return Jump(kind, gettext(kind.label), sum(kind.count(bubble) for bubble in holders), url)


def build_facts(completion: Completion | None, pair: str, field: str) -> dict[str, Any]:
    """Draw what the completion says of itself, as far as there is room, and how many characters there is none for.

    `pair` and `field` are names of its metadata and of its other fields that are shown in any case.
    """
    if completion is None:
        return {}
    budget = PageBudget()
    metadata = dict(build_other(_with_first(completion.metadata, pair), budget))
    return {
        "metadata": metadata_links(metadata),
        "finish_reasons": finish_reasons(completion),
        "parameters": [(name, budget.truncate(value)) for name, value in draw_parameters(completion)],
        "other": build_other(_with_first(completion.other, field), budget),
        "facts_left_out": budget.end_message(),
    }


def _with_first(pairs: dict[str, str], name: str) -> dict[str, str]:
    """Put the pair that is asked for before all others, where there are many."""
    return {name: pairs[name]} | pairs if name in pairs and len(pairs) > _FEW else pairs


def finish_reasons(completion: Completion) -> list[str]:
    """Give each reason once, however many choices ended by it; only the first of very many, each by its beginning."""
    reasons = dict.fromkeys(choice.finish_reason[:_LONGEST_REASON] for choice in completion.choices)
    return [reason for reason in reasons if reason][:_MOST_REASONS]


def draw_parameters(completion: Completion) -> list[tuple[str, str]]:
    """Give the parameters of the request as a reader says them; a number keeps every digit that it has."""
    return [(name.replace("_", " "), _in_words(name, source)) for name, source in completion.parameters.items()]


def _in_words(name: str, source: str) -> str:
    """Say a value: a text without its quotes, a list by its length, `{"type": "text"}` by its type, else the JSON."""
    if len(source) > _LONGEST_READ:
        return source
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        return source
    match value:
        case str():
            return value
        case list() if name == "tools":
            return str(len(value))
        case {"type": str(kind)}:
            return kind
    return source
