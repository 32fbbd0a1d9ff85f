"""Codex: sessions as it keeps them (`rollout-….jsonl`), whose items are those of the Responses API, and `exec --json`.

Facts from lines of 0.46 to 0.156, from parsers of them, and from @openai/codex-sdk 0.163.0. What is said stands there
as an item, which the model gets, and mostly also as an event, which a person sees. A message of the user that is no
event was put in by Codex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import object_of
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, lines_left
from viewer.formats.turns import Turn

from .responses import read_item

_NAME = "codex"
_LINES = {"session_meta", "response_item", "event_msg", "turn_context", "compacted"}
_STREAMED = {"thread.started", "turn.started", "turn.completed", "turn.failed"}
_ITEMS = {"item.started", "item.updated", "item.completed"}
_SAID = {"user_message": CUSTOMER, "agent_message": "assistant", "agent_reasoning": "reasoning"}
_REPORTED = ("error", "stream_error", "turn_aborted", "entered_review_mode", "exited_review_mode", "warning")
_TEXTS = ("message", "text", "reason", "user_facing_hint", "review_output")
_PUT_IN = re.compile(r"\A\s*(?:<[a-z_]+(?: [a-z_]+)?>|# AGENTS\.md)")
_ABORTED = re.compile(r"\A\s*<turn_aborted>")
_EXIT = re.compile(r"^(?:Exit code: |Process exited with code )(-?\d+)\s*$", re.M)
_LOOKED_AT = 400  # characters


def _is_streamed(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    if kind in _ITEMS:
        return "type" in object_at(value, "item")
    return kind in _STREAMED or (kind == "error" and value.keys() == {"type", "message"})


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(kind := value.get("type"), str):
        return False
    return (kind in _LINES and isinstance(value.get("payload"), dict)) or _is_streamed(value)


def _join(lines: list[Document]) -> Iterator[Conversation]:
    if all(line.value["type"] == "error" for line in lines):  # which programs of all kinds write so
        raise NothingSaid
    draft = _streamed(lines) if any(_is_streamed(line.value) for line in lines) else _kept(lines)
    if not any(message.role in (CUSTOMER, "assistant") for message in draft.messages):
        raise NothingSaid
    draft.created = draft.created or next((message.created for message in draft.messages if message.created), None)
    yield draft.finish_at(lines[0].place, *(line.text for line in lines))


# --- Sessions ---------------------------------------------------------------------------------------------------------


def _kept(lines: list[Document]) -> Draft:
    """Read a session. One that goes on from another repeats its lines, so that the first `session_meta` is its own."""
    metas = [line for line in lines if line.value["type"] == "session_meta"]
    about = object_at(metas[0].value, "payload") if metas else {}
    contexts = [object_at(line.value, "payload") for line in lines if line.value["type"] == "turn_context"]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, about.get("id")),
        created=about.get("timestamp"),
        model=next((as_text(each["model"]) for each in reversed(contexts) if each.get("model")), ""),
        metadata={
            "title": _title(lines),
            "cwd": about.get("cwd"),
            "branch": object_at(about, "git").get("branch"),
            "version": about.get("cli_version"),
            "session": object_at(about, "source", "subagent", "thread_spawn").get("parent_thread_id"),
        },
    )
    session, prompt = _Session(lines), object_at(about, "base_instructions").get("text") or about.get("instructions")
    if isinstance(prompt, str) and prompt:
        draft.messages.append(DraftMessage("system", prompt))
    for line in lines:
        session.take(line)
    draft.messages += session.messages
    if session.branches and draft.messages:
        draft.messages[-1].notes.append(note("other-branches", count=session.branches))
    used = {message.source for message in session.messages}
    draft.source = lines_left(line for line in lines if line.text not in used)
    return draft


def _title(lines: list[Document]) -> str:
    names = (object_at(line.value, "payload").get("thread_name") for line in reversed(lines))
    return as_text(next(filter(None, names), ""))


class _Session:
    """The messages of a session while its lines are read; `branches` counts those that were left since the last."""

    def __init__(self, lines: list[Document]) -> None:
        self.messages: list[DraftMessage] = []
        self.branches = 0
        items = [object_at(line.value, "payload") for line in lines if line.value["type"] == "response_item"]
        events = [object_at(line.value, "payload") for line in lines if line.value["type"] == "event_msg"]
        self._items = {text for item in items for text in _texts_of(item)}
        self._typed = {
            as_text(event.get("message")).strip()
            for event in events
            if event.get("type") == "user_message" and event.get("kind") in (None, "plain")
        }

    def take(self, line: Document) -> None:
        """Read a line; one that is of no interest to readers is left."""
        value, payload = line.value, object_at(line.value, "payload")
        match value["type"]:
            case "response_item":
                message = self._item(line)
            case "compacted":
                message = DraftMessage("system", as_text(payload.get("message")) or None, name="compacted")
            case "event_msg":
                message = self._event(payload)
            case _:
                message = None
        if message is not None:
            message.source, message.created = line.text, value.get("timestamp")
            if self.branches:
                message.notes.append(note("other-branches", count=self.branches))
                self.branches = 0
            self.messages.append(message)

    def _item(self, line: Document) -> DraftMessage | None:
        payload = line.at("payload")
        message = read_item(payload) if payload is not None and payload.value.get("type") != "ghost_snapshot" else None
        if message is None:
            return None
        if message.role == "tool" and _has_failed(as_text(object_at(line.value, "payload").get("output"))):
            message.more = {"status": "failed"} | message.more
        if message.role == CUSTOMER:
            texts = _texts_of(object_at(line.value, "payload"))
            is_put_in = not (self._typed & texts) if self._typed else any(map(_PUT_IN.match, texts))
            message.role = "system" if is_put_in else CUSTOMER
            message.role = EVENT if any(map(_ABORTED.match, texts)) else message.role
        return message

    def _event(self, payload: dict[str, Any]) -> DraftMessage | None:
        """Read an event; what was said as an item too is said there."""
        kind, text = as_text(payload.get("type")), as_text(first_of(payload, _TEXTS))
        if kind == "thread_rolled_back":
            self._roll_back(payload.get("num_turns"))
        if kind in _REPORTED:
            return DraftMessage(EVENT, text or None, name=kind)
        if kind not in _SAID or not text.strip() or text.strip() in self._items:
            return None
        if _SAID[kind] == "reasoning":
            return DraftMessage("assistant", reasoning=text)
        return DraftMessage(_SAID[kind], [text_part(text)])

    def _roll_back(self, count: Any) -> None:
        """Leave the last turns of the user, which were taken back."""
        starts = [n for n, message in enumerate(self.messages) if message.role == CUSTOMER]
        if isinstance(count, int) and 0 < count <= len(starts):
            del self.messages[starts[-count] :]
            self.branches += 1


def _texts_of(item: dict[str, Any]) -> set[str]:
    """Return the texts of an item: of each part, and all together."""
    parts = [*objects_at(item, "content"), *objects_at(item, "summary")]
    texts = [as_text(part.get("text")).strip() for part in parts]
    return {*texts, "\n".join(texts), "".join(texts)} - {""}


def _has_failed(output: str) -> bool:
    """Whether a command has failed. Until 0.50 its exit code stands in JSON, later in the lines above its output."""
    if output.startswith("{"):
        return object_at(object_of(output), "metadata").get("exit_code") not in (None, 0)
    found = _EXIT.search(output[:_LOOKED_AT])
    return bool(found and found[1] != "0")


# --- What `codex exec --json` writes ----------------------------------------------------------------------------------


def _streamed(lines: list[Document]) -> Draft:
    draft, turn = Draft(_NAME), Turn()
    ended = {as_text(line.value["item"].get("id")): line for line in lines if line.value["type"] in _ITEMS}
    for line in lines:
        value = line.value
        if value["type"] == "thread.started":
            draft.id = id_within(_NAME, value.get("thread_id"))
        elif value["type"] in _ITEMS and (last := ended.pop(as_text(value["item"].get("id")), None)):
            _take(turn, last.value["item"])
        elif value["type"] in ("turn.failed", "error"):
            turn.last().more["error"] = as_text(first_of(object_at(value, "error") or value, ("message",)))
    draft.messages = [] if turn.is_empty else turn.messages()
    draft.notes = [note("lost-input")]
    draft.source = lines_left(lines)
    return draft


def _take(turn: Turn, item: dict[str, Any]) -> None:
    call_id, failed = as_text(item.get("id")), {"status": "failed"} if item.get("status") == "failed" else {}
    match item.get("type"):
        case "agent_message":
            turn.add(text_part(as_text(item.get("text"))))
        case "reasoning":
            turn.think(as_text(item.get("text")))
        case "command_execution":
            turn.call(call_id, "command_execution", {"command": item.get("command")})
            turn.result(call_id, as_text(item.get("aggregated_output")), **failed)
        case "file_change":
            turn.call(call_id, "file_change", item.get("changes"))
            turn.result(call_id, as_text(item.get("status")), **failed)
        case "mcp_tool_call":
            turn.call(call_id, f"{item.get('server')}.{item.get('tool')}", item.get("arguments"))
            output = first_of(object_at(item, "result"), ("content", "structured_content"))
            turn.result(call_id, as_text(object_at(item, "error").get("message") or output), **failed)
        case "web_search":
            turn.call(call_id, "web_search", {"query": item.get("query")})
        case "error":
            turn.last().more["error"] = as_text(item.get("message"))
        case _:
            turn.add(item)


FAMILY = Family(
    name=_NAME,
    title="Codex",
    what=gettext_lazy("A session of Codex"),
    seen="lines of 0.46 to 0.156, by programs that read them; @openai/codex-sdk 0.163.0",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, prompts, errors, times, the model; "
    "turns that were taken back in the JSON",
    loses="reasoning that is encrypted; the prompt and times, in what exec writes",
    matches=_matches,
    key=lambda document: f"file {document.place.file}",
    join=_join,
    is_part=True,
)
