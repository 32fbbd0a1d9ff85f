"""Works on one run: lists what the key can read, fetches what is new, stores each completion whole.

Questions are asked in threads, which never touch the database; everything else happens in the thread that calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from time import monotonic
from typing import TypeVar
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion, fit
from viewer.client.client import cursor_behind
from viewer.client.problems import Problem
from viewer.completions.ids import has_address
from viewer.completions.types import Completion, Unreadable
from viewer.keys.models import ApiKey
from viewer.sources.sources import Source

from .fetch import fetch
from .models import LEASE, Copy, CopyRun, problem_fields

_AT_A_TIME = 4  # conversations; half of what one host is asked at a time by default
_PAGE = 100  # completions; the most that OpenAI gives (docs/api-facts.md#pages)
_BEAT = 2.0  # seconds between two looks at whether the run is still ours
_PASSING = ("rate-limited", "unavailable", "timeout")  # worth waiting for
_OF_THE_KEY = ("invalid-key", "forbidden", "quota-exhausted")
_PATIENCE = 8  # waits in a row
_FIRST_WAIT, _LONGEST_BACKOFF, _LONGEST_WAIT = 1.0, 60.0, 3600.0  # seconds
_RESTARTS = 3  # of a list whose cursor was deleted meanwhile

Found = TypeVar("Found")


class Stopped(Exception):
    """The run is no longer ours: it was paused, cancelled or taken over, or this process is to end."""


def work(run: CopyRun, stopping: Event) -> None:
    """Work on a claimed run until it is over, or not ours any more. Raises DatabaseError; the lease then lapses."""
    asking, is_over = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="copying"), Event()
    try:
        if run.api_key is None:
            raise Problem("invalid-key", gettext_noop("The API key was deleted."))
        _Work(run, run.api_key, stopping, asking, is_over).go()
        run.finish(CopyRun.DONE)
    except Stopped:
        run.release()
    except Problem as problem:
        run.finish(CopyRun.FAILED, problem)
    finally:
        is_over.set()
        asking.shutdown(wait=False, cancel_futures=True)


class _Work:
    def __init__(self, run: CopyRun, key: ApiKey, stopping: Event, asking: ThreadPoolExecutor, is_over: Event) -> None:
        self._run, self._key, self._stopping, self._asking, self._is_over = run, key, stopping, asking, is_over
        self._host = urlsplit(key.base_url).netloc
        self._client = replace(Source(key).client, cache_as="")  # a copy is asked for once: readers need the room
        self._is_short = run.only_newest and not run.copied  # one that goes on has copied the newest pages itself
        self._beaten = 0.0
        self._waits = 0
        self._width = float(_AT_A_TIME)

    def go(self) -> None:
        if self._run.only_failed:
            failures = self._run.failures.exclude(completion_id="")
            self._copy([one for one in failures.values_list("completion_id", flat=True) if has_address(one)])
            return
        wanted, seen = self._list()
        self._copy(wanted)
        if not self._is_short:
            self._look_for_deleted(seen)

    def _list(self) -> tuple[list[str], set[str]]:
        """Name what is not in the archive, newest first, and everything that the key sees."""
        wanted, seen, after, cursors, restarts = list[str](), set[str](), "", set[str](), 0
        oldest: datetime | None = datetime.max.replace(tzinfo=UTC)
        self._run.failures.filter(completion_id="").delete()
        self._note(is_listed=False, listed=0, wanted=self._run.copied)
        while True:
            try:
                page = self._ask(
                    partial(
                        self._client.completions,
                        model=self._run.model, metadata=self._run.metadata, after=after, limit=_PAGE,
                    )
                )  # fmt: skip
            except Problem as problem:
                restarts += 1
                if problem.name != "bad-request" or not after or restarts > _RESTARTS:
                    raise
                after = ""
                cursors.clear()
                continue
            ids = self._ids_of(page.items)
            unseen = [one for one in ids if one not in seen]
            new = self._not_in_archive(unseen)
            wanted += new
            seen.update(ids)
            oldest = _oldest(page.items, oldest)
            is_known = self._is_short and not new and len(unseen) == len(page.items)
            after = cursor_behind(page)
            is_end = not after or (oldest is not None and (is_known or self._is_too_old(page.items)))
            self._note(is_listed=is_end, listed=len(seen), wanted=self._run.copied + len(wanted))
            if is_end:
                return wanted, seen
            if after in cursors:
                raise Problem("unreadable", gettext_noop("The pages of the list lead nowhere."))
            cursors.add(after)

    def _ids_of(self, items: tuple[Completion | Unreadable, ...]) -> list[str]:
        """Name the completions of a page that match; some servers ignore the filter (docs/api-facts.md#completions)."""
        ids = []
        for item in items:
            if isinstance(item, Unreadable) or not item.id:
                self._fail(
                    "", Problem("unreadable", getattr(item, "reason", gettext_noop("An entry of the list has no id.")))
                )
            elif not self._run.metadata.items() <= item.metadata.items() or self._is_older(item):
                continue
            elif has_address(item.id):
                ids.append(item.id)
            else:
                self._fail(item.id, Problem("unreadable", gettext_noop("Its id cannot be part of a URL.")))
        return ids

    def _is_too_old(self, items: tuple[Completion | Unreadable, ...]) -> bool:
        return bool(items) and all(isinstance(item, Completion) and self._is_older(item) for item in items)

    def _is_older(self, item: Completion) -> bool:
        return bool(self._run.since and item.created and item.created < self._run.since)

    def _not_in_archive(self, ids: list[str]) -> list[str]:
        """Leave out what is stored already, and note of the copies among them that the key still sees them."""
        stored = {fit(one): one for one in ids}
        known = set(StoredCompletion.objects.filter(completion_id__in=stored).values_list("completion_id", flat=True))
        mine = Q(api_key=self._key) | Q(api_key=None) | Q(deleted_at__isnull=False)
        copies = Copy.objects.filter(mine, host=self._host, completion__completion_id__in=known)
        copies.exclude(api_key=self._key, key_version=self._key.version, deleted_at=None).update(
            api_key=self._key, key_version=self._key.version, deleted_at=None
        )
        return [one for name, one in stored.items() if name not in known]

    def _copy(self, wanted: list[str]) -> None:
        """Fetch several at a time and store each as it comes; a source in trouble is waited for, with nothing asked."""
        left, asked, troubles = deque(wanted), dict[Future[bytes], str](), list[Problem]()
        while left or asked:
            if troubles and not asked:
                self._width = max(1.0, self._width / 2)
                self._wait_for(max(troubles, key=lambda problem: problem.retry_after or 0))
                troubles.clear()
            while left and not troubles and len(asked) < int(self._width):
                completion_id = left.popleft()
                asked[self._asking.submit(fetch, self._client, completion_id, self._is_over)] = completion_id
            for future in self._next_of(set(asked)):
                completion_id = asked.pop(future)
                try:
                    self._store(completion_id, future.result())
                except Problem as problem:
                    trouble = self._trouble_of_source(problem, troubles)
                    if trouble is None:
                        self._fail(completion_id, problem)
                    else:
                        troubles.append(trouble)
                        left.append(completion_id)

    def _store(self, completion_id: str, line: bytes) -> None:
        """Store one completion with all its messages, where it came from and the new count, or nothing at all."""
        try:
            with transaction.atomic():
                if not self._run.held().update(lease_until=timezone.now() + LEASE, copied=F("copied") + 1):
                    raise Stopped
                (outcome,) = import_lines([line])
                if outcome.became != "imported":
                    raise _NotStored(outcome.became, outcome.said)
                Copy.objects.create(
                    completion=StoredCompletion.objects.get(completion_id=completion_id),
                    api_key=self._key, key_version=self._key.version, host=self._host,
                )  # fmt: skip
                self._run.failures.filter(completion_id=completion_id).delete()
        except (_NotStored, IntegrityError) as reason:
            if isinstance(reason, _NotStored) and reason.became == "bad":
                raise Problem("unreadable", reason.said) from None
            self._note(wanted=F("wanted") - 1)  # another run has stored it meanwhile
            self._run.failures.filter(completion_id=completion_id).delete()
        self._waits = 0
        self._width = min(_AT_A_TIME, self._width + 0.1)

    def _trouble_of_source(self, problem: Problem, known: list[Problem]) -> Problem | None:
        """Tell what stops the whole source from what is wrong with one completion: ask the cheapest question."""
        if problem.name not in (*_PASSING, *_OF_THE_KEY):
            return None
        if problem.name == "rate-limited" or known:
            return problem
        tried = self._asking.submit(self._client.check_key)
        self._next_of({tried})
        try:
            tried.result()
        except Problem as trouble:
            return trouble
        return None

    def _look_for_deleted(self, seen: set[str]) -> None:
        """Mark the copies that this very key saw before and now neither lists nor opens, within what was listed."""
        copies = Copy.objects.filter(api_key=self._key, key_version=self._key.version, deleted_at=None)
        if self._run.since:
            copies = copies.filter(completion__created__gte=int(self._run.since.timestamp()))
        if self._run.model:
            copies = copies.filter(completion__model=self._run.model)
        for name, value in self._run.metadata.items():
            copies = copies.filter(completion__metadata__key=name, completion__metadata__value=value)
        unseen = [row for row in copies.values_list("pk", "completion__completion_id") if row[1] not in seen]
        for pk, completion_id in unseen:
            try:
                self._ask(partial(self._client.completion, completion_id))
            except Problem as problem:
                if problem.name in (*_PASSING, *_OF_THE_KEY):
                    raise
                if problem.name == "not-found":
                    Copy.objects.filter(pk=pk).update(deleted_at=timezone.now())
                    self._note(gone=F("gone") + 1)

    def _ask(self, question: Callable[[], Found]) -> Found:
        """Ask one question; while the source is away, wait and ask again."""
        while True:
            asked = self._asking.submit(question)
            self._next_of({asked})
            try:
                found = asked.result()
            except Problem as problem:
                if problem.name not in _PASSING:
                    raise
                self._wait_for(problem)
            else:
                self._waits = 0
                return found

    def _next_of(self, asked: set[Future[Found]]) -> set[Future[Found]]:
        """Wait until one question is answered, keeping the lease meanwhile. Raises Stopped."""
        while True:
            done, _ = wait(asked, timeout=_BEAT, return_when=FIRST_COMPLETED)
            self._beat()
            if done or not asked:
                return done

    def _wait_for(self, problem: Problem) -> None:
        """Wait as long as the source asks, else longer each time. Raises the problem when waiting does not help."""
        if problem.name not in _PASSING or self._waits >= _PATIENCE:
            raise problem
        backoff = min(_LONGEST_BACKOFF, _FIRST_WAIT * 2.0**self._waits)
        seconds = min(_LONGEST_WAIT, max(_FIRST_WAIT, backoff if problem.retry_after is None else problem.retry_after))
        self._waits += 1
        until = monotonic() + seconds
        self._note(waits_until=timezone.now() + timedelta(seconds=seconds), **problem_fields(problem))
        while (left := until - monotonic()) > 0:
            self._stopping.wait(min(left, _BEAT))
            self._beat()
        self._note(waits_until=None, **problem_fields(None))

    def _beat(self) -> None:
        if self._stopping.is_set():
            raise Stopped
        if monotonic() - self._beaten >= _BEAT / 2:
            self._note()

    def _note(self, **fields: object) -> None:
        """Write down how far it is, and keep the lease. Raises Stopped when the run is not ours any more."""
        if not self._run.held().update(lease_until=timezone.now() + LEASE, **fields):
            raise Stopped
        self._beaten = monotonic()

    def _fail(self, completion_id: str, problem: Problem) -> None:
        told = {**problem_fields(problem), "failed_at": timezone.now()}
        failures = self._run.failures.filter(completion_id=fit(completion_id))
        if not completion_id or not failures.update(attempts=F("attempts") + 1, **told):
            self._run.failures.create(completion_id=fit(completion_id), **told)


def _oldest(items: tuple[Completion | Unreadable, ...], before: datetime | None) -> datetime | None:
    """Give the time at which a page ends, or None as soon as the list does not lead from the newest to the oldest."""
    times = [item.created for item in items if isinstance(item, Completion) and item.created]
    if before is None or times != sorted(times, reverse=True) or (times and times[0] > before):
        return None
    return times[-1] if times else before


class _NotStored(Exception):
    def __init__(self, became: str, said: str) -> None:
        self.became, self.said = became, said
