"""Writes the row of a reading."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from viewer.completions.source_text import clean
from viewer.deployment.waiting import waiting_at_most
from viewer.web.client_address import client_address
from viewer.web.request import note_of

from .actions import Action
from .models import Reading

_MAX_WAIT = 15.0  # seconds for SQLite's write lock: an import holds it for some 40 ms, an erasure for longer
_SAME = 60  # seconds in which what an open page loads, if it is the same again, is one reading

_FIELDS = [field for field in Reading._meta.concrete_fields if field.name not in ("id", "at")]
# In SQL: it is sent before every answer, and Django would take five times as long to say the same.
_INSERT = (
    f"INSERT INTO {Reading._meta.db_table} (at, {', '.join(str(field.column) for field in _FIELDS)}) "  # noqa: S608
    f"VALUES ({{at}}{', %s' * len(_FIELDS)})"
)


def record(request: HttpRequest, action: Action) -> None:
    """Write the row of a reading, or raise django.db.Error."""
    values = {"action": action.name, **_who(request), **_what(request, action), "address": client_address(request)}
    if not action.follows:
        write(**values)
        return
    reading = hashlib.sha256(repr(values).encode()).hexdigest()
    if not caches["readings"].get(reading):
        write(**values)
        caches["readings"].set(reading, True, _SAME)


def write(**values: Any) -> None:
    """Write a row with the time of the database, as several machines need not agree on theirs."""
    row = [_fit(field, values.get(field.attname, field.get_default())) for field in _FIELDS]
    is_postgresql = connection.vendor == "postgresql"
    now = [] if is_postgresql else [connection.ops.adapt_datetimefield_value(timezone.now())]
    with waiting_at_most(_MAX_WAIT), connection.cursor() as cursor:
        cursor.execute(_INSERT.format(at="statement_timestamp()" if is_postgresql else "%s"), [*now, *row])


def _who(request: HttpRequest) -> dict[str, Any]:
    note = note_of(request)
    person: Any = note.person or getattr(request, "user", None)  # a program's request has none
    if person is None or not person.is_authenticated:
        return {"person": None, "name": "", "token": note.token}
    return {"person": person.pk, "name": person.get_username(), "token": note.token}


def _what(request: HttpRequest, action: Action) -> dict[str, Any]:
    """Say what was read: the ids are in the URL, or a view noted them."""
    note = note_of(request)
    params = request.resolver_match.kwargs if request.resolver_match else {}
    place = params.get("message_id", "")
    if not place and params.get("position") is not None:
        place = f"choices/{params['position']}"
    if "n" in params:
        place = f"{place}/{params['n']}"
    is_of_one = action.name != "list"  # the rows beside a conversation are those of others
    return {
        "completion_id": note.completion_id or (params.get("completion_id", "") if is_of_one else ""),
        "detail": note.detail or place,
        "source": "share" if note.share is not None else note.source or action.source,
        "source_name": note.source_name,
        "share": note.share,
    }


def _fit(field: Any, value: Any) -> Any:
    """Make a text fit its column, which cannot store NUL and lone surrogates."""
    return clean(value).replace("\x00", "\ufffd")[: field.max_length] if isinstance(value, str) else value
