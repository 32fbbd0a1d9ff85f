from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class AccountsConfig(AppConfig):
    name = "viewer.accounts"

    def ready(self) -> None:
        from allauth.account.signals import authentication_step_completed
        from allauth.mfa import signals
        from django.contrib.auth.models import User

        from .receivers import log_change, note_halfway

        post_save.connect(_delete_sessions_if_inactive, sender=User)
        authentication_step_completed.connect(note_halfway)
        for name in ("added", "removed", "reset"):
            signal = getattr(signals, f"authenticator_{name}")
            signal.connect(log_change(f"second factor {name}"), weak=False)


def _delete_sessions_if_inactive(instance: Any, **_: Any) -> None:
    """Delete the sessions of a deactivated account, or they would work again once it is reactivated."""
    from .models import Session

    if not instance.is_active:
        Session.objects.filter(user=instance).delete()
