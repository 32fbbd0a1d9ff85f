from __future__ import annotations

import argparse
import sys
from getpass import getpass
from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from viewer.accounts.roles import ADMINISTRATOR, READER, ROLES, administrators, give_role
from viewer.people.changes import remove_second_factors
from viewer.people.models import EntryLink
from viewer.people.views import url_of
from viewer.web.logs import event


class Command(BaseCommand):
    help = "Create a person, or with --reset let one set a new password: prints a link that works once, for seven days."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--role", choices=ROLES, help="without it administrator for the first, else reader")
        parser.add_argument("--email", default="", help="by which single sign-on recognizes the person")
        parser.add_argument("--password", action="store_true", help="ask for a password instead of printing a link")
        parser.add_argument("--reset", action="store_true", help="a new password for somebody who exists")
        parser.add_argument(
            "--remove-second-factors",
            action="store_true",
            help="with --reset, also remove second factors and the connection to single sign-on",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        removes = options["remove_second_factors"]
        if removes and not options["reset"]:
            raise CommandError("--remove-second-factors goes with --reset.")
        person = _find(options["name"]) if options["reset"] else _create(options)
        if options["password"]:
            _set_password(person)
            if removes:
                remove_second_factors(person)
            return
        _, secret = EntryLink.objects.issue(person=person, removes_second_factors=removes)
        self.stdout.write(f"Open this link within seven days and choose a password. It works once:\n{url_of(secret)}")


def _create(options: dict[str, Any]) -> User:
    try:
        name = get_adapter().clean_username(options["name"])
        if options["email"]:
            validate_email(options["email"])
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    if options["email"] and User.objects.filter(email__iexact=options["email"]).exists():
        raise CommandError("Somebody has this address already.")
    person = User(username=name, email=options["email"])
    person.set_unusable_password()
    role = options["role"] or (READER if administrators().exists() else ADMINISTRATOR)
    person.save()
    give_role(person, role)
    event("person created", whom=person.pk, role=role)
    return person


def _find(name: str) -> User:
    person = User.objects.filter(username__iexact=name).first()
    if person is None:
        raise CommandError(f"There is nobody with the name {name}.")
    if not person.is_active:
        raise CommandError(f"{person} is deactivated. Reactivate them on /people/ first.")
    return person


def _set_password(person: User) -> None:
    password = getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise CommandError(f"{' '.join(error.messages)} {person} exists; run the command again with --reset.") from None
    person.set_password(password)
    person.save(update_fields=["password"])
