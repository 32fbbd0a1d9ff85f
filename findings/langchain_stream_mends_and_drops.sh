#!/bin/sh
# langchain-core 1.8.3, langchain-openai 1.7.4, an answer that is streamed by Chat Completions. Guess: the message is
# the same as without a stream. Instead a tool call whose arguments broke off is no invalid call: its arguments are
# mended to be JSON, and the tool runs with them. And a refusal is nowhere, so the message is empty. Only
# `tool_call_chunks` still has the arguments as the model wrote them.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check langchain-core==1.8.3 langchain-openai==1.7.4
cat >"$home/expected" <<'END'
not streamed: calls [] invalid ['{"order_id": "A1'] refusal None
streamed: calls [{'order_id': 'A1'}] invalid [] refusal None
chunks of it: ['{"order_id": "A1']
not streamed: calls [] invalid [] refusal I cannot say.
streamed: calls [] invalid [] refusal None
chunks of it: []
END
"$home/bin/python" - >"$home/seen" <<'END'
import json
import threading
from functools import reduce
from http.server import BaseHTTPRequestHandler, HTTPServer
from operator import add

from langchain_openai import ChatOpenAI

CALL = {"id": "call_1", "type": "function", "function": {"name": "order_status", "arguments": '{"order_id": "A1'}}
ANSWERS = {
    "call": ({"tool_calls": [CALL]}, "tool_calls"),
    "refuse": ({"refusal": "I cannot say."}, "stop"),
}


class Server(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message, reason = ANSWERS[asked["messages"][-1]["content"]]
        about = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4.1"}
        if asked.get("stream"):
            calls = [{"index": 0, **call} for call in message.get("tool_calls", [])]
            delta = {"role": "assistant", "content": ""} | message | ({"tool_calls": calls} if calls else {})
            choices = [{"delta": delta, "finish_reason": None}, {"delta": {}, "finish_reason": reason}]
            chunk = about | {"object": "chat.completion.chunk"}
            lines = [json.dumps(chunk | {"choices": [{"index": 0} | choice]}) for choice in choices]
            body, kind = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]), "text/event-stream"
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": None} | message, "finish_reason": reason}
            body, kind = json.dumps(about | {"object": "chat.completion", "choices": [choice]}), "application/json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = ChatOpenAI(model="gpt-4.1", api_key="none", base_url=f"http://127.0.0.1:{server.server_port}/v1")
for question in ANSWERS:
    streamed = reduce(add, model.stream(question))
    for name, message in (("not streamed", model.invoke(question)), ("streamed", streamed)):
        calls = [call["args"] for call in message.tool_calls]
        invalid = [call["args"] for call in message.invalid_tool_calls]
        print(f"{name}: calls {calls} invalid {invalid} refusal {message.additional_kwargs.get('refusal')}")
    print("chunks of it:", [chunk["args"] for chunk in streamed.tool_call_chunks])
END
diff "$home/expected" "$home/seen" && echo "as described"
