from django.apps import AppConfig


class CopiesConfig(AppConfig):
    name = "viewer.copies"
    default_auto_field = "django.db.models.BigAutoField"
