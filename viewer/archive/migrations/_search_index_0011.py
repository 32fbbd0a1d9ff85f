"""The index of the search as migration 0011 makes it. Frozen: `viewer/archive/search/index.py` may go on, this may not."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_PACK, _COMPLETION, _MESSAGE = "archive_searchpack", "archive_storedcompletion", "archive_storedmessage"
_DOCUMENT, _SUMMARY = "archive_searchdocument", "archive_storedsummary"
_DELETE = f"DELETE FROM {_PACK} WHERE completion_id = "
_DELETE_ADDED = f"{_DELETE} ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
# Event, table, and the statement that deletes the packs it makes stale.
_INVALIDATIONS = [
    ("AFTER INSERT", _MESSAGE, f"{_DELETE} NEW.completion_id"),
    ("AFTER DELETE", _MESSAGE, f"{_DELETE} OLD.completion_id"),
    ("AFTER UPDATE", _MESSAGE, f"{_DELETE} OLD.completion_id"),
    # Not of the owner: whom it belongs to is not in the index.
    ("AFTER UPDATE OF created, model, body", _COMPLETION, f"{_DELETE} OLD.id"),
    ("BEFORE DELETE", _COMPLETION, f"{_DELETE} OLD.id"),
]
_DELETE_DOCUMENTS = (
    f"DELETE FROM {_DOCUMENT} WHERE completion_id = OLD.completion_id; "
    f"DELETE FROM {_SUMMARY} WHERE completion_id = OLD.completion_id"
)
_REMOVE_TOKENS = (
    "INSERT INTO archive_search(archive_search, rowid, tokens) VALUES ('delete', OLD.id, archive_unpack(OLD.tokens));"
)
_ADD_TOKENS = "INSERT INTO archive_search(rowid, tokens) VALUES (NEW.id, archive_unpack(NEW.tokens));"
_SQLITE = [
    # The tokens are split already, and `ascii` splits at nothing but spaces. They have neither order nor number, so the
    # index keeps no positions. Nor does it keep the tokens: to delete a document it is given them again.
    "CREATE VIRTUAL TABLE archive_search USING fts5(tokens, content='', tokenize='ascii', detail=none, columnsize=0)",
    # Buffer up to 8 MB in memory: the default of 1 MB would write many small segments and merge them again.
    "INSERT INTO archive_search(archive_search, rank) VALUES ('hashsize', 8000000)",
    f"CREATE TRIGGER archive_search_insert AFTER INSERT ON {_DOCUMENT} BEGIN {_ADD_TOKENS} END",
    f"CREATE TRIGGER archive_search_delete AFTER DELETE ON {_DOCUMENT} BEGIN {_REMOVE_TOKENS} END",
    f"CREATE TRIGGER archive_search_update AFTER UPDATE ON {_DOCUMENT} BEGIN {_REMOVE_TOKENS} {_ADD_TOKENS} END",
    f"CREATE TRIGGER archive_search_stale AFTER DELETE ON {_PACK} WHEN OLD.is_last "
    f"BEGIN {_DELETE_DOCUMENTS}; END",
]
_POSTGRESQL = [
    f"ALTER TABLE {_PACK} ALTER COLUMN words SET STORAGE EXTERNAL",  # they are compressed already
    # Long values stand aside: a search reads the rows of all documents that match, and so they fit into few pages.
    f"ALTER TABLE {_DOCUMENT} ALTER COLUMN signature SET STORAGE EXTERNAL",
    f"ALTER TABLE {_DOCUMENT} SET (toast_tuple_target = 128)",
    # As costly as it says: the planner would otherwise rather make the vectors of thousands of documents than look into
    # the index, wherever it thinks that most documents match.
    "CREATE FUNCTION archive_tokens(tokens text) RETURNS tsvector IMMUTABLE PARALLEL SAFE COST 100000 "
    "LANGUAGE plpgsql AS $$ BEGIN RETURN array_to_tsvector(string_to_array(tokens, ' ')); END $$",
    f"CREATE INDEX archive_search ON {_DOCUMENT} USING gin (archive_tokens(tokens))",
    "CREATE FUNCTION archive_search_stale() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN {_DELETE_DOCUMENTS}; RETURN NULL; END $$",
    f"CREATE TRIGGER archive_search_stale AFTER DELETE ON {_PACK} FOR EACH ROW WHEN (OLD.is_last) "
    "EXECUTE FUNCTION archive_search_stale()",
]


def create(database: BaseDatabaseWrapper) -> None:
    """Create the index and the triggers, and index the existing documents."""
    is_sqlite = database.vendor == "sqlite"
    with database.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)
        if is_sqlite:
            documents = f"SELECT id, archive_unpack(tokens) FROM {_DOCUMENT}"
            cursor.execute(f"INSERT INTO archive_search(rowid, tokens) {documents}")
    create_triggers(database)


def drop(database: BaseDatabaseWrapper) -> None:
    """Drop the index and the triggers, whatever state they are in."""
    drop_triggers(database)
    with database.cursor() as cursor:
        if database.vendor == "sqlite":
            for event in ("insert", "delete", "update", "stale"):
                cursor.execute(f"DROP TRIGGER IF EXISTS archive_search_{event}")
            cursor.execute("DROP TABLE IF EXISTS archive_search")
        else:
            cursor.execute(f"DROP TRIGGER IF EXISTS archive_search_stale ON {_PACK}")
            cursor.execute("DROP FUNCTION IF EXISTS archive_search_stale()")
            cursor.execute("DROP INDEX IF EXISTS archive_search")
            cursor.execute("DROP FUNCTION IF EXISTS archive_tokens(text)")


def create_triggers(database: BaseDatabaseWrapper) -> None:
    """Create the triggers that delete stale packs. Creating them reads no stored rows."""
    with database.cursor() as cursor:
        for number, (event, table, action) in enumerate(_INVALIDATIONS):
            name, each = f"archive_stale_{number}", "FOR EACH ROW"
            if database.vendor == "sqlite":
                cursor.execute(f"CREATE TRIGGER {name} {event} ON {table} BEGIN {action}; END")
                continue
            if event == "AFTER INSERT":  # once per statement, because an import inserts thousands of rows
                action, each = _DELETE_ADDED, "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
            returned = "OLD" if event == "BEFORE DELETE" else "NULL"
            cursor.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN {action}; RETURN {returned}; END $$"
            )
            cursor.execute(f"CREATE TRIGGER {name} {event} ON {table} {each} EXECUTE FUNCTION {name}()")


def drop_triggers(database: BaseDatabaseWrapper) -> None:
    """Drop the triggers of `create_triggers`, also those of an older version."""
    with database.cursor() as cursor:
        for number, (_, table, _) in enumerate(_INVALIDATIONS):
            name = f"archive_stale_{number}"
            if database.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            else:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")
