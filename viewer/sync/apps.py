from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "viewer.sync"
    label = "copies"  # in the names of its tables and migrations, which stay
