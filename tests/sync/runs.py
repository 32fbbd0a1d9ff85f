"""Runs that copy from an API key into the archive, as a worker does it but in this process."""

from __future__ import annotations

from threading import Event
from typing import Any

from viewer.keys.models import ApiKey
from viewer.sync.models import CopyRun, Selection
from viewer.sync.worker import work_on

FEW = {"team": "returns"}  # eleven completions, none of them long


def start_or_resume(key: ApiKey, metadata: dict[str, str] | None = None, **filters: Any) -> CopyRun:
    only_newest = filters.pop("only_newest", False)
    return CopyRun.objects.start_or_resume(key, Selection(metadata=metadata or {}, **filters), only_newest=only_newest)


def work(run: CopyRun, stopping: Event | None = None) -> CopyRun:
    claimed = CopyRun.objects.filter(pk=run.pk).claim()
    assert claimed
    work_on(claimed, stopping or Event())
    run.refresh_from_db()
    return run


def copy(key: ApiKey, metadata: dict[str, str] | None = None, **filters: Any) -> CopyRun:
    return work(start_or_resume(key, metadata, **filters))
