#!/bin/sh
# CPython 3.11.7 with Django 5.2.19: after SQLite refused a statement ("database is locked"), its cursor keeps the
# statement, and the error keeps the cursor in a cycle that only the garbage collector ends, in whatever thread it
# runs. To reset the statement it needs the other thread's connection; and while that one waits for SQLite's lock,
# inside SQLite, it has it. So a collection lasts as long as another thread waits. If it happens to the thread that has
# the lock, every writer waits until the time of one is over, although each of them does what it should.
# Seen 2026-11-30: of a thread that waits for a second and a half, a collection takes more than one. With CPython
# 3.12.1 and 3.13.0, which reset a statement when it fails, a few milliseconds. Whoever waits between tries (`PRAGMA
# busy_timeout = 0`) is spared it.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3.11}" -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check Django==5.2.19
cat >"$home/expected" <<'END_OF_EXPECTED'
waiting inside SQLite: the collector waits too
waiting between tries: the collector does not
END_OF_EXPECTED
"$home/venv/bin/python" - "$home/database" >"$home/seen" <<'END_OF_PROGRAM'
import gc
import sys
import threading
import time

import django
from django.conf import settings

OPTIONS = {"transaction_mode": "IMMEDIATE", "timeout": 0, "init_command": "PRAGMA journal_mode=WAL"}
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1], "OPTIONS": OPTIONS}}
)
django.setup()

from django.db import OperationalError, connection, transaction  # noqa: E402

INSERT = "INSERT INTO numbers VALUES (1)"


def write_beside(milliseconds, has_failed):
    try:
        with transaction.atomic():
            pass
    except OperationalError:
        has_failed.set()
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        try:
            connection.cursor().execute(INSERT)
        except OperationalError:
            time.sleep(0.01)
    connection.close()


def collection_beside(milliseconds):
    """How long the garbage collector takes in the thread that has the lock, in seconds."""
    has_failed = threading.Event()
    with transaction.atomic():
        other = threading.Thread(target=write_beside, args=[milliseconds, has_failed])
        other.start()
        has_failed.wait()
        time.sleep(0.2)
        began = time.monotonic()
        gc.collect()
        took = time.monotonic() - began
        other.join()
    return took


with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE numbers (number)")
gc.disable()
print("waiting inside SQLite: the collector", "waits too" if collection_beside(1_500) > 0.5 else "does not")
print("waiting between tries: the collector", "waits too" if collection_beside(0) > 0.5 else "does not")
END_OF_PROGRAM
diff "$home/expected" "$home/seen" && echo "as described"
