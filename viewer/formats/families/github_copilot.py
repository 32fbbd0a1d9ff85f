"""GitHub Copilot: sessions as its CLI keeps them (`events.jsonl`), and VS Code since it works as an agent.

Facts from @github/copilot-sdk 1.0.14 and from lines of 1.0.34 to 1.0.62, by programs that read them. Every line is an
event with its `data`; a call stands in the answer that wants it, and again where it begins. What the CLI writes with
`--output-format json` are the same events, with the pieces of the answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    data_url,
    file_part,
    media_part,
    note,
    text_part,
    tool_call,
)  # fmt: skip
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import each_session, lines_left

_NAME = "github-copilot"
_EVENT = {"type", "data", "id", "timestamp", "parentId"}
_REPORTED = {
    "session.error": "message", "session.warning": "message", "session.info": "message", "abort": "reason",
    "system.notification": "content", "subagent.failed": "error",
}  # fmt: skip
_KIND = re.compile(r"abort|[a-z]+(?:_[a-z]+)*(?:\.[a-zA-Z_]+)+")
_SPOKEN = (CUSTOMER, "assistant")


def _is_end(value: dict[str, Any]) -> bool:
    """Whether a value is the last line of what the CLI writes, which is no event."""
    return value.get("type") == "result" and {"sessionId", "exitCode"} <= value.keys()


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    is_event = value.keys() >= _EVENT and isinstance(value["type"], str) and isinstance(value["data"], dict)
    return _is_end(value) or (is_event and "object" not in value and bool(_KIND.fullmatch(value["type"])))


def _begun(line: Document) -> str:
    """Return the session that begins with an event; empty if none does."""
    return as_text(object_at(line.value, "data").get("sessionId")) if line.value["type"] == "session.start" else ""


def _join(lines: list[Document]) -> Iterator[Conversation]:
    """Read a session; the work of a subagent is a conversation of its own."""
    events, threads = [line for line in lines if "data" in line.value], dict[str, list[Document]]()
    for line in events:
        agent = line.value.get("agentId") or line.value["data"].get("parentToolCallId")
        threads.setdefault(as_text(agent), []).append(line)
    starts = (object_at(line.value, "data") for line in events if line.value["type"] == "session.start")
    about = next(starts, {})
    session = as_text(about.get("sessionId") or next((line.value.get("sessionId") for line in reversed(lines)), ""))
    assets = {as_text(data["assetId"]): data for line in events if "assetId" in (data := line.value["data"])}
    found = [_draft(agent, own, about, session, assets) for agent, own in threads.items()]
    spoken = [draft for draft in found if any(message.role in _SPOKEN for message in draft.messages)]
    if not spoken:
        raise NothingSaid
    for draft in spoken:
        own = threads[as_text(draft.metadata.get("agent"))]
        yield draft.finish_at(lines[0].place, *(line.text for line in own))


def _draft(
    agent: str, lines: list[Document], about: dict[str, Any], session: str, assets: dict[str, dict[str, Any]]
) -> Draft:
    thread = _Thread(lines, assets, is_agent=bool(agent))
    for line in lines:
        thread.take(line)
    models = [as_text(line.value["data"].get("model") or line.value["data"].get("newModel")) for line in lines]
    titles = [line.value["data"].get("title") for line in lines if line.value["type"] == "session.title_changed"]
    context = object_at(about, "context")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, f"{session}-{agent}" if agent and session else session),
        created=lines[0].value["timestamp"],
        model=next(filter(None, reversed(models)), "" if agent else as_text(about.get("selectedModel"))),
        metadata={
            "title": next(reversed(titles), ""),
            "cwd": context.get("cwd"),
            "branch": context.get("branch"),
            "version": about.get("copilotVersion"),
        },
        messages=thread.messages,
        source=lines_left(line for line in lines if id(line) not in thread.read),
    )
    if agent:
        draft.metadata |= {"agent": agent, "session": session}
    elif not any(message.role == CUSTOMER for message in draft.messages):
        draft.notes.append(note("lost-input"))
    return draft


class _Thread:
    """The messages of a session or of one of its subagents while its events are read."""

    def __init__(self, lines: list[Document], assets: dict[str, dict[str, Any]], *, is_agent: bool) -> None:
        self.messages: list[DraftMessage] = []
        self.read: set[int] = set()
        self._assets, self._is_agent = assets, is_agent
        events = [(line.value["type"], line.value["data"]) for line in lines]
        requests = [each for kind, data in events if kind == "assistant.message" for each in _requests(data)]
        self._requested = {as_text(each.get("toolCallId")): as_text(each.get("name")) for each in requests}
        self._begun = {as_text(data.get("toolCallId")): data for kind, data in events if kind == "tool.execution_start"}
        self._typed = {as_text(data.get("toolCallId")) for kind, data in events if kind == "tool.user_requested"}
        self._thoughts = {as_text(data.get("reasoningText")) for kind, data in events if kind == "assistant.message"}
        self._prompt = ""

    def take(self, line: Document) -> None:
        """Read an event; one that is of no interest to readers is left."""
        draft = self._message(line.value["type"], line.value["data"])
        if draft is not None:
            draft.id, draft.created, draft.source = line.value["id"], line.value["timestamp"], line.text
            self.messages.append(draft)
            self.read.add(id(line))

    def _message(self, kind: str, data: dict[str, Any]) -> DraftMessage | None:
        content = as_text(data.get("content"))
        match kind:
            case "user.message":
                return self._asked(data)
            case "assistant.message":
                return self._answer(data)
            case "assistant.reasoning" if content and content not in self._thoughts:
                return DraftMessage("assistant", reasoning=content)
            case "tool.user_requested":
                command = object_at(data, "arguments").get("command") or data.get("toolName")
                return DraftMessage(CUSTOMER, f"! {as_text(command)}")
            case "tool.execution_start":
                return self._call(data)
            case "tool.execution_complete":
                return self._result(data)
            case "system.message" if content != self._prompt:  # it is repeated when a session goes on
                self._prompt = content
                return DraftMessage(as_text(data.get("role")) or "system", content)
            case "session.compaction_complete" if data.get("summaryContent"):
                return DraftMessage("system", as_text(data["summaryContent"]), name="summary")
            case "session.compaction_complete" if data.get("error"):
                return DraftMessage(EVENT, as_text(data["error"]), name=kind)
            case _ if kind in _REPORTED:
                return DraftMessage(EVENT, as_text(data.get(_REPORTED[kind])), name=kind)
        return None

    def _asked(self, data: dict[str, Any]) -> DraftMessage:
        """Read a message of the user, which a skill, another agent or Copilot itself may have put there."""
        source, text = as_text(data.get("source")), as_text(data.get("content"))
        files = [self._file(each) for each in objects_at(data, "attachments")]
        draft = DraftMessage(CUSTOMER, [*([text_part(text)] if text else []), *files])
        if source.startswith("skill-"):
            draft.role, draft.name = "system", source
        elif data.get("isAutopilotContinuation") or (source.startswith("agent-") and not self._is_agent):
            draft.role, draft.name = EVENT, source or "autopilot"
        return draft

    def _file(self, held: dict[str, Any]) -> dict[str, Any]:
        name = as_text(held.get("displayName") or held.get("path") or held.get("title"))
        media_type = as_text(held.get("mimeType"))
        asset = self._assets.get(as_text(held.get("assetId")), {})
        data = as_text(held.get("data") or asset.get("data"))
        if held.get("type") == "selection" and isinstance(held.get("text"), str):
            return text_part(f"{name}:\n{held['text']}")
        if data and media_type:
            return media_part(media_type, data_url(data, media_type), name)
        return linked_file(as_text(held["url"]), media_type, name) if held.get("url") else file_part(name)

    def _answer(self, data: dict[str, Any]) -> DraftMessage:
        draft = DraftMessage("assistant", as_text(data.get("content")) or None)
        draft.reasoning = as_text(data.get("reasoningText"))
        draft.tool_calls = [self._tool_call(each.get("name"), each) for each in _requests(data)]
        return draft

    def _tool_call(self, name: Any, call: dict[str, Any]) -> dict[str, Any]:
        call_id = as_text(call.get("toolCallId"))
        begun = self._begun.get(call_id, {})
        arguments = call["arguments"] if "arguments" in call else begun.get("arguments", {})
        return tool_call(call_id, as_text(name or begun.get("toolName")), arguments)

    def _call(self, data: dict[str, Any]) -> DraftMessage | None:
        """Read where a call begins, which is of use where no answer has it."""
        call_id = as_text(data.get("toolCallId"))
        if call_id in self._requested or call_id in self._typed:
            return None
        return DraftMessage("assistant", tool_calls=[self._tool_call(data.get("toolName"), data)])

    def _result(self, data: dict[str, Any]) -> DraftMessage:
        call_id, result = as_text(data.get("toolCallId")), data.get("result")
        text = as_text(object_at(data, "error").get("message") or object_at(result).get("content") or result)
        files = [self._file(each) for each in objects_at(data, "result", "binaryResultsForLlm")]
        content = [text_part(text), *files] if files else text
        if call_id in self._typed:
            return DraftMessage(EVENT, content, name="local_shell")
        name = self._requested.get(call_id) or as_text(self._begun.get(call_id, data).get("toolName"))
        more = {"status": "failed"} if data.get("success") is False else {}
        return DraftMessage("tool", content, name=name, tool_call_id=call_id, more=more)


def _requests(data: dict[str, Any]) -> list[dict[str, Any]]:
    return objects_at(data, "toolRequests")


FAMILY = Family(
    name=_NAME,
    title="GitHub Copilot",
    what=gettext_lazy("A session of GitHub Copilot"),
    seen="@github/copilot-sdk 1.0.14; lines of 1.0.34 to 1.0.62, by programs that read them",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, prompts, errors, summaries, times, "
    "the model; subagents as conversations of their own; what else the model got with a message in the JSON",
    loses="reasoning that is encrypted",
    matches=_matches,
    key=lambda document: f"file {document.place.file}",
    join=each_session(_begun, _join),
    is_part=True,
)
