"""What the worker process does for spans: one of those that run joins them, and the others stand by."""

from __future__ import annotations

import logging
from functools import partial
from threading import Event

from django.db import Error as DatabaseFailure

from viewer.sync.worker import Job, renewed

from .cleaning import forget_passed
from .joining import join_due
from .models import Joiner, Stopped, Trace, TracedConversation
from .settling import settle

_SETTLED_FIRST = 10  # times as many traces as are settled at once
_PAUSE = 0.5  # seconds between looks while something is not quiet yet

_log = logging.getLogger(__name__)


def claim_joining() -> Job | None:
    """Claim the lease if something waits."""
    if not _something_waits():
        return None
    joiner = Joiner.claim()
    return Job("What spans tell", partial(join_spans, joiner)) if joiner else None


def join_spans(joiner: Joiner, stopping: Event) -> None:
    """Join all that waits, and what comes meanwhile. Raises the database's errors; the lease then expires."""
    try:
        with renewed(joiner.owned):
            while not stopping.is_set():
                for _ in range(_SETTLED_FIRST):  # each conversation is then stored once for all of its traces
                    if not (is_busy := settle(joiner)):
                        break
                is_busy = join_due(joiner) or is_busy
                forget_passed(joiner)
                if not is_busy:
                    if not _something_waits():
                        break
                    stopping.wait(_PAUSE)
        joiner.release()
    except Stopped:
        pass
    except DatabaseFailure:
        raise
    except Exception:
        _log.exception("Spans could not be joined")


def _something_waits() -> bool:
    is_due = TracedConversation.objects.filter(due_at__isnull=False).exists()
    return is_due or Trace.objects.filter(since__isnull=False).exists()
