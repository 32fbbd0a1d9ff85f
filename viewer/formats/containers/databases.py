"""Reads SQLite databases of tools by their tables."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from django.utils.translation import gettext

from viewer.formats.document import Document, NotReadable
from viewer.formats.family import FAILURES, Family

from .tables import object_of
from .unpacking import File

_LOOKED_AT = 20  # rows
_LOG = "-wal"  # the end of the name of the file with what SQLite has not moved into the database yet


def lacks_log(file: File) -> bool:
    """Whether a database may lack its newest rows: its tool writes them to a log first, which is not beside it."""
    header = file.peek(20)
    if header[18:19] != b"\2":
        return False
    log = file.beside(_LOG)
    if log is not None:
        log.close()
    return log is None


def rows_of(file: File, families: Iterable[Family], is_known: Callable[[Document], bool]) -> Iterator[tuple[int, str]]:
    """Yield the number and the JSON of each document of the family whose tables a database has.

    Where it is the database of an app of somebody's own, `is_known` says which tables have conversations or messages.
    Raises NotReadable.
    """
    is_incomplete, is_empty = lacks_log(file), True
    with tempfile.TemporaryDirectory(prefix="lectern-") as folder:  # a pipe or an archive has no path
        path = Path(folder) / "copy.sqlite"
        _copy(file, path)
        with closing(sqlite3.connect(path)) as database:
            try:
                for row in _rows(database, families, is_known):
                    is_empty = False
                    yield row
            except NotReadable:
                if not is_incomplete or _tables_of(database):
                    raise
            except (sqlite3.DatabaseError, *FAILURES) as error:
                raise NotReadable(gettext("The SQLite database is damaged: %s") % error) from None
    if is_empty and is_incomplete:
        raise NotReadable(
            gettext(
                "What was said is not in this SQLite database, but in the “-wal” file beside it: "
                "import both in one ZIP."
            )
        )
    if is_empty:
        raise NotReadable(gettext("This SQLite database has no conversations."))


def _copy(file: File, path: Path) -> None:
    """Copy a database and its log, so that SQLite can put them together."""
    with path.open("wb") as copy:
        shutil.copyfileobj(file.content, copy)
    for suffix in (_LOG, "-journal"):
        beside = file.beside(suffix)
        if beside is not None:
            with beside, path.with_name(path.name + suffix).open("wb") as copy:
                shutil.copyfileobj(beside, copy)


def _rows(
    database: sqlite3.Connection, families: Iterable[Family], is_known: Callable[[Document], bool]
) -> Iterator[tuple[int, str]]:
    tables = _tables_of(database)
    readers = [one for one in families if one.rows and one.tables]
    family = next((one for one in readers if one.tables <= tables and _is_told(database, one)), None)
    if family is not None and family.rows is not None:
        yield from family.rows(database)
        return
    renamed = {table: one for table in sorted(tables) for one in readers if _has_columns(database, table, one)}
    is_found = bool(renamed)
    for table, family in renamed.items():
        yield from _under_its_own_name(database, table, family)
    for table in sorted(tables - renamed.keys()):
        for row in _rows_of_table(database, table, is_known):
            is_found = True
            yield row
    if not is_found:
        named = ", ".join(sorted(tables)[:8]) or gettext("none")
        raise NotReadable(
            gettext("This is an SQLite database of a tool that is not known here. Its tables: %s") % named
        )


def _tables_of(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _is_told(database: sqlite3.Connection, family: Family) -> bool:
    """Whether a database has the columns that tell a family from others with tables of the same names."""
    pairs = (name.split(".") for name in family.told_by)
    query = "SELECT 1 FROM pragma_table_info(?) WHERE name = ?"
    return all(database.execute(query, pair).fetchone() for pair in pairs)


def _has_columns(database: sqlite3.Connection, table: str, family: Family) -> bool:
    """Whether a table is one of a family by its columns; some tools let programs choose the names of their tables."""
    columns = {column for (column,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    return columns == family.columns


def _under_its_own_name(database: sqlite3.Connection, table: str, family: Family) -> Iterator[tuple[int, str]]:
    name, given = family.renamed, table.replace('"', '""')
    database.execute(f'CREATE TEMP VIEW {name} AS SELECT * FROM "{given}"')  # noqa: S608
    if family.rows is not None:
        yield from family.rows(database)
    database.execute(f"DROP VIEW temp.{name}")


def _rows_of_table(
    database: sqlite3.Connection, table: str, is_known: Callable[[Document], bool]
) -> Iterator[tuple[int, str]]:
    """Yield the rows of a table that an app has made for itself, if its first ones are records or messages."""
    quoted = table.replace('"', '""')
    rows = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608  # SQLite has no parameters for names
    names = [column[0] for column in rows.description]
    texts = (object_of(zip(names, row, strict=True)) for row in rows)
    first = list(islice(texts, _LOOKED_AT))
    if any(is_known(Document(text)) for text in first):
        yield from enumerate(chain(first, texts), start=1)
