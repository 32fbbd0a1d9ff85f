"""Changes to a person: role, state, password. Each is logged, and takes effect on the person's next request."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext

from viewer.accounts.models import Session
from viewer.accounts.roles import ADMINISTRATOR, Role, administrators, give_role, role_of
from viewer.web.logs import event

from .models import EntryLink


class NotPossible(Exception):
    """A change that would lock people out. Its text is for the page."""


@transaction.atomic
def change_role(person: User, role: Role, by: User) -> None:
    """Give a person another role. Raises NotPossible."""
    before = role_of(person)
    if role == before:
        return
    if person == by:
        raise NotPossible(gettext("You cannot change your own role. Ask another administrator."))
    if before == ADMINISTRATOR:
        _keep_an_administrator(person)
    give_role(person, role)
    event("role changed", whom=person.pk, role=role, before=before)


@transaction.atomic
def deactivate(person: User, by: User) -> None:
    """Lock a person out: their sessions end, and their access tokens and imports stop. Raises NotPossible."""
    if person == by:
        raise NotPossible(gettext("You cannot deactivate yourself. Ask another administrator."))
    _keep_an_administrator(person)
    person.is_active = False
    person.save(update_fields=["is_active"])  # ends the sessions (accounts/apps.py)
    event("person deactivated", whom=person.pk)


def reactivate(person: User) -> None:
    person.is_active = True
    person.save(update_fields=["is_active"])
    event("person reactivated", whom=person.pk)


@transaction.atomic
def let_in(link: EntryLink, person: User, encoded: str) -> bool:
    """Use a link up and set the hashed password; return whether the link was still good.

    A new password ends the person's sessions. A person who is new is saved, and gets the role of the invitation. Of
    one who is known nothing else is saved: they may have been deactivated or lost a role since they were loaded.
    """
    if not link.use():
        return False
    person.password = encoded
    if link.person is None:
        person.save()
        give_role(person, link.given_role)
        event("person created", whom=person.pk, role=link.given_role, link=link.pk)
        return True
    if not User.objects.filter(pk=person.pk, is_active=True).update(password=encoded):
        return False
    Session.objects.filter(user=person).delete()
    if link.removes_second_factors:
        remove_second_factors(person)
    event("password reset", whom=person.pk, link=link.pk, second_factors_removed=link.removes_second_factors)
    return True


def remove_second_factors(person: User) -> None:
    """Let the password alone sign a person in: without second factors, and without an account at the provider."""
    Authenticator.objects.filter(user=person).delete()
    SocialAccount.objects.filter(user=person).delete()


def _keep_an_administrator(person: User) -> None:
    """Refuse to take away the last administrator.

    The lock makes two who do so at once wait for each other. Only a query after it sees what the other one did.
    """
    list(administrators().select_for_update())
    if not administrators().exclude(pk=person.pk).exists():
        raise NotPossible(gettext("This is the only administrator. Make somebody else one first."))
