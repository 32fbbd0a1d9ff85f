from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from viewer.keys.encryption import CannotDecrypt


class Command(BaseCommand):
    help = "Encrypt all API keys and shares anew under the newest master key, the first of KEY_ENCRYPTION_KEYS."

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
        self.stdout.write(f"{count} encrypted anew; all others were under the newest master key already")
        if unreadable:
            raise CommandError(f"Not opened by any master key here, and left as they are: {', '.join(unreadable)}.")


def _sealed_rows() -> Iterator[Any]:
    """Yield the rows of every table with something encrypted, also those of rooms that this one does not know."""
    for model in apps.get_models():
        if hasattr(model, "reseal"):
            yield from model._default_manager.select_related("owner").iterator()
