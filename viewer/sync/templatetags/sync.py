"""Template filters for the problems of runs."""

from __future__ import annotations

from django import template

from viewer.client.problems import Problem
from viewer.sources.problem_texts import describe
from viewer.web.problem_text import ProblemText

register = template.Library()


@register.filter
def problem_text(name: str, source: str) -> ProblemText:
    """Describe a problem of a source, each by its name."""
    return describe(Problem(name), source)  # type: ignore[arg-type]  # the column is a plain string
