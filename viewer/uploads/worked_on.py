"""Which conversations somebody has worked on: what nobody takes away from colleagues without asking them."""

from __future__ import annotations

from collections.abc import Iterable

from viewer.archive.models import CompletionLabel, CompletionState
from viewer.review.models import Note, Verdict
from viewer.sharing.models import Share


def worked_on_among(completion_ids: Iterable[str]) -> set[str]:
    """Return those of some conversations that have a label, a status, an assignee, a note, a verdict or a share."""
    ids = list(completion_ids)
    found = (
        rows.objects.filter(completion_id__in=ids).values_list("completion_id", flat=True)
        for rows in (CompletionLabel, CompletionState, Note, Verdict, Share)
    )
    return {completion_id for rows in found for completion_id in rows}
