#!/bin/sh
# chainlit 2.12.0 with its SQLAlchemy layer on SQLite: a thread that has tags is not stored, because SQLite has no lists.
# An error is printed, and the thread stays without its tags, and without the name that was given with them. The same
# call without tags stores the name.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check chainlit==2.12.0 'sqlalchemy[asyncio]' aiosqlite greenlet
cat >"$home/expected" <<'END'
without tags ('Orders', None)
with tags None
END
cd "$home"
"$home/bin/python" - >"$home/seen" 2>"$home/errors" <<'END'
import asyncio
import sqlite3

from chainlit.data.sql_alchemy import SQLAlchemyDataLayer

database = sqlite3.connect("chainlit.sqlite")
database.execute(
    'CREATE TABLE threads ("id" TEXT PRIMARY KEY, "createdAt" TEXT, "name" TEXT, "userId" TEXT,'
    ' "userIdentifier" TEXT, "tags" TEXT, "metadata" TEXT)'
)
database.commit()


async def main():
    layer = SQLAlchemyDataLayer("sqlite+aiosqlite:///chainlit.sqlite")
    await layer.update_thread("without tags", name="Orders")
    await layer.update_thread("with tags", name="Orders", tags=["torn"])


asyncio.run(main())
for thread in ("without tags", "with tags"):
    found = database.execute("SELECT name, tags FROM threads WHERE id = ?", (thread,)).fetchone()
    print(thread, found)
END
diff "$home/expected" "$home/seen" && echo "as described"
