from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "viewer.people"

    def ready(self) -> None:
        from allauth.socialaccount.signals import social_account_added

        from .single_sign_on import log_connection

        social_account_added.connect(log_connection)
