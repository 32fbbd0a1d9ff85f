"""Processes that copy: killed, two at once, and the worker that `./run` starts."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests.commands import command
from tests.conftest import make_key
from tests.pages import attributes
from tests.processes import PATIENCE, post, running, sign_in, until
from tests.sync.runs import FEW
from tests.upstream import LIVE, MESSAGES, Upstream
from viewer.archive.messages import count_messages
from viewer.archive.models import StoredCompletion
from viewer.sync.models import Copy, CopyRun, Selection

PASSWORD = "copies 1"
SLOW = 0.3  # seconds for an answer, so that a run is not over before somebody on a busy machine ends it
ALICES = ("--key", "work", "--person", "alice", "--metadata", "team=returns")


@pytest.fixture
def key(transactional_db: None, alice: User, upstream: Upstream) -> None:
    make_key(alice, base_url=upstream.base())


def test_a_killed_run_leaves_nothing_incomplete_and_the_next_worker_continues(key: None, upstream: Upstream) -> None:
    upstream.set("delay", SLOW)
    with command("sync", *ALICES) as process:
        until(lambda: StoredCompletion.objects.count() >= 3)
        process.kill()
        process.wait()
    run = CopyRun.objects.get()
    assert run.state == "running"
    stored = StoredCompletion.objects.all()
    assert run.copied == Copy.objects.count() == stored.count() < 11
    assert all(count_messages(one) == len(MESSAGES[one.completion_id]) for one in stored)
    CopyRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # what time does, at once
    upstream.set("delay", 0)
    with command("sync", *ALICES) as process:
        said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert said == "11 copied, 0 already there, 0 failed, 0 deleted at the source\n"


def test_two_at_once_share_one_run_and_ask_for_nothing_twice(key: None, upstream: Upstream) -> None:
    upstream.set("delay", 0.1)
    with command("sync", *ALICES) as one, command("sync", *ALICES) as other:
        said = [process.communicate(timeout=PATIENCE) for process in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    paths = [asked["path"] for asked in upstream.asked() if asked["path"].endswith("/messages")]
    assert len(paths) == len(set(paths)) == StoredCompletion.objects.count() == 11


def test_on_a_signal_it_pauses_and_explains_how_to_continue(key: None, upstream: Upstream) -> None:
    upstream.set("delay", SLOW)
    with command("sync", *ALICES) as process:
        until(lambda: StoredCompletion.objects.exists())
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    assert "Paused. Run the same command again to go on." in said
    assert CopyRun.objects.get().state == "paused"


def test_what_fails_is_named_and_the_command_says_so_to_its_caller(key: None, upstream: Upstream) -> None:
    upstream.set("refuses", ["sk-good-alice-0001"])
    with command("sync", *ALICES) as process:
        _, problem = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "Ended early: invalid-key" in problem
    assert "sk-good" not in problem


def test_the_worker_serves_whoever_asks_and_ends_with_its_parent(key: None, alice: User, upstream: Upstream) -> None:
    with command("work", "--until-stdin-closes") as process:
        run = CopyRun.objects.start_or_resume(alice.api_keys.get(), Selection(metadata=FEW))
        until(lambda: CopyRun.objects.get(pk=run.pk).state == "done")
        assert process.stdin
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        process.stdin = None


def test_run_starts_a_worker_which_ends_with_it_even_when_killed(prepared_folder: Path, upstream: Upstream) -> None:
    with running(prepared_folder, DEMO_PASSWORD=PASSWORD, API_HOSTS=upstream.host) as server:
        until(server.copy_workers)
        os.kill(server.copy_workers()[0], signal.SIGKILL)  # the next one does the work
        address, reader = server.address, sign_in(server.address, PASSWORD)
        post(reader, f"{address}/keys/", {"label": "work", "key": "sk-good-1", "base_url": upstream.base()})
        (key,) = attributes(reader.get(f"{address}/imports/").text, "value", 'select[name="key"] option')
        post(reader, f"{address}/imports/", {"key": key, "metadata": "team=returns"})
        until(lambda: attributes(reader.get(f"{address}/imports/").text, "data-run") == ["done"])
        assert reader.get(f"{address}/completions/{LIVE[0]}/").status_code == 200
        server.process.kill()
        server.process.wait(PATIENCE)
        assert "Traceback" not in server.output_to_its_end()
