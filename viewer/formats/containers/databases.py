"""Reads SQLite databases of tools by their tables."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import BinaryIO

from django.utils.translation import gettext as _

from viewer.formats.document import NotReadable
from viewer.formats.family import Family


def rows_of(file: BinaryIO, families: Iterable[Family]) -> Iterator[tuple[int, str]]:
    """Yield the number and the JSON of each document of the family whose tables a database has. Raises NotReadable."""
    with tempfile.NamedTemporaryFile(prefix="lectern-", suffix=".sqlite") as copy:  # a pipe or an archive has no path
        shutil.copyfileobj(file, copy)
        copy.flush()
        with closing(sqlite3.connect(f"file:{copy.name}?mode=ro&immutable=1", uri=True)) as database:
            try:
                yield from _rows(database, families)
            except sqlite3.DatabaseError as error:
                raise NotReadable(_("The SQLite database is damaged: %s") % error) from None


def _rows(database: sqlite3.Connection, families: Iterable[Family]) -> Iterator[tuple[int, str]]:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    family = next((one for one in families if one.rows and one.tables and one.tables <= tables), None)
    if family is None or family.rows is None:
        named = ", ".join(sorted(tables)[:8]) or _("none")
        raise NotReadable(_("This is an SQLite database of a tool that is not known here. Its tables: %s") % named)
    yield from family.rows(database)
