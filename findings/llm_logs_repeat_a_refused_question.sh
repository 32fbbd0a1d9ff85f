#!/bin/sh
# llm 0.36, `llm logs --json` of a conversation in which one question was refused. Guess: each row has the question that
# was asked. Instead the row after a refusal has the refused question and the next one, with nothing between them; and
# the row of the refusal has an empty response, with the refusal only in response_json. The database has them apart.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home/venv"
"$home/venv/bin/pip" install --quiet --disable-pip-version-check llm==0.36
cat >"$home/expected" <<'END'
'What is his address?' -> '' refusal 'I cannot say.'
'What is his address?When do you open?' -> 'At nine.' refusal None
parts of the database: ['What is his address?', 'When do you open?', 'At nine.']
END
cat >"$home/server.py" <<'END'
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Server(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][-1]["content"]
        said = {"content": None, "refusal": "I cannot say."} if "address" in asked else {"content": "At nine."}
        choice = {"index": 0, "message": {"role": "assistant"} | said, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4.1", "choices": [choice]}
        body = json.dumps(answer | {"usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = HTTPServer(("127.0.0.1", 0), Server)
with open(sys.argv[1], "w") as file:
    file.write(str(server.server_port))
server.serve_forever()
END
"$home/venv/bin/python" "$home/server.py" "$home/port" &
server=$!
while [ ! -s "$home/port" ]; do sleep 0.1; done
export LLM_USER_PATH="$home/llm" OPENAI_API_KEY=none NO_PROXY=127.0.0.1
mkdir "$LLM_USER_PATH"
cat >"$LLM_USER_PATH/extra-openai-models.yaml" <<END
- model_id: stub
  model_name: gpt-4.1
  api_base: "http://127.0.0.1:$(cat "$home/port")/v1"
END
"$home/venv/bin/llm" -m stub --no-stream "What is his address?" >/dev/null
"$home/venv/bin/llm" -m stub --no-stream -c "When do you open?" >/dev/null
"$home/venv/bin/llm" logs -n 0 --json >"$home/logs.json"
"$home/venv/bin/python" - "$home" >"$home/seen" <<'END'
import json
import sqlite3
import sys

for row in json.load(open(f"{sys.argv[1]}/logs.json")):
    message = row["response_json"]["choices"][0]["message"]
    print(f"{row['prompt']!r} -> {row['response']!r} refusal {message.get('refusal')!r}")
database = sqlite3.connect(f"{sys.argv[1]}/llm/logs.db")
print("parts of the database:", [text for (text,) in database.execute("SELECT text FROM parts ORDER BY id")])
END
diff "$home/expected" "$home/seen" && echo "as described"
