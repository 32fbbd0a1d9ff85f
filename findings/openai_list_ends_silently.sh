#!/bin/sh
# openai 3.57.0 (Python), `chat.completions.list()`: an item without an id ends the list without a word, although the
# server says `has_more: true`. The cursor is the id of the last item; `last_id`, which the server sends for it, is not
# read. Where `has_more` is missing, it goes on until an empty page. So a client that stores what it lists may hold half.
# Seen 2026-11-28 on Python 3.11.7, against a transport in the process.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 httpx==0.28.1
cat >"$home/expected" <<'END'
after: None
after: b
listed: ['a', 'b', None]
END
"$home/bin/python" - >"$home/seen" <<'END'
import httpx
from openai import OpenAI


def row(**more):
    return {"object": "chat.completion", "created": 1, "model": "m", "choices": [], **more}


PAGES = {
    None: {"object": "list", "data": [row(id="a"), row(id="b")], "last_id": "of the server"},
    "b": {"object": "list", "data": [row()], "last_id": "c", "has_more": True},
    "c": {"object": "list", "data": [row(id="d")], "last_id": "d", "has_more": False},
}


def answer(request):
    after = request.url.params.get("after")
    print("after:", after)
    return httpx.Response(200, json=PAGES[after])


client = OpenAI(api_key="k", base_url="http://x.example/v1", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
print("listed:", [completion.id for completion in client.chat.completions.list()])
END
diff "$home/expected" "$home/seen" && echo "as described"
