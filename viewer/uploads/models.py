"""Uploaded files with what was found in them, how far their import is, and what it has added.

Pages change the state of an upload. The worker that reads, imports or undoes it holds a lease, and all its writes are
conditional on that lease and on the state. So *Stop*, an erasure, another worker, and a person who may no longer import
all stop the worker in the same way: its next write matches no row.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from viewer.accounts.roles import curators
from viewer.sync.models import MAX_CLAIM_TIME, claim_first
from viewer.web.logs import event

MAX_BYTES = 2_000_000_000  # of a file
KEPT = timedelta(days=1)  # a file that nobody imports, what an import replaced, and the way back


class Uploads(models.QuerySet["Upload"]):
    """Uploads, by their person, or those that a worker may claim."""

    def of(self, person: User) -> Uploads:
        return self.filter(person=person)

    def claimable(self, place: uuid.UUID) -> Uploads:
        """Return the uploads that wait for a worker with this folder; to undo something takes no file."""
        is_free = models.Q(lease_until=None) | models.Q(lease_until__lt=timezone.now())
        is_here = models.Q(state__in=(Upload.READING, Upload.IMPORTING), place=place, has_file=True)
        # By a subquery, as in `sync`: PostgreSQL checks it again after waiting for a concurrent write.
        return self.filter(is_free, is_here | models.Q(state=Upload.UNDOING), person__in=curators().order_by())

    def claim(self, place: uuid.UUID) -> Upload | None:
        """Claim one of these uploads. Of several workers that try at once, only one succeeds."""
        pk = claim_first(lambda: self.model.objects.claimable(place))
        upload = self.model.objects.filter(pk=pk).first()
        return upload if upload and upload.worker else None  # it may have been stopped in this moment

    def forgotten(self) -> Uploads:
        """Return those with a file that nobody has imported in time."""
        return self.filter(asked_at__lt=timezone.now() - KEPT).exclude(
            state__in=(Upload.DONE, Upload.UNDOING, Upload.UNDONE)
        )


class Upload(models.Model):
    """One file, or what was pasted. `counts` has what an import would do, `outcomes` what it did so far.

    Both count by the status of `archive.importing.Outcome`; `families` counts by the name of the format.
    """

    RECEIVING, READING, PREVIEW, IMPORTING = "receiving", "reading", "preview", "importing"
    STOPPED, DONE, UNDOING, UNDONE, FAILED = "stopped", "done", "undoing", "undone", "failed"
    WORK = (READING, IMPORTING, UNDOING)

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255, blank=True)  # of the file, as the browser said; empty if it was pasted
    size = models.PositiveBigIntegerField()  # bytes
    received = models.PositiveBigIntegerField(default=0)  # bytes
    modified = models.BigIntegerField(null=True)  # the file, in Unix milliseconds: the same one is sent on
    place = models.UUIDField()  # of the folder that has the file
    has_file = models.BooleanField(default=True)
    language = models.CharField(max_length=10)  # of the person, for what the worker has to say
    state = models.CharField(max_length=10, default=RECEIVING)
    worker = models.UUIDField(null=True)  # new with every claim
    lease_until = models.DateTimeField(null=True)
    problem = models.CharField(max_length=20, blank=True)  # why it failed, see `wording.PROBLEMS`
    replaces = models.BooleanField(default=False)  # whether changed conversations take the place of those stored
    read = models.PositiveBigIntegerField(default=0)  # bytes, by the worker
    position = models.PositiveBigIntegerField(default=0)  # of what was found in the file: where an import goes on
    counts = models.JSONField(default=dict)
    families = models.JSONField(default=dict)
    beside = models.JSONField(default=list)  # what else is in the file, in words
    refusals = models.JSONField(default=list)  # [{"reason", "count", "places"}]
    changed = models.JSONField(default=list)  # ids of the first conversations that the archive has otherwise
    first_id = models.CharField(max_length=255, blank=True)  # of the first conversation, which is shown
    first_body = models.TextField(blank=True)
    first_length = models.PositiveIntegerField(default=0)  # how many messages it has, of which the first are kept
    outcomes = models.JSONField(default=dict)
    undone = models.PositiveIntegerField(default=0)
    stayed = models.PositiveIntegerField(default=0)  # somebody has worked on them
    begun_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(default=timezone.now)  # for what it is doing now
    finished_at = models.DateTimeField(null=True)

    objects = Uploads.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "lease_until"], name="upload_by_state")]

    def __str__(self) -> str:
        return f"{self.name} #{self.pk}"

    @property
    def is_moving(self) -> bool:
        """Whether its figures may change by themselves."""
        return self.state in self.WORK

    @property
    def has_no_worker(self) -> bool:
        """Whether it has waited longer than a worker needs to claim it, and no worker of its machine is busy."""
        now = timezone.now()
        is_unclaimed = self.lease_until is None or self.lease_until + MAX_CLAIM_TIME < now
        if not (self.is_moving and is_unclaimed and self.asked_at + MAX_CLAIM_TIME < now):
            return False
        return not Upload.objects.filter(place=self.place, state__in=self.WORK, lease_until__gt=now).exists()

    @property
    def new(self) -> int:
        return int(self.counts.get("imported", 0))

    @property
    def known(self) -> int:
        return int(self.counts.get("unchanged", 0))

    @property
    def kept(self) -> int:
        """How many conversations the archive has otherwise."""
        return int(self.counts.get("kept", 0))

    @property
    def erased(self) -> int:
        return int(self.counts.get("erased", 0))

    @property
    def refused(self) -> int:
        return int(self.counts.get("bad", 0))

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def imported(self) -> int:
        return int(self.outcomes.get("imported", 0))

    @property
    def replaced(self) -> int:
        return int(self.outcomes.get("replaced", 0))

    @property
    def has_added(self) -> bool:
        return bool(self.imported or self.replaced)

    @property
    def undoable_until(self) -> Any:
        """The time until which it can be undone, or None."""
        is_over = self.state in (self.DONE, self.STOPPED, self.FAILED) and self.has_added and self.finished_at
        until = self.finished_at + KEPT if is_over and self.finished_at else None
        return until if until and until > timezone.now() else None

    def move(self, before: tuple[str, ...], after: str, **more: Any) -> bool:
        """Change the state, if it is still one of those before; whoever works on it loses it."""
        changes = {"state": after, "asked_at": timezone.now(), "worker": None, "lease_until": None, **more}
        is_done = bool(Upload.objects.filter(pk=self.pk, state__in=before).update(**changes))
        if is_done:
            event("upload changed", upload=self.pk, person=self.person_id, state=after)
        return is_done

    def owned(self) -> Uploads:
        """Return this upload's row as long as this worker holds it for the same purpose, then no row."""
        return Upload.objects.filter(pk=self.pk, state=self.state, worker=self.worker, person__in=curators().order_by())

    def fail(self, problem: str) -> None:
        """End with one of `wording.PROBLEMS`, if its worker still holds it."""
        now = timezone.now()
        ended = self.owned().update(
            state=self.FAILED, problem=problem, has_file=False, worker=None, asked_at=now, finished_at=now
        )
        if ended:
            event("upload changed", upload=self.pk, person=self.person_id, state=self.FAILED)

    def release(self) -> None:
        """Release it, so that the next worker does not have to wait for the lease to expire."""
        Upload.objects.filter(pk=self.pk, worker=self.worker).update(worker=None, lease_until=None)


