"""What a person may do: everyone reads, a curator changes the archive, an administrator looks after people too.

Roles are Django groups. A person without one of them is a reader; a superuser is an administrator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, wraps
from typing import Any, Literal

from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext, gettext_noop

Role = Literal["reader", "curator", "administrator"]
View = Callable[..., HttpResponseBase]
READER: Role = "reader"
CURATOR: Role = "curator"
ADMINISTRATOR: Role = "administrator"
ROLES: tuple[Role, ...] = (READER, CURATOR, ADMINISTRATOR)  # each may do what those before it may
_FOR_CURATORS = gettext_noop(
    "Curators change the archive. You can read, search and export everything in it. To have something imported, or to "
    "become a curator, ask your administrator."
)
_FOR_ADMINISTRATORS = gettext_noop("This page is for administrators. Ask one of them for what you need.")


def role_of(person: User | AnonymousUser) -> Role:
    """Return a person's role, by one query for each loaded person."""
    role: Role | None = person.__dict__.get("role")
    if role is None:
        role = person.__dict__["role"] = _read_role(person)
    return role


def role_column(user: str) -> Case:
    """Return a person's role as a column of a query; `user` names its foreign key to people."""

    def has(role: Role) -> Exists:
        return Exists(User.groups.through.objects.filter(user_id=OuterRef(f"{user}_id"), group__name=role))

    return Case(
        When(Q(**{f"{user}__is_superuser": True}) | has(ADMINISTRATOR), then=Value(ADMINISTRATOR)),
        When(has(CURATOR), then=Value(CURATOR)),
        default=Value(READER),
    )


def remember_role(person: User, role: Role) -> None:
    """Spare `role_of` its query."""
    person.__dict__["role"] = role


def load_roles(people: Iterable[User]) -> None:
    """Read the roles of several people by one query, for `role_of`."""
    by_id = {person.pk: person for person in people}
    members = User.groups.through.objects.filter(user_id__in=by_id, group__name__in=ROLES)
    held: dict[int, set[str]] = {}
    for pk, name in members.values_list("user_id", "group__name"):
        held.setdefault(pk, set()).add(name)
    for pk, person in by_id.items():
        remember_role(person, _highest(person, held.get(pk, set())))


def may_curate(person: User | AnonymousUser) -> bool:
    """Whether a person may import, hand conversations to the team, and erase."""
    return role_of(person) != READER


def may_administer(person: User | AnonymousUser) -> bool:
    """Whether a person may see and change what belongs to others."""
    return role_of(person) == ADMINISTRATOR


def rights(request: HttpRequest) -> dict[str, Callable[[], bool]]:
    """Give templates what the reader may do; a page that does not ask costs no query (a context processor)."""
    return {may.__name__: partial(may, request.user) for may in (may_curate, may_administer)}


def administrators() -> QuerySet[User]:
    """Return the people who can sign in and are administrators."""
    return _active_members(ADMINISTRATOR)


def curators() -> QuerySet[User]:
    """Return the people who can sign in and may change the archive."""
    return _active_members(CURATOR, ADMINISTRATOR)


def give_role(person: User, role: Role) -> None:
    """Give a person a role instead of the one they have."""
    person.groups.remove(*Group.objects.filter(name__in=ROLES))
    person.groups.add(Group.objects.get_or_create(name=role)[0])
    if person.is_superuser or person.is_staff:
        person.is_superuser = person.is_staff = False  # Django's own marks, which would say more than the role
        person.save(update_fields=["is_superuser", "is_staff"])
    remember_role(person, role)


def curators_only(view: View) -> View:
    """Let only curators and administrators use a view."""
    return _only(may_curate, view, _FOR_CURATORS)


def administrators_only(view: View) -> View:
    """Let only administrators use a view."""
    return _only(may_administer, view, _FOR_ADMINISTRATORS)


def _active_members(*roles: Role) -> QuerySet[User]:
    # By ids: PostgreSQL locks no rows of a DISTINCT or of the nullable side of a join.
    members = User.groups.through.objects.filter(group__name__in=roles).values("user_id")
    return User.objects.filter(Q(is_superuser=True) | Q(pk__in=members), is_active=True).order_by("pk")


def _read_role(person: User | AnonymousUser) -> Role:
    if person.is_superuser or not person.is_authenticated:
        return _highest(person, set())
    return _highest(person, set(person.groups.values_list("name", flat=True)))


def _highest(person: User | AnonymousUser, groups: set[str]) -> Role:
    if person.is_superuser:
        return ADMINISTRATOR
    return next((role for role in reversed(ROLES) if role in groups), READER)


def _only(may: Callable[[User | AnonymousUser], bool], view: View, advice: str) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not may(request.user):
            raise PermissionDenied(gettext(advice))  # 403.html shows it
        return view(request, *args, **kwargs)

    return guarded
