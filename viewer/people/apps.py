from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "viewer.people"

    def ready(self) -> None:
        from allauth.socialaccount.signals import social_account_added

        from .receivers import log_connection

        social_account_added.connect(log_connection)
