#!/bin/sh
# opentelemetry-instrumentation-openai-v2 2.4b0, which records messages as OpenTelemetry's conventions for generative AI
# have them: a message with a picture is recorded with `parts: []`. One would guess that the text beside the picture is
# kept, and the picture as a part of its own type, which the conventions have. A refusal is recorded as `parts: []` too.
# So an empty message of a customer had a picture and perhaps a question, and an empty answer may be a refusal.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check opentelemetry-instrumentation-openai-v2==2.4b0 \
    opentelemetry-util-genai==1.1b0 opentelemetry-sdk==1.45.2 openai==3.57.0 httpx
cat >"$home/expected" <<'END'
asked: [{"role":"user","parts":[]}]
answered: [{"role":"assistant","parts":[],"finish_reason":"stop"}]
END
"$home/bin/python" - >"$home/seen" <<'END'
import json
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
logging.disable(logging.CRITICAL)

from openai import OpenAI
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

MESSAGE = {"role": "assistant", "content": None, "refusal": "I cannot say who lives there."}
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
text = {"type": "text", "text": "Who lives in this house?"}
client.chat.completions.create(model="m", messages=[{"role": "user", "content": [text, picture]}])
(span,) = exporter.get_finished_spans()
print("asked:", span.attributes["gen_ai.input.messages"])
print("answered:", span.attributes["gen_ai.output.messages"])
END
diff "$home/expected" "$home/seen" && echo "as described"
