"""A migration carries its own SQL: what it did yesterday it does in every later version."""

from __future__ import annotations

import ast
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from tests.conftest import make_completion, say
from viewer.archive.models import SearchDocument, StoredCompletion
from viewer.archive.search import index as search_index
from viewer.archive.search.query import read_query
from viewer.archive.search.results import search

VIEWER = Path(search_index.__file__).parent.parent.parent


def test_no_migration_imports_what_changes_later() -> None:
    for file in VIEWER.glob("*/migrations/*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not [name for name in names if name.startswith("viewer")], file
            assert not (isinstance(node, ast.ImportFrom) and node.level > 1), file


def made() -> list[tuple[str, ...]]:
    """What the database says of the index and its triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'archive_s%' AND sql <> '' ORDER BY 1")
        else:
            cursor.execute(
                "SELECT tgname, pg_get_triggerdef(t.oid), prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid "
                "WHERE tgname LIKE 'archive_stale%' UNION ALL "
                "SELECT indexname, indexdef, '' FROM pg_indexes WHERE tablename = 'archive_searchentry' UNION ALL "
                "SELECT column_name, generation_expression, '' FROM information_schema.columns "
                "WHERE table_name = 'archive_searchentry' ORDER BY 1"
            )
        return cursor.fetchall()


@pytest.mark.django_db
def test_the_migrations_make_the_index_that_the_search_makes() -> None:
    migrated = made()
    assert len([row for row in migrated if row[0].startswith("archive_stale")]) == 5
    search_index.clear()
    assert made() == migrated


@pytest.mark.django_db(transaction=True)
def test_an_index_in_an_older_form_is_emptied_and_made_anew(stored: Callable[..., Any]) -> None:
    stored(make_completion("c-1", say("user", "my refund")), make_completion("c-2", say("user", "my order")))
    migration = import_module("viewer.archive.migrations.0014_signatures_in_order")
    migration.empty_index(None, SimpleNamespace(connection=connection))
    assert not SearchDocument.objects.exists()
    assert [group.completion.id for group in search(read_query("refund")).groups] == []
    assert sum(search_index.index_missing()) == 2
    assert [group.completion.id for group in search(read_query('"my refund"')).groups] == ["c-1"]
    StoredCompletion.objects.all().delete()
    assert not SearchDocument.objects.exists()
