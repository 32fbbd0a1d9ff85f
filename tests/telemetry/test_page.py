"""The page that shows a curator that spans arrive, and the line that an app needs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.api.refusals import bearer
from tests.pages import element, visible
from tests.telemetry.sending import call, let_time_pass, post, send, span, turns, work

pytestmark = pytest.mark.django_db


def test_a_new_token_that_may_import_comes_with_the_line_that_sends_and_the_page_says_what_came(alice: User) -> None:
    browser = Client()
    browser.force_login(alice)
    assert "Nothing received yet" in visible(browser.get("/import/apps/").text)
    made = browser.post("/tokens/", {"name": "reads"})
    assert "OTEL_EXPORTER" not in made.text
    made = browser.post("/tokens/", {"name": "shop", "may_import": "on"})
    line = element(made.text, 'input[value^="OTEL_"]').attributes["value"] or ""
    name, _, address = line.partition("=")
    secret = address.partition("://x:")[2].partition("@")[0]
    assert (name, address) == ("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://x:{secret}@127.0.0.1:8000/otlp")
    headers = bearer(secret)
    silent = span(2, 2, {"gen_ai.operation.name": "chat"})
    send(browser, headers, call(1, 1, turns("Hello"), "Hi"), silent, span(1, 3, parent=1))
    assert post(browser, headers, b"?", "application/json").status_code == 400
    work()
    send(browser, headers, call(1, 4, turns("Hello", "Hi", "And?"), "So"))
    let_time_pass(150)
    page = visible(browser.get("/import/apps/").text)
    for words in (
        "Spans received 4", "About model calls 3", "Growing conversations 1", "Waiting to be joined 1",
        "no worker is running", "1 · Messages that are not OTLP.", "1 · Conversations of which nothing was recorded",
    ):  # fmt: skip
        assert words in page, page
