"""The full-text index of conversations: FTS5 in SQLite, GIN over a tsvector in PostgreSQL, and the words of messages.

Triggers keep it in sync. Every change of a document changes the index; a change of a message or completion deletes its
entries, that of its answer takes the documents along, and `rebuild_search --missing` finds it because it is missing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice, tee

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, OuterRef, QuerySet

from viewer.archive.bulk import BATCH_ROWS, insert
from viewer.archive.models import (
    SearchDocument,
    SearchEntry,
    SearchWord,
    StoredCompletion,
    StoredSummary,
    fit,
    write_held,
)
from viewer.completions.source_text import Piece, decode_object

from .text import MAX_SECONDS, Facts, Indexed, words_to_index
from .tokens import SPEAKERS, DocumentBuilder

Entry = tuple[int, int, int | None, str, str]  # a row of SearchEntry
SummaryRow = tuple[int, str, int, str]  # a row of StoredSummary
DocumentRow = tuple[int, int, bytes, str]  # a row of SearchDocument
Conversation = tuple[int, int, Iterable[tuple[Entry, Indexed]]]  # a completion's row, its Unix time, its entries

_ENTRY, _COMPLETION, _MESSAGE = "archive_searchentry", "archive_storedcompletion", "archive_storedmessage"
_DOCUMENT, _WORD, _SUMMARY = "archive_searchdocument", "archive_searchword", "archive_storedsummary"
_DELETE_FOR_MESSAGE = (
    f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.completion_id AND (position = OLD.position OR position IS NULL)"
)
_DELETE_FOR_COMPLETION = f"DELETE FROM {_ENTRY} WHERE completion_id = OLD.id"
# A new message has no entry yet. Deleting the answer's entry marks its completion as not fully indexed.
_DELETE_ANSWER = f"DELETE FROM {_ENTRY} WHERE position IS NULL AND completion_id = NEW.completion_id"
_DELETE_ANSWERS = (
    f"DELETE FROM {_ENTRY} WHERE position IS NULL "
    "AND completion_id = ANY (ARRAY(SELECT DISTINCT completion_id FROM added))"
)
# Event, table, and the statement that deletes the entries it makes stale.
_INVALIDATIONS = [
    ("AFTER INSERT", _MESSAGE, _DELETE_ANSWER),
    ("AFTER DELETE", _MESSAGE, _DELETE_FOR_MESSAGE),
    ("AFTER UPDATE", _MESSAGE, _DELETE_FOR_MESSAGE),
    # Not of the owner: whom it belongs to is not in the index.
    ("AFTER UPDATE OF created, model, body", _COMPLETION, _DELETE_FOR_COMPLETION),
    ("BEFORE DELETE", _COMPLETION, _DELETE_FOR_COMPLETION),
]
_DELETE_DOCUMENTS = (
    f"DELETE FROM {_DOCUMENT} WHERE completion_id = OLD.completion_id; "
    f"DELETE FROM {_SUMMARY} WHERE completion_id = OLD.completion_id"
)
_REMOVE_TOKENS = "INSERT INTO archive_search(archive_search, rowid, tokens) VALUES ('delete', OLD.id, OLD.tokens);"
_ADD_TOKENS = "INSERT INTO archive_search(rowid, tokens) VALUES (NEW.id, NEW.tokens);"
_SQLITE = [
    # The tokens are split already, and `ascii` splits at nothing but spaces. They have neither order nor number, so the
    # index keeps no positions.
    f"CREATE VIRTUAL TABLE archive_search USING fts5(tokens, content='{_DOCUMENT}', content_rowid='id', "
    "tokenize='ascii', detail=none, columnsize=0)",
    # Buffer up to 8 MB in memory: the default of 1 MB would write many small segments and merge them again.
    "INSERT INTO archive_search(archive_search, rank) VALUES ('hashsize', 8000000)",
    f"CREATE TRIGGER archive_search_insert AFTER INSERT ON {_DOCUMENT} BEGIN {_ADD_TOKENS} END",
    f"CREATE TRIGGER archive_search_delete AFTER DELETE ON {_DOCUMENT} BEGIN {_REMOVE_TOKENS} END",
    f"CREATE TRIGGER archive_search_update AFTER UPDATE ON {_DOCUMENT} BEGIN {_REMOVE_TOKENS} {_ADD_TOKENS} END",
    f"CREATE TRIGGER archive_search_stale AFTER DELETE ON {_ENTRY} WHEN OLD.position IS NULL "
    f"BEGIN {_DELETE_DOCUMENTS}; END",
]
_POSTGRESQL = [
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
    f"CREATE TRIGGER archive_search_stale AFTER DELETE ON {_ENTRY} FOR EACH ROW WHEN (OLD.position IS NULL) "
    "EXECUTE FUNCTION archive_search_stale()",
]
_BATCH = 50  # completions per transaction


def create(database: BaseDatabaseWrapper) -> None:
    """Create the index and the triggers, and index the existing entries."""
    is_sqlite = database.vendor == "sqlite"
    with database.cursor() as cursor:
        for statement in _SQLITE if is_sqlite else _POSTGRESQL:
            cursor.execute(statement)
        if is_sqlite:
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('rebuild')")
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
            cursor.execute(f"DROP TRIGGER IF EXISTS archive_search_stale ON {_ENTRY}")
            cursor.execute("DROP FUNCTION IF EXISTS archive_search_stale()")
            cursor.execute("DROP INDEX IF EXISTS archive_search")
            cursor.execute("DROP FUNCTION IF EXISTS archive_tokens(text)")


def create_triggers(database: BaseDatabaseWrapper) -> None:
    """Create the triggers that delete stale entries. Creating them reads no stored rows."""
    with database.cursor() as cursor:
        for number, (event, table, action) in enumerate(_INVALIDATIONS):
            name, each = f"archive_stale_{number}", "FOR EACH ROW"
            if database.vendor == "sqlite":
                cursor.execute(f"CREATE TRIGGER {name} {event} ON {table} BEGIN {action}; END")
                continue
            if event == "AFTER INSERT":  # once per statement, because an import inserts thousands of rows
                action, each = _DELETE_ANSWERS, "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
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


def entries_of(
    completion: int, created: int, messages: Iterable[tuple[int, int]], indexed: Iterator[Indexed]
) -> Iterator[tuple[Entry, Indexed]]:
    """Yield the entries of a completion, from (row, position) of each message and the output of `words_to_index`."""
    row, is_alone = completion, True
    for row, position in messages:
        is_alone = False
        of = next(indexed)
        yield (_entry_id(created, row), completion, position, of.words, write_held(of.held)), of
    of = next(indexed)
    entry_id = _entry_id(created, row, is_answer=True, is_alone=is_alone)
    yield (entry_id, completion, None, of.words, write_held(of.held)), of


def save(conversations: Iterable[Conversation]) -> None:
    """Insert the entries of conversations, and then what they are found by and what lists show of them."""
    documents, summaries, words = list[DocumentRow](), list[SummaryRow](), set[str]()
    entries = _watched(conversations, documents, summaries, words)
    while batch := list(islice(entries, BATCH_ROWS)):  # some thousand at a time; they may be read from the database
        insert(_ENTRY, "id, completion_id, position, words, held", batch)
    insert(_DOCUMENT, "id, completion_id, signature, tokens", sorted(documents))
    insert(_SUMMARY, "completion_id, question, messages, contents", summaries)
    _insert_words(sorted(words))


def _watched(
    conversations: Iterable[Conversation], documents: list[DocumentRow], summaries: list[SummaryRow], words: set[str]
) -> Iterator[Entry]:
    """Pass the entries on, one at a time, and collect the documents, the summary and the words of each conversation."""
    for completion, created, entries in conversations:
        builder = DocumentBuilder()
        question, count, contents = "", -1, Counter[str]()  # the answer is no message
        for entry, indexed in entries:
            builder.add(indexed.words, is_answer=entry[2] is None)
            question, count = question or indexed.question, count + 1
            contents += indexed.held
            yield entry
        summaries.append((completion, fit(question), count, write_held(contents)))
        for number, made in enumerate(builder.documents):
            documents.append((_document_id(created, completion, number), completion, made.signature, made.tokens))
        words |= builder.words


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
            for table in (_ENTRY, _DOCUMENT, _SUMMARY, _WORD):
                cursor.execute(f"DELETE FROM {table}")
        create(connection)


def unindexed() -> QuerySet[StoredCompletion]:
    """Return the completions that are not, or no longer, fully indexed."""
    known = SearchEntry.objects.filter(completion=OuterRef("pk"), position=None)
    return StoredCompletion.objects.filter(~Exists(known)).order_by("pk")


def index_missing() -> Iterator[int]:
    """Index what is missing, some completions at a time; yield how many, after each commit."""
    last = 0
    while True:
        with transaction.atomic():
            completions = list(unindexed().filter(pk__gt=last).select_for_update()[:_BATCH])
            index_again(completions)
        if not completions:
            return
        last = completions[-1].pk
        yield len(completions)


def index_again(completions: Collection[StoredCompletion]) -> None:
    """Index completions as they are stored now, in a transaction."""
    SearchEntry.objects.filter(completion__in=completions).delete()
    SearchDocument.objects.filter(completion__in=completions).delete()
    StoredSummary.objects.filter(completion__in=completions).delete()
    save((each.pk, each.created, _read_entries(each)) for each in completions)


def optimise() -> None:
    """Merge the segments that many imports have left, and update the planner's statistics."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO archive_search(archive_search) VALUES ('optimize')")
        for table in (_ENTRY, _DOCUMENT, _SUMMARY, _WORD):
            cursor.execute(f"ANALYZE {table}")


def _read_entries(completion: StoredCompletion) -> Iterator[tuple[Entry, Indexed]]:
    rows = completion.messages.order_by("position").values_list("pk", "position", "body").iterator(2000)
    for_rows, for_words = tee(rows)  # read in step, so that only one row is in memory
    indexed = words_to_index(
        Facts(completion.model, completion.created, dict(completion.metadata.values_list("key", "value"))),
        (Piece(message, decode_object(message)) for _, _, message in for_words),
        completion.body,
    )
    return entries_of(completion.pk, completion.created, ((row, position) for row, position, _ in for_rows), indexed)


def _entry_id(created: int, row: int, *, is_answer: bool = False, is_alone: bool = False) -> int:
    """Build the id of an entry from its second, then its message's row; an answer follows the last message.

    An answer without messages uses the completion's row, in a range of its own. 28 bits of the row are enough to tell
    entries of the same second apart.
    """
    return _clamp(created) << 30 | is_alone << 29 | (row & 0xFFFFFFF) << 1 | is_answer


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
