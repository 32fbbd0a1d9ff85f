"""The worker process. Any number of workers share the runs by leases."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

from django.db import Error as DatabaseFailure
from django.db import connection
from django.utils.translation import gettext_noop

from viewer.client.problems import Problem
from viewer.deployment.database import cause_of

from .models import CopyRun
from .work import work

_MAX_RUNS = 2  # at a time
_POLL_SECONDS = 2.0

_log = logging.getLogger(__name__)


def serve(stopping: Event) -> None:
    """Process runs until `stopping` is set, then release those in progress."""
    active = set[Future[None]]()
    with ThreadPoolExecutor(_MAX_RUNS, thread_name_prefix="run") as workers:
        while not stopping.is_set():
            active = {future for future in active if not future.done()}
            run = _claim() if len(active) < _MAX_RUNS else None
            if run is None:
                stopping.wait(_POLL_SECONDS)
            else:
                active.add(workers.submit(_work_in_thread, run, stopping))


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


def _work_in_thread(run: CopyRun, stopping: Event) -> None:
    try:
        work_on(run, stopping)
    except DatabaseFailure as error:
        _log.error("What run %s copied could not be written; it goes on in a while: %s", run.pk, cause_of(error))
    finally:
        connection.close()


def _claim() -> CopyRun | None:
    try:
        return CopyRun.objects.claim()
    except DatabaseFailure:
        connection.close()
        return None
