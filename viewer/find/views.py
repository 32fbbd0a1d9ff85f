"""The page and the bar that find words in a conversation."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from viewer.client.problem_texts import describe
from viewer.sources.reader import reader
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from . import finding

_STEP = 0.5  # seconds of one step of finding, so that progress shows
_STEP_WITHOUT_JAVASCRIPT = 5


@require_safe
def find_in_conversation(request: Request, completion_id: str) -> HttpResponse:
    """Everywhere in a conversation that some words stand, as links; a fragment is one step of a longer reading.

    What the steps before have read, found and asked stands in the address, so that none is needed to go on.
    """
    words = request.GET.get("q", "").strip()[: finding.MAX_LENGTH]
    context: dict[str, Any] = {"completion_id": completion_id, "words": words}
    if finding.is_too_short(words):
        return page_or_fragment(request, "find/find.html", "find/_hits.html", context)
    so_far = {name: _counted(request, name) for name in ("read", "hits", "hidden", "asked")}
    one = reader(request, completion_id)
    found = one.read(
        partial(
            finding.find_words,
            completion_id=completion_id,
            words=words,
            after=request.GET.get("after", ""),
            limits=finding.Limits(
                seconds=_STEP if request.htmx else _STEP_WITHOUT_JAVASCRIPT,
                **{name: most - so_far[name] % most for name, most in finding.PAUSES.items()},
            ),
        )
    )
    is_for_customer = request.COOKIES.get("audience") == "customer"
    seen = [hit for hit in found.hits if not (is_for_customer and hit.is_hidden)]
    by_now = {
        "read": so_far["read"] + found.read,
        "hits": so_far["hits"] + len(seen),
        "hidden": so_far["hidden"] + len(found.hits) - len(seen),
        "asked": so_far["asked"] + found.asked,
    }
    address = {"q": words, "after": found.cursor, **by_now}
    is_paused = any(by_now[name] // most > so_far[name] // most for name, most in finding.PAUSES.items())
    context |= {
        "hits": seen,
        "by_now": by_now,
        "is_paused": is_paused,
        "next_url": f"{request.path}?{urlencode(address)}" if found.cursor else "",
        "problem": found.problem and describe(found.problem, one.source.label),
        "source": one.source,
    }
    return page_or_fragment(request, "find/find.html", "find/_hits.html", context)


def _counted(request: Request, name: str) -> int:
    given = request.GET.get(name, "")
    return int(given) if re.fullmatch("[0-9]{1,9}", given, re.ASCII) else 0
