"""Processes one run: lists what the key can read, fetches what is new, stores each completion as a whole.

Requests are sent in threads, which never use the database; everything else happens in the calling thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from viewer.archive.erased import erased_among
from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion, belongs_to_visible, fit
from viewer.client.client import next_cursor
from viewer.client.other_api import is_of_other_api
from viewer.client.problems import Problem
from viewer.completions.ids import has_address
from viewer.completions.types import Completion, Unreadable
from viewer.keys.models import ApiKey
from viewer.sources.sources import Source

from .fetch import fetch
from .models import LEASE, Copy, CopyRun, problem_fields
from .signals import deleted_at_source

_MAX_CONCURRENCY = 4  # conversations; half of the default limit of one host
_PAGE_SIZE = 100  # completions; OpenAI's maximum (docs/api-facts.md#pages)
_HEARTBEAT_SECONDS = 2.0  # between two checks whether the run is still ours
_TRANSIENT = ("rate-limited", "unavailable", "timeout")  # worth waiting for
_KEY_PROBLEMS = ("invalid-key", "forbidden", "quota-exhausted")
_MAX_WAITS = 8  # waits in a row
_FIRST_WAIT, _MAX_BACKOFF, _MAX_WAIT = 1.0, 60.0, 3600.0  # seconds
_MAX_RESTARTS = 3  # of a list whose cursor was deleted meanwhile

Result = TypeVar("Result")


class Stopped(Exception):
    """The run is no longer ours: it was paused, cancelled or taken over, or this process is stopping."""


def work(run: CopyRun, stopping: Event) -> None:
    """Process a claimed run until it is over or no longer ours. Raises DatabaseError; the lease then expires."""
    pool, is_over = ThreadPoolExecutor(_MAX_CONCURRENCY, thread_name_prefix="copying"), Event()
    try:
        if run.api_key is None:
            raise Problem("invalid-key", gettext_noop("The API key was deleted."))
        _Work(run, run.api_key, stopping, pool, is_over).execute()
        run.finish(CopyRun.DONE)
    except Stopped:
        run.release()
    except Problem as problem:
        run.finish(CopyRun.FAILED, problem)
    finally:
        is_over.set()
        pool.shutdown(wait=False, cancel_futures=True)


class _Work:
    def __init__(self, run: CopyRun, key: ApiKey, stopping: Event, pool: ThreadPoolExecutor, is_over: Event) -> None:
        self._run, self._key, self._stopping, self._pool, self._is_over = run, key, stopping, pool, is_over
        self._host = urlsplit(key.base_url).netloc
        self._client = replace(Source(key).client, cache_as="")  # each URL is read only once; the cache is for readers
        # A run that was interrupted has copied the newest pages itself, so it lists everything.
        self._stops_at_known = run.only_newest and not run.copied
        self._last_heartbeat = 0.0
        self._named = set[str]()  # ids that stand in metadata
        self._known = set[str]()  # ids that are copied once more
        self._waits = 0
        self._concurrency = float(_MAX_CONCURRENCY)

    def execute(self) -> None:
        if self._run.only_failed:
            failures = self._run.failures.exclude(completion_id="")
            self._copy([*filter(has_address, failures.values_list("completion_id", flat=True))])
            return
        if ids := self._run.selection.ids:
            wanted = self._not_in_archive(list(ids)) + self._conversations_among(ids)
            self._save(is_listed=True, listed=len(ids), wanted=self._run.copied + len(wanted))
            self._copy(wanted)
            return
        wanted, seen = self._list()
        self._copy(wanted)
        if not self._stops_at_known:
            self._mark_deleted(seen)

    def _conversations_among(self, ids: Iterable[str]) -> list[str]:
        """Return the given conversations that were copied before from here: unlike all else, they grow."""
        by_stored_id = {fit(one): one for one in ids if one.startswith("conv_")}
        copies = Copy.objects.filter(
            host=self._host, completion__owner=None, completion__completion_id__in=by_stored_id
        )
        again = [by_stored_id[one] for one in copies.values_list("completion__completion_id", flat=True)]
        self._known.update(again)
        return again

    def _list(self) -> tuple[list[str], set[str]]:
        """Return the ids that are not in the archive, newest first, and all ids that the key sees."""
        wanted, seen, after, cursors, restarts = list[str](), set[str](), "", set[str](), 0
        oldest: datetime | None = datetime.max.replace(tzinfo=UTC)
        self._run.failures.filter(completion_id="").delete()
        self._save(is_listed=False, listed=0, wanted=self._run.copied)
        while True:
            try:
                page = self._request(
                    partial(
                        self._client.completions,
                        model=self._run.model, metadata=self._run.metadata, after=after, limit=_PAGE_SIZE,
                    )
                )  # fmt: skip
            except Problem as problem:
                restarts += 1
                if problem.name != "bad-request" or not after or restarts > _MAX_RESTARTS:
                    raise
                after = ""
                cursors.clear()
                continue
            ids = self._ids_of(page.items)
            unseen = [completion_id for completion_id in ids if completion_id not in seen]
            new = self._not_in_archive(unseen)
            wanted += new
            seen.update(ids)
            if self._run.follows_metadata:
                named = [one for one in _named_by(page.items, set(ids)) if one not in self._named and one not in seen]
                self._named.update(named)
                wanted += self._not_in_archive(named)
            oldest = _oldest(page.items, oldest)
            is_known = self._stops_at_known and not new and len(unseen) == len(page.items)
            after = next_cursor(page)
            is_end = not after or (oldest is not None and (is_known or self._is_too_old(page.items)))
            self._save(is_listed=is_end, listed=len(seen | self._named), wanted=self._run.copied + len(wanted))
            if is_end:
                return wanted, seen
            if after in cursors:
                raise Problem("unreadable", gettext_noop("The pages of the list lead nowhere."))
            cursors.add(after)

    def _ids_of(self, items: tuple[Completion | Unreadable, ...]) -> list[str]:
        """Return the ids in a page that match; some servers ignore the filter (docs/api-facts.md#completions)."""
        ids = []
        for item in items:
            if isinstance(item, Unreadable) or not item.id:
                self._record_failure(
                    "", Problem("unreadable", getattr(item, "reason", gettext_noop("An entry of the list has no id.")))
                )
            elif not self._run.metadata.items() <= item.metadata.items() or self._is_older(item):
                continue
            elif has_address(item.id):
                ids.append(item.id)
            else:
                self._record_failure(item.id, Problem("unreadable", gettext_noop("Its id cannot be part of a URL.")))
        return ids

    def _is_too_old(self, items: tuple[Completion | Unreadable, ...]) -> bool:
        return bool(items) and all(isinstance(item, Completion) and self._is_older(item) for item in items)

    def _is_older(self, item: Completion) -> bool:
        return bool(self._run.since and item.created and item.created < self._run.since)

    def _not_in_archive(self, ids: list[str]) -> list[str]:
        """Return the ids that are not stored yet. For stored copies, record that this key still sees them."""
        by_stored_id = {fit(completion_id): completion_id for completion_id in ids}
        stored = StoredCompletion.objects.filter(completion_id__in=by_stored_id, owner=None)
        known = set(stored.values_list("completion_id", flat=True))
        may_update = Q(api_key=self._key) | Q(api_key=None) | Q(deleted_at__isnull=False)
        may_see = belongs_to_visible(self._key.owner_id)
        copies = Copy.objects.filter(may_update, may_see, host=self._host, completion__completion_id__in=by_stored_id)
        copies.exclude(api_key=self._key, key_version=self._key.version, deleted_at=None).update(
            api_key=self._key, key_version=self._key.version, deleted_at=None
        )
        known |= erased_among(by_stored_id)
        return [completion_id for stored_id, completion_id in by_stored_id.items() if stored_id not in known]

    def _copy(self, wanted: list[str]) -> None:
        """Fetch several at a time and store each when it arrives. When the source has a problem, pause all of them."""
        left, pending, problems = deque(wanted), dict[Future[bytes], str](), list[Problem]()
        while left or pending:
            if problems and not pending:
                self._concurrency = max(1.0, self._concurrency / 2)
                self._back_off(max(problems, key=lambda problem: problem.retry_after or 0))
                problems.clear()
            while left and not problems and len(pending) < int(self._concurrency):
                completion_id = left.popleft()
                pending[self._pool.submit(fetch, self._client, completion_id, self._is_over)] = completion_id
            for future in self._wait_for_any(set(pending)):
                completion_id = pending.pop(future)
                try:
                    self._store(completion_id, future.result())
                except Problem as problem:
                    source_problem = self._problem_of_source(problem, problems)
                    if source_problem is None and problem.name == "not-found" and completion_id in self._named:
                        self._save(wanted=F("wanted") - 1)  # OpenAI deletes responses after a while
                    elif source_problem is None:
                        self._record_failure(completion_id, problem)
                    else:
                        problems.append(source_problem)
                        left.append(completion_id)

    def _store(self, completion_id: str, line: bytes) -> None:
        """Store one completion with all its messages, its origin and the new count, in one transaction."""
        try:
            with transaction.atomic():
                if not self._run.owned().update(lease_until=timezone.now() + LEASE, copied=F("copied") + 1):
                    raise Stopped
                (outcome,) = import_lines([line], replace=completion_id in self._known)
                if outcome.status not in ("imported", "replaced"):
                    raise _NotStored(outcome.status, outcome.message)
                Copy.objects.create(
                    completion=StoredCompletion.objects.get(completion_id=completion_id, owner=None),
                    api_key=self._key, key_version=self._key.version, host=self._host,
                )  # fmt: skip
                self._run.failures.filter(completion_id=completion_id).delete()
        except (_NotStored, IntegrityError) as reason:
            if isinstance(reason, _NotStored) and reason.status == "bad":
                raise Problem("unreadable", reason.message) from None
            self._save(wanted=F("wanted") - 1)  # another run has stored it meanwhile, or nothing is new in it
            self._run.failures.filter(completion_id=completion_id).delete()
        self._waits = 0
        self._concurrency = min(_MAX_CONCURRENCY, self._concurrency + 0.1)

    def _problem_of_source(self, problem: Problem, known: list[Problem]) -> Problem | None:
        """Return the problem of the source, or None if only one completion has it, which a cheap request shows."""
        if problem.name not in (*_TRANSIENT, *_KEY_PROBLEMS):
            return None
        if problem.name == "rate-limited" or known:
            return problem
        check = self._pool.submit(self._client.check_key)
        self._wait_for_any({check})
        try:
            check.result()
        except Problem as source_problem:
            return source_problem
        return None

    def _mark_deleted(self, seen: set[str]) -> None:
        """Mark copies as deleted that this version of the key saw before, and now neither lists nor opens."""
        # OpenAI deletes responses by itself, which is no reason to erase them here.
        copies = Copy.objects.exclude(completion__completion_id__startswith="resp_")
        copies = copies.filter(api_key=self._key, key_version=self._key.version)
        if self._run.since:
            copies = copies.filter(completion__created__gte=int(self._run.since.timestamp()))
        if self._run.model:
            copies = copies.filter(completion__model=self._run.model)
        for name, value in self._run.metadata.items():
            copies = copies.filter(completion__metadata__key=name, completion__metadata__value=value)
        known = copies.filter(deleted_at=None).values_list("pk", "completion__completion_id")
        unseen = [row for row in known if row[1] not in seen]
        for pk, completion_id in unseen:
            try:
                self._request(partial(self._client.completion, completion_id))
            except Problem as problem:
                if problem.name in (*_TRANSIENT, *_KEY_PROBLEMS):
                    raise
                if problem.name == "not-found":
                    Copy.objects.filter(pk=pk).update(deleted_at=timezone.now())
                    self._save(gone=F("gone") + 1)
        if seen and self._run.owned().filter(erases_deleted=True).exists():
            self._erase_deleted(copies.filter(deleted_at__isnull=False))

    def _erase_deleted(self, copies: QuerySet[Copy]) -> None:
        """Have erased here what the source no longer has. One that lists nothing at all may have been exchanged."""
        ids = list(copies.values_list("completion__completion_id", flat=True))
        answers: list[tuple[Any, Any]] = deleted_at_source.send(CopyRun, completion_ids=ids, host=self._host)
        self._save(erased=sum(count for _, count in answers))

    def _request(self, send: Callable[[], Result]) -> Result:
        """Send one request; while the source is unavailable, wait and retry."""
        while True:
            future = self._pool.submit(send)
            self._wait_for_any({future})
            try:
                result = future.result()
            except Problem as problem:
                if problem.name not in _TRANSIENT:
                    raise
                self._back_off(problem)
            else:
                self._waits = 0
                return result

    def _wait_for_any(self, pending: set[Future[Result]]) -> set[Future[Result]]:
        """Wait until a request is done, and renew the lease meanwhile. Raises Stopped."""
        while True:
            done, _ = wait(pending, timeout=_HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
            self._heartbeat()
            if done or not pending:
                return done

    def _back_off(self, problem: Problem) -> None:
        """Wait as long as the source demands, else longer each time. Raises the problem when waiting does not help."""
        if problem.name not in _TRANSIENT or self._waits >= _MAX_WAITS:
            raise problem
        backoff = min(_MAX_BACKOFF, _FIRST_WAIT * 2.0**self._waits)
        seconds = min(_MAX_WAIT, max(_FIRST_WAIT, backoff if problem.retry_after is None else problem.retry_after))
        self._waits += 1
        until = monotonic() + seconds
        self._save(waits_until=timezone.now() + timedelta(seconds=seconds), **problem_fields(problem))
        while (left := until - monotonic()) > 0:
            self._stopping.wait(min(left, _HEARTBEAT_SECONDS))
            self._heartbeat()
        self._save(waits_until=None, **problem_fields(None))

    def _heartbeat(self) -> None:
        if self._stopping.is_set():
            raise Stopped
        if monotonic() - self._last_heartbeat >= _HEARTBEAT_SECONDS / 2:
            self._save()

    def _save(self, **fields: object) -> None:
        """Save the progress and renew the lease. Raises Stopped when the run is no longer ours."""
        if not self._run.owned().update(lease_until=timezone.now() + LEASE, **fields):
            raise Stopped
        self._last_heartbeat = monotonic()

    def _record_failure(self, completion_id: str, problem: Problem) -> None:
        fields = {**problem_fields(problem), "failed_at": timezone.now()}
        failures = self._run.failures.filter(completion_id=fit(completion_id))
        if not completion_id or not failures.update(attempts=F("attempts") + 1, **fields):
            self._run.failures.create(completion_id=fit(completion_id), **fields)


def _named_by(items: tuple[Completion | Unreadable, ...], ids: set[str]) -> list[str]:
    """Return the ids of responses and conversations in the metadata of the items with these ids, each once."""
    matching = (item for item in items if isinstance(item, Completion) and item.id in ids)
    values = (value.strip() for item in matching for value in item.metadata.values())
    return list(dict.fromkeys(value for value in values if is_of_other_api(value) and has_address(value)))


def _oldest(items: tuple[Completion | Unreadable, ...], previous: datetime | None) -> datetime | None:
    """Return the oldest time so far, or None once the list is not in order from the newest to the oldest."""
    times = [item.created for item in items if isinstance(item, Completion) and item.created]
    if previous is None or times != sorted(times, reverse=True) or (times and times[0] > previous):
        return None
    return times[-1] if times else previous


class _NotStored(Exception):
    def __init__(self, status: str, message: str) -> None:
        self.status, self.message = status, message
