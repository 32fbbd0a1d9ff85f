"""Where a secret could be left behind, and what would give it away there."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.db import connection


def kept_in_caches() -> dict[str, str]:
    """Everything that the caches keep, packed as they keep it."""
    kept: dict[str, bytes] = {}
    for cache in caches.all(initialized_only=False):
        if isinstance(cache, RedisCache):
            redis = cache._cache.get_client(write=True)
            kept |= {key.decode(): redis.get(key) for key in redis.scan_iter()}
        elif isinstance(cache, LocMemCache):
            kept |= cache._cache
        else:
            with cache._file.reading() as execute:
                kept |= {key: value.encode() for key, value in execute("SELECT key, value FROM kept")}
    return {key: value.decode("latin-1") for key, value in kept.items()}


def traces(secret: str) -> list[str]:
    """What gives a whole secret away: itself, and its base64 at each alignment without the ends, which neighbours share."""
    packed = [b64encode(b"." * before + secret.encode()).decode()[4:-4] for before in range(3)]
    return [secret, *packed, *(one.translate({ord("+"): "-", ord("/"): "_"}) for one in packed)]


def database_bytes() -> str:
    """Everything the database holds, as the files on disk hold it (or, on another database, as rows)."""
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        name = Path(str(connection.settings_dict["NAME"]))
        # By another process: closing a file of the database here would let go of all locks that SQLite holds on it.
        read = subprocess.run(["cat", *name.parent.glob(f"{name.name}*")], check=True, capture_output=True)
        return read.stdout.decode("latin-1")
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return repr(rows)
