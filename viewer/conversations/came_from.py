"""Where a response comes from: the response before it, and the conversation that it is part of."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from viewer.completions.ids import has_address
from viewer.completions.types import Completion
from viewer.rendering.places import url_of

# How servers name them; `formats` puts them into the metadata of a completion.
_NAMES = (
    ("previous_response_id", "resp_", gettext_noop("Previous response")),
    ("conversation", "conv_", gettext_noop("Conversation")),
)


@dataclass(frozen=True, slots=True)
class CameFrom:
    """Something that this conversation continues."""

    label: str
    id: str
    url: str


def origins_of(completion: Completion | None) -> list[CameFrom]:
    """Return what a conversation continues, to be shown at its beginning."""
    found = [(label, prefix, completion.metadata.get(name, "")) for name, prefix, label in _NAMES] if completion else []
    return [
        CameFrom(gettext(label), given, url_of(given, ""))
        for label, prefix, given in found
        if given.startswith(prefix) and has_address(given)
    ]
