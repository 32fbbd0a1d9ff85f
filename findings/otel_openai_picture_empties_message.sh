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
import logging
import os

import httpx

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
logging.disable(logging.CRITICAL)

from openai import OpenAI
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter


class Printed(SpanExporter):
    def export(self, spans):
        for span in spans:
            print("asked:", span.attributes["gen_ai.input.messages"])
            print("answered:", span.attributes["gen_ai.output.messages"])


def answer(request):
    message = {"role": "assistant", "content": None, "refusal": "I cannot say who lives there."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    completion = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return httpx.Response(200, json=completion)


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Printed()))
OpenAIInstrumentor().instrument(tracer_provider=provider)
client = OpenAI(api_key="none", http_client=httpx.Client(transport=httpx.MockTransport(answer)))
house = [
    {"type": "text", "text": "Who lives in this house?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
]
client.chat.completions.create(model="m", messages=[{"role": "user", "content": house}])
END
diff "$home/expected" "$home/seen" && echo "as described"
