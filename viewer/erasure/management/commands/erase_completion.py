from __future__ import annotations

import argparse
import getpass
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseFailure

from viewer.archive.erased import allow_again, purge
from viewer.deployment.database import explain
from viewer.erasure.choosing import ids_before, ids_of_customer
from viewer.erasure.erasing import erase

_STAYS = "What was erased before stays so; run the same command again."
_STILL_READ = (
    "The database was in use all the time, so its files still have some of it. "
    "Run the command again when no backup and no long query is running."
)


class Command(BaseCommand):
    help = "Erase conversations for good: with their snapshots, notes and index entries, and from the database's files."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="of a conversation, also one that is not stored")
        parser.add_argument("--customer", metavar="VALUE", help="all conversations of a customer, in any spelling")
        parser.add_argument("--before", metavar="DATE", help="all that were created before a day, such as 2025-01-31")
        parser.add_argument("--dry-run", action="store_true", help="name the conversations and erase nothing")
        parser.add_argument("--no-input", action="store_true", help="do not ask for confirmation")
        parser.add_argument("--vacuum", action="store_true", help="write the whole database anew afterwards; locks it")
        parser.add_argument("--allow-again", metavar="ID", help="let imports bring an erased conversation back")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["allow_again"]:
            self._allow_again(options["allow_again"])
            return
        ids = _chosen(options)
        for completion_id in ids:
            self.stdout.write(completion_id)
        if options["dry_run"]:
            self.stdout.write(f"{len(ids)} conversations would be erased.")
            return
        if not options["no_input"] and input(f"Erase {len(ids)} conversations for good? Type yes: ") != "yes":
            raise CommandError("Nothing was erased.")
        try:
            is_gone = erase(ids, getpass.getuser())
            if options["vacuum"]:
                is_gone = purge(is_thorough=True)
        except DatabaseFailure as error:
            raise CommandError(explain(error, "Not everything was erased", _STAYS)) from error
        self.stdout.write(f"{len(ids)} conversations erased.")
        if not is_gone:
            self.stderr.write(_STILL_READ)

    def _allow_again(self, completion_id: str) -> None:
        if not allow_again(completion_id):
            raise CommandError(f"{completion_id} was not erased here.")
        self.stdout.write(f"{completion_id} may be imported again.")


def _chosen(options: dict[str, Any]) -> list[str]:
    """Return the ids to erase. Exactly one way to choose them must be given."""
    ways = [way for way in ("ids", "customer", "before") if options[way]]
    if len(ways) != 1:
        raise CommandError("Name conversations by their ids, or give --customer VALUE or --before DATE.")
    if options["ids"]:
        return list(options["ids"])
    if options["customer"]:
        return ids_of_customer(options["customer"])
    try:
        day = datetime.fromisoformat(options["before"])
    except ValueError:
        raise CommandError(f"{options['before']} is no date; write one like 2025-01-31.") from None
    return ids_before(day if day.tzinfo else day.replace(tzinfo=UTC))
