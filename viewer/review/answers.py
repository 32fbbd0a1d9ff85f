"""Keeps what colleagues said of an answer with it when its conversation goes on and it becomes a message."""

from __future__ import annotations

from collections.abc import Mapping

from viewer.rendering.places import place_of_answer

from .models import Note, Verdict

_ROWS = (Note, Verdict)


def answers_became_messages(moved: Mapping[str, Mapping[int, str]]) -> None:
    """Move notes and verdicts on answers to messages, in a transaction.

    `moved` has for each conversation the positions of answers, and the ids of the messages that they have become.
    """
    about = [rows.objects.filter(completion_id__in=moved).values_list("completion_id", flat=True) for rows in _ROWS]
    for completion_id in {one for ids in about for one in ids}:
        for position, message_id in moved[completion_id].items():
            notes = Note.objects.filter(completion_id=completion_id, place=place_of_answer(position))
            notes.update(place=message_id)
            verdicts = Verdict.objects.filter(completion_id=completion_id, position=position, message_id="")
            verdicts.update(message_id=message_id)
