"""What a worker does with an upload that it has claimed: reads it, imports it, or undoes its import.

Each batch is stored in one transaction with the figures of the upload and the lease, so that after a crash the next
worker goes on where the last one was, and counts nothing twice.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from threading import Event
from time import monotonic

from django.db import transaction
from django.utils import timezone, translation

from viewer.archive.bulk import insert
from viewer.archive.importing import Outcome, Record, import_all, put_back, record_of
from viewer.archive.looking import look_at
from viewer.archive.messages import messages_of, pack_messages
from viewer.archive.models import StoredCompletion, fit
from viewer.archive.reports import Complaints
from viewer.completions.source_text import STRICT, members
from viewer.formats.containers.unpacking import why_damaged
from viewer.formats.document import Conversation, Place
from viewer.formats.reading import Found, Reading
from viewer.sync.models import LEASE
from viewer.sync.worker import renewed

from . import files
from .cleaning import forget_content
from .erasing import has_erased
from .models import AddedCompletion, FirstMessage, ReplacedCompletion, Upload, WaitingCompletion
from .wording import in_words
from .worked_on import worked_on_among

_BEAT_SECONDS = 2.0
_MAX_REMARKS, _MAX_PLACES, _MAX_REASON = 100, 5, 500  # that are named; characters
_MAX_CHANGED = 20
_MAX_FIRST, _MAX_FIRST_CHARACTERS = 200, 8_000_000  # messages of the first conversation
_UNDO_BATCH = 100  # conversations
_DAMAGED = (OSError, EOFError, ValueError, zlib.error)  # what reading a damaged file raises


class Stopped(Exception):
    """The upload is no longer ours: it was stopped, erased or taken over, or this process is stopping."""


def work(upload: Upload, stopping: Event) -> None:
    """Do what a claimed upload waits for. Raises DatabaseError; the lease then expires."""
    held = _Held(upload, stopping)
    steps = {Upload.READING: _read, Upload.IMPORTING: _import, Upload.UNDOING: _undo}
    try:
        with translation.override(upload.language), renewed(upload.owned):
            steps[upload.state](upload, held)
    except Stopped:
        upload.release()
    except FileNotFoundError:
        upload.fail("gone")
    finally:
        if not Upload.objects.filter(pk=upload.pk, has_file=True).exists():
            files.delete(upload.pk)


class _Held:
    """The upload as long as this worker holds it: every write renews the lease, and raises Stopped when it is lost."""

    def __init__(self, upload: Upload, stopping: Event) -> None:
        self._upload, self._stopping, self._last, self._read = upload, stopping, monotonic(), 0

    def save(self, **fields: object) -> None:
        """Write the progress."""
        if not self._upload.owned().update(
            **{"lease_until": timezone.now() + LEASE, "read": self._read} | fields,
        ):
            raise Stopped
        self._last = monotonic()

    def beat(self, read: int | None = None) -> None:
        """Say that something goes on; `read` is how many bytes of the file were read so far."""
        self._read = self._read if read is None else read
        if self._stopping.is_set():
            raise Stopped
        if monotonic() - self._last >= _BEAT_SECONDS:
            self.save()

    def move(self, state: str, **more: object) -> None:
        """End this step, in a transaction."""
        self.save(state=state, asked_at=timezone.now(), worker=None, lease_until=None, **more)


def _found_in(upload: Upload, reading: Reading, held: _Held) -> Iterator[Found]:
    """Yield what is in the file, in the same order every time."""
    name = upload.name or "JSON"
    with files.opened(upload.pk, held.beat) as file:
        for each in chain(reading.file(name, file), reading.rest()):
            held.beat()
            yield each


def _read(upload: Upload, held: _Held) -> None:
    """Find out what is in the file and what of it is new, and keep its first conversation to show it."""
    name = upload.name or "JSON"
    reading, counts, refusals, changed = Reading(), Counter[str](), Complaints(name), list[str]()
    with transaction.atomic():
        held.save()
        forget_content(upload)
        Upload.objects.filter(pk=upload.pk).update(has_file=True)
    first = _First()
    try:
        for outcomes in look_at(first.taken_from(_found_in(upload, reading, held))):
            for outcome in outcomes:
                counts[outcome.status] += 1
                if outcome.status == "bad":
                    refusals.add(outcome)
                elif outcome.status == "kept" and len(changed) < _MAX_CHANGED:
                    changed.append(outcome.completion_id)
            with transaction.atomic():
                held.save(counts=dict(counts))
                _wait_for(upload, outcomes)
    except FileNotFoundError:
        raise
    except _DAMAGED as error:
        counts["bad"] += 1
        refusals.add(Outcome(Place(), "bad", why_damaged(error)))
    figures = {"counts": dict(counts), "families": dict(reading.counts), "refusals": _listed(refusals, name)}
    figures["beside"] = [fit(words) for words in reading.remarks()][:_MAX_REMARKS]
    with transaction.atomic():
        held.save(**figures)
        if has_erased(upload):
            return
        if not counts["imported"] and not counts["kept"] and not counts["unchanged"] and not counts["erased"]:
            problem = "nothing" if counts or figures["beside"] else "empty"
            held.move(Upload.FAILED, problem=problem, has_file=False)
            forget_content(upload)
            return
        first.keep(upload)
        held.move(Upload.PREVIEW, changed=changed)


def _wait_for(upload: Upload, outcomes: Iterable[Outcome]) -> None:
    ids = {fit(outcome.completion_id) for outcome in outcomes if outcome.completion_id}
    rows = (WaitingCompletion(upload=upload, completion_id=one) for one in ids)
    WaitingCompletion.objects.bulk_create(rows, ignore_conflicts=True)


def _listed(refusals: Complaints, name: str) -> list[dict[str, object]]:
    """Return what was refused, as `Upload.refusals` has it."""
    return [
        {
            "reason": fit(reason)[:_MAX_REASON],
            "count": refusal.count,
            "places": [fit(words) for place in refusal.places[:_MAX_PLACES] if (words := in_words(place, name))],
        }
        for reason, refusal in refusals.by_reason.items()
    ]


class _First:
    """The first conversation of a file."""

    def __init__(self) -> None:
        self._record: Record | None = None

    def taken_from(self, found: Iterator[Found]) -> Iterator[Found]:
        for each in found:
            if self._record is None and isinstance(each, Conversation):
                with suppress(ValueError, RecursionError):  # then it is refused, with the reason
                    self._record = record_of(replace(each, messages=[*each.messages]))
            yield each

    def keep(self, upload: Upload) -> None:
        """Write it, of a long one the beginning."""
        if self._record is None:
            return
        rows, characters = [], 0
        for position, (message_id, body) in enumerate(islice(self._record.messages, _MAX_FIRST)):
            characters += len(body)
            if characters > _MAX_FIRST_CHARACTERS:
                break
            rows.append(FirstMessage(upload=upload, position=position, message_id=fit(message_id), body=fit(body)))
        FirstMessage.objects.bulk_create(rows)
        Upload.objects.filter(pk=upload.pk).update(
            first_id=fit(self._record.completion_id),
            first_body=fit(self._record.body),
            first_length=len(self._record.messages),
        )


def _import(upload: Upload, held: _Held) -> None:
    """Store what is new, and if wished what has changed, from where the last worker was."""
    try:
        left = _left_in(upload, held)
        for _ in import_all(left, replace=upload.replaces, beside=_Beside(upload, held)):
            pass
    except FileNotFoundError:
        raise
    except _DAMAGED:
        pass  # what stands behind it cannot be read; the preview has said so
    with transaction.atomic():
        held.move(Upload.DONE, finished_at=timezone.now(), has_file=False)
        forget_content(upload)


def _left_in(upload: Upload, held: _Held) -> Iterator[Found]:
    """Return what was not stored before. It is all of it if the file is read otherwise now, as after an upgrade."""
    found, last = _found_in(upload, Reading(), held), None
    for last in islice(found, upload.position):  # noqa: B007  # the last one is looked at
        pass
    if last is None or _words_of(last.place) == upload.position_place:
        return found
    upload.position = 0
    return _found_in(upload, Reading(), held)


def _words_of(place: Place) -> str:
    return fit(f"{place.file} {place.unit} {place.number}")


class _Beside:
    """Writes what a batch has added, and how far the import is, in the transaction of the batch."""

    def __init__(self, upload: Upload, held: _Held) -> None:
        self._upload, self._held = upload, held
        self._position, self._outcomes = upload.position, Counter[str](upload.outcomes)

    def before(self, completion_ids: list[str]) -> None:
        """Keep what is going to be replaced, unless this import has added it."""
        own = AddedCompletion.objects.filter(upload=self._upload).values("pk")
        stored = StoredCompletion.objects.filter(completion_id__in=completion_ids, owner=None).exclude(pk__in=own)
        for one in stored:
            ReplacedCompletion.objects.create(
                upload=self._upload, completion_id=one.completion_id, created=one.created, digest=one.digest,
                body=one.body, messages=json.dumps(list(messages_of(one))),
            )  # fmt: skip

    def after(self, outcomes: list[Outcome], rows: dict[str, int]) -> None:
        self._position += len(outcomes)
        self._outcomes.update(outcome.status for outcome in outcomes)
        place = _words_of(outcomes[-1].place)
        self._held.save(position=self._position, position_place=place, outcomes=dict(self._outcomes))
        added = ((row, self._upload.pk, False) for row in rows.values())
        insert("uploads_addedcompletion", "completion_id, upload_id, stays", added)


def _undo(upload: Upload, held: _Held) -> None:
    """Take out what the import has added, put back what it replaced, and leave what somebody has worked on."""
    while True:
        held.beat()
        with transaction.atomic():
            rows = AddedCompletion.objects.filter(upload=upload, stays=False).order_by("pk")[:_UNDO_BATCH]
            ids = dict(rows.values_list("pk", "completion__completion_id"))
            if not ids:
                held.move(Upload.UNDONE)
                forget_content(upload)
                return
            replaced = {one.completion_id: one for one in upload.replaced_ones.filter(completion_id__in=ids.values())}
            staying = worked_on_among(ids.values()) - replaced.keys()
            out = [row for row, completion_id in ids.items() if completion_id not in staying]
            AddedCompletion.objects.filter(pk__in=ids.keys() - set(out)).update(stays=True)
            StoredCompletion.objects.filter(pk__in=out, owner=None).delete()
            put_back(map(_record_of_replaced, replaced.values()))
            upload.replaced_ones.filter(completion_id__in=replaced).delete()
            upload.undone, upload.stayed = upload.undone + len(out), upload.stayed + len(staying)
            held.save(undone=upload.undone, stayed=upload.stayed)


def _record_of_replaced(one: ReplacedCompletion) -> Record:
    fields, messages = members(one.body, STRICT), json.loads(one.messages)
    record = record_of(Conversation("", one.completion_id, fields, [body for _, body in messages], one.digest))
    return replace(record, created=one.created, messages=pack_messages(one.completion_id, messages))
