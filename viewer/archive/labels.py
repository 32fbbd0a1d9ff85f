"""Labels, status and assignee: what the team says of a conversation as a whole, and can filter lists by."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from viewer.completions.folding import fold

from .models import CompletionLabel, CompletionState, Label, fit

STATUSES = ("open", "escalated", "reviewed")
COLOURS = ("grey", "red", "amber", "green", "teal", "blue", "violet")


@dataclass(frozen=True, slots=True)
class Marks:
    """What the team says of a conversation; an empty status and no assignee by default."""

    labels: tuple[Label, ...] = ()
    status: str = ""
    assignee: User | None = None

    def __bool__(self) -> bool:
        return bool(self.labels or self.status or self.assignee)


def key_of_label(name: str) -> str:
    """Return a name as it is compared with others."""
    return " ".join(fold(fit(name)).split())[:120]


def marks_of(completion_id: str) -> Marks:
    """Return the marks of a conversation, by two queries. Those of a list are read with it (`listing`)."""
    completion_id = fit(completion_id)
    on_it = CompletionLabel.objects.filter(completion_id=completion_id).select_related("label").order_by("label__key")
    labels = tuple(row.label for row in on_it)
    state = CompletionState.objects.filter(completion_id=completion_id).select_related("assignee").first()
    return Marks(labels, state.status, state.assignee) if state else Marks(labels)


def set_marks(completion_id: str, marks: Marks) -> None:
    """Make these the labels, the status and the assignee of a conversation."""
    completion_id = fit(completion_id)
    with transaction.atomic():
        if marks.status or marks.assignee:
            changed = {"status": marks.status, "assignee": marks.assignee}
            CompletionState.objects.update_or_create(completion_id=completion_id, defaults=changed)
        else:
            CompletionState.objects.filter(completion_id=completion_id).delete()
        kept = CompletionLabel.objects.filter(completion_id=completion_id)
        kept.exclude(label__in=[label.pk for label in marks.labels]).delete()
        CompletionLabel.objects.bulk_create(
            [CompletionLabel(label=label, completion_id=completion_id) for label in marks.labels],
            ignore_conflicts=True,
        )
