from django.apps import AppConfig
from django.core.signals import request_finished

from .logs import forget_request


class WebConfig(AppConfig):
    name = "viewer.web"

    def ready(self) -> None:
        request_finished.connect(forget_request)
