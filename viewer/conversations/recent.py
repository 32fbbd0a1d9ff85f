"""What the session remembers: the conversations that a person opened and the searches, the latest first."""

from __future__ import annotations

from typing import Literal

from viewer.web.request import Request

Kind = Literal["opened", "searches"]
_MAX_REMEMBERED = 8  # of each kind


def recent(request: Request, kind: Kind) -> list[str]:
    """Return the ids of conversations, or the texts of searches."""
    remembered: list[str] = request.session.get(kind, [])
    return remembered


def remember(request: Request, kind: Kind, text: str) -> None:
    """Put an id or a text in front."""
    remembered = recent(request, kind)
    if remembered[:1] != [text]:
        request.session.keep(kind, [text, *(one for one in remembered if one != text)][:_MAX_REMEMBERED])
