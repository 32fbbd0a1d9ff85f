"""What a person may do: everyone reads, a curator changes the archive, an administrator looks after people too.

Roles are Django groups. A person without one of them is a reader; a superuser is an administrator.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

Role = Literal["reader", "curator", "administrator"]
View = Callable[..., HttpResponseBase]
READER: Role = "reader"
CURATOR: Role = "curator"
ADMINISTRATOR: Role = "administrator"
ROLES: tuple[Role, ...] = (READER, CURATOR, ADMINISTRATOR)  # each may do what those before it may


def role_of(person: User | AnonymousUser) -> Role:
    """Return a person's role, by one query for each loaded person."""
    role: Role | None = person.__dict__.get("role")
    if role is None:
        role = person.__dict__["role"] = _read_role(person)
    return role


def may_curate(person: User | AnonymousUser) -> bool:
    """Whether a person may import, hand conversations to the team, and erase."""
    return role_of(person) != READER


def may_administer(person: User | AnonymousUser) -> bool:
    """Whether a person may see and change what belongs to others."""
    return role_of(person) == ADMINISTRATOR


def curators_only(view: View) -> View:
    """Let only curators and administrators use a view."""
    return _only(may_curate, view)


def administrators_only(view: View) -> View:
    """Let only administrators use a view."""
    return _only(may_administer, view)


def _read_role(person: User | AnonymousUser) -> Role:
    if person.is_superuser:
        return ADMINISTRATOR
    groups = set(person.groups.values_list("name", flat=True)) if person.is_authenticated else set()
    return next((role for role in reversed(ROLES) if role in groups), READER)


def _only(may: Callable[[User | AnonymousUser], bool], view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
