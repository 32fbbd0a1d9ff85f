"""The page and the bar that find words in a conversation."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from viewer.sources.problem_texts import describe
from viewer.sources.reader import reader_for
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

from . import finding
from .hit_html import hits_html

_STEP_SECONDS = 0.5  # so that progress shows
_STEP_SECONDS_WITHOUT_JAVASCRIPT = 5


@require_safe
def find_in_conversation(request: Request, completion_id: str) -> HttpResponse:
    """List the matches in a conversation, as links. A fragment is one step of many.

    The URL of a step contains the counts of the steps before, so that nothing is kept on the server.
    """
    words = request.GET.get("q", "").strip()[: finding.MAX_LENGTH]
    context: dict[str, Any] = {"completion_id": completion_id, "words": words}
    if finding.is_too_short(words):
        return page_or_fragment(request, "find/find.html", "find/_hits.html", context)
    so_far = {name: _count_in(request, name) for name in ("read", "hits", "hidden", "asked")}
    reader = reader_for(request, completion_id)
    step = reader.read(
        partial(
            finding.find_words,
            completion_id=completion_id,
            words=words,
            after=request.GET.get("after", ""),
            limits=finding.Limits(
                seconds=_STEP_SECONDS if request.htmx else _STEP_SECONDS_WITHOUT_JAVASCRIPT,
                **{name: limit - so_far[name] % limit for name, limit in finding.PAUSES.items()},
            ),
        )
    )
    is_for_customer = request.COOKIES.get("audience") == "customer"
    shown = [hit for hit in step.hits if not (is_for_customer and hit.is_hidden)]
    by_now = {
        "read": so_far["read"] + step.read,
        "hits": so_far["hits"] + len(shown),
        "hidden": so_far["hidden"] + len(step.hits) - len(shown),
        "asked": so_far["asked"] + step.asked,
    }
    params = {"q": words, "after": step.cursor, **by_now}
    is_paused = any(by_now[name] // limit > so_far[name] // limit for name, limit in finding.PAUSES.items())
    context |= {
        "hits": hits_html(shown),
        "by_now": by_now,
        "is_paused": is_paused,
        "next_url": f"{request.path}?{urlencode(params)}" if step.cursor else "",
        "problem": step.problem and describe(step.problem, reader.source.label),
        "source": reader.source,
    }
    return page_or_fragment(request, "find/find.html", "find/_hits.html", context)


def _count_in(request: Request, name: str) -> int:
    value = request.GET.get(name, "")
    return int(value) if re.fullmatch("[0-9]{1,9}", value, re.ASCII) else 0
