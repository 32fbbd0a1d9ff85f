from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.backends.signals import connection_created

from viewer.deployment.waiting import wait_between_tries

from .logs import forget_request


class WebConfig(AppConfig):
    name = "viewer.web"

    def ready(self) -> None:
        request_finished.connect(forget_request)
        connection_created.connect(wait_between_tries)
