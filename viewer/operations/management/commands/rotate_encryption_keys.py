from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError

from viewer.accounts.second_factors import reseal
from viewer.keys.encryption import CannotDecrypt
from viewer.keys.models import ApiKey
from viewer.sharing.models import Share


class Command(BaseCommand):
    help = "Encrypt everything that is encrypted anew under the newest master key, the first of KEY_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        count, unreadable = 0, []
        for sealed in _sealed_rows():
            if sealed.is_under_newest_key:
                continue
            try:
                rotated = sealed.reseal()
            except CannotDecrypt:
                unreadable.append(f"{sealed.label} of {sealed.owner}")
                continue
            count += rotated
        for factor in Authenticator.objects.select_related("user").iterator():
            try:
                count += reseal(factor)
            except CannotDecrypt:
                unreadable.append(f"a second factor of {factor.user}")
        self.stdout.write(f"{count} encrypted anew; all others were under the newest master key already")
        if unreadable:
            raise CommandError(f"Not opened by any master key here, and left as they are: {', '.join(unreadable)}.")


def _sealed_rows() -> Iterator[ApiKey | Share]:
    yield from ApiKey.objects.select_related("owner").iterator()
    yield from Share.objects.select_related("owner").iterator()
