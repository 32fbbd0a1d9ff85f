"""What an erasure has to reach: files that wait, and what an import replaced."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from viewer.archive.models import ErasedCompletion

from . import files
from .cleaning import forget_content
from .models import ReplacedCompletion, Upload, WaitingCompletion


def erase_from_uploads(completion_ids: Collection[str]) -> None:
    """Delete the files that have one of these conversations, in a transaction. A file cannot be erased in part."""
    ReplacedCompletion.objects.filter(completion_id__in=completion_ids).delete()
    waiting = WaitingCompletion.objects.filter(completion_id__in=completion_ids)
    for upload in Upload.objects.filter(pk__in=waiting.values("upload")):
        _give_up(upload)


def has_erased(upload: Upload) -> bool:
    """Whether a conversation of a file was erased since its upload began; then the file is deleted. In a transaction.

    An erasure before that is none of the file's: what it left out is said, and it is not imported.
    """
    erased = ErasedCompletion.objects.filter(at__gte=upload.begun_at).values("pk")
    is_so = upload.waiting.filter(completion_id__in=erased).exists()
    if is_so:
        _give_up(upload)
    return is_so


def _give_up(upload: Upload) -> None:
    upload.move((upload.state,), Upload.FAILED, problem="erased", finished_at=timezone.now())
    forget_content(upload)
    transaction.on_commit(lambda: files.delete(upload.pk))
