"""What a page says of a completion that was copied, and of a problem that stands in a row of ours."""

from __future__ import annotations

from typing import Any

from django import template

from viewer.archive.models import StoredCompletion, fit
from viewer.client.problem_texts import ProblemText, describe
from viewer.client.problems import Problem
from viewer.sources.sources import Source

register = template.Library()


@register.inclusion_tag("sync/_in_archive.html", takes_context=True)
def in_archive(context: template.RequestContext, completion_id: str, source: Source) -> dict[str, Any]:
    """Say of a completion read live that the archive has it too; of one in the archive, where it was copied from."""
    stored = StoredCompletion.objects.filter(completion_id=fit(completion_id))
    found = stored.values("copy__host", "copy__copied_at", "copy__deleted_at").first()
    return {
        "is_live": not source.is_archive,
        "is_there": found is not None,
        "copy": {name.removeprefix("copy__"): value for name, value in (found or {}).items()},
        "request": context.request,
    }


@register.filter
def described(name: str, source: str) -> ProblemText:
    """Put the name of a problem of a source in words."""
    return describe(Problem(name), source)  # type: ignore[arg-type]  # a row holds it as text
