"""Runs with their progress and failures, and which completions of the archive are copies.

Pages and commands change a run's state. The worker that processes it holds a lease, and all its writes are conditional
on that lease. So a pause, a cancelled run, another worker, and a deleted or replaced key all stop the worker in the
same way: its next write matches no row.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from viewer.accounts.roles import curators
from viewer.archive.models import fit
from viewer.client.problems import Problem
from viewer.keys.models import ApiKey
from viewer.web.logs import event

LEASE = timedelta(seconds=30)  # until another worker takes over a killed one's run; machines' clocks differ by less
MAX_CLAIM_TIME = timedelta(seconds=15)  # if a run has not been claimed by then, there is no worker


class AnotherIsActive(Exception):
    """Another run with this key is not over yet."""


def claim_first(claimable: Callable[[], models.QuerySet[Any]], **changes: Any) -> Any:
    """Give a new worker the lease of the first row that is free, and return its primary key; None if there is none.

    `claimable` queries the free rows. Of several workers that try at once, only one succeeds.
    """
    for pk in claimable().order_by("pk").values_list("pk", flat=True)[:20]:
        lease = {"worker": uuid.uuid4(), "lease_until": timezone.now() + LEASE}
        if claimable().filter(pk=pk).update(**lease, **changes):
            return pk
    return None


class CopyRuns(models.QuerySet["CopyRun"]):
    """Runs, by their person, or those that a worker may claim."""

    def of(self, person: User) -> CopyRuns:
        return self.filter(person=person)

    def active(self) -> CopyRuns:
        """Return the runs that are not over; there is at most one for each key."""
        return self.filter(state__in=CopyRun.ACTIVE)

    def start_or_resume(
        self,
        key: ApiKey,
        model: str,
        metadata: dict[str, str],
        since: datetime | None,
        only_newest: bool = False,
    ) -> CopyRun:
        """Return the unfinished run with the same parameters, resumed if needed, or start a new one.

        Earlier runs with them that found nothing new are deleted. Raises AnotherIsActive.
        """
        same = self.filter(person=key.owner, api_key=key, model=model, metadata=metadata, since=since)
        unfinished = same.exclude(state__in=(CopyRun.CANCELLED, CopyRun.DONE)).order_by("-pk")
        run = unfinished.first()
        if run is None:
            same.filter(state=CopyRun.DONE, copied=0, gone=0, failures=None).delete()
            with suppress(AnotherIsActive), _one_active(), transaction.atomic():
                run = self.create(
                    person=key.owner, api_key=key, label=key.label, model=model, metadata=metadata, since=since,
                    only_newest=only_newest,
                )  # fmt: skip
                event("copy asked for", run=run.pk, person=run.person_id, key=key.pk)
                return run
            run = unfinished.first()  # an identical request was faster
        if run is None:
            raise AnotherIsActive
        if not only_newest:
            self.filter(pk=run.pk).update(only_newest=False)
        if run.state != CopyRun.RUNNING:
            run.perform("resume")
        run.refresh_from_db()
        return run

    def claimable(self) -> CopyRuns:
        """Return the runs that wait, and those whose lease has expired."""
        is_free = models.Q(state=CopyRun.WAITING) | models.Q(state=CopyRun.RUNNING, lease_until__lt=timezone.now())
        return self.filter(is_free, person__in=_importers())

    def claim(self) -> CopyRun | None:
        """Claim one of these runs. Of several workers that try at once, only one succeeds."""
        pk = claim_first(self.model.objects.claimable, state=CopyRun.RUNNING, finished_at=None)
        if pk is None:
            return None
        self.model.objects.filter(pk=pk, started_at=None).update(started_at=timezone.now())
        return self.model.objects.select_related("api_key", "person").get(pk=pk)


class CopyRun(models.Model):
    """One copy of what a key can read, filtered by model, metadata and time, and its progress."""

    WAITING, RUNNING, PAUSED, CANCELLED, DONE, FAILED = "waiting", "running", "paused", "cancelled", "done", "failed"
    ACTIVE = (WAITING, RUNNING, PAUSED)
    ACTIONS = {
        "pause": (WAITING, RUNNING),
        "resume": (PAUSED, FAILED),
        "cancel": (*ACTIVE, FAILED),
        "retry": (DONE,),
    }

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="copy_runs")
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="copy_runs")
    label = models.CharField(max_length=60)  # of the key, which may be deleted later
    model = models.CharField(max_length=255, blank=True)
    metadata = models.JSONField(default=dict)
    since = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default=WAITING)
    only_failed = models.BooleanField(default=False)  # retry what failed, without listing again
    # Stop listing at the first page that the archive has. The previous version does not write this column.
    only_newest = models.BooleanField(default=False, db_default=False)
    erases_deleted = models.BooleanField(default=False, db_default=False)  # here, what was deleted at the source
    worker = models.UUIDField(null=True)  # new with every claim
    lease_until = models.DateTimeField(null=True)
    waits_until = models.DateTimeField(null=True)  # if the source is rate-limited or unavailable
    problem = models.CharField(max_length=20, blank=True)  # the name of the problem for which it waits or has failed
    said = models.TextField(blank=True)
    listed = models.PositiveIntegerField(default=0)
    is_listed = models.BooleanField(default=False)  # to the end, so that `wanted` is final
    wanted = models.PositiveIntegerField(default=0)  # listed, but not in the archive
    copied = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)  # deleted at the source
    erased = models.PositiveIntegerField(default=0, db_default=0)  # of them, also those found by earlier runs
    asked_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = CopyRuns.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["api_key"],
                condition=models.Q(state__in=("waiting", "running", "paused")),
                name="one_active_run_of_a_key",
            )
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="copy_run_by_state")]

    def __str__(self) -> str:
        return f"{self.label} #{self.pk}"

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The metadata for a template, which would use a key named `items` instead of the method."""
        return list(self.metadata.items())

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def is_moving(self) -> bool:
        """Whether its figures may change by themselves."""
        return self.state in (self.WAITING, self.RUNNING)

    @property
    def already_stored(self) -> int:
        """How many of the listed completions were already in the archive."""
        return max(0, self.listed - self.wanted)

    @property
    def has_no_worker(self) -> bool:
        """Whether it has waited longer than a worker needs to claim it, and no worker is busy with another run."""
        now = timezone.now()
        is_unclaimed = self.lease_until is None or self.lease_until + MAX_CLAIM_TIME < now
        if not (self.is_moving and is_unclaimed and self.asked_at + MAX_CLAIM_TIME < now):
            return False
        return not CopyRun.objects.filter(state=self.RUNNING, lease_until__gt=now).exists()

    @property
    def waits(self) -> int:
        """The seconds that it still waits for its source."""
        left = (self.waits_until - timezone.now()).total_seconds() if self.waits_until else 0
        return max(0, round(left)) if self.state == self.RUNNING else 0

    def perform(self, action: str) -> bool:
        """Perform one of `ACTIONS`. Return False if the state does not allow it. Raises AnotherIsActive."""
        now = timezone.now()
        restarted = {"state": self.WAITING, "asked_at": now, "started_at": None, "worker": None, "lease_until": None}
        changes: dict[str, dict[str, Any]] = {
            "pause": {"state": self.PAUSED},
            "resume": restarted | {"only_failed": False} | problem_fields(None),
            "cancel": {"state": self.CANCELLED, "finished_at": now},
            "retry": restarted | {"only_failed": True} | problem_fields(None),
        }
        with _one_active(), transaction.atomic():
            allowed = CopyRun.objects.filter(pk=self.pk, state__in=self.ACTIONS[action])
            is_done = bool(allowed.update(waits_until=None, **changes[action]))
        if is_done:
            event("copy changed", run=self.pk, person=self.person_id, wish=action)
        return is_done

    def tell_to_erase(self, erases_deleted: bool) -> None:
        """Choose whether it erases here what was deleted at the source; it looks at its end."""
        CopyRun.objects.filter(pk=self.pk).update(erases_deleted=erases_deleted)

    def owned(self) -> models.QuerySet[CopyRun]:
        """Return this run's row as long as this worker holds it with the same key, then no row."""
        if self.api_key is None:
            return CopyRun.objects.none()
        same_key = ApiKey.objects.filter(pk=self.api_key.pk, version=self.api_key.version)
        return CopyRun.objects.filter(
            pk=self.pk, state=self.RUNNING, worker=self.worker, api_key__in=same_key, person__in=_importers()
        )

    def finish(self, state: str, problem: Problem | None = None) -> bool:
        """End this run, if its worker still holds it."""
        ended = CopyRun.objects.filter(pk=self.pk, state=self.RUNNING, worker=self.worker).update(
            state=state, finished_at=timezone.now(), waits_until=None, worker=None, **problem_fields(problem)
        )
        if ended:
            event("copy ended", run=self.pk, person=self.person_id, state=state)
        return bool(ended)

    def release(self, state: str = WAITING) -> None:
        """Release the run, so that the next worker does not have to wait for the lease to expire."""
        CopyRun.objects.filter(pk=self.pk, state=self.RUNNING, worker=self.worker).update(
            state=state, worker=None, lease_until=None, waits_until=None
        )


