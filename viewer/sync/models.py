"""What was asked to be copied, how far it is, what failed, and which completions of the archive are copies.

Pages and commands write a run's state; the process that works on it holds a lease, and every write of its own names the
lease. So a pause, a cancelled run, another worker, a deleted or replaced key all end the work in one way: its next
write finds no row.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from viewer.archive.models import fit
from viewer.client.problems import Problem
from viewer.keys.models import ApiKey
from viewer.web.logs import event

LEASE = timedelta(seconds=30)  # how long a killed worker's run stays as it is; machines' clocks differ by less
_WAITS = timedelta(seconds=15)  # a run that nobody has taken up after this time has no worker


class AnotherIsActive(Exception):
    """The key is in use by a run that is not over yet."""


class CopyRuns(models.QuerySet["CopyRun"]):
    """Runs, looked up by the person who asked for them, or by what a worker may take up."""

    def of(self, person: User) -> CopyRuns:
        return self.filter(person=person)

    def active(self) -> CopyRuns:
        """Give the runs that are not over; there is at most one for each key."""
        return self.filter(state__in=CopyRun.ACTIVE)

    def ask_for(
        self,
        key: ApiKey,
        model: str,
        metadata: dict[str, str],
        since: datetime | None,
        only_newest: bool = False,
    ) -> CopyRun:
        """Go on with the run that was asked for in the same words and is not done, or start one.

        Of those that found nothing new only the last is kept. Raises AnotherIsActive.
        """
        alike = self.filter(person=key.owner, api_key=key, model=model, metadata=metadata, since=since)
        unfinished = alike.exclude(state__in=(CopyRun.CANCELLED, CopyRun.DONE)).order_by("-pk")
        run = unfinished.first()
        if run is None:
            alike.filter(state=CopyRun.DONE, copied=0, gone=0, failures=None).delete()
            with suppress(AnotherIsActive), _one_active(), transaction.atomic():
                run = self.create(
                    person=key.owner, api_key=key, label=key.label, model=model, metadata=metadata, since=since,
                    only_newest=only_newest,
                )  # fmt: skip
                event("copy asked for", run=run.pk, person=run.person_id, key=key.pk)
                return run
            run = unfinished.first()  # somebody asked for the same at the same moment
        if run is None:
            raise AnotherIsActive
        if not only_newest:
            self.filter(pk=run.pk).update(only_newest=False)
        if run.state != CopyRun.RUNNING:
            run.wish("resume")
        run.refresh_from_db()
        return run

    def claimable(self) -> CopyRuns:
        """Give the runs that wait, and those whose worker has not been heard of for a lease."""
        is_free = models.Q(state=CopyRun.WAITING) | models.Q(state=CopyRun.RUNNING, lease_until__lt=timezone.now())
        return self.filter(is_free, person__in=_active_people())

    def claim(self) -> CopyRun | None:
        """Take up one of these runs; of several workers that try at once, one succeeds."""
        for pk in self.claimable().order_by("pk").values_list("pk", flat=True)[:20]:
            worker, now = uuid.uuid4(), timezone.now()
            taken = self.model.objects.claimable().filter(pk=pk)
            if taken.update(state=CopyRun.RUNNING, worker=worker, lease_until=now + LEASE, finished_at=None):
                self.model.objects.filter(pk=pk, started_at=None).update(started_at=now)
                return self.model.objects.select_related("api_key", "person").get(pk=pk)
        return None


class CopyRun(models.Model):
    """One wish to copy what a key can read, narrowed by model, metadata and time, and how far that is."""

    WAITING, RUNNING, PAUSED, CANCELLED, DONE, FAILED = "waiting", "running", "paused", "cancelled", "done", "failed"
    ACTIVE = (WAITING, RUNNING, PAUSED)
    WISHES = {
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
    only_failed = models.BooleanField(default=False)  # try again what failed, without listing anew
    # List down to the first page that the archive has, no further. Machines of the last version know no such column.
    only_newest = models.BooleanField(default=False, db_default=False)
    worker = models.UUIDField(null=True)  # made anew at every claim
    lease_until = models.DateTimeField(null=True)
    waits_until = models.DateTimeField(null=True)  # when the source asked to wait, or did not answer
    problem = models.CharField(max_length=20, blank=True)  # why it waits or has failed, by the problem's name
    said = models.TextField(blank=True)
    listed = models.PositiveIntegerField(default=0)
    is_listed = models.BooleanField(default=False)  # to the end; from then on `wanted` is known
    wanted = models.PositiveIntegerField(default=0)  # those that were not in the archive
    copied = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)  # found deleted at the source
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
        """Give the metadata for a template, which would take a key named `items` for the method."""
        return list(self.metadata.items())

    @property
    def is_active(self) -> bool:
        return self.state in self.ACTIVE

    @property
    def is_moving(self) -> bool:
        """Whether its figures may change without anybody's doing."""
        return self.state in (self.WAITING, self.RUNNING)

    @property
    def there(self) -> int:
        """How many of the listed ones were in the archive already."""
        return max(0, self.listed - self.wanted)

    @property
    def has_no_worker(self) -> bool:
        """Whether it waits for longer than a worker needs to take it up, and no worker is busy with another."""
        now = timezone.now()
        is_left = self.lease_until is None or self.lease_until + _WAITS < now
        if not (self.is_moving and is_left and self.asked_at + _WAITS < now):
            return False
        return not CopyRun.objects.filter(state=self.RUNNING, lease_until__gt=now).exists()

    @property
    def waits(self) -> int:
        """How many seconds it still waits for its source."""
        left = (self.waits_until - timezone.now()).total_seconds() if self.waits_until else 0
        return max(0, round(left)) if self.state == self.RUNNING else 0

    def wish(self, wished: str) -> bool:
        """Do what a person wants, one of `WISHES`. False where its state does not allow it. Raises AnotherIsActive."""
        now = timezone.now()
        anew = {"state": self.WAITING, "asked_at": now, "started_at": None, "worker": None, "lease_until": None}
        changes: dict[str, dict[str, Any]] = {
            "pause": {"state": self.PAUSED},
            "resume": anew | {"only_failed": False} | problem_fields(None),
            "cancel": {"state": self.CANCELLED, "finished_at": now},
            "retry": anew | {"only_failed": True} | problem_fields(None),
        }
        with _one_active(), transaction.atomic():
            allowed = CopyRun.objects.filter(pk=self.pk, state__in=self.WISHES[wished])
            is_done = bool(allowed.update(waits_until=None, **changes[wished]))
        if is_done:
            event("copy changed", run=self.pk, person=self.person_id, wish=wished)
        return is_done

    def held(self) -> models.QuerySet[CopyRun]:
        """Give this run's row while its worker holds it with the same key, and no row from then on."""
        if self.api_key is None:
            return CopyRun.objects.none()
        same_key = ApiKey.objects.filter(pk=self.api_key.pk, version=self.api_key.version)
        return CopyRun.objects.filter(
            pk=self.pk, state=self.RUNNING, worker=self.worker, api_key__in=same_key, person__in=_active_people()
        )

    def finish(self, state: str, problem: Problem | None = None) -> bool:
        """End the work of this run's worker."""
        ended = CopyRun.objects.filter(pk=self.pk, state=self.RUNNING, worker=self.worker).update(
            state=state, finished_at=timezone.now(), waits_until=None, worker=None, **problem_fields(problem)
        )
        if ended:
            event("copy ended", run=self.pk, person=self.person_id, state=state)
        return bool(ended)

    def release(self, state: str = WAITING) -> None:
        """Give the run back, so that the next worker need not wait for the lease to lapse."""
        CopyRun.objects.filter(pk=self.pk, state=self.RUNNING, worker=self.worker).update(
            state=state, worker=None, lease_until=None, waits_until=None
        )


