from __future__ import annotations

import argparse
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from viewer.accounts.roles import may_curate
from viewer.keys.models import AccessToken

_RIGHTS = {"import": "may_import", "metadata": "may_change_metadata", "delete": "may_delete"}


class Command(BaseCommand):
    help = "Make an access token for a person and print it, this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument("--name", default="command line", help="what will use it")
        parser.add_argument(
            "--may",
            nargs="+",
            choices=_RIGHTS,
            default=[],
            metavar="RIGHT",
            help="what it may do besides reading: import, metadata, delete; the person must be a curator",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = get_user_model().objects.filter(username=options["user"]).first()
        if owner is None:
            raise CommandError(f"There is nobody with the name {options['user']}.")
        if not owner.is_active:
            raise CommandError(
                f"{owner} is deactivated: no token would open anything. Reactivate them on /people/ first."
            )
        if options["may"] and not may_curate(owner):
            raise CommandError(f"{owner} is no curator, so their tokens only read. Change the role on /people/ first.")
        rights = [_RIGHTS[name] for name in options["may"]]
        _, secret = AccessToken.objects.issue(owner, options["name"][:100], rights=rights)
        self.stdout.write(secret)
