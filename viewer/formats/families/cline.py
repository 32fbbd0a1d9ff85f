"""Cline, Roo Code and Kilo Code: what a person saw of a task (`ui_messages.json`), what the model got of it
(`api_conversation_history.json`), and sessions of Cline since 4.0 (`….messages.json`).

Facts from the sources of 2026 (`ExtensionMessage.ts`, `packages/types/src/message.ts`, messages-contract-v1). A result
of a tool may be a text of the user that begins with the call; what surrounds the task stands in texts of the user too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import object_of
from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, image_part, note, text_part, tool_call
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of, source_of

from .anthropic import read_messages

_NAME, _TITLE = "cline", "Cline"
_ASKED = ("task", "user_feedback", "user_feedback_diff")
_SAID = ("text", "completion_result", "followup", "plan_mode_respond", "act_mode_respond", "new_task", "condense")
_CALLED = ("tool", "command", "use_mcp_server", "browser_action_launch", "browser_action", "use_subagents", "subagent")
_RETURNED = ("command_output", "mcp_server_response", "browser_action_result", "subtask_result",
             "codebase_search_result")  # fmt: skip
_QUIET = (
    "api_req_started", "api_req_finished", "deleted_api_reqs", "api_req_deleted", "checkpoint_created",
    "checkpoint_saved", "mcp_server_request_started", "resume_task", "resume_completed_task", "task_progress",
    "subagent_usage", "shell_integration_warning", "browser_session_status", "hook_output_stream",
)  # fmt: skip
_NAMES = ("tool", "toolName", "action")
_SURROUNDINGS = "<environment_details>"
_PUT_IN = (_SURROUNDINGS, "<explicit_instructions", "[TASK RESUMPTION]", "<hook_context", "# task_progress")
_FAILED = "The tool execution failed with the following error"
_RESULT = re.compile(r"\A\[([a-z_]+)[^\n]*?\] Result:(.*)\Z", re.S)
_TYPED = re.compile(r"\A\s*<(task|feedback|answer|user_message|user_input)\b[^>]*>\s*(.*?)\s*</\1>\s*\Z", re.S)


def _is_shown(value: Any) -> bool:
    if not isinstance(value, dict) or "ts" not in value:
        return False
    return value.get("type") in ("say", "ask") and isinstance(value.get(value["type"]), str)


def _has_surroundings(message: Any) -> bool:
    content = object_at(message).get("content")
    texts = [part.get("text") for part in objects_at(message, "content")] if isinstance(content, list) else [content]
    return object_at(message).get("role") == CUSTOMER and any(_SURROUNDINGS in as_text(text) for text in texts)


def _is_history(value: Any) -> bool:
    return isinstance(value, list) and any(map(_has_surroundings, value[:20]))


def _is_session(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"version", "agent", "messages"} <= value.keys()
        and "content" in first_object(list_at(value, "messages"))
    )


def _matches(value: Any) -> bool:
    return _is_shown(first_object(value)) or _is_history(value) or _is_session(value)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if _is_shown(first_object(value)):
        draft = _shown(document)
    else:
        messages = list((document if isinstance(value, list) else document.members["messages"]).items())
        draft = Draft(_NAME, id=id_within(_NAME, object_at(value).get("sessionId")), messages=_history(messages))
        if isinstance(value, list):  # the time stands in what surrounds the task
            draft.id = id_of_beginning(_NAME, as_text(first_object(value).get("content")))
        draft.model = _model([message.value for message in messages])
        draft.source = (
            "" if isinstance(value, list) else source_of(document, ("messages", "sessionId", "system_prompt"))
        )
        prompt = as_text(object_at(value).get("system_prompt"))
        draft.messages[:0] = [DraftMessage("system", prompt)] if prompt else []
    if not draft.messages:
        raise NothingSaid
    draft.created = next((message.created for message in draft.messages if message.created), None)
    yield draft.finish(document)


def _model(values: list[Any]) -> str:
    infos = (object_at(value, "modelInfo") for value in reversed(values))
    return next(filter(None, (as_text(first_of(info, ("modelId", "id"))) for info in infos)), "")


# --- What a person saw ------------------------------------------------------------------------------------------------


def _shown(document: Document) -> Draft:
    messages, calls = list[DraftMessage](), count(1)
    items = list(document.items())
    left = list[str]()
    for n, item in enumerate(items):
        found = _shown_message(item.value, messages, calls, is_first=n == 0)
        if found is None:
            left.append(item.text)
            continue
        found.source, found.created = item.text, item.value.get("ts")
        messages.append(found)
    started = as_text(items[0].value.get("ts"))
    draft = Draft(_NAME, id=id_within(_NAME, started), model=_model([item.value for item in items]), messages=messages)
    draft.source = f"[{','.join(left)}]" if left else ""
    return draft


def _shown_message(
    value: dict[str, Any], before: list[DraftMessage], calls: Iterator[int], *, is_first: bool
) -> DraftMessage | None:
    """Read what was shown; None if it is of no interest to readers."""
    kind, text = as_text(value.get(as_text(value.get("type")))), as_text(value.get("text"))
    pictures = [image_part(as_text(each)) for each in list_at(value, "images")]
    if kind in _ASKED or (is_first and kind == "text"):
        return DraftMessage(CUSTOMER, [*([text_part(text)] if text else []), *pictures])
    if not (text or pictures or kind in _CALLED):
        return None
    if kind == "reasoning":
        return DraftMessage("assistant", reasoning=text)
    if kind in _SAID:
        draft = DraftMessage("assistant", [text_part(_words_of(text)), *pictures])
        draft.notes = [note("cut-off")] if value.get("partial") else []
        return draft
    if kind in _CALLED:
        return DraftMessage("assistant", tool_calls=[_call(kind, text, f"{kind}-{next(calls)}")])
    if kind in _RETURNED:
        return DraftMessage("tool", text, tool_call_id=_last_call(before))
    failure = as_text(first_of(object_of(text), ("streamingFailedMessage", "cancelReason"))) if kind in _QUIET else ""
    if kind in _QUIET and not failure:
        return None
    return DraftMessage(EVENT, failure or text, name=kind)


def _words_of(text: str) -> str:
    """Return what was said: a question and a plan are JSON, with what can be answered."""
    held = object_of(text)
    said = as_text(first_of(held, ("question", "response", "context")))
    options = [*list_at(held, "options"), *list_at(held, "suggest")]
    answers = [as_text(object_at(each).get("answer") or each) for each in options]
    return "\n".join([said, *(f"- {answer}" for answer in answers)]) if said else text


def _call(kind: str, text: str, call_id: str) -> dict[str, Any]:
    held = object_of(text)
    name = as_text(first_of(held, _NAMES)) or kind
    given = {key: value for key, value in held.items() if key not in _NAMES}
    return tool_call(call_id, name, given or ({kind: text} if text and not held else {}))


def _last_call(before: list[DraftMessage]) -> str:
    """Return the call of which something is the result: the last one."""
    return next((as_text(message.tool_calls[-1]["id"]) for message in reversed(before) if message.tool_calls), "")


# --- What the model got -----------------------------------------------------------------------------------------------


def _history(messages: list[Document]) -> list[DraftMessage]:
    return [draft for message in messages if isinstance(message.value, dict) for draft in _of_message(message)]


def _of_message(message: Document) -> Iterator[DraftMessage]:
    """Read a message of the API; one of the user falls into what was typed, results, and what was put in."""
    for draft in read_messages([message]):
        draft.created = message.value.get("ts")
        if draft.role != CUSTOMER:
            yield draft
            continue
        found = [*_of_texts(message.value.get("content")), *_of_others(draft)]
        for one in found:
            one.created = draft.created
        if found:
            found[0].source, found[0].id = draft.source, draft.id
        yield from found


def _of_others(draft: DraftMessage) -> Iterator[DraftMessage]:
    parts = draft.content if isinstance(draft.content, list) else []
    others = [part for part in parts if part.get("type") != "text"]
    if others:
        yield DraftMessage(CUSTOMER, others)


def _of_texts(content: Any) -> Iterator[DraftMessage]:
    """Read the texts of the user. The name of a tool may stand in the one before its result."""
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    given = (as_text(block.get("text")) for block in blocks if object_at(block).get("type") == "text")
    waiting = ""
    for text in (piece for each in given for piece in _pieces(each)):
        result, typed = _RESULT.match(text), _TYPED.match(text)
        if text.startswith(_PUT_IN):
            yield DraftMessage("system", text)
        elif result and not result[2].strip():
            waiting = result[1]
        elif result or waiting:
            output = result[2].strip() if result else text
            failed = {"status": "failed"} if output.startswith(_FAILED) else {}
            yield DraftMessage("tool", output, name=result[1] if result else waiting, more=failed)
            waiting = ""
        else:
            yield DraftMessage(CUSTOMER, [text_part(typed[2] if typed else text)])
    if waiting:
        yield DraftMessage("tool", None, name=waiting)


def _pieces(text: str) -> Iterator[str]:
    """Yield a text, and what surrounds the task on its own."""
    head, mark, tail = text.partition(_SURROUNDINGS)
    yield from (piece for piece in (head.strip(), (mark + tail).strip()) if piece)


FAMILY = Family(
    name=_NAME,
    title="Cline, Roo Code",
    what=gettext_lazy("A task of Cline"),
    seen="ui_messages.json and api_conversation_history.json, and messages-contract-v1, by their sources of 2026",
    keeps="texts, pictures, reasoning, tool calls, results, what was asked back, errors, times, the model",
    loses="in ui_messages.json most results; in api_conversation_history.json ids of calls, and in old ones the calls, "
    "which are texts",
    matches=_matches,
    read=_read,
    is_part=True,
)
