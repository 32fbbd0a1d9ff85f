"""Template tags for copied completions, and for the problems of runs."""

from __future__ import annotations

from typing import Any

from django import template

from viewer.archive.models import StoredCompletion, fit
from viewer.client.problems import Problem
from viewer.sources.problem_texts import describe
from viewer.sources.sources import Source
from viewer.web.problem_text import ProblemText

register = template.Library()


@register.inclusion_tag("sync/_in_archive.html", takes_context=True)
def in_archive(context: template.RequestContext, completion_id: str, source: Source) -> dict[str, Any]:
    """Show that the archive too has a completion that is read live, or where an archived one was copied from."""
    stored = StoredCompletion.objects.filter(completion_id=fit(completion_id))
    row = stored.values("copy__host", "copy__copied_at", "copy__deleted_at").first()
    return {
        "is_live": not source.is_archive,
        "is_stored": row is not None,
        "copy": {name.removeprefix("copy__"): value for name, value in (row or {}).items()},
        "request": context.request,
    }


@register.filter
def problem_text(name: str, source: str) -> ProblemText:
    """Describe a problem of a source, each by its name."""
    return describe(Problem(name), source)  # type: ignore[arg-type]  # the column is a plain string
