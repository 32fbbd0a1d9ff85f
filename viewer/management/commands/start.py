"""`./run`: makes ready what is not, says where to sign in, and becomes gunicorn."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
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
from django.db import connection

from viewer.archive.importing import import_lines
from viewer.archive.models import StoredCompletion
from viewer.keys.models import AccessToken

_SAMPLES = settings.BASE_DIR / "viewer" / "archive" / "samples.jsonl"
_THREADS = "16"
_KEEP_ALIVE = 'until "$0" "$@" || ! kill -0 $PPID 2>/dev/null; do sleep 5; done'
_PREPARING = 20_741_221  # any number that means the same to every machine of a team


class Command(BaseCommand):
    help = "Prepare everything and serve."

    def handle(self, *args: Any, **options: Any) -> None:
        _refuse_taken_port()
        _collect_static()
        self.stdout.write(f"\n  Lectern  {settings.SITE_URL}\n")
        with _one_machine_at_a_time():
            call_command("migrate", verbosity=0)
            call_command("rebuild_search", missing=True)
            if settings.DEMO:
                _fill_empty_archive()
                self.stdout.write(_demo_sentences())
        self.stdout.write("  Ctrl-C ends it.\n\n")
        self.stdout.flush()
        if settings.COPY_WORKER:
            _start_copy_worker()
        os.execv(sys.executable, _gunicorn())


@contextmanager
def _one_machine_at_a_time() -> Iterator[None]:
    """Let nobody else prepare the same database meanwhile. SQLite has one machine, and takes its turns by itself."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_PREPARING])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_PREPARING])


def _refuse_taken_port() -> None:
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


def _collect_static() -> None:
    """Hash and compress the static files when they have changed, which takes seconds, and not at every start."""
    files = [*settings.BASE_DIR.glob("static/**/*"), Path(settings.BASE_DIR, "requirements.txt")]
    state = "".join(f"{file}{file.read_bytes()!r}" for file in sorted(files) if file.is_file())
    stamp = settings.DATA_DIR / "static.sha256"
    digest = hashlib.sha256(state.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(digest)


def _fill_empty_archive() -> None:
    if not StoredCompletion.objects.exists():
        with open(_SAMPLES, "rb") as lines:
            list(import_lines(lines))


def _demo_sentences() -> str:
    """Make the person `demo` at the first start; say the password and the token as long as they hold."""
    file = settings.DATA_DIR / "demo.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    demo, is_new = User.objects.get_or_create(username="demo")
    if is_new or (settings.DEMO_PASSWORD and not demo.check_password(settings.DEMO_PASSWORD)):
        kept["password"] = settings.DEMO_PASSWORD or secrets.token_urlsafe(9)
        demo.set_password(kept["password"])
        demo.save(update_fields=["password"])
    if is_new:
        _, kept["token"] = AccessToken.objects.issue(demo, "printed at the first start")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        json.dump(kept, written)
    password, token = kept.get("password", ""), kept.get("token", "")
    if not demo.check_password(password):
        password = "the one you chose (./run manage changepassword demo sets another)"
    if not AccessToken.objects.holding(token).exists():
        token = f"make one on {settings.SITE_URL}/tokens/"
    return (
        f"  Sign in as    demo\n"
        f"  Password      {password}\n"
        f"  Access token  {token}\n"
        f"  For a team: DEMO=false, see the README.\n"
    )


def _start_copy_worker() -> None:
    """Start the process that copies. Its input is a pipe whose other end gunicorn inherits: it ends with gunicorn.

    A shell starts it again when it dies before: this process becomes gunicorn, which knows nothing of it.
    """
    its_end, our_end = os.pipe()
    worker = [sys.executable, str(settings.BASE_DIR / "manage.py"), "sync", "--loop", "--until-stdin-closes"]
    subprocess.Popen(["/bin/sh", "-c", _KEEP_ALIVE, *worker], stdin=its_end, start_new_session=True)
    os.close(its_end)
    os.set_inheritable(our_end, True)


def _gunicorn() -> list[str]:
    host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    options = {
        "--bind": f"{host}:{settings.PORT}",
        "--worker-class": "gthread",
        "--threads": _THREADS,
        "--log-level": "warning",
    }
    flat = [word for option in options.items() for word in option]
    return [sys.executable, "-m", "gunicorn", "viewer.wsgi", *flat, "--no-control-socket"]
