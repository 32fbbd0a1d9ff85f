"""Reads what lists show of archived conversations, as it was written when their messages were indexed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from viewer.completions.summary import Summary

from .models import StoredSummary, fit, read_held


def count_kinds(completions: Any) -> Counter[str]:
    """Count how many of some conversations contain each kind; they are given as rows or as a query."""
    contents = StoredSummary.objects.filter(completion__in=completions).exclude(contents="")
    return Counter(kind for text in contents.values_list("contents", flat=True) for kind in read_held(text))


def summaries_of(completion_ids: Iterable[str]) -> dict[str, Summary]:
    """Return the summaries of conversations by id; those that are not indexed yet are missing."""
    rows = StoredSummary.objects.filter(completion__completion_id__in=[fit(one) for one in completion_ids])
    columns = rows.values_list("completion__completion_id", "question", "messages", "contents")
    return {
        completion_id: Summary(question, messages, read_held(contents))
        for completion_id, question, messages, contents in columns
    }
