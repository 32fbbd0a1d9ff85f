"""The full-text index of conversations: FTS5 in SQLite, GIN over a tsvector in PostgreSQL, and the words of messages.

Triggers keep it in sync. Every change of a document changes the index; a change of a message or completion deletes the
packs of its conversation, the last of them takes the documents along, and `rebuild_search --missing` fills them in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, QuerySet

from viewer.archive.bulk import BATCH_ROWS, insert
from viewer.archive.messages import messages_of_each
from viewer.archive.models import (
    SearchDocument,
    SearchPack,
    SearchWord,
    StoredCompletion,
    StoredMetadata,
    StoredSummary,
    fit,
    write_held,
)
from viewer.completions.source_text import Piece, decode_object

from .entries import Entries, entries_of
from .indexed import Facts, words_to_index
from .packs import COLUMNS
from .texts import MAX_SECONDS
from .tokens import SPEAKERS

Conversation = tuple[int, int, Entries]  # a completion's row, its Unix time, its entries

_PACK, _COMPLETION, _MESSAGES = "archive_searchpack", "archive_storedcompletion", "archive_messagepack"
_DOCUMENT, _WORD, _SUMMARY = "archive_searchdocument", "archive_searchword", "archive_storedsummary"
_DELETE = f"DELETE FROM {_PACK} WHERE completion_id = "
_DELETE_ADDED = f"{_DELETE} ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
# Event, table, and the statement that deletes the packs it makes stale.
_INVALIDATIONS = [
    ("AFTER INSERT", _MESSAGES, f"{_DELETE} NEW.completion_id"),
    ("AFTER DELETE", _MESSAGES, f"{_DELETE} OLD.completion_id"),
    ("AFTER UPDATE", _MESSAGES, f"{_DELETE} OLD.completion_id"),
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
    f"CREATE TRIGGER archive_search_stale AFTER DELETE ON {_PACK} WHEN OLD.is_last BEGIN {_DELETE_DOCUMENTS}; END",
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
_BATCH = 50  # completions per transaction


def create(database: BaseDatabaseWrapper) -> None:
    """Create the index and the triggers, and index the existing documents."""
    is_sqlite = database.vendor == "sqlite"
    with database.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)
        if is_sqlite:
            cursor.execute(
                f"INSERT INTO archive_search(rowid, tokens) SELECT id, archive_unpack(tokens) FROM {_DOCUMENT}"
            )
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


def save(conversations: Sequence[Conversation]) -> None:
    """Insert the entries of conversations, in a transaction."""
    insert(_PACK, COLUMNS, ((completion, *pack) for completion, _, entries in conversations for pack in entries.packs))
    documents = (
        (_document_id(created, completion, number), completion, *document)
        for completion, created, entries in conversations
        for number, document in enumerate(entries.documents)
    )
    insert(_DOCUMENT, "id, completion_id, signature, tokens", sorted(documents))
    summaries = (
        (completion, fit(entries.question), entries.messages, write_held(entries.contents))
        for completion, _, entries in conversations
    )
    insert(_SUMMARY, "completion_id, question, messages, contents", summaries)
    _insert_words(sorted(set[str]().union(*(entries.words for _, _, entries in conversations))))


def _insert_words(words: list[str]) -> None:
    """Insert the words that are new. Sorted, so that two imports at once wait for each other in the same order."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"INSERT OR IGNORE INTO {_WORD} SELECT value FROM json_each(%s)", [json.dumps(words)])
        else:
            cursor.execute(f"INSERT INTO {_WORD} SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [words])


def words_of_completions(completions: Collection[int]) -> set[str]:
    """Return the words that some completions are found by."""
    documents = SearchDocument.objects.filter(completion__in=completions).values_list("tokens", flat=True)
    return {token[1:] for tokens in documents for token in tokens.split(" ") if token[:1] in SPEAKERS}


def forget_words(words: Iterable[str]) -> None:
    """Delete those words from the list of words that no conversation has any more."""
    unused = []
    with connection.cursor() as cursor:
        for word in words:
            tokens = [speaker + word for speaker in sorted(SPEAKERS)]
            if connection.vendor == "sqlite":
                has_any = "SELECT EXISTS (SELECT 1 FROM archive_search WHERE archive_search MATCH %s)"
                cursor.execute(has_any, [" OR ".join(f'"{token}"' for token in tokens)])
            else:
                has_any = f"SELECT EXISTS (SELECT 1 FROM {_DOCUMENT} WHERE archive_tokens(tokens) @@ %s::tsquery)"
                cursor.execute(has_any, [" | ".join(f"'{token}'" for token in tokens)])
            if not cursor.fetchone()[0]:
                unused.append(word)
    for start in range(0, len(unused), BATCH_ROWS):
        SearchWord.objects.filter(pk__in=unused[start : start + BATCH_ROWS]).delete()


def clear() -> None:
    """Empty and recreate the index, which repairs any damage to it."""
    with transaction.atomic():
        drop(connection)
        with connection.cursor() as cursor:
            for table in (_PACK, _DOCUMENT, _SUMMARY, _WORD):
                cursor.execute(f"DELETE FROM {table}")
        create(connection)


def unindexed() -> QuerySet[StoredCompletion]:
    """Return the completions that are not, or no longer, fully indexed."""
    known = SearchPack.objects.filter(completion=OuterRef("pk"), is_last=True)
    return StoredCompletion.objects.filter(~Exists(known)).order_by("pk")


def index_missing() -> Iterator[int]:
    """Index what is missing, some completions at a time; yield how many, after each commit."""
    last = 0
    while found := list(unindexed().filter(pk__gt=last)[:_BATCH]):
        last = found[-1].pk
        ready = {_state(each): entries for each, entries in _read_entries(found)}
        with transaction.atomic():
            missing = list(unindexed().filter(pk__in=[each.pk for each in found]).select_for_update())
            # What somebody changed meanwhile is read again.
            changed = dict(_read_entries([each for each in missing if _state(each) not in ready]))
            _write([(each, ready.get(_state(each)) or changed[each]) for each in missing])
        yield len(found)


def _state(completion: StoredCompletion) -> tuple[int, int, str, str]:
    """Return what the index has of a completion itself. Its messages never change."""
    return completion.pk, completion.created, completion.model, completion.body


def index_again(completions: Iterable[StoredCompletion]) -> None:
    """Index completions as they are stored now, in a transaction."""
    _write(list(_read_entries(list(completions))))


def _write(indexed: Sequence[tuple[StoredCompletion, Entries]]) -> None:
    completions = [completion for completion, _ in indexed]
    SearchPack.objects.filter(completion__in=completions).delete()
    SearchDocument.objects.filter(completion__in=completions).delete()
    StoredSummary.objects.filter(completion__in=completions).delete()
    save([(completion.pk, completion.created, entries) for completion, entries in indexed])


def optimise() -> None:
    """Merge the segments that many imports have left, and update the planner's statistics."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('optimize')")
        for table in (_PACK, _DOCUMENT, _SUMMARY, _WORD):
            cursor.execute(f"ANALYZE {table}")


def _read_entries(completions: Sequence[StoredCompletion]) -> Iterator[tuple[StoredCompletion, Entries]]:
    """Make the entries of completions as they are stored, by two queries for all of them."""
    metadata = defaultdict[int, dict[str, str]](dict)
    pairs = StoredMetadata.objects.filter(completion__in=completions).values_list("completion_id", "key", "value")
    for row, key, value in pairs:
        metadata[row][key] = value
    for completion, messages in messages_of_each(completions):
        facts = Facts(completion.model, completion.created, metadata[completion.pk])
        pieces = (Piece(body, decode_object(body)) for _, body in messages)
        yield completion, entries_of(words_to_index(facts, pieces, completion.body))


def _document_id(created: int, completion: int, number: int) -> int:
    """Build the id of a document from its second, its completion's row (24 bits) and its number within it (6 bits)."""
    return _clamp(created) << 30 | (completion & 0xFFFFFF) << 6 | number


def _clamp(seconds: int) -> int:
    return min(max(seconds, 0), MAX_SECONDS)


def documents_between(since: int | None, until: int | None) -> tuple[int, int]:
    """Return the lowest and highest document id from `since` (inclusive) to `until` (exclusive), in Unix seconds."""
    lowest = _clamp(since or 0) << 30
    highest = _clamp(MAX_SECONDS if until is None else until - 1) << 30 | 0x3FFFFFFF
    return (lowest, highest) if until is None or until > 0 else (0, 0)
