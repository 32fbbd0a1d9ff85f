"""Deletes what uploads need no longer: their files, what is kept to undo them, and what was found in them."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from viewer.web.logs import event

from . import files
from .models import KEPT, ReplacedCompletion, Upload


def give_up(upload: Upload, state: str, **more: object) -> bool:
    """Delete the file of an upload and what is known of its content, and change its state, unless that has changed.

    The file itself goes at once if it is in this folder; where it is another machine's, that one deletes it soon.
    """
    with transaction.atomic():
        is_done = upload.move((upload.state,), state, has_file=False, **more)
        if is_done:
            forget_content(upload)
    if is_done:
        files.delete(upload.pk)
    return is_done


def forget_content(upload: Upload) -> None:
    """Delete what is known of the content of a file. In a transaction."""
    upload.waiting.all().delete()
    upload.first_messages.all().delete()
    Upload.objects.filter(pk=upload.pk).update(first_id="", first_body="", changed=[], has_file=False)


def discard(upload: Upload) -> None:
    """Delete an upload that has added nothing, with its file."""
    Upload.objects.filter(pk=upload.pk).delete()
    files.delete(upload.pk)
    event("upload discarded", upload=upload.pk, person=upload.person_id)


def delete_old_files() -> None:
    """Delete what nobody has imported for a day, and the files in this folder that belong to no upload."""
    for upload in Upload.objects.forgotten():
        if not upload.has_added:
            discard(upload)
        elif upload.has_file:
            give_up(upload, Upload.STOPPED, finished_at=upload.finished_at or timezone.now())
    kept = Upload.objects.filter(finished_at__gt=timezone.now() - KEPT)
    undoing = Upload.objects.filter(state__in=(Upload.IMPORTING, Upload.UNDOING))
    ReplacedCompletion.objects.exclude(upload__in=kept.values("pk")).exclude(upload__in=undoing.values("pk")).delete()
    for path in files.stray(_with_file):
        path.unlink(missing_ok=True)


def _with_file(ids: list[int]) -> set[int]:
    return set(Upload.objects.filter(pk__in=ids, has_file=True).values_list("pk", flat=True))
