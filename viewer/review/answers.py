"""Keeps what colleagues said of an answer with it when its conversation goes on and it becomes a message."""

from __future__ import annotations

from collections.abc import Mapping

from viewer.rendering.places import place_of_answer

from .models import Note, Verdict


def answers_became_messages(completion_id: str, moved: Mapping[int, str]) -> None:
    """Move notes and verdicts on answers, by their positions, to the messages with these ids. In a transaction."""
    for position, message_id in moved.items():
        notes = Note.objects.filter(completion_id=completion_id, place=place_of_answer(position))
        notes.update(place=message_id)
        verdicts = Verdict.objects.filter(completion_id=completion_id, position=position, message_id="")
        verdicts.update(message_id=message_id)
