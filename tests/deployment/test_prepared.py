"""Queries that are written once give what they would give if they were written each time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import CharField, DateTimeField, QuerySet
from django.utils import timezone

from viewer.deployment.prepared import Given, Prepared

pytestmark = pytest.mark.django_db


def _joined_before(*columns: str) -> QuerySet[User, Any]:
    named = User.objects.exclude(username=Given("name", CharField()))
    return named.filter(date_joined__lt=Given("until", DateTimeField())).order_by("pk").values_list(*columns)


@pytest.mark.usefixtures("alice", "bob")
def test_it_answers_for_the_values_of_each_time_in_pythons_types() -> None:
    prepared, soon = Prepared(_joined_before), timezone.now() + timedelta(days=1)
    for name, until in (
        ("alice", soon),
        ("bob", soon),
        ("bob", timezone.now() - timedelta(days=1)),
        ("' OR 1=1", soon),
    ):
        asked = User.objects.exclude(username=name).filter(date_joined__lt=until).order_by("pk")
        columns = ("username", "date_joined", "is_active")
        assert prepared.rows(*columns, name=name, until=until) == list(asked.values_list(*columns))


@pytest.mark.usefixtures("alice")
def test_each_shape_is_a_query_of_its_own() -> None:
    prepared, values = Prepared(_joined_before), {"name": "bob", "until": timezone.now() + timedelta(days=1)}
    assert prepared.rows("username", **values) == [("alice",)]
    assert prepared.rows("is_staff", **values) == [(False,)]
