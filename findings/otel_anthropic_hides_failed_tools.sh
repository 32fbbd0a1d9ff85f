#!/bin/sh
# opentelemetry-instrumentation-genai-anthropic 1.3b0, which records messages as OpenTelemetry's conventions for
# generative AI have them: the result of a tool that failed is recorded without its `is_error`, as that of one that did
# its work; and the encrypted data of `redacted_thinking` as reasoning, as if the model had thought these words. One
# would guess that a failure stays one, and that what nobody can read is left out. Who reads the trace takes the words of
# a failure for those of a good result.
# Seen 2026-11-30 on Python 3.11.7.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
"${PYTHON:-python3}" -m venv "$home"
"$home/bin/pip" install --quiet --disable-pip-version-check opentelemetry-instrumentation-genai-anthropic==1.3b0 \
    opentelemetry-util-genai==1.3b0 opentelemetry-sdk==1.45.2 anthropic==2.14.0
cat >"$home/expected" <<'END'
result: {"response":"Rome","id":"toolu_a","type":"tool_call_response"}
result: {"response":"Rome","id":"toolu_b","type":"tool_call_response"}
answered: {"content":"EncryptedData","type":"reasoning"}
answered: {"content":"Sorry.","type":"text"}
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

from anthropic import Anthropic
from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter


def printed(what, part):
    print(f"{what}:", json.dumps(part, separators=(",", ":")))


class Printed(SpanExporter):
    def export(self, spans):
        for span in spans:
            if "gen_ai.input.messages" in span.attributes:
                for part in json.loads(span.attributes["gen_ai.input.messages"])[-1]["parts"]:
                    printed("result", part)
                for part in json.loads(span.attributes["gen_ai.output.messages"])[0]["parts"]:
                    printed("answered", part)


class Server(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        content = [{"type": "redacted_thinking", "data": "EncryptedData"}, {"type": "text", "text": "Sorry."}]
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content,
                   "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
        body = json.dumps(message).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Printed()))
AnthropicInstrumentor().instrument(tracer_provider=provider)
client = Anthropic(api_key="none", base_url=f"http://127.0.0.1:{server.server_port}")
uses = [{"type": "tool_use", "id": f"toolu_{n}", "name": "capital", "input": {}} for n in "ab"]
results = [
    {"type": "tool_result", "tool_use_id": "toolu_a", "content": "Rome"},
    {"type": "tool_result", "tool_use_id": "toolu_b", "content": "Rome", "is_error": True},
]
messages = [
    {"role": "user", "content": "Which capital?"},
    {"role": "assistant", "content": uses},
    {"role": "user", "content": results},
]
client.messages.create(model="m", max_tokens=9, messages=messages)
END
diff "$home/expected" "$home/seen" && echo "as described"
