"""The tables of notes and of the people whom they mention.

A conversation is named by its id, because it may be read from a server now and be imported later.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class Note(models.Model):
    """A note on a place in a conversation (`rendering.places`); an empty place is the conversation as a whole."""

    completion_id = models.CharField(max_length=255)
    place = models.CharField(max_length=255, blank=True)
    # The notes of a person who was deleted stay.
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField()
    mentioned = models.TextField(blank=True)  # the names in the text that were found, with spaces between them
    written_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["completion_id", "id"], name="note_by_completion")]

    def __str__(self) -> str:
        return f"{self.completion_id}/{self.place}"


class Mention(models.Model):
    """A person whom a note mentions. `read_at` is empty until they have opened the note."""

    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["note", "person"], name="mention_by_note")]
        indexes = [
            models.Index(fields=["person", "note"], name="mention_by_person"),
            models.Index(fields=["person"], condition=models.Q(read_at=None), name="mention_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.note_id}"


class Verdict(models.Model):
    """What a person thinks of an answer, with the facts by which verdicts are counted, as they were then.

    So a conversation that is read from a server counts too. `at` is when it was given or last changed.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    completion_id = models.CharField(max_length=255)
    position = models.PositiveIntegerField()
    # Where the answer stands now, if the conversation went on and made a message of it. Machines with the previous
    # version do not know this column.
    message_id = models.CharField(max_length=255, blank=True, default="", db_default="")
    verdict = models.CharField(max_length=10)  # one of `verdicts.VERDICTS`
    reason = models.CharField(max_length=80, blank=True)  # its text: the list of reasons may change
    comment = models.TextField(blank=True)
    model = models.CharField(max_length=255, blank=True)
    channel = models.CharField(max_length=255, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["completion_id", "position", "person", "message_id"], name="verdict_by_person_and_place"
            )
        ]
        indexes = [models.Index(fields=["at"], name="verdict_by_time")]

    def __str__(self) -> str:
        return f"{self.completion_id}/{self.position}: {self.verdict}"


class Reason(models.Model):
    """A reason that verdicts can have, in the words and the order of the team."""

    text = models.CharField(max_length=80)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text
