"""The process that works on what pages and commands ask for; any number of them share the runs by their leases."""

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

_RUNS = 2  # at a time
_LOOK_EVERY = 2.0  # seconds

_log = logging.getLogger(__name__)


def serve(stopping: Event) -> None:
    """Take up run after run until told to stop; what is being worked on then is given back."""
    working = set[Future[None]]()
    with ThreadPoolExecutor(_RUNS, thread_name_prefix="run") as workers:
        while not stopping.is_set():
            working = {one for one in working if not one.done()}
            run = _claim() if len(working) < _RUNS else None
            if run is None:
                stopping.wait(_LOOK_EVERY)
            else:
                working.add(workers.submit(_work_in_thread, run, stopping))


def work_on(run: CopyRun, stopping: Event) -> None:
    """Work on a claimed run. Raises the database's errors; the run is then free again when its lease lapses."""
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
