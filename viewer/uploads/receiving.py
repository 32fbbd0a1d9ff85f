"""Writes what a browser sends to the disk, a part at a time or all at once, never more than a little in memory."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import transaction
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.utils.translation import get_language, gettext, gettext_noop

from viewer.web.logs import event
from viewer.web.templatetags.formats import bytes_size

from . import files
from .models import MAX_BYTES, Upload

_PIECE = 1 << 18  # bytes read at a time
_AROUND = 100_000  # bytes of a form around its file
_NO_ROOM = gettext_noop("There is no room for this file on the disk of the server. Tell your administrator.")
_NOT_WRITABLE = gettext_noop("Lectern cannot write to its folder for uploads. Tell your administrator: %(reason)s.")


class NotTaken(Exception):
    """A file is not taken; the message says why, to the person."""


class OutOfStep(Exception):
    """A part does not follow what is here, or another part is being written."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that is going to be sent. `modified` is when it was last changed, in Unix milliseconds, if known."""

    name: str
    size: int
    modified: int | None = None


def begin(person: User, announced: Announced) -> Upload:
    """Return the upload of a file: the one that broke off, so that it goes on, or a new one. Raises NotTaken."""
    check_size(announced.size)
    with _disk_in_words():
        place = files.place()
        if announced.modified is not None:
            same = Upload.objects.of(person).filter(
                state=Upload.RECEIVING, place=place, name=announced.name, size=announced.size,
                modified=announced.modified,
            )  # fmt: skip
            if (found := same.first()) and files.path_of(found.pk).exists():
                return found
        if not files.has_room_for(announced.size):
            raise NotTaken(gettext(_NO_ROOM))
        with transaction.atomic():
            upload = Upload.objects.create(
                person=person, name=announced.name, size=announced.size, modified=announced.modified, place=place,
                language=get_language() or "en",
            )  # fmt: skip
            files.create(upload.pk)
    event("upload started", upload=upload.pk, person=person.pk)
    return upload


def take_part(upload: Upload, request: HttpRequest, offset: int) -> int:
    """Write the body of a request behind what is here, and return how much there is then.

    A part that breaks off leaves nothing. Raises OutOfStep, NotTaken, and FileNotFoundError if the file is not here.
    """
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if offset + length > upload.size:
        raise NotTaken(gettext("More was sent than the file has. Choose it again."))
    with open(files.path_of(upload.pk), "r+b") as file, _disk_in_words():
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutOfStep from None
        upload.refresh_from_db(fields=["received", "state"])
        if upload.state != Upload.RECEIVING or offset != upload.received:
            raise OutOfStep
        file.seek(offset)
        try:
            written = _copy(request, file)
        except BaseException:
            file.truncate(offset)
            raise
        if written != length:
            file.truncate(offset)
            raise OutOfStep
        file.flush()
        upload.received = offset + written
        Upload.objects.filter(pk=upload.pk).update(received=upload.received, asked_at=timezone.now())
    if upload.received == upload.size:
        upload.move((Upload.RECEIVING,), Upload.READING)
    return upload.received


def read_form(request: HttpRequest) -> None:
    """Read a form with a file: the file goes to the disk. Raises NotTaken; what breaks off leaves nothing."""
    check_size(int(request.META.get("CONTENT_LENGTH") or 0) - _AROUND)
    with _disk_in_words():
        files.folder()
        handler = _Handler(request)
        request.upload_handlers = [handler]
        try:
            _parse(request)
        except BaseException:
            handler.drop()  # Django leaves it to the garbage collector, which takes its time
            raise


def _parse(request: HttpRequest) -> None:
    try:
        is_whole = request.POST.get("end") == "whole"  # the last field of the form
    except RequestDataTooBig:
        raise NotTaken(gettext("Pasted text can have up to 1 MB. Save it as a file, and choose that.")) from None
    except (UnreadablePostError, MultiPartParserError):
        is_whole = False
    if not is_whole:
        raise NotTaken(gettext("The upload broke off, and nothing of it was kept. Send it again."))


def take_whole(person: User, request: HttpRequest) -> Upload:
    """Take the file of a form that was read, or the text that was pasted. Raises NotTaken."""
    sent, text = request.FILES.get("file"), request.POST.get("text", "").strip()
    if isinstance(sent, TemporaryUploadedFile):
        size, name = sent.size or 0, (sent.name or "")[-255:]
    elif text:
        size, name = len(text.encode()), ""
    else:
        raise NotTaken(gettext("Choose a file, or paste some JSON."))
    check_size(size)
    with _disk_in_words(), transaction.atomic():
        upload = Upload.objects.create(
            person=person, name=name, size=size, received=size, place=files.place(), state=Upload.READING,
            language=get_language() or "en",
        )  # fmt: skip
        if isinstance(sent, TemporaryUploadedFile):
            cast(Any, sent.file).flush()
            files.take(upload.pk, sent.temporary_file_path())
        else:
            files.create(upload.pk)
            files.path_of(upload.pk).write_bytes(text.encode())
    event("upload started", upload=upload.pk, person=person.pk)
    return upload


def check_size(size: int) -> None:
    """Raise NotTaken if a file is too large."""
    if size > MAX_BYTES:
        most = bytes_size(MAX_BYTES)
        raise NotTaken(
            gettext("The file is larger than %(most)s, the most that can be uploaded. Split it, or pack it as ZIP.")
            % {"most": most}
        )


class _Handler(TemporaryFileUploadHandler):
    """Writes to the folder of uploads, so that the file need not be copied."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        self.file = _InFolder(self.file_name or "", self.content_type or "", 0, self.charset, self.content_type_extra)

    def drop(self) -> None:
        """Delete what was written."""
        if (file := getattr(self, "file", None)) is not None:
            with suppress(OSError):  # of a full disk, which cannot take the last bytes either
                file.close()


class _InFolder(TemporaryUploadedFile):
    def __init__(self, name: str, *more: Any) -> None:
        file = NamedTemporaryFile(prefix="sent-", dir=files.folder())  # noqa: SIM115  # closed by the request
        super(TemporaryUploadedFile, self).__init__(file, name, *more)


def _copy(request: HttpRequest, file: Any) -> int:
    """Copy the body; return how much there was of it before it broke off."""
    written = 0
    with suppress(UnreadablePostError):
        while piece := request.read(_PIECE):
            file.write(piece)
            written += len(piece)
    return written


@contextmanager
def _disk_in_words() -> Iterator[None]:
    """Raise NotTaken instead of what the disk raises."""
    try:
        yield
    except (FileNotFoundError, UnreadablePostError):
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NotTaken(gettext(_NO_ROOM)) from None
        raise NotTaken(gettext(_NOT_WRITABLE) % {"reason": os.strerror(error.errno or 0)}) from None