class CopyFailure(models.Model):
    """One completion that a run could not copy, and why. Once it is copied, the row is deleted."""

    run = models.ForeignKey(CopyRun, on_delete=models.CASCADE, related_name="failures")
    completion_id = models.TextField(blank=True)  # as the source gave it: whatever that is
    problem = models.CharField(max_length=20)
    said = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=1)
    failed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.completion_id


class Copy(models.Model):
    """Where a completion of the archive was copied from. One that was imported from a file has no such row."""

    completion = models.OneToOneField(
        "archive.StoredCompletion", on_delete=models.CASCADE, primary_key=True, related_name="copy"
    )
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    # The key, as it was when it last saw the completion: another key that does not see it proves no deletion.
    key_version = models.UUIDField()
    host = models.CharField(max_length=300)
    copied_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)  # when it was first seen to be gone at the source

    def __str__(self) -> str:
        return f"{self.completion_id} from {self.host}"


def _active_people() -> models.QuerySet[User]:
    """Give a subquery, for a join would take an UPDATE's own conditions with it: PostgreSQL, waiting for another's
    write, then looks at them no second time."""
    return User.objects.filter(is_active=True).order_by()


@contextmanager
def _one_active() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise AnotherIsActive from None


def problem_fields(problem: Problem | None) -> dict[str, Any]:
    """Say in a row's fields why something waits or failed."""
    return {"problem": problem.name if problem else "", "said": fit(problem.message)[:500] if problem else ""}
