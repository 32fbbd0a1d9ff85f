from __future__ import annotations

import pytest

from tests.costs import assert_linear
from viewer.completions.outcomes import outcome_of_text

FAILED = [
    "Error: flight HAT030 not available", "error: none of the seats is free", "Error executing tool refund: refused", "Error", "ERROR - x", "[Error] x",
    "Error code 7", "ValueError: x", "requests.exceptions.HTTPError: 404", "Traceback (most recent call last):\n  File",
    "Exception: x", "Failed to connect", "Failed", "failed: x", "An error occurred while running the tool",
    "HTTP 404 Not Found", "HTTP/1.1 503", "Status code: 500", "404 Client Error: Not Found", "**Error:** x",
    '{"error": "x"}', '{"error": {"code": 7}}', '{"errors": ["x"]}', '{"exception": "x"}', '{"success": false}',
    '{"ok": false}', '{"isError": true, "content": []}', '{"is_error": true}', '{"status": "failed"}',
    '{"status": "ERROR"}', '{"statusCode": 502}', '[{"type": "text", "text": "Error: x"}]',
]  # fmt: skip
UNPROVEN = [
    "Error rate: 3 %", "Errors: 0", "Error: none", "error: null", "Failed logins: 2", "No errors", "The error is fixed", "404 rooms", "HTTP 200",
    "Terror: a film", "Exceptional service", "Failsafe on", '{"error": null}', '{"error": ""}', '{"errors": []}',
    '{"status": "open"}', '{"status": 404000}', '{"message": "Error: x"}', "{}", "[]", "", "12.0", '{"error": 1',
]  # fmt: skip
GOOD = ['{"success": true}', '{"ok": true}', '{"isError": false}', '{"status": "success"}']


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
