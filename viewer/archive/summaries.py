"""Reads what lists show of archived conversations, as it was written when their messages were indexed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import F

from viewer.completions.summary import Summary

from .models import StoredSummary, belongs_to_visible, fit, read_held


def count_kinds(completions: Any) -> Counter[str]:
    """Count how many of some conversations contain each kind; they are given as rows or as a query."""
    contents = StoredSummary.objects.filter(completion__in=completions).exclude(contents="")
    return Counter(kind for text in contents.values_list("contents", flat=True) for kind in read_held(text))


def summaries_of(completion_ids: Iterable[str], reader: int | None) -> dict[str, Summary]:
    """Return the summaries of a person's conversations by id; those that are not indexed yet are missing."""
    rows = StoredSummary.objects.filter(
        belongs_to_visible(reader),
        completion__completion_id__in=[fit(one) for one in completion_ids],
    )
    own_last = rows.order_by(F("completion__owner").asc(nulls_first=True))  # of two the person's own is kept
    columns = own_last.values_list("completion__completion_id", "question", "messages", "contents")
    return {completion_id: _summary(row) for completion_id, *row in columns}


def summaries_by_row(completions: Iterable[int]) -> dict[int, Summary]:
    """Return the summaries of stored conversations by their rows."""
    rows = StoredSummary.objects.filter(completion__in=[*completions])
    return {pk: _summary(row) for pk, *row in rows.values_list("pk", "question", "messages", "contents")}


def _summary(row: list[Any]) -> Summary:
    question, messages, contents = row
    return Summary(question, messages, read_held(contents))
