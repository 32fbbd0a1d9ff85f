"""What an erasure has to reach: spans, and what is remembered of messages."""

from __future__ import annotations

from collections.abc import Collection

from .models import ReceivedSpan, TracedConversation


def erase_from_telemetry(completion_ids: Collection[str]) -> None:
    """Delete the spans of conversations, in a transaction.

    By what they are recognised stays, as digests, until they end: so what arrives for them later is not stored either.
    What waits to be joined and belongs to nothing yet goes with its trace; if others share that, when it is joined.
    """
    conversations = TracedConversation.objects.filter(completion_id__in=completion_ids)
    spans = ReceivedSpan.objects.filter(conversation__in=conversations)
    traces = set(spans.values_list("trace", flat=True))
    spans.delete()
    shared = ReceivedSpan.objects.filter(trace__in=traces, conversation__isnull=False).values_list("trace", flat=True)
    ReceivedSpan.objects.filter(trace__in=traces - set(shared), conversation=None).delete()
    conversations.update(known="", join_seconds=0, due_at=None)
