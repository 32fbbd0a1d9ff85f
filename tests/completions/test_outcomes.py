from __future__ import annotations

import pytest

from tests.costs import assert_linear
from tests.tool_results import FAILED, GOOD, UNPROVEN
from viewer.completions.outcomes import outcome_of_text


@pytest.mark.parametrize("said", FAILED)
def test_a_tool_failed_when_its_result_proves_it(said: str) -> None:
    assert outcome_of_text(said) == "error"


@pytest.mark.parametrize("said", UNPROVEN)
def test_what_proves_nothing_is_neither_an_error_nor_good(said: str) -> None:
    assert outcome_of_text(said) == ""


@pytest.mark.parametrize("said", GOOD)
def test_a_result_is_good_only_when_it_says_so(said: str) -> None:
    assert outcome_of_text(said) == "good"


def test_an_error_beside_a_success_is_an_error() -> None:
    assert outcome_of_text('{"success": true, "error": "x"}') == "error"


@pytest.mark.parametrize("piece", ["a.", "A", "Error ", "[", "HTTP ", "An error "])
def test_deciding_takes_linear_time(piece: str) -> None:
    assert_linear(lambda size: outcome_of_text(piece * size), 100_000)
