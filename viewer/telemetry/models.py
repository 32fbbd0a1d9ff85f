"""Spans and log records as they were received, the traces that wait to be joined, and the conversations they belong to.

Whoever receives spans writes them and marks their traces as changed, in one transaction: what was answered with 200 is
there after a crash. One worker at a time joins them. It holds a lease, and all its writes are conditional on that.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone

from viewer.sync.models import LEASE

QUIET = timedelta(seconds=2)  # for which nothing of a trace must have come until it is joined
PATIENCE = timedelta(seconds=30)  # after which a trace is joined that still changes, or of which a part is missing


class TracedConversation(models.Model):
    """A conversation of the archive that is made of spans. It can grow as long as its row is there.

    `due_at` is when it is to be stored anew, or empty. `known` is what `message_ids` remembers of its messages, as
    JSON. `continues` is the conversation with the same name that has ended, because of its age or its length.
    """

    completion_id = models.CharField(max_length=255, unique=True)
    changes = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    last_span_at = models.DateTimeField(default=timezone.now)
    joined_at = models.DateTimeField(null=True)
    join_seconds = models.FloatField(default=0)  # how long that took
    problem = models.CharField(max_length=20, blank=True)  # why it is not stored as it is, see `wording.PROBLEMS`
    known = models.TextField(blank=True)
    continues = models.CharField(max_length=255, blank=True)
    size = models.PositiveBigIntegerField(default=0)  # characters of its spans, about

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="traced_by_due"),
            models.Index(fields=["last_span_at"], name="traced_by_last_span"),
        ]

    def __str__(self) -> str:
        return self.completion_id


class ReceivedSpan(models.Model):
    """A span, or a log record, as JSON that `formats.spans.span` reads. `record` tells the records of a span apart.

    Of those that tell nothing and name nothing only ids, parent, name and times are kept, and no longer than for some
    minutes, unless they lie between others.
    """

    PASSED, NAMING, TELLING = 0, 1, 2  # nothing to tell; names a conversation or a person; tells of a call

    trace = models.CharField(max_length=64)  # hexadecimal digits; of a record without one made of its conversation
    span = models.CharField(max_length=32, blank=True)
    record = models.CharField(max_length=32, blank=True)  # of a log record its digest
    parent = models.CharField(max_length=32, blank=True)
    weight = models.PositiveSmallIntegerField()
    fullness = models.BigIntegerField()  # of two with the same ids the one with more stays
    source = models.TextField()
    received_at = models.DateTimeField()
    conversation = models.ForeignKey(TracedConversation, on_delete=models.CASCADE, null=True, related_name="spans")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace", "span", "record"], name="span_by_ids")]
        indexes = [
            models.Index(
                fields=["received_at"], condition=models.Q(weight__lt=2, conversation=None), name="span_passed"
            )
        ]

    def __str__(self) -> str:
        return f"{self.trace}/{self.span}"


class Trace(models.Model):
    """A trace in which something was told. `since` is when it changed first after it was joined last, or empty."""

    trace = models.CharField(max_length=64, primary_key=True)
    changes = models.PositiveBigIntegerField(default=1)
    since = models.DateTimeField(null=True)
    due_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(since__isnull=False), name="trace_by_due"),
            models.Index(fields=["since"], condition=models.Q(since__isnull=False), name="trace_by_change"),
        ]

    def __str__(self) -> str:
        return self.trace


class Mark(models.Model):
    """By what a conversation is recognised: a keyed digest of its name, of a trace, or of what was said.

    `ended` is a history with its last answer, and also `end` until somebody goes on with it; `wanted` is one that was
    repeated, but not received; `asked` and `unanswered` are whole inputs. `began` is the first trace of those that are
    known by no name. Nothing of what was said stands here.
    """

    NAME, TRACE, ASKED, UNANSWERED, WANTED = "name", "trace", "asked", "unanswered", "wanted"
    BEGAN, END, ENDED = "began", "end", "ended"

    conversation = models.ForeignKey(TracedConversation, on_delete=models.CASCADE, related_name="marks")
    kind = models.CharField(max_length=10)
    digest = models.CharField(max_length=32)
    trace = models.CharField(max_length=64, blank=True)  # which has said it
    start = models.FloatField(default=0)  # of that trace, in Unix seconds

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "digest"], condition=models.Q(kind__in=["name", "trace"]), name="mark_of_one"
            )
        ]
        indexes = [
            models.Index(fields=["digest", "kind"], name="mark_by_digest"),
            models.Index(fields=["trace"], condition=~models.Q(trace=""), name="mark_by_trace"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.conversation_id}"


class Tally(models.Model):
    """How many spans of a kind came on a day (UTC), and when the last one did; see `wording.KINDS`."""

    day = models.DateField()
    kind = models.CharField(max_length=20)
    count = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "kind"], name="tally_of_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.kind}: {self.count}"


class Stopped(Exception):
    """The lease is no longer ours, or this process is stopping."""


class Joiner(models.Model):
    """The lease of the worker that joins: one row, because two that join the same conversation would disagree."""

    worker = models.UUIDField(null=True)  # new with every claim
    lease_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.worker)

    @classmethod
    def claim(cls) -> Joiner | None:
        """Claim the lease, unless another process has it."""
        row, _ = cls.objects.get_or_create(pk=1)
        is_free = models.Q(lease_until=None) | models.Q(lease_until__lt=timezone.now())
        row.worker, row.lease_until = uuid.uuid4(), timezone.now() + LEASE
        claimed = cls.objects.filter(is_free, pk=1).update(worker=row.worker, lease_until=row.lease_until)
        return row if claimed else None

    def owned(self) -> models.QuerySet[Joiner]:
        """Return its row as long as this worker holds it, then no row."""
        return Joiner.objects.filter(pk=1, worker=self.worker)

    def hold(self) -> None:
        """Renew it, in the transaction of what is written meanwhile. Raises Stopped if it is lost."""
        if not self.owned().update(lease_until=timezone.now() + LEASE):
            raise Stopped

    def release(self) -> None:
        """Release it, so that the next worker does not have to wait for the lease to expire."""
        self.owned().update(worker=None, lease_until=None)
