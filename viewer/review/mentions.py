"""Finds the people whom a text mentions as `@name`, and remembers who has read what mentions them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from viewer.deployment.waiting import without_waiting

from .models import Mention, Note

# An @ within a word is that of an e-mail address. Django's names may end with these marks, and sentences do.
MENTION = re.compile(r"(?<![\w@.+-])@([\w.@+-]{1,150})")
_ENDS = ".@+-"
_MAX_NAMES = 50  # of a text that are looked up


@dataclass(frozen=True, slots=True)
class Mentions:
    """The people whom a text mentions, by their names as they are written there, and the names that nobody has."""

    people: dict[str, User]
    unknown: tuple[str, ...]


def people_to_mention() -> list[User]:
    """Return everybody who can be mentioned: those who can sign in."""
    return list(User.objects.filter(is_active=True).order_by("username"))


def mentions_in(text: str) -> Mentions:
    """Look up the names in a text. Capitals make no difference, unless two names differ in them alone."""
    written = [*dict.fromkeys(match[1] for match in MENTION.finditer(text))][:_MAX_NAMES]
    spellings = {name: _spellings(name) for name in written}
    known = people_named({spelling for several in spellings.values() for spelling in several})
    people, unknown = {}, []
    for several in spellings.values():
        found = next(((spelling, known[spelling]) for spelling in several if spelling in known), None)
        if found:
            people[found[0]] = found[1]
        else:
            unknown.append(several[-1])
    return Mentions(people, tuple(unknown))


def remember_mentions(note: Note, people: Iterable[User]) -> None:
    """Put a note on the pages of those whom it mentions now, except its author's; those it no longer mentions lose it.

    Who has read it before does not have to read it again.
    """
    ids = {person.pk for person in people} - {note.author_id}
    note.mentions.exclude(person__in=ids).delete()
    Mention.objects.bulk_create([Mention(note=note, person_id=one) for one in sorted(ids)], ignore_conflicts=True)


def unread_mentions(person_id: Any) -> models.QuerySet[Mention]:
    """Return the mentions of a person in notes that they have not opened, for which there is an index."""
    return Mention.objects.filter(person_id=person_id, read_at=None)


def mark_read(person_id: int, notes: Iterable[int] | None = None) -> int:
    """Remember that a person has read some notes, or all that mention them; return how many were new."""
    unread = unread_mentions(person_id)
    if notes is not None:
        unread = unread.filter(note__in=[*notes])
    return unread.update(read_at=timezone.now())


def record_read(person_id: int, notes: list[int]) -> None:
    """Remember that a page showed notes to a person, without waiting: an import may have locked the database."""
    if notes:
        with suppress(DatabaseError), without_waiting(), transaction.atomic():
            mark_read(person_id, notes)


def _spellings(name: str) -> list[str]:
    """Return what a written name may mean, the longest first: without the marks that end a sentence."""
    spellings = [name]
    while spellings[-1][-1:] in _ENDS and len(spellings[-1]) > 1:
        spellings.append(spellings[-1][:-1])
    return spellings


def people_named(names: Iterable[str]) -> dict[str, User]:
    """Return active people by names as they are written, in any capitals unless two differ in them alone."""
    people = list(User.objects.filter(is_active=True, username__in={*names}))
    found = {person.username: person for person in people}
    others = {name.casefold(): name for name in names if name not in found}
    if others:  # a database compares capitals of ASCII alone, so all are compared here
        for person in User.objects.filter(is_active=True).only("pk", "username").order_by("-pk"):
            if (name := others.get(person.username.casefold())) is not None:
                found[name] = person
    return found
