"""Changes the metadata of a stored completion."""

from __future__ import annotations

import json

from django.db import transaction

from viewer.completions.source_text import Piece, members, to_object

from .erased import erased_among
from .models import StoredCompletion, StoredMetadata, fit, fit_metadata
from .search.index import forget_words, index_again, words_of_completions


def replace_metadata(completion_id: str, metadata: dict[str, str], reader: int | None) -> str | None:
    """Give a completion these metadata instead of what it has; return its body, or None if the reader sees none.

    What the team has and what the reader saved of it change alike. All else of the body stays as it was written; and so
    does the digest, so that whatever was imported is still known when it is imported again.
    """
    with transaction.atomic():
        erased_among([completion_id])  # an erasure waits for the end
        visible = StoredCompletion.objects.visible_to(reader).filter(completion_id=fit(completion_id))
        completions = list(visible.order_by("owner_id").select_for_update())
        rows = [each.pk for each in completions]
        before = words_of_completions(rows)
        for completion in completions:
            completion.body = _with_metadata(completion.body, json.dumps(metadata, ensure_ascii=False))
            completion.save(update_fields=["body"])
        StoredMetadata.objects.filter(completion__in=rows).delete()
        StoredMetadata.objects.bulk_create(
            StoredMetadata(completion_id=row, key=key, value=value)
            for row in rows
            for key, value in fit_metadata(metadata).items()
        )
        index_again(completions)
        forget_words(before - words_of_completions(rows))
        return StoredCompletion.objects.named(completion_id, reader).values_list("body", flat=True).first()


def _with_metadata(body: str, metadata: str) -> str:
    pairs = dict(members(body)) | {"metadata": Piece(fit(metadata), None)}
    return to_object([(name, piece.source) for name, piece in pairs.items()])
