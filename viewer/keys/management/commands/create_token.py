from __future__ import annotations

import argparse
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from viewer.keys.models import AccessToken


class Command(BaseCommand):
    help = "Make an access token for a person and print it, this once."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("user", metavar="USER")
        parser.add_argument("--name", default="command line", help="what will use it")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = get_user_model().objects.filter(username=options["user"]).first()
        if owner is None:
            raise CommandError(f"There is nobody with the name {options['user']}.")
        if not owner.is_active:
            raise CommandError(
                f"{owner} is deactivated: no token would open anything. Reactivate them on /people/ first."
            )
        _, secret = AccessToken.objects.issue(owner, options["name"][:100])
        self.stdout.write(secret)
