"""The page where copying is started, watched and stopped, and what a conversation says of its copy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from tests.conftest import make_key
from tests.pages import attributes, has, visible
from tests.sync.runs import FEW, copy, start_or_resume
from tests.upstream import LIVE, Upstream
from viewer.accounts.roles import CURATOR, give_role
from viewer.keys.models import ApiKey
from viewer.sync import work as copying
from viewer.sync.management.commands import sync
from viewer.sync.models import Copy, CopyRun

FOR_ALL = "Everyone who can sign in here will be able to read these conversations."


@pytest.fixture
def key(alice: User, upstream: Upstream) -> ApiKey:
    return make_key(alice, base_url=upstream.base())


def page(reader: Client, address: str = "/imports/", **headers: Any) -> str:
    return reader.get(address, **headers).content.decode()


def test_without_a_key_the_page_says_what_to_do(reader: Client) -> None:
    seen = page(reader)
    assert "No API key yet" in visible(seen)
    assert has(seen, 'main a[href="/keys/"]')
    assert FOR_ALL not in seen


def test_the_page_says_who_will_read_the_copies(reader: Client, key: ApiKey) -> None:
    seen = page(reader)
    assert seen.index(FOR_ALL) < seen.index("Start import")
    assert "Nothing imported yet" in seen


def test_a_start_creates_a_run_for_a_worker_to_claim(reader: Client, key: ApiKey) -> None:
    pairs = "team = a=b\r\n\r\ncase=0001\r\n"
    told = {"key": key.pk, "model": "gpt-4.1", "metadata": pairs, "since": "2025-11-01"}
    assert reader.post("/imports/", told).status_code == 302
    run = CopyRun.objects.get()
    assert (run.state, run.model, run.metadata) == ("waiting", "gpt-4.1", {"team": "a=b", "case": "0001"})
    assert run.since == datetime(2025, 11, 1, tzinfo=UTC)
    assert attributes(page(reader), "data-run") == ["waiting"]


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"metadata": "team=a\nb"},
        {"metadata": "=a"},
        {"since": "yesterday"},
        {"ids": "resp_1 conv/2"},
        {"ids": "resp_1", "model": "gpt-4.1"},
    ],
)
def test_an_invalid_form_is_explained_and_starts_nothing(reader: Client, key: ApiKey, told: dict[str, str]) -> None:
    answer = reader.post("/imports/", {"key": key.pk, **told} if told else {})
    assert answer.status_code == 422
    assert has(answer.text, ".field-error")
    assert not CopyRun.objects.exists()


def test_nobody_copies_with_somebody_elses_key(client: Client, mallory: User, key: ApiKey) -> None:
    client.force_login(mallory)
    make_key(mallory)
    give_role(mallory, CURATOR)
    assert client.post("/imports/", {"key": key.pk}).status_code == 422
    run = start_or_resume(key)
    assert not has(page(client), "[data-run]")
    assert client.post(f"/imports/{run.pk}/", {"wish": "cancel"}).status_code == 404


def test_it_is_paused_resumed_and_cancelled(reader: Client, key: ApiKey) -> None:
    run = start_or_resume(key)
    for action, state in (("pause", "paused"), ("resume", "waiting"), ("cancel", "cancelled")):
        seen = page(reader)
        assert has(seen, f'button[name="wish"][value="{action}"]')
        assert reader.post(f"/imports/{run.pk}/", {"wish": action}).status_code == 302
        assert attributes(page(reader), "data-run") == [state]
    for action in ("resume", "nonsense"):
        reader.post(f"/imports/{run.pk}/", {"wish": action})
        assert "This is its current state" in page(reader)


def test_a_second_one_with_the_same_key_is_refused_in_words(reader: Client, key: ApiKey) -> None:
    start_or_resume(key)
    reader.post("/imports/", {"key": key.pk, "model": "another"})
    assert "Another import with this key has not finished." in visible(page(reader))
    assert CopyRun.objects.count() == 1


def test_links_to_the_former_urls_lead_to_the_pages_of_today(reader: Client, key: ApiKey) -> None:
    run = start_or_resume(key)
    for place in ("", f"{run.pk}/"):
        answer = reader.get(f"/copies/{place}?alone&a=%C3%BC")
        assert (answer.status_code, answer["Location"]) == (301, f"/imports/{place}?alone&a=%C3%BC")


def test_its_figures_come_alone_as_long_as_they_may_change(reader: Client, key: ApiKey) -> None:
    run = start_or_resume(key, FEW)
    fragment = page(reader, f"/imports/{run.pk}/", headers={"HX-Request": "true"})
    assert "<html" not in fragment
    assert attributes(fragment, "hx-trigger") == ["every 2s"]
    copy(key, FEW)
    fragment = page(reader, f"/imports/{run.pk}/", headers={"HX-Request": "true"})
    assert not has(fragment, "[hx-trigger]")
    assert "11 imported" in visible(fragment)


def test_progress_is_a_bar_once_the_list_is_known(reader: Client, key: ApiKey) -> None:
    run = start_or_resume(key)
    CopyRun.objects.update(state="running", listed=40, wanted=30, lease_until=timezone.now() + timedelta(minutes=1))
    assert "40 found so far, 30 of them new" in visible(page(reader))
    CopyRun.objects.update(is_listed=True, copied=12)
    seen = page(reader)
    assert has(seen, 'progress[max="30"][value="12"]')
    assert "12 of 30 imported · 10 already in the archive" in visible(seen)
    CopyRun.objects.update(problem="rate-limited", waits_until=timezone.now() + timedelta(seconds=40))
    assert "asks to slow down. Resuming in" in visible(page(reader, f"/imports/{run.pk}/"))


def test_a_run_that_nobody_takes_up_says_so(reader: Client, key: ApiKey) -> None:
    start_or_resume(key)
    assert "No worker is running" not in page(reader)
    CopyRun.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    assert "No worker is running" in page(reader)


@pytest.mark.slow
def test_what_failed_is_named_with_its_reason_and_tried_again(reader: Client, key: ApiKey, upstream: Upstream) -> None:
    upstream.set("mode", "completion-500")
    run = copy(key, {"case": "0004"})
    assert "1 failed" in visible(page(reader))
    seen = page(reader, f"/imports/{run.pk}/")
    assert attributes(seen, "data-problem") == ["unavailable"]
    assert LIVE[3] in seen
    assert "The server had an error while processing your request" in seen
    reader.post(f"/imports/{run.pk}/", {"wish": "retry"})
    run.refresh_from_db()
    assert (run.state, run.only_failed) == ("waiting", True)


def test_a_done_run_can_be_started_again(reader: Client, key: ApiKey) -> None:
    run = copy(key, FEW)
    reader.post(f"/imports/{run.pk}/", {"wish": "again"})
    assert CopyRun.objects.active().get().metadata == FEW


def test_a_conversation_read_live_says_that_the_archive_has_it(
    reader: Client, alice: User, key: ApiKey, upstream: Upstream
) -> None:
    ApiKey.objects.choose(alice, key)
    assert "Also in the archive" not in page(reader, f"/completions/{LIVE[0]}/")
    copy(key, FEW)
    live = page(reader, f"/completions/{LIVE[0]}/")
    assert "Also in the archive since" in visible(live)
    back = reader.post("/keys/choose/", {"key": "", "next": f"/completions/{LIVE[0]}/"})
    upstream.forget()
    seen = visible(page(reader, back["Location"]))
    assert "Imported from 127.0.0.1" in seen
    assert not upstream.asked()
    assert "Deleted at the source" not in seen
    Copy.objects.update(deleted_at=timezone.now())
    assert "Deleted at the source, noticed on" in visible(page(reader, f"/completions/{LIVE[0]}/"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "Name a key"),
        ({"key": "work"}, "nobody with the name"),
        ({"key": "work", "person": "bob"}, "bob is no curator: nothing is copied with their keys."),
        ({"key": "home", "person": "alice"}, "alice has no key with the label home. There is: work."),
        ({"key": "work", "person": "alice", "metadata": ["team"]}, "Write --metadata as key=value."),
        ({"key": "work", "person": "alice", "since": "yesterday"}, "yesterday is no date"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_missing(
    key: ApiKey, bob: User, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("sync", **options)


@pytest.mark.django_db(transaction=True)
def test_a_database_failure_is_reported_in_one_sentence_and_the_next_run_continues(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fill_the_disk(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full\nHINT: make room")

    with monkeypatch.context() as full:
        full.setattr(copying, "import_lines", fill_the_disk)
        with pytest.raises(CommandError) as told:
            call_command("sync", key="work", person="alice", metadata=["team=returns"])
    assert str(told.value) == (
        "The archive could not be written: database or disk is full. "
        "What was copied before stays; run the same command again."
    )
    assert capsys.readouterr() == ("", "")
    CopyRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))  # what time does, at once
    with pytest.raises(SystemExit, match="0"):
        call_command("sync", key="work", person="alice", metadata=["team=returns"])
    assert "11 copied" in capsys.readouterr().out


def test_the_loop_looks_again_and_survives_a_bad_round(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Rounds(Event):
        """Three rounds, of which the second meets a source that refuses the key."""

        left = iter((["sk-good-alice-0001"], [], None))

        def wait(self, timeout: float | None = None) -> bool:
            if timeout == 15 * 60:
                refused = next(self.left)
                upstream.set("refuses", refused or [])
                upstream.set("missing", [])
                return refused is None
            return super().wait(timeout)

    monkeypatch.setattr(sync, "stop_event", lambda *_: Rounds())
    upstream.set("missing", [LIVE[0]])
    call_command("sync", key="work", person="alice", metadata=["team=returns"], loop=True)
    said = capsys.readouterr()
    assert [line.split(",")[0] for line in said.out.splitlines()] == ["10 copied", "0 copied", "1 copied"]
    assert "Ended early: invalid-key" in said.err


def test_the_loop_lists_everything_at_first_and_once_a_day(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    class Day(Event):
        """Rounds, eight hours apart, for a day and a bit."""

        hour = 0

        def wait(self, timeout: float | None = None) -> bool:
            if timeout == 15 * 60:
                self.hour += 8
                return self.hour > 32
            return super().wait(timeout)

    def work_on(run: CopyRun, stopping: Event) -> None:
        was_short.append(run.only_newest)
        real(run, stopping)

    was_short, day, real = list[bool](), Day(), sync.work_on
    monkeypatch.setattr(sync, "stop_event", lambda *_: day)
    monkeypatch.setattr(sync, "monotonic", lambda: day.hour * 3600)
    monkeypatch.setattr(sync, "work_on", work_on)
    call_command("sync", key="work", person="alice", metadata=["team=returns"], loop=True)
    assert was_short == [False, True, True, False, True]


def test_the_loop_does_not_undo_a_pause(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    class Rounds(Event):
        """Two rounds; between them somebody starts and pauses a run of the same key."""

        left = iter((False, True))

        def wait(self, timeout: float | None = None) -> bool:
            if timeout != 15 * 60:
                return super().wait(timeout)
            CopyRun.objects.filter(state="done").update(state="paused")
            return next(self.left)

    monkeypatch.setattr(sync, "stop_event", lambda *_: Rounds())
    call_command("sync", key="work", person="alice", metadata=["team=returns"], loop=True)
    assert CopyRun.objects.get().state == "paused"
