"""Imports the body of a request into the archive: a file in any of the formats, or several as a form sends them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from viewer.archive.importing import Outcome
from viewer.archive.reports import STATUSES, Report, import_files, in_words, place_in_words
from viewer.completions.errors import ApiError
from viewer.deployment.slots import MachineSemaphore
from viewer.keys.models import AccessToken
from viewer.programs.bodies import chunks
from viewer.programs.tokens import Refused, require, token_of
from viewer.web.logs import event

from .repeating import once

_NAME = "body"  # of what was sent without a name
_NAMES = {"bad": "refused"}  # the statuses that are called otherwise here
_REASONS = {
    "kept": "Another version is stored already. With ?replace=true this one takes its place.",
    "erased": "It was erased here, and does not come back.",
}
# Each holds a thread while it is sent and stored; the others are for people.
_slots = MachineSemaphore("imports", settings.IMPORTS_AT_ONCE)
File = tuple[str, BinaryIO]


def import_body(request: HttpRequest) -> HttpResponse:
    """Store the conversations in a body; answer with what became of each. Raises Refused."""
    token = token_of(request)
    require(token, "may_import", request)
    replace = _read_switch(request, "replace")
    if not _slots.acquire(blocking=False):
        error = ApiError("Too many imports are going on. Send it again in a moment.", type="server_error")
        raise Refused(503, error, {"Retry-After": "5"})
    try:
        with TemporaryFile(prefix="lectern-") as body, ExitStack() as opened:
            _receive(request, body)
            files = _files(request, body, opened)
            key = request.headers.get("Idempotency-Key", "")
            digest = _digest(files, replace) if key else ""
            return once(token, key, digest, lambda renew: _import(token, files, replace, renew))
    except OSError as error:
        cause = f"What was sent could not be kept: {error.strerror or error}."
        raise Refused(503, ApiError(cause, type="server_error"), {"Retry-After": "60"}) from None
    finally:
        _slots.release()


def _receive(request: HttpRequest, file: IO[bytes]) -> None:
    """Write the body into a file, unpacked. Raises Refused."""
    for chunk in chunks(request, settings.IMPORT_MAX_BYTES):
        file.write(chunk)
    if not file.tell():
        raise Refused(400, ApiError("The request has no body. Send the file itself.", code="missing_body"))
    file.seek(0)


def _files(request: HttpRequest, body: IO[bytes], opened: ExitStack) -> list[File]:
    """Return the files in a form, or the body as one file. Raises Refused."""
    if request.content_type != "multipart/form-data":
        return [(_NAME, cast(BinaryIO, body))]
    length = body.seek(0, 2)
    body.seek(0)
    handlers = [TemporaryFileUploadHandler(request)]
    try:
        parser = MultiPartParser(request.META | {"CONTENT_LENGTH": length}, cast(Any, body), handlers)
        _, sent = parser.parse()
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise Refused(400, ApiError(f"The form cannot be read: {error}.", code="invalid_body")) from None
    files: list[Any] = [file for _, each in sent.lists() for file in each]
    for file in files:
        opened.callback(file.close)
    if not files:
        raise Refused(400, ApiError("The form has no file.", "file", "missing_required_parameter"))
    return [(file.name or _NAME, cast(BinaryIO, file.file)) for file in files]


def _digest(files: list[File], replace: bool) -> str:
    """Return the SHA-256 of files: of a form not as it was sent, because clients write each with another boundary."""
    digest = hashlib.sha256(f"{replace}".encode())
    for name, file in files:
        digest.update(f"\0{name}\0".encode("utf-8", "replace"))
        digest.update(hashlib.file_digest(cast(Any, file), "sha256").digest())
        file.seek(0)
    return digest.hexdigest()


def _import(token: AccessToken, files: list[File], replace: bool, renew: Callable[[], None]) -> HttpResponse:
    report = Report()
    for _ in import_files(files, report, replace=replace):
        renew()
    counts = {_NAMES.get(status, status): report.counts[status] for status in STATUSES}
    event("imported by a program", token=token.pk, **counts)
    answer = {
        "object": "import",
        "summary": f"{report.summary} {in_words(report.counts, _NAMES['bad'])}.",
        "counts": counts,
        "conversations": [*map(_to_json, report.outcomes)],
        "has_more": report.has_more,
        "remarks": report.remarks,
    }
    is_refused = report.counts.total() == report.counts["bad"]
    if is_refused:
        answer = {"error": _error(report), **answer}
    return HttpResponse(
        json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        status=400 if is_refused else 200,
        content_type="application/json",
    )


def _to_json(outcome: Outcome) -> dict[str, str | None]:
    return {
        "id": outcome.completion_id or None,
        "status": _NAMES.get(outcome.status, outcome.status),
        "place": place_in_words(outcome.place) or None,
        "reason": _REASONS.get(outcome.status, outcome.message) or None,
    }


def _error(report: Report) -> dict[str, str | None]:
    """Say why nothing was taken, as an error of the API, by the first reason."""
    reasons = (f"{place_in_words(one.place)}: {one.message}" for one in report.outcomes)
    reason = next(_sentences(reasons), "There is no conversation in it.")
    return {
        "message": f"Nothing was imported. {reason}",
        "type": "invalid_request_error",
        "param": None,
        "code": "nothing_imported",
    }


def _sentences(texts: Iterator[str]) -> Iterator[str]:
    return (text if text.endswith(".") else f"{text}." for text in texts)


def _read_switch(request: HttpRequest, name: str) -> bool:
    value = request.GET.get(name, "false")
    if value not in ("true", "false"):
        message = f"Invalid value: '{value[:100]}'. Supported values are: 'true' and 'false'."
        raise Refused(400, ApiError(message, name, "invalid_value"))
    return value == "true"
