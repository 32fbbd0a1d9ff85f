"""The panel beside a conversation: details of the completion, and what to jump to in its messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop

from viewer.archive.identity_keys import identity_keys
from viewer.client.client import Order
from viewer.completions.types import Completion
from viewer.formats.registry import title_of, what_of
from viewer.rendering.customer import Hidden
from viewer.rendering.limits import PageBudget
from viewer.rendering.media_parts import AudioView, FileView, ImageView
from viewer.rendering.messages import Bubble, build_other
from viewer.rendering.moderation import build_moderation
from viewer.rendering.parts import PartView, RefusalView
from viewer.web.frames import draw

from .customer import build_history, build_metadata
from .filters import with_query

_MAX_PAIRS_UNSORTED = 50  # pairs that certainly fit, in any order
_MAX_REASONS, _MAX_REASON_LENGTH = 10, 200
_MAX_PARSED = 1_000_000  # characters of JSON that are parsed to show a value in words


@dataclass(frozen=True, slots=True)
class Kind:
    """Something to jump to: its name, its icon, its selector on the page, and how many of it a bubble contains.

    `name` is that of `completions.contents`, and `count` must agree with the count there.
    """

    name: str
    label: str
    icon: str
    selector: str
    count: Callable[[Bubble], int]


@dataclass(frozen=True, slots=True)
class Jump:
    """A kind, its label, how many there are on the page or in the whole conversation, and the URL of the first one."""

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
        "[data-part^=tool-][data-failed]",
        lambda bubble: [one.outcome for tools in (bubble.results, bubble.calls) for one in tools].count("error"),
    ),
    Kind("citation", gettext_noop("Cited sources"), "quote", "[data-sources] li", lambda bubble: len(bubble.sources)),
    Kind("refusal", gettext_noop("Refusals"), "shield", "[data-part=refusal]", _parts(RefusalView)),
    Kind("audio", gettext_noop("Audio"), "audio", "[data-part=audio]", _parts(AudioView)),
    Kind("file", gettext_noop("Files"), "file", "[data-part=file]", _parts(FileView)),
)
KINDS = {kind.name: kind for kind in _KINDS}


def build_jumps(bubbles: Iterable[Bubble | Hidden]) -> list[Jump]:
    """Count each kind on the page, also those with none so far, because more messages may be loaded."""
    shown = [bubble for bubble in bubbles if isinstance(bubble, Bubble)]
    return [_build_jump(kind, [bubble for bubble in shown if kind.count(bubble)]) for kind in KINDS.values()]


def build_jumps_in_whole(completion_id: str, counts: Mapping[str, int], order: Order) -> list[Jump]:
    """Return what the archive counted in the whole conversation; each URL leads to the first of its kind."""
    url, query = reverse("go-to", args=[completion_id]), {"order": order} if order == "desc" else {}
    return [
        Jump(kind, gettext(kind.label), counts.get(name, 0), with_query(url, {"to": name} | query))
        for name, kind in KINDS.items()
    ]


def draw_jumps(jumps: Iterable[Jump], home: str, *, is_whole: bool) -> SafeString:
    """Draw the links to what there is. Scripts show those of which there is none yet, when more is loaded."""
    drawn = [
        draw(
            "conversations/_jump.html",
            url=jump.url or f"{home}go/?to=last",
            selector=jump.kind.selector,
            icon=jump.kind.icon,
            label=jump.label,
            count=str(jump.count),
            has_any=jump.count > 0,
            is_whole=is_whole,
        )
        for jump in jumps
    ]
    return mark_safe("\n".join(drawn))  # noqa: S308  # a template drew each


def _build_jump(kind: Kind, bubbles: list[Bubble]) -> Jump:
    url = next((one.url for one in bubbles if one.url), "")
    return Jump(kind, gettext(kind.label), sum(kind.count(bubble) for bubble in bubbles), url)


def build_facts(completion: Completion | None, reader: int, pair: str, field: str) -> dict[str, Any]:
    """Build the details of the completion, up to the limit of the page, and a note on what is left out.

    `pair` and `field` name one metadata pair and one other field that are shown in any case.
    """
    if completion is None:
        return {}
    budget = PageBudget()
    keys = identity_keys()
    metadata = dict(build_other(_with_first(keys.first_in(completion.metadata), pair), budget))
    return {
        "identity": list(keys.of(completion.metadata).items()),
        "metadata": build_metadata(metadata, keys),
        **build_history(completion, keys, reader),
        "read_as": title_of(completion.origin.format),
        "imported_from": what_of(completion.origin.format),
        "id_in_file": budget.truncate(completion.origin.id),
        "finish_reasons": finish_reasons(completion),
        "moderation": build_moderation(completion.other.get("moderation", "")),
        "parameters": [(name, budget.truncate(value)) for name, value in build_parameters(completion)],
        "other": build_other(_with_first(completion.other, field), budget),
        "facts_left_out": budget.end_message(),
    }


def _with_first(pairs: dict[str, str], name: str) -> dict[str, str]:
    """Move the pair with this name to the front if there are many."""
    return {name: pairs[name]} | pairs if name in pairs and len(pairs) > _MAX_PAIRS_UNSORTED else pairs


def finish_reasons(completion: Completion) -> list[str]:
    """Return each reason once, truncated; of very many only the first."""
    reasons = dict.fromkeys(choice.finish_reason[:_MAX_REASON_LENGTH] for choice in completion.choices)
    return [reason for reason in reasons if reason][:_MAX_REASONS]


def build_parameters(completion: Completion) -> list[tuple[str, str]]:
    """Return the parameters of the request in words. A number keeps all its digits."""
    return [(name.replace("_", " "), _in_words(name, source)) for name, source in completion.parameters.items()]


def _in_words(name: str, source: str) -> str:
    """Format a value: a text without quotes, tools by their number, `{"type": "text"}` by its type, else as JSON."""
    if len(source) > _MAX_PARSED:
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
