"""The table of saved views."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone

from viewer.accounts.roles import may_administer

from .filters import list_url, parse_filters


class SavedViews(models.QuerySet["SavedView"]):
    """Saved views, looked up by who may use them."""

    def of(self, person: User | int) -> SavedViews:
        """Return a person's own views and those of the team."""
        return self.filter(Q(owner=person) | Q(is_shared=True))

    def replaceable(self, person: User, name: str) -> SavedView | None:
        """Return a person's own view that has a name already."""
        return self.filter(owner=person, name=name.strip()).first()

    def editable_by(self, person: User) -> SavedViews:
        """Return the views that a person may change: their own; an administrator also those of the team."""
        return self.of(person) if may_administer(person) else self.filter(owner=person)


class SavedView(models.Model):
    """A search or a filtered list under a name, for its owner or for everybody. `query` is that of its URL."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    name = models.CharField(max_length=60)
    query = models.TextField()
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = SavedViews.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def filters(self) -> dict[str, str]:
        return parse_filters(QueryDict(self.query))

    @filters.setter
    def filters(self, filters: dict[str, str]) -> None:
        self.query = urlencode(filters)

    @property
    def owner_name(self) -> str:
        return self.owner.get_full_name() or self.owner.get_username()

    @property
    def url(self) -> str:
        return list_url(self.filters)
