"""What one span says of a call of a model or of a tool, in each of the conventions that tools follow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from viewer.formats.document import Document, NotReadable
from viewer.formats.drafts import DraftMessage, as_text, note
from viewer.formats.messages import can_read, read_messages

from . import flat, genai
from .span import Event, Span, nested

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
    "tool.result",
)  # fmt: skip
_ARGUMENTS = (
    "gen_ai.tool.call.arguments", "ai.toolCall.args", "ai.toolCall.input", "input.value", "traceloop.entity.input",
    "tool.parameters",
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
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "assistant",
}
# Attributes that are read into messages and are not kept a second time.
_CONTENT = (
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions",
    "gen_ai.prompt", "gen_ai.completion", "llm.input_messages", "llm.output_messages", "llm.tools", "llm.prompts",
    "llm.completions", "llm.request.functions", "input.value", "output.value", "ai.prompt", "ai.response.text",
    "ai.response.toolCalls", "ai.response.reasoning", "pydantic_ai.all_messages", "logfire.json_schema",
    "langfuse.observation.input", "langfuse.observation.output", "gen_ai.tool.call.result", "traceloop.entity.input",
    "traceloop.entity.output",
)  # fmt: skip

_SHORT = 2  # characters, as an empty list has
Messages = list[DraftMessage]


@dataclass
class Histories:
    """Remembers the last list of messages that was read: most begin with the same text, which is read once.

    The messages of that beginning are then the very same objects.
    """

    _text: str = ""
    _messages: Messages = field(default_factory=list)

    def read(self, text: str, read: Callable[[Document], Messages | None]) -> Messages | None:
        """Read the JSON of a list of messages with `read`, which returns None for what it does not know."""
        start = len(self._text)
        if start > _SHORT and text.startswith(self._text[:-1]) and text[start - 1 : start] in (",", "]"):
            rest = read(Document(f"[{text[start:]}")) if text[start - 1] == "," else []
            if rest is not None and not _is_answer_of_two(self._messages, rest):
                return self._keep(text, [*self._messages, *rest])
        messages = read(Document(text))
        return None if messages is None else self._keep(text, messages)

    def _keep(self, text: str, messages: Messages) -> Messages:
        self._text, self._messages = text.rstrip(), list(messages)
        return messages


def _is_answer_of_two(messages: Messages, rest: Messages) -> bool:
    """Whether what follows may belong to the message before it."""
    return bool(messages and rest) and messages[-1].role == rest[0].role == "assistant"


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
        named = _first(self.span, _MODELS) or (parameters.get("model") if isinstance(parameters, dict) else "")
        return as_text(named)

    @property
    def response_id(self) -> str:
        named = _first(self.span, _RESPONSE_IDS)
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
        counts = [_number(_first(self.span, names)) for names in (_INPUT_TOKENS, _OUTPUT_TOKENS, _TOTAL_TOKENS)]
        if counts[2] is None and counts[0] is not None and counts[1] is not None:
            counts[2] = counts[0] + counts[1]
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        usage = {name: count for name, count in zip(names, counts, strict=True) if count is not None}
        return usage or None

    @property
    def finish_reasons(self) -> list[str | None]:
        """Why each answer ended, as far as it is told."""
        told = as_list(_first(self.span, _REASONS))
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
    operation = attributes.get("gen_ai.operation.name")
    kind = attributes.get("openinference.span.kind")
    if is_tool(span) or operation == "embeddings" or (kind and kind != "LLM"):
        return None
    found = next((said for read in _READERS if (said := read(span, histories)) and (said[0] or said[1])), None)
    is_model = operation in _OPERATIONS or kind == "LLM" or "llm.request.type" in attributes
    if found is None:
        return Call(span) if is_model and span.error else None
    given, answers = found
    if not given and answers and _first(span, ("logfire.span_type",)) != "log":
        answers[0].notes.append(note("lost-input"))
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
            asked, answers = _pair(span.attributes.get(given), span.attributes.get(answer), Histories())
            if asked or answers:
                return Call(span, asked, answers, is_agent=True)
    return None


def is_model_call(span: Span) -> bool:
    """Whether a span is of a call of a model, whether or not it tells what was said."""
    attributes = span.attributes
    return (
        attributes.get("gen_ai.operation.name") in _OPERATIONS
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
    result, arguments = _first(span, _RESULTS), _first(span, _ARGUMENTS)
    written = as_json(result)
    data = written.get("data", written) if isinstance(written, dict) else {}
    call_id = _first(span, ("gen_ai.tool.call.id", "ai.toolCall.id", "tool_call.id", "tool.id"))
    if not call_id and isinstance(data, dict) and isinstance(data.get("tool_call_id"), str):  # LangChain's ToolMessage
        call_id, result = data["tool_call_id"], data.get("content")
    name = _first(span, ("gen_ai.tool.name", "ai.toolCall.name", "tool.name", "traceloop.entity.name")) or span.name
    return ToolRun(span, as_text(name), as_text(call_id), arguments, result)


def is_content(name: str) -> bool:
    """Whether an attribute is read into messages, so that it need not be kept a second time."""
    return name.startswith(_CONTENT)


# --- The conventions: each reader returns the input and the answers of a span ------------------------------------


def _read_openinference(span: Span, histories: Histories) -> tuple[Messages, Messages] | None:
    if span.attributes.get("openinference.span.kind") != "LLM":
        return None
    given = _input_of(document_of(span.attributes.get("input.value")), histories)
    answers = _answers_of(document_of(span.attributes.get("output.value")))
    if given is None:
        given = flat.openinference_messages(span, "llm.input_messages")
    if answers is None:
        answers = flat.openinference_messages(span, "llm.output_messages")
    for message in (*given, *answers):
        if "__REDACTED__" in (message.given.text if message.given else message.source):
            message.notes.append(note("lost-image", "OpenInference"))
    if answers and all(message.given is None and _is_nothing(message) for message in answers) and span.error:
        answers = []
    return given, answers


def _read_genai(span: Span, histories: Histories) -> tuple[Messages, Messages] | None:
    holder = span.attributes
    for event in span.events:  # where content goes to events only
        if event.name == "gen_ai.client.inference.operation.details":
            holder = event.attributes | {name: value for name, value in holder.items() if value is not None}
    given = [
        *genai.read_system(document_of(holder.get("gen_ai.system_instructions"))),
        *_genai_list(holder.get("gen_ai.input.messages"), "user", histories),
    ]
    answers = _genai_list(holder.get("gen_ai.output.messages"), "assistant", Histories())
    return given, answers


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


def _read_openllmetry(span: Span, histories: Histories) -> tuple[Messages, Messages] | None:
    given = flat.openllmetry_messages(span, "gen_ai.prompt") or flat.openllmetry_messages(span, "llm.prompts")
    answers = flat.openllmetry_messages(span, "gen_ai.completion") or flat.openllmetry_messages(span, "llm.completions")
    for answer in answers:
        answer.role = answer.role or "assistant"
    return given, answers


def _read_events(span: Span, histories: Histories) -> tuple[Messages, Messages] | None:
    """Read the messages of the first conventions: an event for each, or one for all."""
    given, answers = Messages(), Messages()
    for event in span.events:
        if event.name == "gen_ai.content.prompt":
            given += _pair(event.attributes.get("gen_ai.prompt"), None, histories)[0]
        elif event.name == "gen_ai.content.completion":
            answers += _pair(None, event.attributes.get("gen_ai.completion"), histories)[1]
        elif event.name in _EVENT_ROLES:
            (answers if event.name == "gen_ai.choice" else given).append(_message_of_event(event))
    return given, answers


def _message_of_event(event: Event) -> DraftMessage:
    written = event.attributes.get("gen_ai.event.content") or event.body
    body = as_json(written)
    if not isinstance(body, dict):
        body = {"content": written} if written else dict(event.attributes)
    message = body.get("message", body) if event.name == "gen_ai.choice" else body
    message = as_json(message) if isinstance(message, str) else message
    if not isinstance(message, dict):
        message = {"content": message}
    draft = DraftMessage(
        str(message.get("role") or _EVENT_ROLES[event.name]),
        _content(message.get("content")),
        json.dumps(body, ensure_ascii=False),
        tool_call_id=str(message.get("id") or message.get("tool_call_id") or ""),
        created=event.time,
    )
    calls = as_json(message.get("tool_calls", body.get("tool_calls")))
    draft.tool_calls = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if body.get("finish_reason"):
        draft.more["finish_reason"] = body["finish_reason"]
    if not draft.content and not draft.tool_calls:
        draft.notes = [note("lost-content", genai.BY)]
    return draft


def _content(value: Any) -> Any:
    return value if isinstance(value, (str, list)) or value is None else as_text(value)


def _read_vercel(span: Span, histories: Histories) -> tuple[Messages, Messages] | None:
    attributes = span.attributes
    prompts = (document_of(attributes.get(name)) for name in ("ai.prompt.messages", "ai.prompt"))
    given = next((read for prompt in prompts if (read := _input_of(prompt, histories))), [])
    calls = as_json(attributes.get("ai.response.toolCalls"))
    text, reasoning = attributes.get("ai.response.text"), attributes.get("ai.response.reasoning")
    text = text if text is not None else attributes.get("ai.response.object")
    if not (text or calls or reasoning):
        return given, []
    draft = DraftMessage("assistant", as_text(text), reasoning=as_text(reasoning))
    for call in calls if isinstance(calls, list) else ():
        arguments = call.get("input", call.get("args"))
        draft.tool_calls.append(
            {"id": call.get("toolCallId"), "type": "function",
             "function": {"name": call.get("toolName"), "arguments": as_text(arguments)}}
        )  # fmt: skip
    if attributes.get("ai.response.finishReason") == "content-filter" and not text:
        draft.notes.append(note("lost-refusal", "AI SDK"))
    return given, [draft]


def _read_pair(span: Span, histories: Histories) -> tuple[Messages, Messages] | None:
    """Read what stands as JSON in two attributes."""
    for given, answer in (
        ("gen_ai.prompt", "gen_ai.completion"),
        ("langfuse.observation.input", "langfuse.observation.output"),
    ):
        if span.attributes.get("langfuse.observation.type", "generation") != "generation":
            continue
        said = _pair(span.attributes.get(given), span.attributes.get(answer), histories)
        if said[0] or said[1]:
            return said
    return None


Reader = Callable[[Span, Histories], tuple[Messages, Messages] | None]
_READERS: tuple[Reader, ...] = (
    _read_openinference, _read_genai, _read_openllmetry, _read_events, _read_vercel, _read_pair,
)  # fmt: skip


def _pair(given: Any, answer: Any, histories: Histories) -> tuple[Messages, Messages]:
    asked = _input_of(document_of(given), histories)
    answers = _answers_of(document_of(answer))
    if asked is None:
        asked = [DraftMessage("user", as_text(given))] if given else []
    if answers is None:
        answers = [DraftMessage("assistant", as_text(answer))] if answer else []
    return asked, answers


def _input_of(document: Document | None, histories: Histories) -> Messages | None:
    """Read messages, alone or in a request; None if there are none that can be read."""
    if document is None:
        return None
    lists = (document.at(name) for name in ("messages", "input", "prompt", "contents"))
    inner = next((each for each in lists if each is not None and isinstance(each.value, list)), document)
    return histories.read(inner.text, _list_of)


def _list_of(document: Document) -> Messages | None:
    items = list(document.items())
    if len(items) == 1 and isinstance(items[0].value, list):  # LangChain's batches of one
        items = list(items[0].items())
    if not items or not can_read(items):
        return None
    if genai.is_message(items[0].value):
        return genai.read_messages(items)
    return read_messages(items)


def _answers_of(document: Document | None) -> Messages | None:
    """Read the answers in a completion, a response, a message or a list; None if there are none that can be read."""
    if document is None:
        return None
    found = list(_answers_in(document))
    if not found or not can_read([message for message, _ in found]):
        return None
    answers = read_messages(message for message, _ in found)
    if len(answers) == len(found):
        answers = [with_facts(answer, {"finish_reason": reason}) for answer, (_, reason) in zip(answers, found)]  # noqa: B905
    return answers


def _answers_in(document: Document) -> Iterable[tuple[Document, Any]]:
    for name in ("choices", "generations", "messages", "output"):
        inner = document.at(name)
        for item in inner.items() if inner is not None else ():
            items = item.items() if isinstance(item.value, list) else (item,)
            for each in items:
                message = each.at("message") if isinstance(each.value, dict) else None
                if message is not None or name in ("messages", "output"):
                    reason = each.value.get("finish_reason") if isinstance(each.value, dict) else None
                    yield message or each, reason
        if inner is not None and isinstance(inner.value, list):
            return
    if isinstance(document.value, dict) and "role" in document.value:
        yield document, None
    for item in document.items():
        yield item, None


def with_facts(message: DraftMessage, facts: dict[str, Any]) -> DraftMessage:
    """Return a message with facts beside it; one that stays as it was written is taken apart for that."""
    facts = {name: value for name, value in facts.items() if value is not None}
    if not facts:
        return message
    if message.given is None:
        message.more = facts | message.more
        return message
    known = ("role", "content", "tool_calls", "refusal", "tool_call_id", "id", "name")
    value = message.given.value
    more = {name: inner for name, inner in value.items() if name not in known and inner is not None}
    return DraftMessage(
        message.role,
        message.content,
        message.given.text,
        id=message.id,
        name=as_text(value.get("name")),
        refusal=as_text(value.get("refusal")),
        tool_calls=message.tool_calls,
        tool_call_id=as_text(value.get("tool_call_id")),
        notes=message.notes,
        more=facts | more,
    )


def _is_nothing(message: DraftMessage) -> bool:
    return not (message.content or message.tool_calls or message.refusal)


def document_of(value: Any) -> Document | None:
    """Return the JSON that an attribute holds, as text or as an object; None if it is something else."""
    if isinstance(value, (dict, list)):
        return Document(json.dumps(value, ensure_ascii=False))
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return None
    document = Document(value)
    try:
        return document if isinstance(document.value, (dict, list)) else None
    except NotReadable:
        return None


def as_json(value: Any) -> Any:
    """Return the value of JSON; anything else as it is."""
    document = document_of(value)
    return value if document is None else document.value


def as_list(value: Any) -> list[Any]:
    """Return a list, also where it is JSON; anything else alone in one, unless it is nothing."""
    value = as_json(value)
    return list(value) if isinstance(value, (list, tuple)) else [] if value in (None, "") else [value]


def _first(span: Span, names: Iterable[str]) -> Any:
    attributes = span.attributes
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
