"""A worker that is killed between receiving and joining, and another that goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.api.refusals import bearer
from tests.commands import command
from tests.processes import until
from tests.said import said_in
from tests.telemetry.sending import call, let_time_pass, send, stored, turns
from viewer.keys.models import AccessToken
from viewer.telemetry.models import Joiner, ReceivedSpan

COUNT = 400  # several times what the worker stores at once


@pytest.mark.django_db(transaction=True)
def test_what_was_answered_is_joined_once_whoever_was_killed(client: Client, alice: User) -> None:
    headers = bearer(AccessToken.objects.issue(alice, "shop", rights=["may_import"])[1])
    for turn, said in ((0, turns("Hello")), (1, turns("Hello", "Hi", "And?"))):
        send(client, headers, *(call(2 * n + turn + 1, 10 * n + turn, [*said[:-1], said[-1] | {"n": n}], ("Hi", "So")[turn], session__id=f"session-{n}") for n in range(COUNT)))  # fmt: skip
    let_time_pass()
    with command("work", "--until-stdin-closes") as process:
        until(stored)
        process.kill()
        process.wait()
    assert len(stored()) < COUNT
    Joiner.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # what time does, at once
    with command("work", "--until-stdin-closes"):
        until(lambda: len(stored()) == COUNT)
    assert len(said_in()) == 3 * COUNT
    assert ReceivedSpan.objects.filter(conversation=None).count() == 0
