"""What a run copies into the archive, and what it does when the source fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone

from tests.conftest import make_completion, make_key, say
from tests.said import said_in
from tests.sync.runs import FEW, copy, start_or_resume, work
from tests.upstream import (
    ASKED,
    COMPLETIONS,
    CONVERSATION,
    FOLLOWING,
    HEX,
    IMAGE,
    INPUT_ITEMS,
    LIVE,
    LONG,
    MESSAGES,
    NEWEST,
    WORKING,
    Upstream,
)
from viewer.archive.api import respond
from viewer.archive.models import StoredCompletion
from viewer.keys.encryption import Secret
from viewer.keys.models import ApiKey
from viewer.sync import fetch as fetching
from viewer.sync import work as copying
from viewer.sync.models import AnotherIsActive, Copy, CopyRun, CopyRuns
from viewer.sync.worker import work_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(alice: User, upstream: Upstream) -> ApiKey:
    return make_key(alice, base_url=upstream.base())


def stored() -> set[str]:
    return set(StoredCompletion.objects.values_list("completion_id", flat=True))


def asked(upstream: Upstream) -> list[str]:
    return [one["path"].split("/v1/chat/completions")[1] for one in upstream.asked()]


def test_everything_comes_with_every_message_and_as_it_was_written(key: ApiKey, upstream: Upstream) -> None:
    runs = [copy(key, {"team": team}) for team in ("returns", "shipping")]
    assert [(run.state, run.listed, run.copied, run.already_stored) for run in runs] == [("done", 11, 11, 0)] * 2
    counts = {name: len(said_in(completion_id=name)) for name in stored()}
    assert len(counts) == 22
    assert counts == {name: len(MESSAGES[name]) for name in counts}
    headers = {"Authorization": "Bearer sk-good"}
    for name in (LIVE[0], HEX):
        live = requests.get(f"{upstream.base()}/chat/completions/{name}", headers=headers, timeout=30).content
        assert respond(f"/chat/completions/{name}").body == live
        page = requests.get(f"{upstream.base()}/chat/completions/{name}/messages", headers=headers, timeout=30).text
        assert respond(f"/chat/completions/{name}/messages").body.decode().replace(',"refusal":null', "") == page


def test_a_conversation_that_the_archive_cannot_take_is_not_held_in_memory(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 10)
    run = copy(key, FEW)
    assert {failure.problem for failure in run.failures.all()} == {"too-large"}


def test_only_what_is_new_is_requested(key: ApiKey, upstream: Upstream) -> None:
    first = copy(key, FEW)
    upstream.forget()
    again = copy(key, FEW)
    assert again.pk != first.pk
    assert (again.copied, again.already_stored) == (0, first.copied)
    assert asked(upstream) == [""]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_PAGE_SIZE", 3)


def pages_asked(upstream: Upstream) -> int:
    pages = asked(upstream).count("")
    upstream.forget()
    return pages


@pytest.mark.usefixtures("small_pages")
def test_a_short_round_stops_at_the_first_page_that_is_known(key: ApiKey, upstream: Upstream) -> None:
    assert copy(key, FEW, only_newest=True).copied == 11
    assert pages_asked(upstream) == 4
    newest, oldest = min(stored()), max(stored())
    StoredCompletion.objects.filter(completion_id__in=(newest, oldest)).delete()
    upstream.set("missing", [LIVE[27]])
    run = copy(key, FEW, only_newest=True)
    assert (run.copied, run.gone, newest in stored(), oldest in stored()) == (1, 0, True, False)
    assert pages_asked(upstream) == 2
    upstream.set("missing", [LIVE[27]])
    run = copy(key, FEW)
    assert (run.copied, run.gone, oldest in stored()) == (1, 1, True)


@pytest.mark.usefixtures("small_pages")
def test_a_short_round_that_was_broken_off_lists_everything(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It copies the newest first, so its own first page is known when it goes on."""
    stopping = Event()
    monkeypatch.setattr(copying, "_MAX_CONCURRENCY", 1)
    with monkeypatch.context() as broken:
        after_some(broken, 5, stopping.set)
        run = work(start_or_resume(key, FEW, only_newest=True), stopping)
    assert run.copied < 11
    assert (work(run).state, run.copied) == ("done", 11)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("narrowed", "copied"), [({"only_newest": True}, 8), ({"since": datetime(2025, 11, 1, 12, 20, tzinfo=UTC)}, 2)]
)
def test_a_list_that_is_not_newest_first_is_read_to_its_end(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, narrowed: dict[str, Any], copied: int
) -> None:
    monkeypatch.setattr(copying, "partial", lambda ask, **asked: partial(ask, **asked, order="asc"))
    for name in (IMAGE, LIVE[27], LIVE[24]):  # the oldest, which such a list begins with
        assert copy(key, {"case": COMPLETIONS[name]["metadata"]["case"]}).copied == 1
    assert copy(key, FEW, **narrowed).copied == copied
    assert LIVE[0] in stored()


