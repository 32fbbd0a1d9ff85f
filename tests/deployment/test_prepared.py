from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from viewer.deployment.prepared import Prepared

pytestmark = pytest.mark.django_db


def people(*names: str) -> None:
    for name in names:
        User.objects.create(username=name, first_name="x")


def test_a_query_is_built_once_and_sent_with_other_values() -> None:
    people("ann", "ben", "cem")
    built = []

    @Prepared
    def named(name: str, first: str) -> QuerySet[User, Any]:
        built.append(name)
        return User.objects.filter(username=name, first_name=first).values_list("username")

    assert [*named("ben", "x")] == [("ben",)]
    assert [*named("cem", "x")] == [("cem",)]
    assert named.first("ben", "y") is None
    assert len(built) == 1


def test_no_value_is_taken_for_part_of_the_query() -> None:
    people("%s", "' OR 1=1 --", "\x020\x03")

    @Prepared
    def named(name: str) -> QuerySet[User, Any]:
        return User.objects.filter(username=name).values_list("username")

    for name in ("%s", "' OR 1=1 --", "\x020\x03"):
        assert [*named(name)] == [(name,)]
    assert [*named("nobody")] == []


def test_none_is_a_query_of_its_own_and_so_is_every_shape() -> None:
    people("ann", "ben")

    @Prepared
    def seen(last: int | None, *, limit: int) -> QuerySet[User, Any]:
        return User.objects.filter(last_login=last).order_by("username").values_list("username")[:limit]

    assert [*seen(None, limit=1)] == [("ann",)]
    assert [*seen(None, limit=2)] == [("ann",), ("ben",)]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_time_is_compared_as_the_database_writes_it(hours: int) -> None:
    people("ann")

    @Prepared
    def joined_before(moment: datetime) -> QuerySet[User, Any]:
        return User.objects.filter(date_joined__lt=moment).values_list("username")

    moment = timezone.now() + timedelta(hours=hours)
    assert [*joined_before(moment)] == ([("ann",)] if hours > 0 else [])


def test_values_come_back_as_python_has_them() -> None:
    people("ann")

    @Prepared
    def one(name: str) -> QuerySet[User, Any]:
        return User.objects.filter(username=name).values_list("is_active", "date_joined", "pk")

    ann = User.objects.get()
    assert one.first("ann") == (ann.is_active, ann.date_joined, ann.pk)


def test_a_value_that_the_query_would_change_or_leave_out_is_refused() -> None:
    @Prepared
    def changed(name: str) -> QuerySet[User, Any]:
        return User.objects.filter(username=name.upper() + "x")

    @Prepared
    def left_out(name: str) -> QuerySet[User, Any]:
        return User.objects.all()

    for query in (changed, left_out):
        with pytest.raises(AssertionError, match="changes or leaves out"):
            query.first("ann")
