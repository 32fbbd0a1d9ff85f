"""Health checks: for load balancers, and for administrators, who see what is wrong."""

from __future__ import annotations

import shutil

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import caches
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from viewer.deployment.database import kind_of, sqlite_file

from .redis_fallback import RedisWithFallback

_MIN_FREE = 10_000_000  # bytes on the disk of the SQLite file


@login_not_required
def health(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the database answers, else 503. The version is in a header, because probes compare the body."""
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
    """Answer 200 if people can sign in and read, else 503, with what is wrong. Redis may be unavailable."""
    try:
        states = {"database": _database(), "migrations": _migrations()}
    except (DatabaseError, InterfaceError) as error:
        states = {"database": kind_of(error), "migrations": "unknown"}
    is_ready = set(states.values()) == {"ok"}
    report = {"ready": is_ready, "version": settings.VERSION, **states, "redis": _redis()}
    return JsonResponse(report, status=200 if is_ready else 503)


def _database() -> str:
    """Check whether the database can be read and written, without writing: probes come every few seconds."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW transaction_read_only")
            return "ok" if cursor.fetchone()[0] == "off" else "read-only"
        cursor.execute("SELECT 1")
    file = sqlite_file()
    return "full" if file and shutil.disk_usage(file.parent).free < _MIN_FREE else "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "missing" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def _redis() -> str:
    cache = caches["default"]
    if not isinstance(cache, RedisWithFallback):
        return "not used"
    cache.get("ready")
    return "away" if cache.is_unavailable else "ok"