class WaitingCompletion(models.Model):
    """The id of a conversation in a file that waits, so that erasing the conversation reaches the file."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="waiting", db_index=False)
    completion_id = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["completion_id", "upload"], name="waiting_in_upload")]
        indexes = [models.Index(fields=["upload"], name="waiting_by_upload")]

    def __str__(self) -> str:
        return self.completion_id


class FirstMessage(models.Model):
    """A message of the first conversation in a file, as it would be stored."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="first_messages", db_index=False)
    position = models.PositiveIntegerField()
    message_id = models.CharField(max_length=255)
    body = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "position"], name="first_message_of_upload")]

    def __str__(self) -> str:
        return self.message_id


class AddedCompletion(models.Model):
    """A conversation of the archive that an upload has added. It is gone with it, also when another replaces it."""

    completion = models.OneToOneField(
        "archive.StoredCompletion", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="added")
    stays = models.BooleanField(default=False)  # the import was undone, but not this

    def __str__(self) -> str:
        return str(self.completion_id)


class ReplacedCompletion(models.Model):
    """What the archive had before an upload replaced it, for a day. `messages` is a JSON list of (id, body)."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="replaced_ones", db_index=False)
    completion_id = models.CharField(max_length=255)
    created = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    body = models.TextField()
    messages = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["completion_id", "upload"], name="replaced_by_upload")]
        indexes = [models.Index(fields=["upload"], name="replaced_of_upload")]

    def __str__(self) -> str:
        return self.completion_id
