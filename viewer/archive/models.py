"""Three tables: completions, their messages in order, and metadata pairs to filter by.

The JSON is kept as text, not as parsed columns: what was imported comes out as it went in.
"""

from __future__ import annotations

from django.db import models

from viewer.completions.source_text import clean


def fit(text: str) -> str:
    """Make a text fit for a column, when it is stored and when it is looked up: no NUL, no lone surrogate."""
    return clean(text).replace("\x00", "\ufffd")


def fit_key(text: str) -> str:
    """Make a metadata key fit; with `fit_value`, for an index of PostgreSQL too, whose entries have 2,700 bytes."""
    return fit(text)[:120]


def fit_value(text: str) -> str:
    """Make a metadata value fit. OpenAI's have at most 512 characters (docs/api-facts.md#completions)."""
    return fit(text)[:512]


class StoredCompletion(models.Model):
    """A stored completion. `body` is what `GET …/{id}` answers, `created` Unix seconds."""

    completion_id = models.CharField(max_length=255, unique=True)
    created = models.BigIntegerField()
    model = models.CharField(max_length=255, blank=True)
    body = models.TextField()
    digest = models.CharField(max_length=64)  # SHA-256 of the imported line: the same line twice changes nothing

    class Meta:
        indexes = [
            models.Index(fields=["created", "id"], name="completion_by_time"),
            models.Index(fields=["model", "created", "id"], name="completion_by_model"),
        ]

    def __str__(self) -> str:
        return self.completion_id


class StoredMessage(models.Model):
    """An input message. Pages are cut by `position` (from 0), so the last costs what the first costs."""

    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="messages", db_index=False)
    position = models.PositiveIntegerField()
    message_id = models.CharField(max_length=255)
    body = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["completion", "position"], name="message_by_position"),
            # The id comes first, so that the same index finds a message whose completion is not known.
            models.UniqueConstraint(fields=["message_id", "completion"], name="message_by_id"),
        ]

    def __str__(self) -> str:
        return self.message_id


class StoredMetadata(models.Model):
    """One metadata pair of a completion."""

    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="metadata")
    key = models.CharField(max_length=255)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "value", "completion"], name="metadata_by_pair")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


def write_held(held: dict[str, int]) -> str:
    """Write what a message holds for `SearchEntry.held`."""
    return " ".join(f"{kind}={count}" for kind, count in held.items())


def read_held(text: str) -> dict[str, int]:
    """Read what `write_held` wrote."""
    return {kind: int(count) for kind, _, count in (one.partition("=") for one in text.split())}


class SearchEntry(models.Model):
    """The words by which a message is found (`search_text`), and what it holds.

    Without a position they are those of a completion's answer.

    The id is made of the completion's time and of the order of storing, so that the newest entries are the highest and
    those of one completion lie together: a page of results is the end of a range, and never a sort of all that match.
    """

    id = models.BigIntegerField(primary_key=True)
    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveIntegerField(null=True)
    words = models.TextField()
    held = models.CharField(max_length=255, blank=True)  # `image=2 error=1`: see `completions.holdings`; mostly nothing

    class Meta:
        constraints = [models.UniqueConstraint(fields=["completion", "position"], name="entry_by_position")]
        indexes = [
            models.Index(fields=["completion", "position"], condition=~models.Q(held=""), name="entry_that_holds")
        ]

    def __str__(self) -> str:
        return f"{self.completion_id}/{self.position}"
