"""The worker process. Any number of workers share the runs, and other jobs, by leases."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Event, Thread
from typing import Any

from django.db import Error as DatabaseFailure
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from viewer.client.problems import Problem
from viewer.deployment.database import cause_of

from .models import LEASE, CopyRun
from .work import work

_MAX_JOBS = 2  # of a kind at a time
_POLL_SECONDS = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something claimed by a lease. `name` is for the log; `work` raises the database's errors, which end the lease."""

    name: str
    work: Callable[[Event], None]


Claim = Callable[[], Job | None]


def serve(stopping: Event, claim: Claim) -> None:
    """Process what `claim` returns until `stopping` is set, then release what is in progress."""
    active = set[Future[None]]()
    with ThreadPoolExecutor(_MAX_JOBS, thread_name_prefix="job") as workers:
        while not stopping.is_set():
            active = {future for future in active if not future.done()}
            job = _next(claim) if len(active) < _MAX_JOBS else None
            if job is None:
                stopping.wait(_POLL_SECONDS)
            else:
                active.add(workers.submit(_work_in_thread, job, stopping))


@contextmanager
def renewed(owned: Callable[[], QuerySet[Any]]) -> Iterator[None]:
    """Renew the lease of a row from a thread of its own: what is done meanwhile can take longer than a lease.

    `owned` queries the row as long as it is held.
    """
    is_over = Event()

    def renew() -> None:
        while not is_over.wait(LEASE.total_seconds() / 3):
            with suppress(DatabaseFailure):  # the next one may succeed, or the lease is lost
                owned().update(lease_until=timezone.now() + LEASE)
        connection.close()

    thread = Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def claim_run() -> Job | None:
    """Claim a run."""
    run = CopyRun.objects.claim()
    return Job(f"What run {run.pk} copied", partial(work_on, run)) if run else None


def work_on(run: CopyRun, stopping: Event) -> None:
    """Process a claimed run. Raises the database's errors; the run can then be claimed again when its lease expires."""
    try:
        work(run, stopping)
    except DatabaseFailure:
        raise
    except Exception:
        _log.exception("Run %s failed", run.pk)
        run.finish(
            CopyRun.FAILED,
            Problem(
                "unavailable",
                gettext_noop("Something went wrong in Lectern, not at the source. See the log."),
            ),
        )


def _work_in_thread(job: Job, stopping: Event) -> None:
    try:
        job.work(stopping)
    except DatabaseFailure as error:
        _log.error("%s could not be written; it goes on in a while: %s", job.name, cause_of(error))
    finally:
        connection.close()


def _next(claim: Claim) -> Job | None:
    try:
        return claim()
    except DatabaseFailure:
        connection.close()
        return None
