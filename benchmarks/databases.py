"""Databases of the configured kind that are created for a benchmark and dropped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from benchmarks.desk import own_environment
from viewer.settings import env


@contextmanager
def throwaway_database(folder: Path, name: str, template: str = "") -> Iterator[dict[str, str]]:
    """Create a database, empty or as a copy; yield the environment of a process that uses it, and drop it then."""
    create = _postgresql if connection.vendor == "postgresql" else _sqlite
    with create(folder, name, template) as url:
        yield own_environment(DATA_DIR=str(folder), DATABASE_URL=url)


@contextmanager
def _sqlite(folder: Path, name: str, template: str) -> Iterator[str]:
    file = folder / f"{name}.sqlite3"
    if template:
        shutil.copy(folder / f"{template}.sqlite3", file)
    yield f"sqlite:///{file}"
    for made in folder.glob(f"{file.name}*"):
        made.unlink()


@contextmanager
def _postgresql(folder: Path, name: str, template: str) -> Iterator[str]:
    prefix = f"lectern_benchmark_{os.getpid()}_"
    copied = f"TEMPLATE {prefix}{template}" if template else ""
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {prefix}{name} {copied}")
    try:
        yield urlsplit(env.str("DATABASE_URL"))._replace(path=f"/{prefix}{name}").geturl()
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {prefix}{name} WITH (FORCE)")
