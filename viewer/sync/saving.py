"""Saves one conversation for the person who reads it, a few seconds at a time, and says what has changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import monotonic
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from viewer.archive.changes import Changes, changes_between, changes_to
from viewer.archive.erased import erased_among
from viewer.archive.importing import read_line, save_record
from viewer.archive.models import StoredCompletion, belongs_to_visible, fit
from viewer.client.client import MAX_PAGE_SIZE, Client, next_cursor
from viewer.client.problems import Problem
from viewer.completions.types import Message, Page, Unreadable
from viewer.deployment.waiting import without_waiting
from viewer.formats.document import MAX_BYTES
from viewer.keys.models import ApiKey
from viewer.sources.sources import Source

from .fetch import TOO_LARGE, fetch_completion, line_of
from .models import Copy, SavedPage, Saving

_SECONDS = 5.0  # that one step fetches messages, after which the page shows how far it is


class ErasedHere(Exception):
    """The conversation was erased here, so nothing of it is stored again."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved. `changes` is None at the first time, and empty if nothing has changed since.

    `is_of_team`: the team has just the same, so that nothing was stored.
    """

    changes: Changes | None
    messages: int
    is_of_team: bool = False


def save_step(key: ApiKey, completion_id: str) -> Saved | None:
    """Go on saving a conversation for the key's owner; return None if there is more to fetch.

    What was received is kept, so that the next step goes on from there, also after a problem or days later. Raises
    Problem and ErasedHere.
    """
    with transaction.atomic():  # an erasure waits for its end, and then finds the row
        if erased_among([completion_id]):
            raise ErasedHere
        saving, _ = Saving.objects.get_or_create(
            person=key.owner, completion_id=completion_id, defaults={"api_key": key}
        )
    if saving.api_key_id != key.pk:  # messages of another server are of no use
        saving.delete()
        return save_step(key, completion_id)
    client = replace(Source(key).client, cache_as="")  # what is saved is what the server has now
    try:
        if not _fetch(saving, client):
            return None
        return _finish(saving, client, key)
    except Problem as problem:
        if problem.name == "not-found":
            mark_missing(key.owner, completion_id, [key])
        if problem.name in ("not-found", "bad-request", "unreadable", "too-large"):
            saving.delete()  # going on from there would fail again
        raise


def _fetch(saving: Saving, client: Client) -> bool:
    """Fetch messages until all are there, and return True, or until the time is over."""
    end = monotonic() + _SECONDS
    while not saving.is_whole:
        page = client.messages(saving.completion_id, after=saving.cursor, limit=MAX_PAGE_SIZE)
        if not _keep(saving, page):
            return False  # another tab is saving it too
        if saving.size > MAX_BYTES:
            raise Problem("too-large", TOO_LARGE)
        if monotonic() > end:
            return saving.is_whole
    return True


def _keep(saving: Saving, page: Page[Message | Unreadable]) -> bool:
    """Keep some messages. Return False if these were kept by another request meanwhile, or erased."""
    text = fit(",".join(item.source for item in page.items))
    first, saving.cursor = saving.count, next_cursor(page)
    saving.count, saving.size, saving.is_whole = first + len(page.items), saving.size + len(text), not saving.cursor
    try:
        with transaction.atomic():
            if erased_among([saving.completion_id]):
                return False
            if text:
                SavedPage.objects.create(saving=saving, first=first, messages=text)
            same = Saving.objects.filter(pk=saving.pk, count=first)
            return bool(
                same.update(cursor=saving.cursor, count=saving.count, size=saving.size, is_whole=saving.is_whole)
            )
    except IntegrityError:
        return False


def _finish(saving: Saving, client: Client, key: ApiKey) -> Saved:
    """Store what was fetched, unless the team has the same. Raises Problem and ErasedHere."""
    completion = fetch_completion(client, saving.completion_id)
    pages = list(saving.pages.order_by("first").values_list("messages", flat=True))
    if erased_among([saving.completion_id]):  # and its pages with it, so that there seem to be no messages
        raise ErasedHere
    try:
        record = read_line(line_of(completion, pages))
    except ValueError as error:
        raise Problem("unreadable", str(error)) from None
    known = StoredCompletion.objects.named(saving.completion_id, key.owner_id).first()
    changes = changes_to(known, record) if known else None
    is_of_team = bool(known and known.owner_id is None and not changes)
    with transaction.atomic():
        if erased_among([saving.completion_id]):  # meanwhile
            raise ErasedHere
        if not is_of_team:
            stored = save_record(record, key.owner_id)
            host = urlsplit(key.base_url).netloc
            Copy.objects.create(completion=stored, api_key=key, key_version=key.version, host=host)
        saving.delete()
    return Saved(changes, len(record.messages), is_of_team)


def mark_missing(person: User, completion_id: str, keys: Iterable[ApiKey]) -> None:
    """Note that a stored conversation is no longer where it was copied from, if one of these keys copied it.

    Not waiting for the database, since a reader may be waiting for the page.
    """
    versions = {key.pk: key.version for key in keys}
    if not versions:
        return
    copies = Copy.objects.filter(
        belongs_to_visible(person.pk),
        completion__completion_id=fit(completion_id),
        api_key__in=versions,
        key_version__in=versions.values(),
        deleted_at=None,
    )
    rows = list(copies.values_list("pk", flat=True))
    if rows:
        with_rows = Copy.objects.filter(pk__in=rows)
        try:
            with without_waiting(), transaction.atomic():
                with_rows.update(deleted_at=timezone.now())
        except DatabaseError:
            return  # it is noticed again the next time


def own_of(person: User, completion_id: str) -> StoredCompletion | None:
    """Return what a person saved of a conversation."""
    return StoredCompletion.objects.filter(completion_id=fit(completion_id), owner=person).first()


def changes_for_team(own: StoredCompletion) -> Changes | None:
    """Return how what a person saved differs from what the team has; None if the team has nothing of it."""
    of_team = StoredCompletion.objects.filter(completion_id=own.completion_id, owner=None).first()
    return changes_between(of_team, own) if of_team else None


def hand_to_team(own: StoredCompletion) -> None:
    """Give the team what a person saved, instead of what the team had of it; nothing if that was done meanwhile."""
    with transaction.atomic():
        if not StoredCompletion.objects.select_for_update().filter(pk=own.pk, owner=own.owner_id).exists():
            return
        StoredCompletion.objects.filter(completion_id=own.completion_id, owner=None).delete()
        StoredCompletion.objects.filter(pk=own.pk).update(owner=None)
