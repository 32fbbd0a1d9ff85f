from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "viewer.sync"
    label = "copies"  # part of the names of its tables and migrations, which do not change
