"""What the worker process does for uploads: it claims those whose file is in its folder, and works on them."""

from __future__ import annotations

import logging
from functools import partial
from threading import Event

from django.db import Error as DatabaseFailure

from viewer.sync.worker import Job

from . import files
from .models import Upload
from .work import work

_log = logging.getLogger(__name__)


def claim_upload() -> Job | None:
    """Claim an upload."""
    try:
        place = files.place()
    except OSError:
        return None  # whoever uploads something is told
    upload = Upload.objects.claim(place)
    return Job(f"Upload {upload.pk}", partial(work_on, upload)) if upload else None


def work_on(upload: Upload, stopping: Event) -> None:
    """Process a claimed upload. Raises the database's errors; it can be claimed again when its lease expires."""
    try:
        work(upload, stopping)
    except DatabaseFailure:
        raise
    except Exception:
        _log.exception("Upload %s failed", upload.pk)
        upload.fail("broken")
