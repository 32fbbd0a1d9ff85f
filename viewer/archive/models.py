"""The tables: completions, their messages in packs, metadata pairs to filter by, and the entries of the search index.

The JSON is stored as text, not as parsed columns, so it comes out exactly as it was imported.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from viewer.completions.source_text import clean

from .packing import PackedText


def fit(text: str) -> str:
    """Replace what no text column can store, NUL and lone surrogates; for storing and for lookups."""
    return clean(text).replace("\x00", "\ufffd")


def fit_key(text: str) -> str:
    """Make a metadata key fit its column. With its value it also fits an index entry of PostgreSQL (2,700 bytes)."""
    return fit(text)[:120]


def fit_value(text: str) -> str:
    """Make a metadata value fit its column. OpenAI allows 512 characters (docs/api-facts.md#completions)."""
    return fit(text)[:512]


def fit_metadata(pairs: dict[str, str]) -> dict[str, str]:
    """Make metadata fit its table."""
    return {fit_key(key): fit_value(value) for key, value in pairs.items()}


_OWNER = Coalesce("owner", Value(0))  # accounts count from 1


def belongs_to_visible(reader: int | None) -> Q:
    """Return the condition that a row is of a completion that a person may see."""
    return Q(completion__owner=None) | Q(completion__owner=reader)


class StoredCompletions(models.QuerySet["StoredCompletion"]):
    """Stored completions, by who may see them: `reader` is the id of a person, or None for what the team has."""

    def visible_to(self, reader: int | None) -> StoredCompletions:
        return self.filter(Q(owner=None) | Q(owner=reader))

    def hidden_from(self, reader: int | None) -> StoredCompletions:
        """Return what others have saved: few, and found by an index of their own."""
        return self.filter(owner__isnull=False).exclude(owner=reader)

    def named(self, completion_id: str, reader: int | None) -> StoredCompletions:
        """Return the one with an id, or none; of two the person's own, which is as they saw it."""
        named = self.visible_to(reader).filter(completion_id=fit(completion_id))
        return named.order_by(_OWNER.desc())[:1]  # as the index has them, so that nothing is sorted

    def count_visible(self, reader: int | None) -> int:
        """Count those that a person may see, without looking at each."""
        return self.count() - self.hidden_from(reader).count()


class StoredCompletion(models.Model):
    """A stored completion. `body` is the response of `GET …/{id}`; `created` is in Unix seconds.

    What a person saved has an owner and is visible to them alone; everything else belongs to the team. Both may have
    the same completion.
    """

    completion_id = models.CharField(max_length=255)
    created = models.BigIntegerField()
    model = models.CharField(max_length=255, blank=True)
    body = models.TextField()
    digest = models.CharField(max_length=64)  # recognises what is imported again: see `formats.stored`
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )

    objects = StoredCompletions.as_manager()

    class Meta:
        constraints = [
            # The id comes first, so that the same index finds a completion by its id.
            models.UniqueConstraint("completion_id", _OWNER, name="completion_of_owner")
        ]
        indexes = [
            models.Index(fields=["created", "id"], name="completion_by_time"),
            models.Index(fields=["model", "created", "id"], name="completion_by_model"),
            models.Index(fields=["owner"], condition=Q(owner__isnull=False), name="completion_saved"),
        ]

    def __str__(self) -> str:
        return self.completion_id


class MessagePack(models.Model):
    """Input messages that follow each other; `messages` reads and writes them.

    Paging uses the position of the first one (from 0), so the last page costs as much as the first.
    """

    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="+", db_index=False)
    first = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    packed = models.BinaryField()  # the last column, because it is long

    class Meta:
        constraints = [models.UniqueConstraint(fields=["completion", "first"], name="messages_by_first")]

    def __str__(self) -> str:
        return f"{self.completion_id}/{self.first}"


class OwnMessageId(models.Model):
    """Where a message is whose id does not say it, as `{completion_id}-{position}` does."""

    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BigIntegerField()  # `messages.digest_of`
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["completion", "position"], name="own_id_by_position")]
        indexes = [models.Index(fields=["digest", "completion"], name="own_id_by_digest")]

    def __str__(self) -> str:
        return f"{self.completion_id}/{self.position}"


