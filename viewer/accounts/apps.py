from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class AccountsConfig(AppConfig):
    name = "viewer.accounts"

    def ready(self) -> None:
        from django.contrib.auth.models import User

        post_save.connect(_delete_sessions_if_inactive, sender=User)


def _delete_sessions_if_inactive(instance: Any, **_: Any) -> None:
    """Delete the sessions of a deactivated account, or they would work again once it is reactivated."""
    from .models import Session

    if not instance.is_active:
        Session.objects.filter(user=instance).delete()
