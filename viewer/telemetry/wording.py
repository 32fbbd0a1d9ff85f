"""What pages say of spans that were received, in the language of their reader."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

# Why something is in no conversation, by the kind of a tally.
KINDS = {
    "homeless": gettext_lazy("Records that name neither a trace nor a conversation."),
    "erased": gettext_lazy("Spans of conversations that were erased here. What is erased does not come back."),
    "too-long": gettext_lazy("Traces longer than 64 MB."),
    "too-large": gettext_lazy("Messages larger than TELEMETRY_MAX_MB."),
    "unreadable": gettext_lazy("Messages that are not OTLP."),
}
# Why a conversation is not stored as it is, by the problem of its row.
PROBLEMS = {
    "silent": gettext_lazy(
        "Conversations of which nothing was recorded that was said. Let the instrumentation record the content of "
        "messages, for example with OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY."
    ),
    "too-long": gettext_lazy("Conversations that are longer than 64 MB now, and stay as they were."),
    "unreadable": gettext_lazy("Conversations of a shape that this version does not know."),
}