class StoredMessage(models.Model):
    """An input message as earlier versions stored it, a row for each. `moving` takes them over; then there are none."""

    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="+", db_index=False)
    position = models.PositiveIntegerField()
    message_id = models.CharField(max_length=255)
    body = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["completion", "position"], name="message_by_position"),
            # The id comes first, so that the same index finds a message without its completion.
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
    """Format what a message, or a conversation, contains: `image=2 error=1`, see `completions.contents`."""
    return " ".join(f"{kind}={count}" for kind, count in held.items())


def read_held(text: str) -> dict[str, int]:
    """Parse what `write_held` wrote."""
    return {kind: int(count) for kind, _, count in (pair.partition("=") for pair in text.split())}


class SearchPack(models.Model):
    """The indexed words of messages that follow each other (`search.indexed`), and what they contain.

    A long conversation has several packs. The words of the completion's answer follow those of its last message.
    """

    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="+", db_index=False)
    first = models.PositiveIntegerField()  # the position of the first message
    is_last = models.BooleanField()  # ends with the answer
    held = models.TextField(blank=True)  # what single messages contain (`search.packs`)
    words = models.BinaryField()  # the last column, because it is long and seldom read

    class Meta:
        constraints = [models.UniqueConstraint(fields=["completion", "first"], name="pack_by_first")]

    def __str__(self) -> str:
        return f"{self.completion_id}/{self.first}"


class SearchDocument(models.Model):
    """What a conversation is found by (`search.tokens`). A very long one has several.

    The id is built from the completion's time, so that a page of results is the end of a range, never a sort.
    """

    id = models.BigIntegerField(primary_key=True)
    completion = models.ForeignKey(StoredCompletion, on_delete=models.CASCADE, related_name="+")
    signature = models.BinaryField()
    tokens = PackedText()  # the last column, because it is long and seldom read

    def __str__(self) -> str:
        return str(self.completion_id)


class StoredSummary(models.Model):
    """What a list shows of a conversation without reading its messages; made and deleted with the index entries."""

    completion = models.OneToOneField(StoredCompletion, on_delete=models.CASCADE, primary_key=True, related_name="+")
    question = models.TextField(blank=True)  # the first of a user, in one line
    messages = models.PositiveIntegerField()
    contents = models.CharField(max_length=255, blank=True)  # of all messages and answers (`write_held`)

    def __str__(self) -> str:
        return self.question


class SeenCompletion(models.Model):
    """A conversation that a person opened. By its id, because it may be read from a server and imported later."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    completion_id = models.CharField(max_length=255)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "completion_id"], name="seen_by_person")]

    def __str__(self) -> str:
        return self.completion_id


class ErasedCompletion(models.Model):
    """The id of a conversation that was erased here, so that no import brings it back. Nothing of its content."""

    completion_id = models.CharField(max_length=255, primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150)  # the name of a person, or why it was erased without one

    def __str__(self) -> str:
        return self.completion_id


class Label(models.Model):
    """A label of the team. `key` is its name as it is compared: folded, so that capitals make no difference."""

    name = models.CharField(max_length=40)
    key = models.CharField(max_length=120, unique=True)
    colour = models.CharField(max_length=10)
    is_keeping = models.BooleanField(default=False)  # what has it is not erased because of its age

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class CompletionLabel(models.Model):
    """A label on a conversation, by its id, because it may be read from a server and imported later."""

    # Found by the index of `label_of_completions`, which is also what searches read.
    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="+", db_index=False)
    completion_id = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["label", "completion_id"], name="label_of_completions")]
        indexes = [models.Index(fields=["completion_id"], name="labels_by_completion")]

    def __str__(self) -> str:
        return f"{self.label_id}/{self.completion_id}"


class CompletionState(models.Model):
    """How far the team is with a conversation, and who looks after it. Without a row: no status, and nobody."""

    completion_id = models.CharField(max_length=255, unique=True)
    status = models.CharField(max_length=10, blank=True)  # one of `labels.STATUSES`
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["status", "completion_id"], condition=~models.Q(status=""), name="state_by_status"),
            models.Index(
                fields=["assignee", "completion_id"], condition=~models.Q(assignee=None), name="state_by_assignee"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.completion_id}: {self.status}"


class SearchWord(models.Model):
    """A word that the archive has, or once had: its forms and what is spelled nearly alike are looked up here."""

    word = models.CharField(max_length=64, primary_key=True)

    def __str__(self) -> str:
        return self.word
