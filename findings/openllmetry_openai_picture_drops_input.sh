#!/bin/sh
# opentelemetry-instrumentation-openai 0.62.4 (OpenLLMetry), unless it is given a function that uploads pictures: a call
# with a picture in any of its messages has no `gen_ai.input.messages`. One would guess that the picture is left out;
# but the prompt, the texts and the whole history are gone with it, also in all later calls that repeat the picture. The
# answers are still recorded. So a stored conversation ends in answers to nothing.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check \
    opentelemetry-instrumentation-openai==0.62.4 opentelemetry-sdk==1.45.1 openai==3.57.0
cat >"$home/expected" <<'END'
text only: input yes, answer yes
with a picture: input no, answer yes
END
"$home/bin/python" - >"$home/seen" <<'END'
import json
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

os.environ["TRACELOOP_TRACE_CONTENT"] = "true"
logging.disable(logging.CRITICAL)

from openai import OpenAI
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

MESSAGE = {"role": "assistant", "content": "It is torn."}
ANSWER = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
          "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
OpenAIInstrumentor().instrument(tracer_provider=provider)
client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
text = {"type": "text", "text": "What is this?"}
for content in ("What is this?", [text, picture]):
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])
for name, span in zip(("text only", "with a picture"), exporter.get_finished_spans()):
    has = {side: "yes" if f"gen_ai.{side}.messages" in span.attributes else "no" for side in ("input", "output")}
    print(f"{name}: input {has['input']}, answer {has['output']}")
END
diff "$home/expected" "$home/seen" && echo "as described"
