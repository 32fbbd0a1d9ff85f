"""What one span says of a call of a model, or of a tool that ran."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from viewer.formats.drafts import DraftMessage, as_text, note

from .attributes import as_json, as_list, as_number, first_in
from .contents import Histories, Messages, pair_of
from .conventions import said_in
from .genai import BY
from .span import Span, nested

_OPERATIONS = {"chat", "text_completion", "generate_content", "completion", "message", "response"}
_AGENTS = {"invoke_agent", "create_agent", "invoke_workflow"}
_MODELS = (
    "gen_ai.response.model", "ai.response.model", "llm.response.model", "gen_ai.request.model", "llm.model_name",
    "llm.request.model", "ai.model.id", "langfuse.observation.model.name",
)  # fmt: skip
_INPUT_TOKENS = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens", "llm.token_count.prompt",
    "ai.usage.inputTokens", "ai.usage.promptTokens",
)  # fmt: skip
_OUTPUT_TOKENS = (
    "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.usage.completion_tokens",
    "llm.token_count.completion", "ai.usage.outputTokens", "ai.usage.completionTokens",
)  # fmt: skip
_TOTAL_TOKENS = (
    "gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total", "ai.usage.totalTokens",
    "ai.usage.tokens",
)  # fmt: skip
_REASONS = ("gen_ai.response.finish_reasons", "llm.finish_reason", "ai.response.finishReason", "ai.finishReason")
_RESPONSE_IDS = ("gen_ai.response.id", "ai.response.id", "llm.response.id")
_RESULTS = (
    "gen_ai.tool.call.result", "ai.toolCall.result", "ai.toolCall.output", "output.value", "traceloop.entity.output",
    "tool.result", "gcp.vertex.agent.tool_response",
)  # fmt: skip
_ARGUMENTS = (
    "gen_ai.tool.call.arguments", "ai.toolCall.args", "ai.toolCall.input", "input.value", "traceloop.entity.input",
    "tool.parameters", "gcp.vertex.agent.tool_call_args",
)  # fmt: skip
_SETTINGS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "max_tokens": "gen_ai.request.max_tokens",
    "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "service_tier": "openai.response.service_tier",
    "system_fingerprint": "openai.response.system_fingerprint",
}


@dataclass
class Call:
    """A call of a model: its input, its answers, and what the span says of it.

    `is_agent`: of an agent, whose work the spans below it tell in detail.
    """

    span: Span
    given: Messages = field(default_factory=list)
    answers: Messages = field(default_factory=list)
    is_agent: bool = False

    @property
    def start(self) -> float:
        return self.span.start or self.span.end or 0.0

    @property
    def end(self) -> float:
        return self.span.end or self.start

    @property
    def model(self) -> str:
        parameters = as_json(self.span.attributes.get("llm.invocation_parameters"))
        named = first_in(self.span, _MODELS) or (parameters.get("model") if isinstance(parameters, dict) else "")
        return as_text(named)

    @property
    def response_id(self) -> str:
        named = first_in(self.span, _RESPONSE_IDS)
        if named is None:
            written = as_json(self.span.attributes.get("output.value"))
            named = written.get("id") if isinstance(written, dict) else None
        return as_text(named)

    @property
    def previous(self) -> str:
        """The id of the response that the call goes on from, which the server has the history of."""
        for name in ("gen_ai.request.previous_response_id", "gen_ai.openai.request.previous_response_id"):
            if named := self.span.attributes.get(name):
                return as_text(named)
        for name in ("llm.invocation_parameters", "request_data"):
            parameters = as_json(self.span.attributes.get(name))
            if isinstance(parameters, dict) and parameters.get("previous_response_id"):
                return as_text(parameters["previous_response_id"])
        return ""

    @property
    def usage(self) -> dict[str, Any] | None:
        """The tokens, as a completion has them; None if they are not told."""
        counts = [as_number(first_in(self.span, names)) for names in (_INPUT_TOKENS, _OUTPUT_TOKENS, _TOTAL_TOKENS)]
        if counts[2] is None and counts[0] is not None and counts[1] is not None:
            counts[2] = counts[0] + counts[1]
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        usage = {name: count for name, count in zip(names, counts, strict=True) if count is not None}
        return usage or None

    @property
    def finish_reasons(self) -> list[str | None]:
        """Why each answer ended, as far as it is told."""
        told = as_list(first_in(self.span, _REASONS))
        reasons = [answer.more.get("finish_reason") for answer in self.answers]
        return [reason or (told[n] if n < len(told) else None) for n, reason in enumerate(reasons)]

    @property
    def tools(self) -> Any:
        """The definitions of the tools; None if there are none."""
        attributes = self.span.attributes
        defined = as_json(attributes.get("gen_ai.tool.definitions"))
        if defined is None:
            schemas = (item.get("tool", {}).get("json_schema") for item in nested(attributes, "llm.tools"))
            defined = [as_json(schema) for schema in schemas if schema] or None
        if defined is None:
            functions = nested(attributes, "llm.request.functions")
            defined = [{"type": "function", "function": function} for function in functions] or None
        return defined

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the request, by the names that the API has for them."""
        found = {name: self.span.attributes.get(attribute) for name, attribute in _SETTINGS.items()}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class ToolRun:
    """A tool that ran: what its span says of it."""

    span: Span
    name: str
    call_id: str
    arguments: Any
    result: Any


