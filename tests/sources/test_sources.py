from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError

from tests.conftest import make_completion, say
from viewer.client.problems import Problem
from viewer.sources.sources import Source, completion_of


def test_a_message_finds_its_completion_as_stored_or_by_the_form_of_its_id(stored: Callable[..., Any]) -> None:
    stored(make_completion("chatcmpl-one", say("user", "x", id="msg_7")))
    assert completion_of("msg_7", None) == "chatcmpl-one"
    assert completion_of("chatcmpl-elsewhere-12", None) == "chatcmpl-elsewhere"
    assert completion_of("unheard-of", None) is None


def test_a_database_that_does_not_answer_is_the_problem_unavailable(db: None) -> None:
    with (
        patch("viewer.archive.api.respond", side_effect=OperationalError("locked")),
        pytest.raises(Problem) as caught,
    ):
        Source(None).client.completions()
    assert caught.value.name == "unavailable"
