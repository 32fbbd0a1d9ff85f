#!/bin/sh
# granian 2.8.9, WSGI over HTTP/1: `HTTP1Settings(max_buffer_size=…)` bounds the whole head of a request, so an address of
# 70,000 characters was expected to fit into 256 kB. From 65,535 characters on it is answered by an empty 414 that the
# application never sees (the Rust crate http keeps an address in 16 bits), while a header of 70,000 characters arrives.
# Seen 2026-11-28 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || :; rm -rf "$home"' EXIT
server=
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check granian==2.8.9
cat >"$home/site_app.py" <<'END'
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(environ['QUERY_STRING'])} {len(environ.get('HTTP_X_LONG', ''))}\n".encode()]
END
cat >"$home/serve.py" <<'END'
from granian import Granian
from granian.http import HTTP1Settings

if __name__ == "__main__":
    settings = HTTP1Settings(max_buffer_size=256 * 1024)
    Granian("site_app:application", port=8197, interface="wsgi", http="1", http1_settings=settings).serve()
END
cd "$home"
"$home/bin/python" serve.py >"$home/log" 2>&1 &
server=$!
cat >"$home/ask.py" <<'END'
import http.client
import time


def ask(query, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", 8197, timeout=30)
    connection.request("GET", "/?" + query, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


for _ in range(100):
    try:
        ask("")
        break
    except OSError:
        time.sleep(0.1)
for length in 65_532, 65_533:
    print(length, *ask("x" * length))
print("header", *ask("x", **{"X-Long": "x" * 70_000}))
END
"$home/bin/python" ask.py >"$home/seen"
cat >"$home/expected" <<'END'
65532 200 b'65532 0\n'
65533 414 b''
header 200 b'1 70000\n'
END
diff "$home/expected" "$home/seen" && echo "as described"
