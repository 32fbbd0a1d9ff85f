"""Traces of OpenTelemetry that tell of calls of models: GenAI conventions, OpenInference, OpenLLMetry, Logfire, AI SDK.

What a span says is read in `viewer.formats.spans`, which an endpoint that receives spans uses as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.formats.chains import Link
from viewer.formats.document import Conversation, Document, NotAConversation, NotReadable
from viewer.formats.family import Family, object_at
from viewer.formats.spans.calls import is_model_call
from viewer.formats.spans.conventions import is_content
from viewer.formats.spans.conversations import FAMILY as _NAME
from viewer.formats.spans.conversations import conversation_of, join, link_of, threads_of
from viewer.formats.spans.files import is_file_of_spans, spans_in
from viewer.formats.spans.span import attributes_of, is_span, span_of, trace_of


def _matches(value: Any) -> bool:
    return is_span(value) or is_file_of_spans(value)


def _key(document: Document) -> str:
    trace = trace_of(document.value)
    return f"trace {trace}" if trace else f"conversation {_thread(document)}"


def _thread(document: Document) -> str:
    return conversation_of(attributes_of(document.value.get("attributes")))


def _threads(documents: list[Document]) -> list[str]:
    return threads_of([span_of(document.value) for document in documents])


def _link(documents: list[Document]) -> Link | None:
    return link_of(span_of(document.value) for document in documents)


def _join(documents: list[Document]) -> Iterator[Conversation]:
    once = {document.text: document.value for document in documents}
    texts = sorted(once)  # the same spans in another order are the same conversation
    spans = [span_of(once[text]) for text in texts]
    draft = join(spans, (without_content(once[text]) for text in texts))
    if draft is not None:
        yield draft.finish_at(documents[0].place, *texts)
    elif any(is_model_call(span) for span in spans):
        raise NotReadable(
            _now(
                "The traces tell of calls of a model, but not what was said. Let the instrumentation record the content"
                " of messages, for example with OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY."
            )
        )
    else:
        raise NotAConversation(_now("This is a trace in which no model was called."))


def without_content(span: dict[str, Any]) -> str:
    """Write a span without the attributes that are read into messages. Spans are too many to keep them as written."""
    value = dict(span)
    attributes = value.get("attributes")
    if isinstance(attributes, dict):
        value["attributes"] = {name: each for name, each in attributes.items() if not is_content(name)}
    elif isinstance(attributes, list):
        value["attributes"] = [each for each in attributes if not is_content(str(object_at(each).get("key")))]
    return json.dumps(value, ensure_ascii=False)


FAMILY = Family(
    name=_NAME,
    title="OpenTelemetry",
    what=gettext_lazy("A file of OpenTelemetry traces"),
    seen="GenAI conventions: opentelemetry-instrumentation-openai-v2 2.1b0 and 2.4b0,"
    " opentelemetry-instrumentation-genai-openai 1.3b0, -genai-anthropic 1.3b0 and -google-genai 1.3b0,"
    " pydantic-ai 0.2.0, 1.0.0 and 2.68.0, semantic-kernel 1.45.0, strands-agents 1.62.0, google-adk 2.13.0,"
    " logfire 5.4.0, ai 6.0.326; OpenInference of openai 0.1.66, langchain 0.1.80, anthropic 3.1.0, bedrock"
    " 0.1.61, google-genai 1.4.14, litellm 0.1.51, openai-agents 2.6.0, pydantic-ai 0.1.30, agno 1.0.15, autogen"
    " 0.1.22, smolagents 0.1.43; arize-phoenix 20.26.1; OpenLLMetry 0.40.14 and 0.62.4",
    keeps="texts, tool calls and results, models, tokens, times, sessions, errors; what was said once, once",
    loses=(
        "as the instrumentation chooses: pictures and refusals (GenAI), all of an input with a picture (OpenLLMetry)"
    ),
    matches=_matches,
    key=_key,
    thread=_thread,
    threads=_threads,
    link=_link,
    join=_join,
    parts=spans_in,
)
