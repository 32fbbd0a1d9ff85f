"""Copies a Lectern database from an SQLite file into the configured one. It can be killed and run again at any time."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseFailure
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Field, Model
from tqdm import tqdm

from viewer.deployment.database import explain

_FILE = "old"  # the alias of the connection to the file
_ROWS = 500  # at a time
Row = tuple[Any, ...]


class Command(BaseCommand):
    help = "Copy everything from an SQLite file into the database that DATABASE_URL names, and verify the copy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="such as data/lectern.sqlite3; stop the server that writes to it")

    def handle(self, *args: Any, **options: Any) -> None:
        _open(options["file"])
        try:
            _check_migrations()
            models = _in_dependency_order()
            _delete_made_by_migrations()
            for model in reversed(models):
                _delete_removed(model)
            for model in models:
                _copy(model)
            _reset_sequences(models)
            self._verify(models)
        except DatabaseFailure as error:
            advice = "Nothing is lost; run the same command again."
            raise CommandError(explain(error, "The copy broke off", advice)) from None
        finally:
            connections[_FILE].close()
            del connections[_FILE], connections.databases[_FILE]

    def _verify(self, models: list[type[Model]]) -> None:
        differing = []
        for model in models:
            (old, old_sum), (new, new_sum) = _checksum(model, _FILE), _checksum(model, DEFAULT_DB_ALIAS)
            is_same = (old, old_sum) == (new, new_sum)
            self.stdout.write(
                f"{model._meta.db_table:40} {new:>10,} rows  {'ok ' + new_sum[:12] if is_same else 'DIFFERS'}"
            )
            if not is_same:
                differing.append(f"{model._meta.db_table} ({old:,} rows in the file, {new:,} in the copy)")
        if differing:
            raise CommandError("Not the same: " + ", ".join(differing) + ". Does something still write? Run it again.")
        self.stdout.write("Every table holds the same rows. Move key_encryption_keys and secret_key along with it.")


def _open(file: Path) -> None:
    """Add the file as a second database. A missing file must not be created."""
    if not file.is_file():
        raise CommandError(f"There is no file {file}.")
    if connections[DEFAULT_DB_ALIAS].settings_dict["NAME"] == str(file.absolute()):
        raise CommandError("The file is the configured database itself. Set DATABASE_URL to the one to copy into.")
    defaults = connections[DEFAULT_DB_ALIAS].settings_dict
    name = f"file:{file.absolute()}?mode=ro"
    options = {"uri": True}
    connections.databases[_FILE] = {
        **defaults,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": options,
    }


def _check_migrations() -> None:
    for alias, what in ((_FILE, "The file"), (DEFAULT_DB_ALIAS, "The database to copy into")):
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError(f"{what} is of another version. Start this version of Lectern once on it, then copy.")


def _in_dependency_order() -> list[type[Model]]:
    """List every model after the models that it refers to."""
    left = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    ordered: list[type[Model]] = []
    while left:
        ready = [model for model in left if not _refers_to(model) & (set(left) - {model})]
        ordered += ready
        left = [model for model in left if model not in ready]
    return ordered


def _refers_to(model: type[Model]) -> set[Any]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}


def _delete_made_by_migrations() -> None:
    """Delete content types, permissions and roles, whose ids migrations assign, unless they are copies already."""
    for model in (ContentType, Group):
        if _checksum(model, _FILE) != _checksum(model, DEFAULT_DB_ALIAS):
            model.objects.all().delete()


def _delete_removed(model: type[Model]) -> None:
    """Delete the rows that an earlier run copied and the file no longer has."""
    new = model._default_manager.using(DEFAULT_DB_ALIAS)
    for rows in _chunks(model, DEFAULT_DB_ALIAS):
        ids = {row[0] for row in rows}
        removed = ids - _existing(model, _FILE, ids)
        if removed and _is_append_only(model):
            cause = f"{model._meta.db_table} there has rows of its own, which nobody may delete"
            raise CommandError(f"{cause}. Copy into a new, empty database.")
        new.filter(pk__in=removed).delete()


def _is_append_only(model: type[Model]) -> bool:
    """Whether the database refuses to change the rows of a table, so that those copied before must stay as they are."""
    return getattr(model, "is_append_only", False)


def _existing(model: type[Model], alias: str, ids: set[Any]) -> set[Any]:
    return set(model._default_manager.using(alias).filter(pk__in=ids).values_list("pk", flat=True))


def _copy(model: type[Model]) -> None:
    """Copy every row of the file, over the one of an earlier run."""
    names = [field.attname for field in _fields(model)]
    is_replaced = bool(names) and not _is_append_only(model)
    total = model._default_manager.using(_FILE).count()
    with tqdm(total=total, desc=model._meta.db_table, unit=" rows", disable=not sys.stderr.isatty()) as progress:
        for rows in _chunks(model, _FILE):
            if _is_append_only(model):
                copied = _existing(model, DEFAULT_DB_ALIAS, {row[0] for row in rows})
                rows = [row for row in rows if row[0] not in copied]
            model._default_manager.using(DEFAULT_DB_ALIAS).bulk_create(
                [model(**dict(zip(["pk", *names], row, strict=True))) for row in rows],
                ignore_conflicts=not names,  # a row that is only its key cannot differ
                update_conflicts=is_replaced,
                unique_fields=["pk"] if is_replaced else None,
                update_fields=names if is_replaced else None,
            )
            progress.update(len(rows))


def _chunks(model: type[Model], alias: str) -> Iterator[list[Row]]:
    """Read a table in the order of its primary key, which is the first column of every row."""
    names = [field.attname for field in _fields(model)]
    table = model._default_manager.using(alias).order_by("pk").values_list("pk", *names)
    rows = list(table[:_ROWS])
    while rows:
        yield rows
        rows = list(table.filter(pk__gt=rows[-1][0])[:_ROWS])


def _fields(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.concrete_fields if not (field.primary_key or field.generated)]


def _checksum(model: type[Model], alias: str) -> tuple[int, str]:
    """Return the number of rows of a table and a digest of their values."""
    total, digest = 0, hashlib.sha256()
    for rows in _chunks(model, alias):
        total += len(rows)
        for row in rows:
            digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return total, digest.hexdigest()


def _reset_sequences(models: list[type[Model]]) -> None:
    """Reset the database's sequences to continue after the copied ids."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