def test_who_asks_for_everything_gets_it_where_a_short_round_was_broken_off(key: ApiKey) -> None:
    run = start_or_resume(key, FEW, only_newest=True)
    assert start_or_resume(key, FEW, only_newest=True).only_newest
    assert not start_or_resume(key, FEW).only_newest
    assert not start_or_resume(key, FEW, only_newest=True).only_newest
    assert CopyRun.objects.get() == run


def test_of_rounds_that_find_nothing_one_is_remembered(key: ApiKey) -> None:
    first = copy(key, FEW)
    rounds = [copy(key, FEW) for _ in range(3)]
    assert set(CopyRun.objects.all()) == {first, rounds[-1]}


def test_what_was_imported_is_there_already(key: ApiKey, stored: Callable[..., Any]) -> None:
    stored(make_completion(LIVE[2], say("user", "from a file")))
    run = copy(key, {"case": "0003"})
    assert (run.copied, run.already_stored) == (0, 1)
    assert not Copy.objects.exists()


@pytest.mark.slow
def test_a_conversation_whose_second_page_fails_is_not_visible(alice: User, upstream: Upstream) -> None:
    key = make_key(alice, base_url=upstream.base("second-page-500"))
    run = copy(key, {"case": COMPLETIONS[LONG]["metadata"]["case"]})
    assert (run.state, run.copied) == ("done", 0)
    assert [failure.problem for failure in run.failures.all()] == ["unavailable"]
    assert not stored()
    assert not said_in()


@pytest.mark.parametrize(
    ("mode", "problem"),
    [
        ("messages-404", "not-found"),
        ("more-but-empty", "unreadable"),
        ("ids-empty", "unreadable"),
        ("ignores-after", "unreadable"),
    ],
)
def test_what_does_not_come_whole_is_named_and_not_stored(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, mode: str, problem: str
) -> None:
    real = copying.fetch

    def fetch(*asked: Any) -> bytes:
        upstream.set("mode", mode)
        return real(*asked)

    monkeypatch.setattr(copying, "fetch", fetch)
    run = copy(key, {"case": COMPLETIONS[HEX]["metadata"]["case"]})
    assert [failure.problem for failure in run.failures.all()] == [problem]
    assert not stored()


