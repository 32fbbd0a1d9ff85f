"""A canary key on a bad day: it appears in no answer, page, log line, mail, database file or cache."""

from __future__ import annotations

import logging
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from tests.traces import database_bytes, kept_in_caches, traces
from tests.upstream import Upstream
from viewer.keys.models import AccessToken, ApiKey
from viewer.sync.models import CopyFailure, CopyRun, Selection
from viewer.sync.worker import work_on

CANARY = "sk-good-canary-1618033988749894"
REFUSED = "sk-canary-1618033988749894"
SHAPES = [CANARY, "600d9c2a41d05b68e3a90f1c7d42b586", "600d9c2a-41d0-4b68-a3a9-0f1c7d42b586"]
OWN = "pk-own-header-canary-2718281828"
ONE = "chatcmpl-live-0001"
BAD_DAYS = [
    "ok", "storm", "html", "reset", "truncated", "quota", "rate-limited-long", "redirect", "bad-json", "forbidden", "stalled",
    "echoes-key", "html-502", "gzip-bomb-40", "completion-500", "broken-header", "broken-chunk",
]  # fmt: skip
ECHOES = ["echoes", *(f"echoes-{status}" for status in (400, 401, 403, 404, 429, 500, 503))]


def fragments(secret: str) -> list[str]:
    return [*traces(secret), secret[3:-4], secret[-12:]]


def hold(text: str, secret: str) -> bool:
    return any(fragment in text for fragment in fragments(secret))


@pytest.fixture
def _loud(upstream: Upstream, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UPSTREAM_DEADLINE, settings.UPSTREAM_MAX_BYTES = 0.5, 2_000_000
    monkeypatch.setattr("viewer.sync.work._MAX_WAITS", 0)
    monkeypatch.setattr("viewer.client.http._backoff", lambda attempt: 0.0)
    settings.ADMINS = [("root", "root@lectern.example")]
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "django", "viewer"):
        caplog.set_level(logging.DEBUG, logger=name)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("mode", "secret"),
    [
        ("ok", REFUSED), *((mode, CANARY) for mode in (*BAD_DAYS, *ECHOES)),
        *((mode, secret) for secret in SHAPES[1:] for mode in ("echoes", "broken-header")),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_loud")
def test_the_key_appears_nowhere(
    client: Client, alice: User, upstream: Upstream, caplog: pytest.LogCaptureFixture, mode: str, secret: str
) -> None:
    client.force_login(alice)
    given = {"label": "canary", "key": secret, "base_url": upstream.base(mode), "headers": f"x-own: Token {OWN}"}
    answers = [client.post("/keys/", given, follow=True)]
    key = ApiKey.objects.get()
    ApiKey.objects.choose(alice, key)
    bearer = {"Authorization": f"Bearer {AccessToken.objects.issue(alice, 'p', key)[1]}"}
    answers += [
        client.get(address)
        for address in ("/keys/", f"/keys/{key.pk}/", "/completions/", f"/completions/{ONE}/", "/tokens/")
    ]
    answers += [client.get(f"/completions/{ONE}/messages/{ONE}-0/parts/0/"), client.get(f"/completions/{ONE}/raw/")]
    answers += [
        client.get(f"/v1/chat/completions{path}", headers=bearer) for path in ("", f"/{ONE}", f"/{ONE}/messages")
    ]
    claimed = CopyRun.objects.filter(
        pk=CopyRun.objects.start_or_resume(key, Selection(metadata={"case": "0001"})).pk
    ).claim()
    assert claimed
    work_on(claimed, Event())
    answers += [client.get("/imports/"), client.get(f"/imports/{claimed.pk}/")]
    shown = {answer.request["PATH_INFO"]: body_of(answer) + str(answer.headers) for answer in answers}
    shown |= {
        "the log": caplog.text,
        "mails": "".join(message.body for message in mail.outbox),
        "the database": database_bytes(),
        "what a copy said": repr([*CopyRun.objects.values_list("said"), *CopyFailure.objects.values_list("said")]),
        "the caches": str(kept_in_caches()),
    }
    for place, text in shown.items():
        assert not hold(text, secret), place
        assert OWN not in text, place


def body_of(answer: Any) -> str:
    pieces = []
    with suppress(BrokenPipeError):  # what breaks off in the middle
        pieces += answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(pieces).decode("utf-8", "replace")


@pytest.mark.parametrize("debug", [True, False])
def test_a_failure_of_our_own_shows_no_variables(
    client: Client, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    settings.DEBUG = debug
    settings.ADMINS = [("root", "root@lectern.example")]
    settings.LOGGING_CONFIG = None

    def fail(key: ApiKey) -> str:
        secret = key.open().reveal()
        raise RuntimeError(f"after {len(secret)} characters")

    monkeypatch.setattr("viewer.sources.sources._client_with", fail)
    client.force_login(alice)
    client.raise_request_exception = False
    handler = logging.getLogger("django.request")
    from django.utils.log import AdminEmailHandler

    mailer = AdminEmailHandler(include_html=True)
    handler.addHandler(mailer)
    try:
        answer = client.post("/keys/", {"label": "canary", "key": CANARY, "base_url": "https://api.openai.com/v1"})
    finally:
        handler.removeHandler(mailer)
    assert answer.status_code == 500
    assert not hold(answer.content.decode(), CANARY)
    mails = [
        message.body + "".join(str(part) for part in getattr(message, "alternatives", [])) for message in mail.outbox
    ]
    assert mails
    assert not hold("".join(mails), CANARY)
