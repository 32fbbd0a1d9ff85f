#!/bin/sh
# openai-agents 0.24.0, `SQLiteSession("customer", "sessions.db")` while the program runs: a copy of `sessions.db` was
# expected to have what was said. It has the tables and no message: the session turns on SQLite's write-ahead log, and
# all messages are in `sessions.db-wal` until the program closes the session, ends, or has written some megabytes.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check openai-agents==0.24.0
"$home/bin/python" - "$home" >"$home/seen" <<'END'
import asyncio
import shutil
import sqlite3
import sys
from pathlib import Path

from agents import SQLiteSession

home = Path(sys.argv[1])


async def main() -> None:
    session = SQLiteSession("customer", home / "sessions.db")
    for number in range(50):
        await session.add_items([{"role": "user", "content": f"Question {number}"}])
    print("in the session:", len(await session.get_items()))
    shutil.copy(home / "sessions.db", home / "copy.db")
    print("in the copy:", sqlite3.connect(home / "copy.db").execute("SELECT COUNT(*) FROM agent_messages").fetchone()[0])


asyncio.run(main())
END
cat >"$home/expected" <<'END'
in the session: 50
in the copy: 0
END
diff "$home/expected" "$home/seen" && echo "as described"
