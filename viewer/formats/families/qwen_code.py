"""Qwen Code: sessions as it keeps them, a line for each message, of which each names the one before it.

Facts from its source of 2026 (`chatRecordingService.ts`) and from lines of the versions 0.11 to 0.24. The lines are
like those of Claude Code, but the messages in them are Google’s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import each_session, first_of, lines_left
from viewer.formats.trees import Tree, walk

from .google import read_content

_NAME = "qwen-code"
_TYPES = ("user", "assistant", "tool_result", "system")
_PUT_IN = ("notification", "cron", "goal_runtime")  # stand in the user's place, without having been typed


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or "sessionId" not in value or value.get("type") not in _TYPES:
        return False
    if "message" in value:
        return "parts" in object_at(value, "message")
    return not {"systemPayload", "toolCallResult", "usageMetadata"}.isdisjoint(value)


def _begun(line: Document) -> str:
    """Return the session that begins with a line, which is the first of all; empty if none does."""
    return as_text(line.value["sessionId"]) if line.value.get("parentUuid", "") is None else ""


def _join(lines: list[Document]) -> Iterator[Conversation]:
    session = _Session()
    for n, line in enumerate(lines):
        session.take(line, n)
    if not any(line.value["type"] in ("user", "assistant") for line in lines):
        raise NothingSaid
    walked = walk(Tree(session.parents, session.last), session.is_asked, session.messages)
    values = [line.value for line in lines]
    agent = next(filter(None, (as_text(value.get("agentId")) for value in values)), "")
    own = as_text(values[-1]["sessionId"])
    titles = [as_text(object_at(value, "systemPayload").get("customTitle")) for value in values]
    models = [as_text(value.get("model")) for value in values]
    about = {name: value[name] for value in values for name in ("cwd", "gitBranch", "version") if value.get(name)}
    shown = session.read & walked.read
    draft = Draft(
        _NAME,
        id=id_within(_NAME, f"{own}-{agent}" if agent else own),
        created=values[0].get("timestamp"),
        model=next(filter(None, reversed(models)), ""),
        metadata={"title": next(filter(None, reversed(titles)), ""), **about},
        messages=walked.messages,
        choices=walked.choices,
        source=lines_left(line for name, line in session.nodes.items() if name not in shown),
    )
    if agent:
        draft.metadata |= {"agent": agent, "session": own}
    yield draft.finish_at(lines[0].place, *(line.text for line in lines))


@dataclass
class _Session:
    """The lines of a session by their ids; `typed` has what stands as a message, `read` the ids of what was shown."""

    nodes: dict[str, Document] = field(default_factory=dict)
    parents: dict[str, Any] = field(default_factory=dict)
    last: str = ""
    typed: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)

    def take(self, line: Document, n: int) -> None:
        """Take a line, the number of which is its name if it has none."""
        value = line.value
        own = as_text(value.get("uuid")) or str(n)
        self.nodes[own], self.parents[own], self.last = line, value.get("parentUuid", self.last), own
        if value["type"] == CUSTOMER:
            self.typed.add(_texts(value).strip())

    def is_asked(self, name: str) -> bool:
        value = self.nodes[name].value
        return value["type"] == CUSTOMER and value.get("subtype") not in _PUT_IN

    def messages(self, names: list[str]) -> list[DraftMessage]:
        """Read lines; those that are of no interest to readers are none."""
        return [draft for name in names for draft in self._messages(name)]

    def _messages(self, name: str) -> list[DraftMessage]:
        line = self.nodes[name]
        match line.value["type"]:
            case "system":
                drafts = list(_reported(line.value, self.typed))
            case "tool_result":
                drafts = _results(line)
            case "user":
                drafts = list(_asked(line))
            case _:
                drafts = _spoken(line)
        for draft in drafts:
            draft.created = line.value.get("timestamp")
        if drafts:
            drafts[-1].id, drafts[-1].source = line.value.get("uuid"), line.text
            self.read.add(name)
        return drafts


def _spoken(line: Document) -> list[DraftMessage]:
    message = line.at("message")
    return read_content(message) if message is not None else []


def _texts(value: dict[str, Any]) -> str:
    return "\n".join(
        part["text"] for part in objects_at(value, "message", "parts") if isinstance(part.get("text"), str)
    )


def _asked(line: Document) -> Iterator[DraftMessage]:
    """Read a line of the user. What was typed may stand beside what the model got, with files and hooks in it."""
    value, shown = line.value, as_text(object_at(line.value, "systemPayload").get("displayText"))
    if value.get("subtype") in _PUT_IN:
        yield DraftMessage(EVENT, shown or _texts(value), name=value["subtype"])
        return
    for draft in _spoken(line):
        if shown and draft.role == CUSTOMER:
            parts = draft.content if isinstance(draft.content, list) else []
            put_in = [part for part in parts if part.get("type") == "text" and part["text"].strip() != shown.strip()]
            if put_in:
                yield DraftMessage("system", put_in)
            draft.content = [text_part(shown), *(part for part in parts if part.get("type") != "text")]
        yield draft


def _results(line: Document) -> list[DraftMessage]:
    about = object_at(line.value, "toolCallResult")
    drafts = [draft for draft in _spoken(line) if draft.role == "tool" or draft.content]
    if not drafts:
        drafts = [DraftMessage("tool", as_text(about.get("resultDisplay")), tool_call_id=as_text(about.get("callId")))]
    answers = [object_at(part, "functionResponse", "response") for part in objects_at(line.value, "message", "parts")]
    for draft, answer in zip(drafts, filter(None, answers), strict=False):
        output = first_of(answer, ("output", "error"))
        if isinstance(output, str) and answer.keys() <= {"output", "error"}:
            draft.content = [text_part(output), *draft.content[1:]] if isinstance(draft.content, list) else output
    status = as_text(about.get("status"))
    if status in ("error", "cancelled"):
        drafts[-1].more["status"] = "failed" if status == "error" else status
    return drafts


def _reported(value: dict[str, Any], typed: set[str]) -> Iterator[DraftMessage]:
    """Read a line of Qwen Code itself: a command, an error, or a summary of what was said before."""
    kind, held = as_text(value.get("subtype")), object_at(value, "systemPayload")
    command, event = as_text(held.get("rawCommand")), object_at(held, "uiEvent")
    if kind == "slash_command" and held.get("phase") == "invocation":
        if command.strip() not in typed and not held.get("hiddenInvocation"):
            yield DraftMessage(CUSTOMER, command)
    elif kind == "slash_command":
        said = "\n".join(as_text(each.get("text")) for each in objects_at(held, "outputHistoryItems")).strip()
        yield from [DraftMessage(EVENT, said, name=kind)] if said else []
    elif kind == "at_command":
        files = ", ".join(map(as_text, list_at(held, "filesRead")))
        yield DraftMessage(EVENT, as_text(held.get("message") or files), name=kind)
    elif kind == "chat_compression":
        yield DraftMessage("system", _texts({"message": first_object(held.get("compressedHistory"))}), name="summary")
    elif as_text(event.get("event.name")).endswith("api_error"):
        error = as_text(first_of(event, ("error_message", "error")) or event.get("error_type"))
        yield DraftMessage(EVENT, error, name="api_error")


FAMILY = Family(
    name=_NAME,
    title="Qwen Code",
    what=gettext_lazy("A session of Qwen Code"),
    seen="its source of 2026; lines of 0.11 to 0.24",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, commands, errors of the API, "
    "summaries, times, the model; what was taken back in the JSON",
    loses="the system prompt",
    matches=_matches,
    key=lambda document: f"file {document.place.file}",
    join=each_session(_begun, _join),
    is_part=True,
)
