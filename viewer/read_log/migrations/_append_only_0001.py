"""The triggers that let nobody change or delete a row of the read log.

Whoever controls the database can drop them; they are against mistakes, against our own code, and against whatever gets
SQL into it. A migration that changes them or the table has to drop and create them: SQLite makes a table anew for a new
column, and loses what hangs on it.
"""

from __future__ import annotations

from typing import Any

_REFUSED = "the read log is append-only"
_SQLITE = {
    "update": "BEFORE UPDATE ON read_log_reading",
    "delete": "BEFORE DELETE ON read_log_reading",
    # INSERT OR REPLACE deletes the row that has the same id, without asking the trigger above.
    "replace": "BEFORE INSERT ON read_log_reading WHEN EXISTS (SELECT 1 FROM read_log_reading WHERE id = NEW.id)",
}
_FUNCTION = f"""
CREATE FUNCTION read_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.action NOT IN ('erase', 'prune')
            AND OLD.at < NULLIF(current_setting('lectern.prune_before', true), '')::timestamptz THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_POSTGRESQL = {
    "change": "BEFORE UPDATE OR DELETE ON read_log_reading FOR EACH ROW",
    "truncate": "BEFORE TRUNCATE ON read_log_reading FOR EACH STATEMENT",
}


def create(on: Any) -> None:
    """Create the triggers on a connection."""
    with on.cursor() as cursor:
        if on.vendor == "sqlite":
            for name, event in _SQLITE.items():
                cursor.execute(f"CREATE TRIGGER read_log_{name} {event} BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END")
            return
        cursor.execute(_FUNCTION)
        for name, event in _POSTGRESQL.items():
            cursor.execute(f"CREATE TRIGGER read_log_{name} {event} EXECUTE FUNCTION read_log_refuse()")
            # Also where triggers are off for a session (session_replication_role), as some tools set it.
            cursor.execute(f"ALTER TABLE read_log_reading ENABLE ALWAYS TRIGGER read_log_{name}")


def drop(on: Any) -> None:
    """Drop the triggers on a connection."""
    with on.cursor() as cursor:
        if on.vendor == "sqlite":
            for name in _SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS read_log_{name}")
            return
        cursor.execute("DROP FUNCTION IF EXISTS read_log_refuse() CASCADE")
