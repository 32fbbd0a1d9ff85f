from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class AccountsConfig(AppConfig):
    name = "viewer.accounts"

    def ready(self) -> None:
        from django.contrib.auth.models import User

        post_save.connect(_end_sessions_of_closed_account, sender=User)


def _end_sessions_of_closed_account(instance: Any, **_: Any) -> None:
    """Else they would work again once the account is reopened."""
    from .models import Session

    if not instance.is_active:
        Session.objects.filter(user=instance).delete()
