"""Reads what was asked and answered in a call of a model, in each of the conventions that instrumentations follow."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from viewer.formats.document import Document, NotReadable
from viewer.formats.drafts import DraftMessage, as_text, note, tool_call
from viewer.formats.exchanges import is_silent
from viewer.formats.family import object_at, objects_at
from viewer.formats.messages import read_messages

from . import flat, genai
from .attributes import as_json, as_list, document_of
from .contents import Histories, Messages, Said, answers_of, input_of, pair_of
from .events import said_in_events
from .span import Span

_SYSTEM = ("system", "developer")
_PAIRS = (
    ("mlflow.spanInputs", "mlflow.spanOutputs"),
    ("braintrust.input_json", "braintrust.output_json"),
    ("lmnr.span.input", "lmnr.span.output"),
    ("gen_ai.prompt", "gen_ai.completion"),
    ("langfuse.observation.input", "langfuse.observation.output"),
    ("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"),
)
# What tools call a span of a model, of which these pairs tell.
_KINDS = {
    "langfuse.observation.type": ("generation",),
    "mlflow.spanType": ("CHAT_MODEL", "LLM"),
    "lmnr.span.type": ("LLM",),
}
# Attributes that are read into messages and are not kept a second time.
_CONTENT = (
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions",
    "gen_ai.prompt", "gen_ai.completion", "llm.input_messages", "llm.output_messages", "llm.tools", "llm.prompts",
    "llm.completions", "llm.request.functions", "input.value", "output.value", "ai.prompt", "ai.response.text",
    "ai.response.toolCalls", "ai.response.reasoning", "pydantic_ai.all_messages", "logfire.json_schema",
    "langfuse.observation.input", "langfuse.observation.output", "mlflow.span",
    "braintrust.input_json", "braintrust.output_json", "lmnr.span.input", "lmnr.span.output",
    "gcp.vertex.agent.llm_re", "gen_ai.tool.call.result", "traceloop.entity.input", "traceloop.entity.output",
)  # fmt: skip
# How the names of attributes begin by which a span may tell of a call, a tool or a chain.
_TELLING = (
    "gen_ai.", "llm.", "openinference.", "input.value", "output.value", "ai.", "traceloop.", "langfuse.observation.",
    "gcp.vertex.agent.", "pydantic_ai.", "mlflow.span", "braintrust.", "lmnr.span.", "request_data", "response_data",
)  # fmt: skip
# Attributes of other work that are long and that no message is read from.
_BESIDE = ("embedding.", "retrieval.", "reranker.")


def said_in(span: Span, histories: Histories) -> Said | None:
    """Return the input and the answers of a span; None if it tells of neither."""
    return next((said for read in _READERS if (said := read(span, histories)) and (said[0] or said[1])), None)


def may_tell(name: str) -> bool:
    """Whether a span with this attribute, or an event or log record of this name, may tell of a call or a tool."""
    return name.startswith(_TELLING)


def is_beside(name: str) -> bool:
    """Whether no message is read from an attribute, which may be a long vector or a whole document."""
    return name.startswith(_BESIDE)


def is_content(name: str) -> bool:
    """Whether an attribute is read into messages, so that it need not be kept a second time."""
    return name.startswith(_CONTENT)


def _read_openinference(span: Span, histories: Histories) -> Said | None:
    """Read the request and the response as the client had them, which say more than the attributes made of them."""
    attributes = span.attributes
    if attributes.get("openinference.span.kind") != "LLM":
        return None
    given = input_of(attributes.get("input.value"), histories)
    answers = answers_of(attributes.get("output.value"))
    if given is None or answers is None:
        told = _read_genai(span, histories)
        given = given if given is not None else told[0] or flat.openinference_messages(span, "llm.input_messages")
        answers = answers if answers is not None else told[1] or _flat_answers(span)
    if given and (
        steps := object_at(as_json(attributes.get("output.value"))).get("automatic_function_calling_history")
    ):
        told_before = [message for message in given if message.role in _SYSTEM]
        given = [*told_before, *(input_of(json.dumps({"contents": steps}), histories) or given)]
    if attributes.get("llm.input_messages.0.message.role") in _SYSTEM and given and given[0].role not in _SYSTEM:
        told_first = flat.openinference_messages(span, "llm.input_messages")  # which requests have beside the messages
        given = [*(message for message in told_first if message.role in _SYSTEM), *given]
    for message in (*given, *answers):
        if "__REDACTED__" in (message.given.text if message.given else message.source):
            message.notes.append(note("lost-image", "OpenInference"))
    if span.error and all(map(is_silent, answers)):
        return given, []
    for answer in filter(is_silent, answers):
        answer.notes = answer.notes or genai.notes_on_nothing(answer.role, "OpenInference")
    return given, answers


def _flat_answers(span: Span) -> Messages:
    answers = flat.openinference_messages(span, "llm.output_messages")
    written = as_json(span.attributes.get("output.value"))
    if answers and isinstance(written, dict):  # AutoGen says beside a call what was said with it
        answers[-1].content = answers[-1].content or as_text(written.get("thought"))
    return answers


def _read_genai(span: Span, histories: Histories) -> Said:
    holder = span.attributes
    for event in span.events:  # where content goes to events only
        if event.name == "gen_ai.client.inference.operation.details":
            holder = event.attributes | {name: value for name, value in holder.items() if value is not None}
    given = [
        *genai.read_system(document_of(holder.get("gen_ai.system_instructions"))),
        *_genai_list(holder.get("gen_ai.input.messages"), "user", histories),
    ]
    answers = _genai_list(holder.get("gen_ai.output.messages"), "assistant", Histories())
    return given, _one_answer(answers, holder) if holder.get("openai.api.type") == "responses" else answers


def _one_answer(items: Messages, attributes: dict[str, Any]) -> Messages:
    """Join the items of a response, each of which the instrumentation of OpenAI's client makes an answer that ended.

    Why the response ended, or broke off, stands beside them.
    """
    answer = Messages()
    for item in items:
        item.more.pop("finish_reason", None)
        genai.append_to(answer, item)
    reasons = as_list(attributes.get("gen_ai.response.finish_reasons"))
    if answer and reasons:
        answer[-1].more["finish_reason"] = reasons[-1]
    return answer


def _genai_list(value: Any, role: str, histories: Histories) -> Messages:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str) or not value.startswith("["):
        return []
    try:
        return histories.read(value, _genai_messages) or []
    except NotReadable:
        return [DraftMessage(role, value, notes=[note("cut-off", genai.BY)])]


def _genai_messages(document: Document) -> Messages:
    items = list(document.items())
    if any(isinstance(item.value, dict) and "parts" in item.value for item in items):
        return genai.read_messages(items)
    return read_messages(items)


def _read_openllmetry(span: Span, histories: Histories) -> Said:
    given = flat.openllmetry_messages(span, "gen_ai.prompt") or flat.openllmetry_messages(span, "llm.prompts")
    answers = flat.openllmetry_messages(span, "gen_ai.completion") or flat.openllmetry_messages(span, "llm.completions")
    for answer in answers:
        answer.role = answer.role or "assistant"
    return given, answers


def _read_vercel(span: Span, histories: Histories) -> Said:
    attributes = span.attributes
    prompts = (attributes.get(name) for name in ("ai.prompt.messages", "ai.prompt"))
    given = next((read for prompt in prompts if (read := input_of(prompt, histories))), [])
    calls = objects_at({"calls": as_json(attributes.get("ai.response.toolCalls"))}, "calls")
    text, reasoning = attributes.get("ai.response.text"), attributes.get("ai.response.reasoning")
    text = text if text is not None else attributes.get("ai.response.object")
    if not (text or calls or reasoning):
        return given, []
    draft = DraftMessage("assistant", as_text(text), reasoning=as_text(reasoning))
    for call in calls:
        arguments = call.get("input", call.get("args"))
        draft.tool_calls.append(tool_call(as_text(call.get("toolCallId")), as_text(call.get("toolName")), arguments))
    if attributes.get("ai.response.finishReason") == "content-filter" and not text:
        draft.notes.append(note("lost-refusal", "AI SDK"))
    return given, [draft]


def _read_pair(span: Span, histories: Histories) -> Said | None:
    """Read what stands as JSON in two attributes."""
    if any(str(as_json(span.attributes.get(name, kinds[0]))).strip('"') not in kinds for name, kinds in _KINDS.items()):
        return None
    pairs = (pair_of(span.attributes.get(given), span.attributes.get(answer), histories) for given, answer in _PAIRS)
    return next((said for said in pairs if said[0] or said[1]), None)


_READERS: tuple[Callable[[Span, Histories], Said | None], ...] = (
    _read_openinference, _read_genai, _read_openllmetry, said_in_events, _read_vercel, _read_pair,
)  # fmt: skip
