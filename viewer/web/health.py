"""Says to a load balancer whether this process can answer, and to who deploys what is missing."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import caches
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from viewer.deployment.database import kind_of, sqlite_file

from .redis_fallback import RedisElseMemory

_LEAST_FREE = 10_000_000  # bytes on the disk of the SQLite file


@login_not_required
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, else 503. The version is a header: probes compare the body."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        text, status = "ok\n", 200
    except (DatabaseError, InterfaceError):
        text, status = "the database does not answer\n", 503
    headers = {"X-Lectern-Version": settings.VERSION}
    return HttpResponse(text, status=status, content_type="text/plain", headers=headers)


@login_not_required
def ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when people can sign in and read, else 503; say what is wrong. Redis may be away."""
    try:
        states = {"database": _database(), "migrations": _migrations()}
    except (DatabaseError, InterfaceError) as error:
        states = {"database": kind_of(error), "migrations": "unknown"}
    is_ready = set(states.values()) == {"ok"}
    said = {"ready": is_ready, "version": settings.VERSION, **states, "redis": _redis()}
    return JsonResponse(said, status=200 if is_ready else 503)


def _database() -> str:
    """Tell whether the database can be read and written, without writing: a probe comes every few seconds."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW transaction_read_only")
            return "ok" if cursor.fetchone()[0] == "off" else "read-only"
        cursor.execute("SELECT 1")
    file = sqlite_file()
    return "full" if file and shutil.disk_usage(file.parent).free < _LEAST_FREE else "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "missing" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def _redis() -> str:
    cache = caches["default"]
    if not isinstance(cache, RedisElseMemory):
        return "not used"
    cache.get("ready")
    return "away" if cache.is_away else "ok"