class CopyFailure(models.Model):
    """One completion that a run could not copy, and why. The row is deleted once it is copied."""

    run = models.ForeignKey(CopyRun, on_delete=models.CASCADE, related_name="failures")
    completion_id = models.TextField(blank=True)  # as the source sent it, of any length
    problem = models.CharField(max_length=20)
    said = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=1)
    failed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.completion_id


class Copy(models.Model):
    """Where a completion of the archive was copied from. Completions that were imported from a file have no row."""

    completion = models.OneToOneField(
        "archive.StoredCompletion", on_delete=models.CASCADE, primary_key=True, related_name="copy"
    )
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    # The version of the key that last saw the completion. If another key does not see it, that proves no deletion.
    key_version = models.UUIDField()
    host = models.CharField(max_length=300)
    copied_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)  # when its deletion at the source was noticed

    def __str__(self) -> str:
        return f"{self.completion_id} from {self.host}"


class Saving(models.Model):
    """What one person is saving of one conversation, with the messages received so far. Deleted when it is stored."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    completion_id = models.CharField(max_length=255)
    cursor = models.TextField(blank=True)  # after which the next messages are fetched
    count = models.PositiveIntegerField(default=0)  # messages
    size = models.PositiveBigIntegerField(default=0)  # characters
    is_whole = models.BooleanField(default=False)  # all messages are here
    started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "completion_id"], name="one_saving_of_person")]

    def __str__(self) -> str:
        return f"{self.completion_id}: {self.count}"


class SavedPage(models.Model):
    """Some messages of a conversation that is being saved: a JSON list of them as received."""

    saving = models.ForeignKey(Saving, on_delete=models.CASCADE, related_name="pages", db_index=False)
    first = models.PositiveIntegerField()  # the position of its first message
    messages = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["saving", "first"], name="page_of_saving")]

    def __str__(self) -> str:
        return f"{self.saving_id} from {self.first}"


def _importers() -> models.QuerySet[User]:
    """Return those who may import now: a run of somebody who no longer may waits.

    It is a subquery. A join would move an UPDATE's other conditions into a subquery, and PostgreSQL, after waiting for
    a concurrent write, would not check them again.
    """
    return curators().order_by()


@contextmanager
def _one_active() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise AnotherIsActive from None


def problem_fields(problem: Problem | None) -> dict[str, Any]:
    """Return the values of a row's fields that say why it waits or failed."""
    return {"problem": problem.name if problem else "", "said": fit(problem.message)[:500] if problem else ""}
