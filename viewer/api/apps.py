from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "viewer.api"

    def ready(self) -> None:
        from viewer.erasure.signals import conversations_erased

        from .repeating import forget_answers

        conversations_erased.connect(forget_answers)
