"""Lets two conversations become one, when a name that came late shows that they are the same."""

from __future__ import annotations

from django.db.models import F

from viewer.archive.models import StoredCompletion
from viewer.uploads.worked_on import worked_on_among
from viewer.web.logs import event

from .models import TracedConversation


def absorb(conversation: TracedConversation, other: TracedConversation) -> None:
    """Make the spans of another conversation part of this one, in a transaction; its marks have moved already.

    What was stored of the other is taken away, because it will stand in this one; not if somebody has worked on it.
    """
    other.spans.update(conversation=conversation)
    TracedConversation.objects.filter(pk=conversation.pk).update(size=F("size") + other.size)
    if not worked_on_among([other.completion_id]):
        StoredCompletion.objects.filter(completion_id=other.completion_id, owner=None).delete()
    other.delete()
    event("conversations joined", completion=conversation.completion_id, other=other.completion_id)
