"""The sources in the header of every page: the chosen one, and all others."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from viewer.web.request import Request

from .sources import all_sources, chosen_source


def sources(request: HttpRequest) -> dict[str, Any]:
    """Return `chosen_source` and `all_sources`, which are looked up only if a template uses them."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "chosen_source": SimpleLazyObject(lambda: chosen_source(cast(Request, request))),
        "all_sources": SimpleLazyObject(lambda: all_sources(cast(Request, request))),
    }
