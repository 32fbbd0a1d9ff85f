"""Joins the calls of a conversation, in whatever order and however often their spans arrive.

A span names its conversation by an id, or belongs to that of its trace (`key_of`). `join` gets all spans of one
conversation and makes one of them:

- Of a span that came twice, the fuller one counts. Log records with messages complete the span that they belong to.
- Calls are taken in the order of their time, and merged as `formats.merging` says, with the trace as their group.
- A call that has calls below it, such as that of an agent, adds only what none of these says: the question before
  them, the answer after them. If there are no calls of a model at all, what the outermost span says is taken.
- The span of a tool gives the result of its call where no message has it, and that the tool failed.
- A call that failed and has no answer adds a message with the error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from viewer.formats.chains import Link
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.family import object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.merging import Merging, Said, digest_of_said, said_by

from .attributes import as_json
from .calls import Call, ToolRun, call_of, is_model_call, outline_of, tool_run_of
from .contents import Histories
from .genai import text_of_result
from .span import Event, Span

FAMILY = "opentelemetry"
_CONVERSATIONS = (
    "gen_ai.conversation.id", "session.id", "langfuse.session.id", "gcp.vertex.agent.session_id",
    "traceloop.association.properties.conversation_id", "traceloop.association.properties.session_id",
    "traceloop.association.properties.thread_id", "traceloop.association.properties.chat_id",
    "langsmith.trace.session_id", "langsmith.metadata.thread_id", "langsmith.metadata.session_id",
    "ai.telemetry.metadata.conversationId", "ai.telemetry.metadata.sessionId", "ai.telemetry.metadata.threadId",
    "ai.telemetry.metadata.chatId", "ai.telemetry.metadata.session_id", "ai.telemetry.metadata.thread_id",
    "mlflow.trace.session", "gen_ai.thread.id", "thread.id",
)  # fmt: skip
_USERS = (
    "user.id", "enduser.id", "langfuse.user.id", "traceloop.association.properties.user_id",
    "ai.telemetry.metadata.userId", "ai.telemetry.metadata.user_id", "mlflow.trace.user",
)  # fmt: skip
_TAGS = ("tag.tags", "langfuse.trace.tags", "langfuse.tags", "traceloop.association.properties.tags")
_PREFIXES = (
    "metadata.", "traceloop.association.properties.", "ai.telemetry.metadata.", "langfuse.trace.metadata.",
)  # fmt: skip
_AGENTS = ("gen_ai.agent.name", "agent.name")
_IDENTIFYING = frozenset((*_CONVERSATIONS, *_USERS, *_TAGS, *_AGENTS, "metadata"))
_MAX_ENDS = 3  # answers of a history, from the last, with which an earlier trace may end
_SHORT_ID = 16  # characters; shorter ids of calls are given more than once
_LINE_OF_TRACEBACK = re.compile(r"\n[ \t]{0,80}Traceback .*|Traceback \(most recent call last\).*", re.DOTALL)


def conversation_of(attributes: dict[str, Any]) -> str:
    """Return the id of the conversation or session that the attributes of a span name; empty if they name none."""
    named = (attributes.get(name) for name in _CONVERSATIONS)
    return next((as_text(value) for value in named if value not in (None, "")), "")


def is_identifying(name: str) -> bool:
    """Whether an attribute says whose conversation it is: it names the conversation, the person, or is metadata."""
    return name in _IDENTIFYING or name.startswith(_PREFIXES)


def key_of(span: Span) -> str:
    """Return under which key a span waits for the others of its conversation: that of the conversation, or the trace.

    Both kinds of keys differ. Empty if a span names neither.
    """
    if conversation := conversation_of(span.attributes):
        return f"conversation {conversation}"
    return f"trace {span.trace}" if span.trace else ""


def join(spans: Iterable[Span], sources: Iterable[str] = ()) -> Draft | None:
    """Make one conversation of all spans of a key; None if nothing was said in them. Raises NotReadable.

    `sources` are the JSON texts of the spans, in the same order, of which the draft keeps what is not in its messages.
    """
    work = _Work.of(spans)
    if not any(call.given or call.answers for call in work.calls):
        return None
    merging = work.said()
    draft = Draft(FAMILY, messages=merging.messages)
    _describe(draft, work, list(sources))
    return draft


def link_of(spans: Iterable[Span]) -> Link | None:
    """Say how the calls of a trace that names no conversation hang together with those of other traces.

    They repeat of each other what was said, or name the response that they go on from. A trace that does not tell what
    was said, such as one of a client that records its own calls too, belongs to that which has the same response.
    """
    work = _Work.of(spans)
    opening = next((call for call in work.calls if call.given), None)
    if opening is None:
        silent = [Call(span) for span in work.spans.values() if is_model_call(span)]
        named = tuple(_ids("response", (call.response_id for call in silent)))
        return Link(named[0], named, (), min(call.start for call in silent)) if named and not work.calls else None
    given = [said_by(message) for message in opening.given]
    if len(work.calls) == 1:
        messages = [*opening.given, *opening.answers]
        said = [*given, *(said_by(message) for message in opening.answers)]
    else:
        messages = work.said().messages
        said = [said_by(message) for message in messages]
    asked = max((n for n, one in enumerate(said) if one.role != "assistant"), default=-1) + 1
    answers = [n for n in range(asked, len(said)) if not (said[n].is_empty and "error" in messages[n].more)]
    answered = [n for n, one in enumerate(given) if one.role == "assistant"]
    follows = (_digest_of_end(given[: n + 1]) for n in reversed(answered[-_MAX_ENDS:]))
    results = () if answered else (one.answers for one in given if len(one.answers) > _SHORT_ID)
    ends = (_digest_of_end([*said[:asked], said[n]]) for n in answers)
    responses = (call.response_id for call in work.calls)
    calls = (name for n in answers for name in said[n].calls if len(name) > _SHORT_ID)
    return Link(
        opens=digest_of_said(given),
        follows=(*_ids("response", [opening.previous]), *follows, *_ids("call", results)),
        ends=(*_ids("response", responses), *ends, *_ids("call", calls)),
        start=opening.start,
        completes=opening.span.attributes.get("logfire.span_type") == "log",
    )


def _ids(kind: str, names: Iterable[str]) -> Iterator[bytes]:
    return (f"{kind} {name}".encode("utf-8", "replace") for name in names if name)


def threads_of(spans: list[Span]) -> list[str]:
    """Return for each span of a trace the conversation that the outermost span around it names, or any span."""
    by_id = {_identity(span): span for span in spans}
    named = [_named_around(span, by_id) for span in spans]
    only = next((name for name in named if name), "")
    return [name or only for name in named]


def _named_around(span: Span, by_id: dict[tuple[str, str], Span]) -> str:
    name, seen = "", set[str]()
    around: Span | None = span
    while around is not None and around.id not in seen:
        seen.add(around.id)
        name = conversation_of(around.attributes) or name
        around = by_id.get((around.trace, around.parent))
    return name


def _digest_of_end(said: list[Said]) -> bytes:
    """Digest the questions and the last answer: what stays where a history leaves out prompts and tools.

    Of an answer with calls the calls, because some leave out the words beside them.
    """
    asked = [Said(one.role, one.words, (), "", ()) for one in said if one.role == "user"]
    last = said[-1]
    return digest_of_said([*asked, Said("assistant", "" if last.calls else last.words, last.calls, "", ())])


_Step = tuple[float, int, Call, list[DraftMessage], list[DraftMessage]]  # when, the order, what is asked and answered


@dataclass
class _Work:
    """All that the spans of a conversation tell: calls of models by their time, and the tools that ran."""

    spans: dict[tuple[str, str], Span]
    calls: list[Call] = field(default_factory=list)
    tools: list[ToolRun] = field(default_factory=list)
    outer: dict[tuple[str, str], list[Call]] = field(default_factory=dict)  # calls, and the calls below them

    @classmethod
    def of(cls, spans: Iterable[Span]) -> _Work:
        work = cls(_each_once(spans))
        histories = Histories()
        ordered = sorted(work.spans.values(), key=lambda span: span.start or 0.0)
        found = [call for span in ordered if (call := call_of(span, histories))]
        if not any(call.given or call.answers for call in found):
            found = [*found, *work.outlines()]
        work.calls = sorted(work.without_silent_inner(found), key=lambda call: call.start)
        work.tools = [run for span in work.spans.values() if (run := tool_run_of(span))]
        for call in work.calls:
            for ancestor in work.ancestors(call.span):
                work.outer.setdefault(_identity(ancestor), []).append(call)
        return work

    def without_silent_inner(self, calls: list[Call]) -> Iterator[Call]:
        """Yield the calls without those that say nothing inside of one that does, as where a client records its own.

        Not all instrumentations are the parent of what the client records; of a call that failed, the times tell.
        """
        telling = {_identity(call.span): call for call in calls if call.given and not call.is_agent}
        failed = [call for call in telling.values() if call.span.error]

        def is_inside(call: Call) -> bool:
            is_below = any(_identity(each) in telling for each in self.ancestors(call.span))
            return is_below or (bool(call.span.error) and any(_is_around(call, other) for other in failed))

        yield from (call for call in calls if call.given or call.answers or not is_inside(call))

    def outlines(self) -> Iterator[Call]:
        """Yield what the outermost spans say that say anything."""
        told = {_identity(span): call for span in self.spans.values() if (call := outline_of(span))}
        for call in told.values():
            if not any(_identity(ancestor) in told for ancestor in self.ancestors(call.span)):
                yield call

    def ancestors(self, span: Span) -> Iterator[Span]:
        seen = {_identity(span)}
        while (parent := self.spans.get((span.trace, span.parent))) and _identity(parent) not in seen:
            seen.add(_identity(parent))
            yield parent
            span = parent

    def said(self) -> Merging:
        """Merge all calls, in the order of their time."""
        merging, steps = Merging(), list[_Step]()
        for n, call in enumerate(self.calls):
            below = self.outer.get(_identity(call.span), [])
            if below:
                known = _Known.of(below)
                steps.append((call.start, n, call, known.new_among(call.given), []))
                steps.append((call.end, n + len(self.calls), call, [], known.new_among(call.answers)))
            else:
                steps.append((call.start, n, call, call.given, call.answers))
        for _, _, call, given, answers in sorted(steps, key=lambda step: step[:2]):
            _date(given, call)
            merging.ask(given, call.span.trace)
            merging.answer(answers, call.span.trace)
            for answer in answers:
                answer.created = answer.created or _iso(call.end)
            is_failed = bool(call.span.error) and not self.outer.get(_identity(call.span))
            if is_failed and not call.answers:
                merging.answer([_error(call)], call.span.trace, is_failed=True)
            elif is_failed and answers:  # it broke off
                answers[-1].more = _error(call).more | answers[-1].more
        self._add_results(merging)
        return merging

    def _add_results(self, merging: Merging) -> None:
        results = {_answered_by(message): message for message in merging.messages if message.role == "tool"}
        asked = {call.get("id") for message in merging.messages for call in message.tool_calls}
        for run in sorted(self.tools, key=lambda run: run.span.start or 0.0):
            call_id = run.call_id or _call_without_result(run, merging.messages, results)
            known = results.get(call_id) if call_id else None
            if known is not None:
                if run.span.error:
                    known.more.setdefault("status", "error")
            elif call_id in asked and (run.result is not None or run.span.error):
                results[call_id] = _result(run, call_id)
                merging.result(results[call_id], run.span.trace)


def _answered_by(message: DraftMessage) -> str:
    """Return the id of the call of which a message is the result."""
    return as_text(message.given.value.get("tool_call_id")) if message.given else message.tool_call_id


def _call_without_result(run: ToolRun, messages: Iterable[DraftMessage], results: Container[str]) -> str:
    """Return the id of the first call that a run without an id may be of: of the same tool, with the same arguments."""
    given = as_json(run.arguments)
    given = given.get("kwargs", given) if isinstance(given, dict) else given  # smolagents
    for call in (call for message in messages for call in objects_at(vars(message), "tool_calls")):
        function = object_at(call, "function")
        is_open = as_text(call.get("id")) not in results
        if is_open and function.get("name") == run.name and as_json(function.get("arguments")) == given:
            return as_text(call.get("id"))
    return ""


@dataclass
class _Known:
    """What the calls below another call say."""

    said: set[Said]
    words: str
    calls: set[str]

    @classmethod
    def of(cls, calls: Iterable[Call]) -> _Known:
        said = {said_by(message) for call in calls for message in (*call.given, *call.answers)}
        return cls(said, "\n".join(one.words for one in said), {name for one in said for name in one.calls})

    def new_among(self, messages: list[DraftMessage]) -> list[DraftMessage]:
        """Return the messages that say what none of the calls below says."""
        return [message for message in messages if not self._has(said_by(message))]

    def _has(self, said: Said) -> bool:
        if said in self.said or said.is_empty:
            return True
        return said.words in self.words and self.calls.issuperset(said.calls) and not said.media


def _each_once(spans: Iterable[Span]) -> dict[tuple[str, str], Span]:
    """Return the spans by their identity, completed by the log records that belong to them."""
    found: dict[tuple[str, str], Span] = {}
    logs: list[Span] = []
    for n, span in enumerate(spans):
        if span.is_log:
            logs.append(span)
            continue
        identity = (span.trace, span.id or f"without id {n}")
        if identity not in found or fullness_of(span) > fullness_of(found[identity]):
            found[identity] = span
    seen: set[str] = set()
    for n, log in enumerate(logs):
        digest = json.dumps([log.trace, log.id, log.name, log.start, log.attributes, log.body], default=str)
        if digest in seen:
            continue
        seen.add(digest)
        identity = (log.trace, log.id or f"log {n}")
        event = Event(log.name, log.start, log.attributes, log.body)
        whole = found.get(identity) or replace(log, events=(), attributes={}, name="")
        attributes = log.attributes | {name: v for name, v in whole.attributes.items() if v not in (None, "")}
        found[identity] = replace(whole, events=(*whole.events, event), attributes=attributes)
    return found


def fullness_of(span: Span) -> tuple[bool, int, int]:
    """Return what is more for the fuller one of two spans with the same ids."""
    return span.end is not None, len(span.attributes), len(span.events)


def _identity(span: Span) -> tuple[str, str]:
    return span.trace, span.id


def _date(given: list[DraftMessage], call: Call) -> None:
    """Give what was asked last the time of its call; what stands before an answer is older."""
    for message in reversed(given):
        if message.role not in ("user", "tool"):
            return
        message.created = message.created or _iso(call.start)


def _error(call: Call) -> DraftMessage:
    message = _LINE_OF_TRACEBACK.sub("", call.span.error).strip() or call.span.error
    error = {"message": message, "type": as_text(call.span.attributes.get("error.type"))}
    return DraftMessage(
        "assistant", created=_iso(call.end), more={"error": {name: value for name, value in error.items() if value}}
    )


def _result(run: ToolRun, call_id: str) -> DraftMessage:
    failed = {"status": "error"} if run.span.error else {}
    text = text_of_result(as_json(run.result)) if run.result is not None else run.span.error
    return DraftMessage(
        "tool", text, name=run.name, tool_call_id=call_id, created=_iso(run.span.end or 0.0), more=failed
    )


def _describe(draft: Draft, work: _Work, sources: list[str]) -> None:
    """Set what is known of the whole conversation, and beside each earlier answer what is known of its call."""
    inner = [call for call in work.calls if _identity(call.span) not in work.outer] or work.calls
    last = inner[-1]
    named = next((name for name in threads_of(list(work.spans.values())) if name), "")
    first = min(work.calls, key=lambda call: call.start)
    draft.id = id_within(FAMILY, named) if named else first.span.trace or first.response_id or None
    draft.created = min((int(call.start) for call in work.calls if call.start), default=None)
    draft.model = next((call.model for call in reversed(inner) if call.model), "")
    draft.metadata = _metadata(work.spans.values(), named)
    draft.fields = next((call.settings for call in reversed(inner) if call.settings), {}) | {
        "tools": next((call.tools for call in reversed(inner) if call.tools), None),
        "usage": last.usage,
    }
    _end(draft, last)
    for call in inner:
        reasons = call.finish_reasons
        for n, answer in enumerate(call.answers):
            reason = reasons[n]
            answer.more.pop("finish_reason", None)
            if call is not last:
                facts = {"model": call.model, "finish_reason": reason, "usage": call.usage if not n else None}
                answer.more |= {name: value for name, value in facts.items() if value}
    if sources:
        draft.source = "[" + ",".join(sources) + "]"


def _end(draft: Draft, last: Call) -> None:
    """Make choices of the answers of the last call, if nothing was said after them.

    Several are choices if each says why it ended; otherwise, as in Responses, they are one answer in several messages.
    """
    count = len(last.answers)
    if not count or [id(message) for message in draft.messages[-count:]] != [id(answer) for answer in last.answers]:
        return
    if count > 1 and not all(answer.more.get("finish_reason") for answer in last.answers):
        count = 1
    if last.answers[-1].role == "assistant":
        draft.messages = draft.messages[:-count]
        draft.choices = list(zip(last.answers, last.finish_reasons, strict=True))[-count:]


def _metadata(spans: Iterable[Span], named: str) -> dict[str, Any]:
    found: dict[str, Any] = {"session": named} if named else {}
    for span in spans:
        attributes = span.attributes
        for key, names in (("user", _USERS), ("tags", _TAGS), ("agent", _AGENTS)):
            value = next((attributes[name] for name in names if attributes.get(name)), None)
            if value and key not in found:
                found[key] = value
        service = span.resource.get("service.name")
        if service and not str(service).startswith("unknown_service"):
            found.setdefault("service", service)
        for name, value in attributes.items():
            prefix = next((prefix for prefix in _PREFIXES if name.startswith(prefix)), None)
            if prefix and name not in (*_CONVERSATIONS, *_USERS, *_TAGS):
                found.setdefault(name.removeprefix(prefix), value)
        for name, value in _json_metadata(attributes).items():
            found.setdefault(name, value)
        if span.trace and "trace" not in found:
            found["trace"] = span.trace
    return found


def _json_metadata(attributes: dict[str, Any]) -> dict[str, Any]:
    """Read OpenInference's `metadata`, which is JSON; what a framework writes of itself there is left out."""
    value = attributes.get("metadata")
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    if not isinstance(value, dict):
        return {}
    internal = ("ls_", "langgraph_", "lc_", "checkpoint_")
    return {name: inner for name, inner in value.items() if not name.startswith(internal)}


def _is_around(call: Call, other: Call) -> bool:
    """Whether another call of the trace was running all the while."""
    return other.span.trace == call.span.trace and other.start <= call.start and call.end <= other.end


def _iso(seconds: float) -> str | None:
    with suppress(ValueError, OverflowError):  # a clock that was wrong by thousands of years
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z") if seconds else None
    return None
