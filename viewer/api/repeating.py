"""Answers an import that is sent again with the same `Idempotency-Key` as the first time, and imports it once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection
from time import monotonic

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone

from viewer.archive.erased import erased_since
from viewer.completions.errors import ApiError
from viewer.keys.models import AccessToken
from viewer.programs.tokens import Refused

from .models import KEPT, LEASE, ImportAnswer

_MAX_KEY = 255  # characters
_RENEWAL = 20.0  # seconds
Work = Callable[[Callable[[], None]], HttpResponse]  # gets a function to call now and then


def once(token: AccessToken, key: str, digest: str, work: Work) -> HttpResponse:
    """Do some work and remember its response; or return that of the first time. Without a key, just do it.

    What fails is not remembered, so that it can be sent again. Raises Refused.
    """
    if not key:
        return work(lambda: None)
    if len(key) > _MAX_KEY or not key.isprintable():
        message = f"Invalid 'Idempotency-Key': expected 1 to {_MAX_KEY} printable characters."
        raise Refused(400, ApiError(message, "Idempotency-Key", "invalid_value"))
    claimed = _claim(token.owner_id, key, digest)
    if claimed.body:
        response = HttpResponse(claimed.body, status=claimed.status, content_type="application/json")
        response["Idempotent-Replayed"] = "true"
        return response
    mine = ImportAnswer.objects.filter(pk=claimed.pk, worker=claimed.worker)
    try:
        response = work(_renewal(mine))
        with transaction.atomic():
            mine.update(body=response.content.decode(), status=response.status_code)
            forget_answers(completion_ids=erased_since(claimed.created_at))  # by somebody else meanwhile
    except BaseException:
        mine.delete()
        raise
    return response


def forget_answers(*, completion_ids: Collection[str], **signal: object) -> None:
    """Delete the answers that name conversations which are erased; sent again, the import says what is still here."""
    for completion_id in completion_ids:
        written = json.dumps(completion_id, ensure_ascii=False)
        ImportAnswer.objects.filter(body__contains=written).delete()


def _claim(person: int, key: str, digest: str) -> ImportAnswer:
    """Return the row of a key: a finished one, or one that is now ours. Raises Refused."""
    now = timezone.now()
    same = ImportAnswer.objects.filter(person_id=person, key=key)
    same.filter(created_at__lt=now - KEPT, lease_until__lt=now).delete()
    try:
        with transaction.atomic():
            return ImportAnswer.objects.create(person_id=person, key=key, digest=digest, lease_until=now + LEASE)
    except IntegrityError:
        known = same.first()
    if known is not None and known.digest != digest:
        message = "This Idempotency-Key was used for another body within 24 hours. Choose a new key for each import."
        raise Refused(422, ApiError(message, "Idempotency-Key", "idempotency_key_reused"))
    if known is not None and known.body:
        return known
    # What was killed can be taken over when its lease is over, by one of those who try.
    worker = uuid.uuid4()
    if not same.filter(body="", lease_until__lt=now).update(worker=worker, lease_until=now + LEASE):
        message = "The import with this Idempotency-Key is still going on. Send it again for its answer."
        error = ApiError(message, "Idempotency-Key", "idempotency_key_in_use")
        raise Refused(409, error, {"Retry-After": "5"})
    return same.get(worker=worker)


def _renewal(mine: QuerySet[ImportAnswer]) -> Callable[[], None]:
    last = monotonic()

    def renew() -> None:
        nonlocal last
        if monotonic() - last > _RENEWAL:
            last = monotonic()
            mine.update(lease_until=timezone.now() + LEASE)

    return renew
