"""What a problem says, and which source had it."""

from __future__ import annotations

import pytest

from viewer.client.problems import Problem
from viewer.keys.models import ApiKey
from viewer.sources.problem_pages import title_of
from viewer.sources.sources import Source, SourceProblem


@pytest.mark.parametrize("label", ["e", "No", "Billing 100%"])
def test_the_line_of_a_problem_names_its_source_once_whatever_its_label(label: str) -> None:
    source = Source(ApiKey(label=label))
    gone = title_of(SourceProblem(Problem("not-found"), source))
    assert gone == f"{label}: No conversation with this id"
    assert title_of(SourceProblem(Problem("unavailable"), source)) == f"{label} is unavailable"
