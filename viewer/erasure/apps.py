from django.apps import AppConfig


class ErasureConfig(AppConfig):
    name = "viewer.erasure"

    def ready(self) -> None:
        from viewer.sync.signals import deleted_at_source

        from .from_sources import erase_deleted_at_source

        deleted_at_source.connect(erase_deleted_at_source)
