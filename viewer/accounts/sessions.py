"""Django's database session engine with hashed keys and two timeouts: absolute, after a working day, and idle.

ASVS 5 requires both (7.3.1, 7.3.2). The cookie lasts until the absolute timeout, the row until whichever comes first.
What a session holds between the steps of signing in, or of setting up an app, is encrypted: the page to go on to may be
a share, whose address opens it, and the secret of the app stays the same.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.utils import timezone

from viewer.deployment.prepared import Prepared, columns_of, read_row
from viewer.deployment.waiting import without_waiting
from viewer.keys.encryption import CannotDecrypt, Secret, decrypt, encrypt

from .models import Session
from .requirement import ASKED_FOR
from .roles import Role, role_column

IDLE_LIMIT = timedelta(hours=4)  # longer than lunch and a meeting, shorter than an afternoon and the evening
_USE_INTERVAL = timedelta(minutes=5)
WHERE = "where"  # in a session: the address and browser that signed in
GOING_TO = "going_to"  # in a session: the page to go on to when single sign-on is tried again
# Beside ours in a session, by allauth: between password and second factor, while somebody is at the single sign-on
# provider, and the secret of an app that is being set up.
_ENCRYPTED = ("account_login", "socialaccount_states", "mfa.totp.secret", GOING_TO, ASKED_FOR)


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@Prepared
def _live(key: str, now: datetime) -> QuerySet[Session, Any]:
    """Find a session that has not expired, with its person and their role: every request asks for these."""
    live = Session.objects.filter(session_key=key, expire_date__gt=now).annotate(role=role_column("user"))
    return live.values_list("role", *columns_of(Session), *columns_of(User, "user__"))


class SessionStore(DatabaseStore):
    """A session. `session_key` is the value of the cookie, and is never stored."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.started_at = timezone.now()
        self._row: Session | None = None
        self._has_kept = False

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def exists(self, session_key: str) -> bool:
        return super().exists(digest(session_key))

    def create(self) -> None:
        """Start a session with a new key: on sign-in, and after a change of password."""
        self.started_at = timezone.now()
        super().create()

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(digest(key))

    def encode(self, session_dict: dict[str, Any]) -> str:
        sealed = {
            name: encrypt(Secret(json.dumps(session_dict[name])), f"session:{name}")
            for name in _ENCRYPTED
            if name in session_dict
        }
        return super().encode(session_dict | sealed)

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Read what `encode` wrote. Without the master key, signing in has to begin again."""
        values = super().decode(session_data)
        for name in _ENCRYPTED:
            if isinstance(sealed := values.pop(name, None), str):
                with suppress(CannotDecrypt):
                    values[name] = json.loads(decrypt(sealed, f"session:{name}").reveal())
        return values

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        return Session(
            session_key=digest(self._get_or_create_session_key()),  # type: ignore[attr-defined]  # not in the stubs
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            started_at=self.started_at,
            used_at=timezone.now(),
            user_id=data.get(SESSION_KEY),
        )

    def get_expiry_date(self, **_: Any) -> datetime:
        """Return when the row expires unless the session is used."""
        return min(timezone.now() + IDLE_LIMIT, self._absolute_expiry())

    def get_expiry_age(self, **_: Any) -> int:
        """Return how long the cookie lasts, in seconds."""
        return int((self._absolute_expiry() - timezone.now()).total_seconds())

    @property
    def role(self) -> Role | None:
        """The role of whoever is signed in, read with the session."""
        return getattr(self._row, "role", None) if self._row and self._row.user_id else None

    @property
    def person(self) -> User | None:
        """Whoever the session's row belongs to, read with it. Whether they may use it says `accounts/signed_in.py`."""
        return self._row.user if self._row else None

    def record_use(self) -> None:
        """Postpone the idle timeout; the absolute one stays."""
        now = timezone.now()
        if self._row and now - (self._row.used_at or self._row.started_at) > _USE_INTERVAL:
            self._write_unless_locked(expire_date=self.get_expiry_date(), used_at=now)

    def keep(self, name: str, value: Any) -> None:
        """Set a value that may be lost, without extending the session. `write_kept` writes it."""
        was_modified = self.modified
        self[name] = value
        self.modified = was_modified
        self._has_kept = True

    def write_kept(self) -> None:
        """Write all that was kept, once for a request, and without waiting for the database."""
        if self._has_kept and not self.modified:  # else all of it is saved
            self._has_kept = False
            self._write_unless_locked(session_data=self.encode(dict(self.items())))

    def _absolute_expiry(self) -> datetime:
        return self.started_at + timedelta(seconds=settings.SESSION_COOKIE_AGE)

    def _get_session_from_db(self) -> Session | None:
        found = _live.first(digest(self.session_key or ""), timezone.now())
        self._row = _row_of(found) if found else None
        if self._row is None:
            self._session_key = None
        else:
            self.started_at = self._row.started_at
        return self._row

    def _write_unless_locked(self, **columns: Any) -> None:
        """Write some columns. In SQL, as most pages do so: Django would take three times as long to say the same."""
        values = [
            connection.ops.adapt_datetimefield_value(one) if isinstance(one, datetime) else one
            for one in columns.values()
        ]
        with suppress(DatabaseError), without_waiting(), connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {Session._meta.db_table} SET {' = %s, '.join(columns)} = %s WHERE session_key = %s",  # noqa: S608
                [*values, digest(self.session_key or "")],
            )


def _row_of(found: tuple[Any, ...]) -> Session:
    """Build the row of a session, with its person and their role."""
    values = iter(found)
    role, row = next(values), read_row(Session, values)
    row.role = role  # type: ignore[attr-defined]  # as an annotation would
    row.user = read_row(User, values) if row.user_id else None
    return row