def call_of(span: Span, histories: Histories) -> Call | None:
    """Return the call of a model that a span tells of; None if it is of something else."""
    attributes = span.attributes
    operation = as_text(attributes.get("gen_ai.operation.name"))
    kind = attributes.get("openinference.span.kind")
    if is_tool(span) or operation == "embeddings" or (kind and kind != "LLM"):
        return None
    found = said_in(span, histories)
    is_model = operation in _OPERATIONS or kind == "LLM" or "llm.request.type" in attributes
    if found is None:
        return Call(span) if is_model and span.error else None
    given, answers = found
    if not given and answers and first_in(span, ("logfire.span_type",)) != "log":
        answers[0].notes.append(note("lost-input"))
    is_ended = not span.error and first_in(span, _REASONS) is not None
    if given and not answers and is_ended:  # it ended, but what it said was not recorded
        answers = [DraftMessage("assistant", notes=[note("lost-answer", BY)])]
    return Call(span, given, answers, is_agent=operation in _AGENTS)


def outline_of(span: Span) -> Call | None:
    """Return what an agent, a chain or a workflow says that it was asked and answered, for traces without calls."""
    for given, answer in (
        ("input.value", "output.value"),
        ("traceloop.entity.input", "traceloop.entity.output"),
        ("pydantic_ai.all_messages", ""),
        ("langfuse.observation.input", "langfuse.observation.output"),
    ):
        if given in span.attributes or answer in span.attributes:
            asked, answers = pair_of(span.attributes.get(given), span.attributes.get(answer), Histories())
            if asked or answers:
                return Call(span, asked, answers, is_agent=True)
    return None


def is_model_call(span: Span) -> bool:
    """Whether a span is of a call of a model, whether or not it tells what was said."""
    attributes = span.attributes
    return (
        as_text(attributes.get("gen_ai.operation.name")) in _OPERATIONS
        or attributes.get("openinference.span.kind") == "LLM"
        or "llm.request.type" in attributes
    )


def is_tool(span: Span) -> bool:
    attributes = span.attributes
    return (
        attributes.get("gen_ai.operation.name") == "execute_tool"
        or attributes.get("openinference.span.kind") == "TOOL"
        or attributes.get("traceloop.span.kind") == "tool"
        or attributes.get("ai.operationId", span.name) == "ai.toolCall"
    )


def tool_run_of(span: Span) -> ToolRun | None:
    """Return the tool that ran; None if a span is of something else."""
    if not is_tool(span):
        return None
    result, arguments = first_in(span, _RESULTS), first_in(span, _ARGUMENTS)
    written = as_json(result)
    data = written.get("data", written) if isinstance(written, dict) else {}
    call_id = first_in(span, ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool.id"))
    if not call_id and isinstance(data, dict) and isinstance(data.get("tool_call_id"), str):  # LangChain's ToolMessage
        call_id, result = data["tool_call_id"], data.get("content")
    name = first_in(span, ("gen_ai.tool.name", "ai.toolCall.name", "tool.name", "traceloop.entity.name")) or span.name
    return ToolRun(span, as_text(name), as_text(call_id), arguments, result)
