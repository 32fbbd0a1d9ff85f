"""Deletes what is not needed any more: spans that tell nothing, and those of conversations that have ended."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .models import Joiner, ReceivedSpan, Tally, Trace, TracedConversation

_PASSED = timedelta(minutes=5)  # for which a span is kept that may yet turn out to lie between others
_TALLIES = timedelta(days=90)
_BATCH = 5_000  # rows


def forget_passed(joiner: Joiner) -> None:
    """Delete some of the spans that told nothing and turned out to lie between no others. Raises Stopped."""
    old = ReceivedSpan.objects.filter(weight__lt=ReceivedSpan.TELLING, conversation=None)
    waiting = Trace.objects.filter(since__isnull=False).values("trace")
    old = old.filter(received_at__lt=timezone.now() - _PASSED).exclude(trace__in=waiting)
    ids = list(old.values_list("pk", flat=True)[:_BATCH])
    if ids:
        with transaction.atomic():
            joiner.hold()
            ReceivedSpan.objects.filter(pk__in=ids).delete()


def end_conversations() -> None:
    """Delete the spans of conversations of which nothing came for `TELEMETRY_DAYS`; what is stored of them stays."""
    end = timezone.now() - timedelta(days=settings.TELEMETRY_DAYS)
    while ids := list(TracedConversation.objects.filter(last_span_at__lt=end).values_list("pk", flat=True)[:100]):
        with transaction.atomic():
            TracedConversation.objects.filter(pk__in=ids).delete()
    ReceivedSpan.objects.filter(conversation=None, received_at__lt=end).delete()
    Trace.objects.filter(since=None, due_at__lt=end).delete()
    Tally.objects.filter(day__lt=(timezone.now() - _TALLIES).date()).delete()