@pytest.mark.parametrize("mode", ["more-missing", "more-string", "more-number", "more-null", "more-when-full"])
def test_a_conversation_is_complete_however_the_server_marks_its_end(
    alice: User, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(copying, "_PAGE_SIZE", 4)  # of completions, so that the list has an end to find too
    run = copy(make_key(alice, base_url=upstream.base(mode)), {"team": COMPLETIONS[HEX]["metadata"]["team"]})
    assert (run.state, run.listed, run.failures.count()) == ("done", 11, 0)
    assert len(said_in(completion_id=HEX)) == 300


@pytest.mark.parametrize("mode", ["ignores-after", "ids-empty"])
def test_a_list_without_a_way_on_is_not_taken_for_whole(
    alice: User, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr(copying, "_PAGE_SIZE", 10)
    run = copy(make_key(alice, base_url=upstream.base(mode)))
    assert (run.state, run.problem) == ("failed", "unreadable")


def test_what_no_address_can_hold_is_named_and_its_neighbours_are_copied(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = copying.fetch

    def fetch(*asked: Any) -> bytes:
        upstream.set("mode", "ok")
        return real(*asked)

    monkeypatch.setattr(copying, "fetch", fetch)
    upstream.set("mode", "hostile")
    run = copy(key, since=datetime.fromtimestamp(NEWEST - 60, UTC))
    assert (run.state, run.copied) == ("done", 1)
    failures = {failure.completion_id: failure.said for failure in run.failures.all()}
    assert {failures[one] for one in (".", "x" * 300, "nul\ufffd")} == {"Its id cannot be part of a URL."}
    assert len(asked(upstream)) < 10  # none of them was asked for
    assert run.perform("retry")
    assert work(run).state == "done"
    assert stored() == {LIVE[0]}


@pytest.mark.parametrize("mode", ["bad-json", "html", "no-data", "redirect"])
def test_a_source_with_another_api_fails_the_run(alice: User, upstream: Upstream, mode: str) -> None:
    run = copy(make_key(alice, base_url=upstream.base(mode)))
    assert (run.state, run.problem) == ("failed", "unreadable")


@pytest.mark.slow
def test_what_failed_is_tried_again_without_listing(key: ApiKey, upstream: Upstream) -> None:
    upstream.set("mode", "completion-500")
    run = copy(key, {"case": "0004"})
    (failure,) = run.failures.all()
    assert (failure.completion_id, failure.problem) == (LIVE[3], "unavailable")
    assert run.perform("retry")
    assert work(run).failures.get().attempts == 2
    upstream.forget()
    assert run.perform("retry")
    assert work(run).state == "done"
    assert (run.copied, run.failures.count(), stored()) == (1, 0, {LIVE[3]})
    assert "" not in asked(upstream)


class Clock(Event):
    """Time that passes as fast as it is waited for; `waited` says what the page would have shown meanwhile."""

    def __init__(self, run: CopyRun, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
        super().__init__()
        self.run, self.then, self.now, self.waited = run, then, 0.0, list[tuple[str, int]]()
        monkeypatch.setattr(copying, "monotonic", lambda: self.now)

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0
        self.run.refresh_from_db()
        self.waited.append((self.run.problem, self.run.waits))
        self.then()
        return self.is_set()


def test_it_waits_as_long_as_the_source_asks_and_says_so(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_or_resume(key, FEW)
    upstream.set("mode", "rate-limited-50")
    clock = Clock(run, monkeypatch, lambda: upstream.set("mode", None))
    work(run, clock)
    assert clock.waited[0][0] == "rate-limited"
    assert 30 <= clock.waited[0][1] <= 50
    assert clock.now >= 50
    assert (run.state, run.problem, run.copied) == ("done", "", 11)


@pytest.mark.slow
def test_a_run_waits_for_an_unavailable_source_and_fails_in_the_end(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.set("mode", "rate-limited-bare")
    run = start_or_resume(key, FEW)
    monkeypatch.setattr(copying, "_MAX_WAITS", 2)
    clock = Clock(run, monkeypatch, lambda: None)
    work(run, clock)
    assert (run.state, run.problem, run.finished_at is None) == ("failed", "rate-limited", False)
    assert clock.now >= 3
    upstream.set("mode", None)
    assert run.perform("resume")
    assert work(run).copied == 11


def after_some(monkeypatch: pytest.MonkeyPatch, count: int, then: Callable[[], object]) -> None:
    """Do something once so many completions have been stored."""
    stored = iter(range(1, count))

    def store(self: Any, *line: Any) -> None:
        real(self, *line)
        if next(stored, None) is None:
            then()

    real = copying._Work._store
    monkeypatch.setattr(copying._Work, "_store", store)


def test_a_key_revoked_in_the_middle_fails_the_run_which_continues_with_a_new_one(
    key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_some(monkeypatch, 3, lambda: upstream.set("refuses", ["sk-good-alice-0001"]))
    run = copy(key, FEW)
    assert (run.state, run.problem) == ("failed", "invalid-key")
    assert 3 <= run.copied == len(stored()) < 11
    assert not run.failures.exists()
    key.seal(Secret("sk-good-alice-0002"))
    key.save()
    assert start_or_resume(key, FEW) == run
    assert (work(run).state, run.copied) == ("done", 11)


@pytest.mark.parametrize(("action", "state"), [("pause", "paused"), ("cancel", "cancelled")])
def test_an_action_on_the_page_stops_the_worker_at_once(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, action: str, state: str
) -> None:
    run = start_or_resume(key, FEW)
    after_some(monkeypatch, 2, lambda: run.perform(action))
    work(run)
    assert (run.state, run.copied, len(stored())) == (state, 2, 2)
    assert CopyRun.objects.claim() is None


def test_a_process_that_ends_gives_its_run_back(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = Event()
    after_some(monkeypatch, 2, stopping.set)
    run = work(start_or_resume(key, FEW), stopping)
    assert (run.state, run.copied == len(stored())) == ("waiting", True)
    assert (work(run).state, run.copied) == ("done", 11)


def test_a_deleted_key_is_not_used_any_more(key: ApiKey, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start_or_resume(key, FEW)
    after_some(monkeypatch, 2, key.delete)
    work(run)
    assert run.state == "waiting"
    for thread in threading.enumerate():  # what was on its way when the key went
        if thread.name.startswith("copying"):
            thread.join(30)
    upstream.forget()
    work(run)
    assert (run.state, run.problem, asked(upstream)) == ("failed", "invalid-key", [])


def test_who_may_not_sign_in_any_more_copies_nothing(key: ApiKey, alice: User) -> None:
    start_or_resume(key)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert CopyRun.objects.claim() is None


def test_of_two_workers_one_has_the_run_and_a_dead_one_loses_it(key: ApiKey) -> None:
    start_or_resume(key, FEW)
    first = CopyRun.objects.claim()
    assert first
    assert CopyRun.objects.claim() is None
    CopyRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = CopyRun.objects.claim()
    assert second == first
    assert first.owned().count() == 0
    assert not first.finish("done")
    work_on(first, Event())
    assert not stored()
    assert second is not None
    work_on(second, Event())
    second.refresh_from_db()
    assert (second.state, second.copied) == ("done", 11)


def test_a_key_has_one_run_at_a_time(key: ApiKey) -> None:
    run = start_or_resume(key)
    assert start_or_resume(key) == run
    with pytest.raises(AnotherIsActive):
        start_or_resume(key, FEW)
    assert run.perform("cancel")
    assert start_or_resume(key, FEW) != run


def test_who_asks_for_the_same_at_the_same_moment_gets_the_same_run(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = iter([None])

    def first_unfinished(runs: Any) -> Any:
        if next(looked, "twice") is None:
            CopyRun.objects.create(person=key.owner, api_key=key, label=key.label, metadata=FEW)
            return None
        return found(runs)

    found = CopyRuns.first
    monkeypatch.setattr(CopyRuns, "first", first_unfinished)
    assert start_or_resume(key, FEW) == CopyRun.objects.get()


def test_what_the_source_deleted_stays_and_is_marked(key: ApiKey, upstream: Upstream) -> None:
    copy(key, FEW)
    gone, other = sorted(stored())[:2]
    upstream.set("missing", [gone])
    run = copy(key, FEW)
    assert run.gone == 1
    assert Copy.objects.get(deleted_at__isnull=False).completion.completion_id == gone
    assert respond(f"/chat/completions/{gone}").status == 200
    upstream.set("missing", [])
    copy(key, FEW)
    assert not Copy.objects.filter(deleted_at__isnull=False).exists()
    assert other in stored()


@pytest.mark.parametrize(
    "narrowed",
    [{"metadata": {"team": "shipping"}}, {"model": "another"}, {"since": datetime(2025, 11, 1, 12, 26, tzinfo=UTC)}],
)
def test_only_what_was_listed_can_be_found_deleted(key: ApiKey, upstream: Upstream, narrowed: dict[str, Any]) -> None:
    copy(key, FEW)
    upstream.set("missing", sorted(stored())[-2:])
    assert copy(key, **narrowed).gone == 0


def test_another_key_that_does_not_see_a_completion_proves_no_deletion(key: ApiKey, upstream: Upstream) -> None:
    copy(key, FEW)
    key.seal(Secret("sk-good-of-another-project"))
    key.save()
    upstream.set("missing", sorted(stored())[:1])
    assert copy(key, FEW).gone == 0


def test_time_and_metadata_narrow_what_is_copied_even_where_the_server_ignores_them(
    alice: User, upstream: Upstream
) -> None:
    key = make_key(alice, base_url=upstream.base("ignores-metadata"))
    newest = [datetime.fromtimestamp(COMPLETIONS[name]["created"], UTC) for name in LIVE[:9]]
    run = copy(key, FEW, since=newest[-1])
    assert stored() == {name for name in LIVE[:9] if COMPLETIONS[name]["metadata"]["team"] == "returns"}
    assert run.listed == len(stored())


def test_a_list_that_repeats_itself_fails_the_run(key: ApiKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_PAGE_SIZE", 5)
    real = copying.partial
    monkeypatch.setattr(copying, "partial", lambda ask, **asked: real(ask, **(asked | {"after": ""})))
    run = copy(key)
    assert (run.state, run.problem) == ("failed", "unreadable")


def test_a_server_that_cannot_list_fails_the_run(alice: User, upstream: Upstream) -> None:
    run = copy(make_key(alice, base_url=upstream.base("no-list")))
    assert (run.state, run.problem) == ("failed", "unsupported")


def test_given_ids_are_copied_and_nothing_is_listed(key: ApiKey, upstream: Upstream) -> None:
    run = copy(key, ids=(FOLLOWING, CONVERSATION, LIVE[0], WORKING, "resp_never"))
    assert stored() == {FOLLOWING, CONVERSATION, LIVE[0]}
    failed = {WORKING: "unreadable", "resp_never": "not-found"}  # the first is not finished yet
    assert dict(run.failures.values_list("completion_id", "problem")) == failed
    ids = [f"{FOLLOWING}-0", *(item["id"] for item in INPUT_ITEMS[FOLLOWING]), "rs_1"]
    assert [message_id for message_id, _ in said_in(completion_id=FOLLOWING)] == ids
    assert not any(one["path"].endswith("/chat/completions") for one in upstream.asked())


def test_what_metadata_names_is_copied_too_if_it_is_still_there(alice: User, upstream: Upstream) -> None:
    run = copy(make_key(alice, base_url=upstream.base("names-others")), FEW, follows_metadata=True)
    assert CONVERSATION in stored()
    assert (run.copied, run.wanted, run.failures.count()) == (12, 12, 0)


def test_a_response_that_its_source_no_longer_has_stays_here(key: ApiKey, upstream: Upstream) -> None:
    copy(key, ids=(ASKED,))
    upstream.set("missing", [ASKED])
    run = start_or_resume(key, FEW)
    run.tell_to_erase(True)
    work(run)
    assert Copy.objects.get(completion__completion_id=ASKED).deleted_at is None


def test_a_conversation_that_is_named_again_is_copied_anew_if_it_has_grown(key: ApiKey, upstream: Upstream) -> None:
    for grown, copied in ((0, 1), (0, 0), (2, 1)):
        upstream.set("grown", grown)
        run = start_or_resume(key, ids=(CONVERSATION,))
        assert work(run).copied == copied
        assert len(said_in(completion_id=CONVERSATION)) == 250 + grown
    assert Copy.objects.get().host == upstream.host
