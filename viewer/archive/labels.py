"""Labels, status and assignee: what the team says of a conversation as a whole, and can filter lists by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
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


def marks_of(completion_ids: Iterable[str]) -> dict[str, Marks]:
    """Return the marks of those conversations that have any, by two queries."""
    ids = [fit(one) for one in completion_ids]
    labels: dict[str, list[Label]] = defaultdict(list)
    rows = CompletionLabel.objects.filter(completion_id__in=ids).select_related("label").order_by("label__key")
    for row in rows:
        labels[row.completion_id].append(row.label)
    states = {
        state.completion_id: state
        for state in CompletionState.objects.filter(completion_id__in=ids).select_related("assignee")
    }
    return {
        one: Marks(
            tuple(labels.get(one, ())),
            states[one].status if one in states else "",
            states[one].assignee if one in states else None,
        )
        for one in {*labels, *states}
    }


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
