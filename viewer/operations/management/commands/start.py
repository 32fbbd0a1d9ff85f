"""`./run`: prepares what is missing, prints how to sign in, and becomes the server."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from viewer.accounts.roles import ADMINISTRATOR, give_role
from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion
from viewer.deployment.data_dir import make_private, preparation_lock, write_private
from viewer.keys.encryption import has_master_key
from viewer.keys.models import AccessToken, ApiKey
from viewer.web.static_files import collect

_SERVER = "viewer.operations.server"

_SAMPLES = settings.BASE_DIR / "viewer" / "archive" / "samples.jsonl"
_RESTART_LOOP = 'until "$0" "$@" || ! kill -0 $PPID 2>/dev/null; do sleep 5; done'
_LOCK_ID = 20_741_221  # any number, the same on every machine


class Command(BaseCommand):
    help = "Prepare everything and serve."

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # there is nothing to reload until the server runs
        _check_port()
        make_private(settings.DATA_DIR)
        self.stdout.write(f"\n  Lectern  {settings.SITE_URL}\n")
        with preparation_lock(settings.DATA_DIR):
            collect()
            with _database_lock():
                call_command("migrate", verbosity=0)
                call_command("rebuild_search", missing=True)
                self.stdout.write(_prepare_demo() + _undecryptable_keys(), ending="")
        self.stdout.write("  Ctrl-C ends it.\n\n")
        self.stdout.flush()
        if settings.SYNC_WORKER:
            _start_worker()
        # The working directory may be another.
        os.environ["PYTHONPATH"] = os.pathsep.join([str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")])
        numbers = map(str, (settings.PORT, settings.SERVER_PROCESSES, settings.SERVER_THREADS))
        os.execv(sys.executable, [sys.executable, "-m", _SERVER, settings.HOST, *numbers])


@contextmanager
def _database_lock() -> Iterator[None]:
    """Let no other machine prepare the same database at the same time. SQLite has only one machine."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK_ID])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_ID])


def _check_port() -> None:
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.HOST, settings.PORT))
    except OSError as error:
        raise ImproperlyConfigured(
            f"Port {settings.PORT} on {settings.HOST} cannot be used ({error.strerror}). "
            f"End the program that has it, or start with another: PORT=8001 ./run"
        ) from None


def _fill_empty_archive() -> None:
    if not StoredCompletion.objects.exists():
        with open(_SAMPLES, "rb") as lines:
            list(import_lines(lines))


@transaction.atomic  # if the password cannot be saved, the user must not exist either
def _prepare_demo() -> str:
    """Create the user `demo` and the samples at the very first start, or deactivate a demo that is no longer wanted.

    Another user of that name is left alone: the file shows that this one was created here.
    """
    file = settings.DATA_DIR / "demo.json"
    if not settings.DEMO:
        if file.exists():
            User.objects.filter(username="demo").update(is_active=False)
            AccessToken.objects.filter(owner__username="demo").delete()
        return ""
    is_first_start = not file.exists() and not User.objects.exists()
    if is_first_start:
        _fill_empty_archive()
        give_role(User.objects.create_user("demo"), ADMINISTRATOR)  # a demo shows everything
    demo = User.objects.filter(username="demo").first()
    if demo is None:
        return ""
    if not demo.is_active:
        return "  The person demo is deactivated. To use it again, reactivate it on /people/.\n"
    saved = _read_demo(file)
    if is_first_start:
        _, saved["token"] = AccessToken.objects.issue(demo, "printed at the first start")
    if is_first_start or (settings.DEMO_PASSWORD and not demo.check_password(settings.DEMO_PASSWORD)):
        saved["password"] = settings.DEMO_PASSWORD or secrets.token_urlsafe(9)
        demo.set_password(saved["password"])
        demo.save(update_fields=["password"])
        write_private(file, json.dumps(saved))
    return _sign_in_text(demo, saved)


def _undecryptable_keys() -> str:
    """Name the API keys whose master key is missing, as after a restore without the secrets."""
    keys = ApiKey.objects.select_related("owner")
    unreadable = [f"{key.label} of {key.owner}" for key in keys if not has_master_key(key.sealed)]
    if not unreadable:
        return ""
    return (
        f"  No master key here opens these API keys: {', '.join(unreadable)}.\n"
        f"  Restore key_encryption_keys (or KEY_ENCRYPTION_KEYS), or enter the keys anew on /keys/.\n"
    )


def _read_demo(file: Path) -> dict[str, str]:
    """Read what the first start saved; nothing if the disk was full then."""
    try:
        saved = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return saved if isinstance(saved, dict) else {}


def _sign_in_text(demo: User, saved: dict[str, str]) -> str:
    """Return how to sign in, with the password and the token while they are valid."""
    password, token = saved.get("password", ""), saved.get("token", "")
    if not demo.check_password(password):
        password = "the one you chose (./run manage changepassword demo sets another)"
    if not AccessToken.objects.holding(token).exists():
        token = f"make one on {settings.SITE_URL}/tokens/"
    return (
        f"  Sign in as    demo\n"
        f"  Password      {password}\n"
        f"  Access token  {token}\n"
        f"  For a team: DEMO=false, see docs/operations.md.\n"
    )


def _start_worker() -> None:
    """Start the worker. Its stdin is a pipe whose other end the server inherits, so it ends with the server.

    A shell restarts it if it dies before: this process becomes the server, which knows nothing of the worker.
    """
    read_end, write_end = os.pipe()
    worker = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--until-stdin-closes"]
    subprocess.Popen(["/bin/sh", "-c", _RESTART_LOOP, *worker], stdin=read_end, start_new_session=True)
    os.close(read_end)
    os.set_inheritable(write_end, True)
