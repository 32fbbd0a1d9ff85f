"""Takes a snapshot: reads what was chosen, keeps only what the view shows, redacts it, and stores it.

Nothing is redacted on the way out, because there is nothing left to redact: pages, JSON and downloads of a share read
what is stored here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from viewer.archive.models import fit
from viewer.completions.customer import seen_completion, seen_message
from viewer.completions.ids import has_address
from viewer.completions.origin import KEY, without_source
from viewer.completions.reading import read_completion, read_message, source_of_choice
from viewer.completions.source_text import WHOLE, decode, members, to_object
from viewer.completions.summary import question_in
from viewer.completions.types import Completion, Message, Unreadable
from viewer.export.extracts import read_extract
from viewer.redaction.finding import Finding, find_all
from viewer.redaction.redacting import Redactor
from viewer.rendering.places import answer_at, place_of_answer
from viewer.rendering.titles import answer_line
from viewer.sources.reader import Reader

from .choices import Choices
from .models import Share, Snapshot, SnapshotMessage
from .shared_notes import SharedNote, read_notes, with_ids

NEIGHBOURS = 3  # messages on either side of one that is shared
_MAX_CHARACTERS = 50_000_000  # of a snapshot
_MAX_SEARCHED = 10_000_000  # characters; they take some twenty seconds
_PARTIAL_FIELDS = ("id", "object", "created", "model", "metadata")  # of a completion of which a part is shared
_CITED = ("citations", "search_results")  # beside the answers, to which they belong


class TooLarge(Exception):
    """More than one share can hold."""


@dataclass(frozen=True)
class Draft:
    """What a snapshot will hold, as JSON texts; `messages` with their ids, oldest first; and the note to its reader."""

    completion_id: str
    body: str
    messages: tuple[tuple[str, str], ...]
    names: tuple[str, ...]  # of people, from the metadata
    source: str
    opens_at: int | str  # the position of a message, or the place of an answer; empty for the beginning
    is_part: bool
    note: str
    notes: tuple[SharedNote, ...] = ()  # of colleagues


def draft(reader: Reader, choices: Choices, note: str = "") -> Draft:
    """Read what was chosen, in the view that was chosen. Raises SourceProblem, Problem and TooLarge."""
    completion = reader.completion()
    messages, answers = _chosen(reader, choices)
    if choices.is_for_customer:
        answers = [n for n in answers if seen_message(completion.choices[n].message)]
        body = json.dumps(seen_completion(completion, answers))
        kept = [(item.id, json.dumps(one)) for item in messages if (one := seen_message(item))]
    else:
        body = completion.source if choices.scope == "whole" else _part_of(completion, answers)
        kept = [(item.id, item.source) for item in messages]
    drafted = Draft(
        completion_id=reader.completion_id,
        body=body,
        messages=tuple(kept),
        names=tuple(_names_in(completion)),
        source=_host_of(reader),
        opens_at=_place_in(choices.opens_at, kept, answers),
        is_part=choices.scope != "whole" or len(answers) < len(completion.choices),
        note=note,
        notes=tuple(_chosen_notes(reader.completion_id, choices, kept, answers)) if choices.with_notes else (),
    )
    if _size(drafted) > _MAX_CHARACTERS:
        raise TooLarge
    return drafted


def find_in(drafted: Draft, words: Iterable[str]) -> tuple[Finding, ...]:
    """Find what could be redacted in a draft: what is recognised, the names in its metadata, and own words.

    Raises TooLarge.
    """
    if _size(drafted) > _MAX_SEARCHED:
        raise TooLarge
    return find_all(_values(drafted), names=drafted.names, own_words=tuple(words))


def _size(drafted: Draft) -> int:
    """Count the characters of a draft."""
    return (
        len(drafted.body) + sum(len(source) for _, source in drafted.messages) + sum(len(n.text) for n in drafted.notes)
    )


def redacted(drafted: Draft, findings: tuple[Finding, ...], choices: Choices) -> Draft:
    """Return the draft without the findings, wherever they are. Log probabilities go too: they spell the text."""
    if not (choices.redacts or choices.without_media):
        return drafted
    redactor = Redactor(findings, without_media=choices.without_media)
    completion_id, body = _rewritten(drafted.completion_id, drafted.body, redactor)
    messages = tuple(_rewritten(message_id, source, redactor) for message_id, source in drafted.messages)
    return replace(
        drafted,
        completion_id=completion_id,
        body=body,
        messages=messages,
        source=redactor.text(drafted.source),
        note=redactor.text(drafted.note),
        notes=tuple(
            replace(one, author=redactor.text(one.author), text=redactor.text(one.text)) for one in drafted.notes
        ),
    )


def first_in_note(drafted: Draft, findings: tuple[Finding, ...]) -> str:
    """Return the first of these findings that the note of a draft says; empty if it says none."""
    note = drafted.note
    if Redactor(findings).text(note) == note:
        return ""
    return next((one.text for one in findings if Redactor([one]).text(note) != note), note)


def store(share: Share, drafted: Draft, choices: Choices, findings: tuple[Finding, ...]) -> Snapshot:
    """Store a draft as the snapshot of a share, in place of an earlier one. The share is saved."""
    messages = [*_with_ids(drafted.messages)]
    opens_at = drafted.opens_at
    counts: dict[str, int] = {}
    for finding in findings:
        counts[finding.kind] = counts.get(finding.kind, 0) + finding.count
    with transaction.atomic():
        Snapshot.objects.filter(share=share).delete()
        snapshot = Snapshot.objects.create(
            share=share,
            taken_at=timezone.now(),
            completion_id=fit(drafted.completion_id)[:255],
            body=fit(drafted.body),
            title=fit(_title_of(drafted))[:200],
            source=drafted.source[:300],
            scope=choices.scope,
            opens_at=messages[opens_at][0] if isinstance(opens_at, int) else opens_at,
            is_for_customer=choices.is_for_customer,
            is_part=drafted.is_part,
            has_media=not choices.without_media,
            redacted=counts,
            notes=[asdict(one) for one in with_ids(drafted.notes, messages)],
        )
        SnapshotMessage.objects.bulk_create(
            (
                SnapshotMessage(snapshot=snapshot, position=n, message_id=message_id, body=body)
                for n, (message_id, body) in enumerate(messages)
            ),
            batch_size=200,
        )
    return snapshot


def _chosen(reader: Reader, choices: Choices) -> tuple[list[Message | Unreadable], list[int]]:
    """Read the chosen messages, and return the positions of the chosen answers."""
    if choices.scope == "message":
        return _around(reader, choices.first)
    is_range = choices.scope == "range"
    extract = read_extract(reader, choices.first if is_range else "", choices.last if is_range else "")
    return [item for page in extract.pages for item in page], [*extract.answers]


def _around(reader: Reader, place: str) -> tuple[list[Message | Unreadable], list[int]]:
    """Read a message with its neighbours; of an answer, all answers and the newest messages."""
    count = len(reader.completion().choices)
    if (position := answer_at(place)) is not None:
        reader.choice(position)
        return list(reader.newest_messages()[-NEIGHBOURS:]), [*range(count)]
    window = reader.messages_around(place)
    at = next(n for n, item in enumerate(window.items) if item.id == place)
    end = at + NEIGHBOURS + 1
    is_at_end = end > len(window.items) and not window.has_later
    return list(window.items[max(0, at - NEIGHBOURS) : end]), [*range(count if is_at_end else 0)]


def _part_of(completion: Completion, answers: list[int]) -> str:
    """Return the JSON of a completion with some of its answers, and only the fields that are about all of it."""
    kept = (*_PARTIAL_FIELDS, *(_CITED if answers else ()))
    fields = [(name, piece.source) for name, piece in members(completion.source) if name in kept]
    sources = ",".join(source_of_choice(completion, position) for position in answers)
    return to_object([*fields, ("choices", f"[{sources}]")])


def _place_in(place: str, messages: list[tuple[str, str]], answers: list[int]) -> int | str:
    """Return where a place is in the snapshot; empty if it is not in it."""
    if (position := answer_at(place)) is not None:
        return place_of_answer(answers.index(position)) if position in answers else ""
    return next((n for n, (message_id, _) in enumerate(messages) if place and message_id == place), "")


def _chosen_notes(
    completion_id: str, choices: Choices, messages: list[tuple[str, str]], answers: list[int]
) -> Iterator[SharedNote]:
    """Yield the notes on what is shared; those on the conversation as a whole belong to the whole of it."""
    for note in read_notes(completion_id):
        place = _place_in(str(note.place), messages, answers)
        if place != "" or (not note.place and choices.scope == "whole"):
            yield replace(note, place=place)


def _names_in(completion: Completion) -> Iterator[str]:
    """Yield the values of the metadata that name people."""
    for key, value in completion.metadata.items():
        words = key.lower()
        if "name" in words and not any(word in words for word in ("file", "model", "host", "app", "project")):
            yield value


def _host_of(reader: Reader) -> str:
    key = reader.source.key
    return urlsplit(key.base_url).netloc if key else ""


def _values(drafted: Draft) -> Iterator[Any]:
    for source in (drafted.body, *(source for _, source in drafted.messages)):
        yield _decoded(source)
    yield drafted.note
    for one in drafted.notes:
        yield from (one.author, one.text)


def _decoded(source: str) -> Any:
    """Decode JSON, without what nobody needs in a share; None if that is not possible."""
    try:
        return _without_extras(decode(source, WHOLE))
    except (ValueError, RecursionError):
        return None


def _rewritten(item_id: str, source: str, redactor: Redactor) -> tuple[str, str]:
    """Redact an id and its JSON. What cannot be decoded cannot be searched either, so nothing of it stays."""
    value = _decoded(source)
    if value is None:
        left_out = gettext("Left out: it could not be searched for what is redacted.")
        value = {"id": item_id, "role": "", "content": left_out}
    rewritten = redactor.value(value)
    own_id = rewritten.get("id") if isinstance(value, dict) and value.get("id") == item_id else None
    return own_id or redactor.text(item_id), json.dumps(rewritten, ensure_ascii=False)


def _without_extras(value: Any) -> Any:
    """Leave out log probabilities, and messages as a file had them: JSON in their texts may be written otherwise."""
    if isinstance(value, dict):
        return {
            name: None if name == "logprobs" else without_source(one) if name == KEY else _without_extras(one)
            for name, one in value.items()
        }
    return [_without_extras(one) for one in value] if isinstance(value, list) else value


def _with_ids(messages: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Give every message an id of its own, by which pages go on: some have none, and redaction can make two alike."""
    seen: set[str] = set()
    for n, (message_id, body) in enumerate(messages):
        message_id = fit(message_id)
        unique = message_id if has_address(message_id) and message_id not in seen else f"message-{n}"
        seen.add(unique)
        yield unique, fit(body if unique == message_id else _with_id(body, unique))


def _with_id(body: str, message_id: str) -> str:
    """Put an id into the JSON of a message; what is no object is left as it is."""
    value = _decoded(body)
    return json.dumps(value | {"id": message_id}, ensure_ascii=False) if isinstance(value, dict) else body


def _title_of(drafted: Draft) -> str:
    """Return the first question, else the answer: of what is left of them."""
    asked = next(filter(None, (question_in(read_message(body)) for _, body in drafted.messages)), "")
    if asked:
        return asked
    completion = read_completion(drafted.body)
    return answer_line(completion)[1] if isinstance(completion, Completion) else ""
