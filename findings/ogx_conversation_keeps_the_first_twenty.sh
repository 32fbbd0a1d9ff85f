#!/bin/sh
# ogx 1.5.0, `POST /v1/responses` with `conversation`: of a conversation with more than 20 items, the model gets the
# first 20 and the new question. What was said between is missing from its request, and from the `input_items` of the
# response, though `GET /v1/conversations/{id}/items` has it all. (It lists the items with the default limit, oldest
# first.) So an answer may contradict what stands above it, and neither a log nor the response says why.
# Seen 2026-11-30 on Python 3.13.0, with a stub for the model. It needs Python 3.12 or newer.
set -eu
home=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || :; wait; rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check ogx==1.5.0 sqlite-vec pypdf chardet
# Its start would load a tokenizer from another host, which nothing here needs.
site=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo 'def get_encoding(name): return type("Words", (), {"encode": lambda self, text, **_: text.split()})()' >"$site/words.py"
echo 'import tiktoken, words; tiktoken.get_encoding = words.get_encoding' >"$site/words.pth"
cat >"$home/run.yaml" <<END
version: 2
distro_name: finding
apis: [inference, responses, files, vector_io, file_processors, tool_runtime, conversations]
providers:
  inference:
  - {provider_id: stub, provider_type: "remote::openai", config: {api_key: x, base_url: "http://127.0.0.1:18175/v1"}}
  vector_io:
  - provider_id: vec
    provider_type: inline::sqlite-vec
    config: {db_path: "$home/vec.db", persistence: {namespace: vec, backend: kv}}
  files:
  - provider_id: files
    provider_type: inline::localfs
    config: {storage_dir: "$home/files", metadata_store: {table_name: files, backend: sql}}
  file_processors:
  - {provider_id: pypdf, provider_type: "inline::pypdf"}
  responses:
  - provider_id: builtin
    provider_type: inline::builtin
    config: {persistence: {responses: {table_name: responses, backend: sql}}}
  tool_runtime:
  - {provider_id: search, provider_type: "inline::file-search"}
storage:
  backends:
    kv: {type: kv_sqlite, db_path: "$home/kv.db"}
    sql: {type: sql_sqlite, db_path: "$home/sql.db"}
  stores:
    metadata: {namespace: registry, backend: kv}
    inference: {table_name: inference, backend: sql}
    conversations: {table_name: conversations, backend: sql}
    prompts: {table_name: prompts, backend: sql}
    connectors: {table_name: connectors, backend: sql}
registered_resources: {models: []}
server: {port: 18174, host: 127.0.0.1}
END
cat >"$home/expected" <<'END'
stored: 31 items
the model got 21: Item 0 to Item 19, then: What now?
END
"$home/bin/ogx" run --insecure "$home/run.yaml" >"$home/log" 2>&1 &
server=$!
"$home/bin/python" - >"$home/seen" <<'END'
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from openai import APIConnectionError, OpenAI

asked = []


class Model(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.answer({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]})

    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"])
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        choice = {"index": 0, "delta": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}
        self.answer(f"data: {json.dumps(chunk | {'choices': [choice]})}\n\ndata: [DONE]\n\n")

    def answer(self, body):
        is_stream = isinstance(body, str)
        data = (body if is_stream else json.dumps(body)).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


threading.Thread(target=HTTPServer(("127.0.0.1", 18175), Model).serve_forever, daemon=True).start()
client = OpenAI(base_url="http://127.0.0.1:18174/v1", api_key="k", max_retries=0)
for _ in range(90):
    try:
        client.models.list()
        break
    except APIConnectionError:
        time.sleep(1)
said = [{"type": "message", "role": "user", "content": f"Item {n}"} for n in range(30)]
conversation = client.conversations.create(items=said[:20]).id
client.conversations.items.create(conversation, items=said[20:])
client.responses.create(model="stub/m", input="What now?", conversation=conversation)
words = [m["content"] if isinstance(m["content"], str) else m["content"][0]["text"] for m in asked[-1]]
print("stored:", len([i for i in client.conversations.items.list(conversation, limit=100) if i.role == "user"]), "items")
print(f"the model got {len(words)}: {words[0]} to {words[-2]}, then: {words[-1]}")
END
diff "$home/expected" "$home/seen" && echo "as described"
