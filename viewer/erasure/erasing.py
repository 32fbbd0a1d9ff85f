"""Erases conversations from every room that keeps something of them."""

from __future__ import annotations

from collections.abc import Collection

from django.core.cache import caches
from django.db import transaction

from viewer.archive.erased import erase_stored, purge
from viewer.archive.models import fit
from viewer.read_log.recording import write
from viewer.review.models import Note, Verdict
from viewer.sharing.models import Share
from viewer.sources.models import Finding
from viewer.sync.models import CopyFailure, Saving
from viewer.telemetry.erasing import erase_from_telemetry
from viewer.uploads.erasing import erase_from_uploads
from viewer.web.logs import event

from .signals import conversations_erased

_BATCH = 100  # conversations in one transaction
_CACHES = ("bubbles", "finds", "answers", "guesses")  # which hold formatted messages, found texts, responses, guesses


def erase(completion_ids: Collection[str], by: str, token: str = "") -> bool:
    """Erase conversations everywhere, in the name of a person, maybe with an access token of theirs, or for a reason.

    Return False if the files of the database still have some of them, because somebody was reading all the time.
    """
    remaining = list(dict.fromkeys(completion_ids))
    while ids := remaining[:_BATCH]:
        remaining = remaining[_BATCH:]
        with transaction.atomic():
            erase_stored(ids, by)  # first, for it waits for those who are storing some of it
            _erase_around(ids)
            for completion_id in ids:
                write(action="erase", name=by, completion_id=completion_id, token=token)
        for completion_id in ids:
            event("conversation erased", completion=completion_id, by=by)
    for name in _CACHES:
        caches[name].clear()
    return purge()


def _erase_around(completion_ids: Collection[str]) -> None:
    """Delete what other rooms keep of conversations, also of those that were never in the archive."""
    ids = [fit(one) for one in completion_ids]
    for rows in (Saving, CopyFailure, Finding, Share, Note, Verdict):
        rows.objects.filter(completion_id__in=ids).delete()
    erase_from_uploads(ids)
    erase_from_telemetry(ids)
    conversations_erased.send(sender=None, completion_ids=ids)
