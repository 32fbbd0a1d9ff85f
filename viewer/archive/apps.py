from __future__ import annotations

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate


class ArchiveConfig(AppConfig):
    name = "viewer.archive"

    def ready(self) -> None:
        connection_created.connect(_add_functions)
        post_migrate.connect(_move_messages, sender=self)


def _add_functions(sender: object, connection: BaseDatabaseWrapper, **signal: object) -> None:
    """Give SQLite the functions that triggers and searches of the index call. Of another program they are refused."""
    if connection.vendor == "sqlite":
        from .packing import unpack
        from .search.said import may_have

        connection.connection.create_function("archive_unpack", 1, unpack, deterministic=True)
        connection.connection.create_function("archive_may_have", 2, may_have, deterministic=True)


def _move_messages(**signal: object) -> None:
    from .moving import move_messages

    move_messages()
