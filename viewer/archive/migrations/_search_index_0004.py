"""The index of the search as migration 0004 makes it. Frozen: `viewer/archive/search_index.py` may go on, this may not."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_ENTRY, _COMPLETION, _MESSAGE = "archive_searchentry", "archive_storedcompletion", "archive_storedmessage"
_FORGET_MESSAGE = (
    f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.completion_id AND (position = OLD.position OR position IS NULL)"
)
_FORGET_COMPLETION = f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.id"
# Where a message is put in, there is no entry yet but that of the answer, which tells that one is missing.
_FORGET_ANSWER = f"DELETE FROM {_ENTRY} WHERE position IS NULL AND completion_id = NEW.completion_id"
_FORGET_ANSWERS = (
    f"DELETE FROM {_ENTRY} WHERE position IS NULL "
    "AND completion_id = ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
)
# What happens to which table, and what is no longer true then.
_STALE = [
    ("AFTER INSERT", _MESSAGE, _FORGET_ANSWER),
    ("AFTER DELETE", _MESSAGE, _FORGET_MESSAGE),
    ("AFTER UPDATE", _MESSAGE, _FORGET_MESSAGE),
    ("AFTER UPDATE", _COMPLETION, _FORGET_COMPLETION),
    ("BEFORE DELETE", _COMPLETION, _FORGET_COMPLETION),
]
_TAKE_OUT = "INSERT INTO archive_search(archive_search, rowid, words) VALUES ('delete', OLD.id, OLD.words);"
_PUT_IN = "INSERT INTO archive_search(rowid, words) VALUES (NEW.id, NEW.words);"
_SQLITE = [
    # The words are cut already, and `ascii` splits at nothing else. No lists of beginnings (`prefix=`): they would cost
    # a third more when importing, and spare 3 ms where fifty thousand entries match.
    f"CREATE VIRTUAL TABLE archive_search USING fts5(words, content='{_ENTRY}', content_rowid='id', tokenize='ascii')",
    # Gathered in memory until 8 MB: the default of 1 MB would write many small segments and merge them again.
    "INSERT INTO archive_search(archive_search, rank) VALUES ('hashsize', 8000000)",
    f"CREATE TRIGGER archive_search_insert AFTER INSERT ON {_ENTRY} BEGIN {_PUT_IN} END",
    f"CREATE TRIGGER archive_search_delete AFTER DELETE ON {_ENTRY} BEGIN {_TAKE_OUT} END",
    f"CREATE TRIGGER archive_search_update AFTER UPDATE ON {_ENTRY} BEGIN {_TAKE_OUT} {_PUT_IN} END",
]
_POSTGRESQL = [
    f"ALTER TABLE {_ENTRY} ADD COLUMN vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED",
    f"ALTER TABLE {_ENTRY} ALTER COLUMN vector SET STATISTICS 1000",
    f"CREATE INDEX archive_search ON {_ENTRY} USING gin (vector)",
]


def create(on: BaseDatabaseWrapper) -> None:
    """Make the index and the triggers, for whatever entries there are."""
    is_sqlite = on.vendor == "sqlite"
    with on.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)
        if is_sqlite:
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('rebuild')")
    watch(on)


def drop(on: BaseDatabaseWrapper) -> None:
    """Take the index and the triggers away, whatever state they are in."""
    unwatch(on)
    with on.cursor() as cursor:
        if on.vendor == "sqlite":
            for event in ("insert", "delete", "update"):
                cursor.execute(f"DROP TRIGGER IF EXISTS archive_search_{event}")
            cursor.execute("DROP TABLE IF EXISTS archive_search")
        else:
            cursor.execute(f"ALTER TABLE {_ENTRY} DROP COLUMN IF EXISTS vector")


def watch(on: BaseDatabaseWrapper) -> None:
    """Make the triggers that forget what a change has made untrue. They cost no look at what is stored already."""
    with on.cursor() as cursor:
        for number, (moment, table, action) in enumerate(_STALE):
            name, each = f"archive_stale_{number}", "FOR EACH ROW"
            if on.vendor == "sqlite":
                cursor.execute(f"CREATE TRIGGER {name} {moment} ON {table} BEGIN {action}; END")
                continue
            if moment == "AFTER INSERT":  # once for all rows of a statement, for an import puts in thousands
                action, each = _FORGET_ANSWERS, "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
            gives = "OLD" if moment == "BEFORE DELETE" else "NULL"
            cursor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {action}; RETURN {gives}; END $$"
            )
            cursor.execute(f"CREATE TRIGGER {name} {moment} ON {table} {each} EXECUTE FUNCTION {name}()")


def unwatch(on: BaseDatabaseWrapper) -> None:
    """Take the triggers away that `watch` makes, those of an older version too."""
    with on.cursor() as cursor:
        for number, (_, table, _) in enumerate(_STALE):
            name = f"archive_stale_{number}"
            if on.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")
