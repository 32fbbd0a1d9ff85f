"""What opening a page costs the reader, measured on the server that `./run` starts, with its samples."""

from __future__ import annotations

import re
from pathlib import Path

import requests
from playwright.sync_api import Browser, Response

from tests.browser.conftest import DESKTOP
from tests.budgets import assert_within_budget
from tests.processes import running, sign_in

OPENED = "/completions/chatcmpl-mMgBvbJlanPjZPF5VATayrULrNdvJ/"  # the longest: its page is a full one
LIBRARY = "django_htmx/"


def test_a_conversation_opens_with_little_from_one_host_and_keeps_what_does_not_change(
    browser: Browser, prepared_folder: Path
) -> None:
    with running(prepared_folder, DEMO_PASSWORD="budgets 1", SYNC_WORKER="false") as server:
        address = server.address
        session = sign_in(address, "budgets 1")
        listed = session.get(f"{address}/completions/").text
        ids = re.findall(r'data-completion-id="([^"]+)"', listed)
        assert_within_budget("page", max(downloaded(session, f"{address}/completions/{one}/") for one in ids))

        context = browser.new_context(viewport=DESKTOP, base_url=address)
        context.add_cookies([{"name": one.name, "value": one.value or "", "url": address} for one in session.cookies])
        page = context.new_page()
        answers: list[Response] = []
        page.on("response", lambda answer: answers.append(answer))
        page.goto(OPENED, wait_until="networkidle")
        assert page.locator("article[data-message-id]").count() == 20
        assert {answer.status for answer in answers} == {200}
        assert len(answers) <= 8
        assert all(answer.url.startswith(f"{address}/") for answer in answers)
        loaded: dict[str, list[Response]] = {}
        for answer in answers:
            loaded.setdefault(answer.request.resource_type, []).append(answer)
        assert "font" not in loaded
        for kept in (*loaded["stylesheet"], *loaded["script"]):
            if LIBRARY not in kept.url:
                assert_within_budget(re.sub(r".*/(\w+)\.\w+\.", r"\1.", kept.url), bytes_of(kept))
            assert re.search(r"\.[0-9a-f]{12}\.(css|js)$", kept.url), kept.url
            assert "immutable" in kept.headers["cache-control"], kept.url
            assert kept.headers["content-encoding"] in ("br", "gzip"), kept.url
        context.close()


def downloaded(session: requests.Session, address: str) -> int:
    """Ask for a page as a browser does, and count the bytes that come."""
    with session.get(address, headers={"Accept-Encoding": "gzip, br"}, stream=True) as answer:
        return len(answer.raw.read(decode_content=False))


def bytes_of(answer: Response) -> int:
    return answer.request.sizes()["responseBodySize"]
