"""What opening a page costs the reader, measured on the server that `./run` starts, with its samples."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from playwright.sync_api import Browser, Response

from tests.browser.conftest import DESKTOP
from tests.operations.test_start import running, sign_in

OPENED = "/completions/chatcmpl-mMgBvbJlanPjZPF5VATayrULrNdvJ/"  # the longest: its page is a full one
LIBRARY = "django_htmx/"


def test_a_conversation_opens_with_little_from_one_host_and_keeps_what_does_not_change(
    browser: Browser, tmp_path: Path
) -> None:
    with running(tmp_path, DEMO_PASSWORD="budgets 1") as (_, address, _):
        session = sign_in(address, "budgets 1")
        listed = session.get(f"{address}/completions/").text
        for completion_id in re.findall(r'data-completion-id="([^"]+)"', listed):
            assert packed(session.get(f"{address}/completions/{completion_id}/").content) <= 12_000, completion_id

        context = browser.new_context(viewport=DESKTOP, base_url=address)
        context.add_cookies([{"name": one.name, "value": one.value or "", "url": address} for one in session.cookies])
        page = context.new_page()
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(OPENED, wait_until="networkidle")
        assert page.locator("article[data-message-id]").count() == 20
        assert {answer.status for answer in answers} == {200}
        assert len(answers) <= 6
        assert all(answer.url.startswith(f"{address}/") for answer in answers)
        loaded: dict[str, list[Response]] = {}
        for answer in answers:
            loaded.setdefault(answer.request.resource_type, []).append(answer)
        assert "font" not in loaded
        assert sum(packed(style.body()) for style in loaded["stylesheet"]) <= 12_000
        assert sum(packed(script.body()) for script in loaded["script"] if LIBRARY not in script.url) <= 10_500
        for kept in (*loaded["stylesheet"], *loaded["script"]):
            assert re.search(r"\.[0-9a-f]{12}\.(css|js)$", kept.url), kept.url
            assert "immutable" in kept.headers["cache-control"], kept.url
            assert kept.headers["content-encoding"] in ("br", "gzip"), kept.url
        context.close()


def packed(body: bytes) -> int:
    return len(gzip.compress(body))
