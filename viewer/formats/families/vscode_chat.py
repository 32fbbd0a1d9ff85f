"""Chats of VS Code, such as those with GitHub Copilot: what “Export Chat…” writes, and sessions as VS Code keeps them.

Facts from its source of 2026 (`chatModel.ts`, `chatService.ts`, `objectMutationLog.ts`) and from exports. Since 2026 a
session is a log of what has changed in it. The arguments and results of tools stand apart from where they were called.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "vscode-chat", "VS Code"
_INITIAL, _SET, _PUSH, _DELETE = range(4)  # what a line of the log does
_TEXTS = ("markdownContent", "markdownVuln", "warning")
_QUIET = (
    "codeblockUri", "mcpServersStarting", "prepareToolInvocation", "progressMessage", "progressTaskSerialized",
    "undoStop", "usedContext", "command", "references", "confirmation", "hook", "workspaceEdit",
)  # fmt: skip
_IMPLICIT = "vscode.implicit"
_VOTES = {1: "positive", 0: "negative"}


def _is_session(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("requests"), list) and "responderUsername" in value


def _is_line(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(kind := value.get("kind"), int):
        return False
    if kind == _INITIAL:
        return isinstance(object_at(value, "v").get("requests"), list)
    return (
        kind in (_SET, _PUSH, _DELETE) and isinstance(value.get("k"), list) and value.keys() <= {"kind", "k", "v", "i"}
    )


def _read(document: Document) -> Iterator[Conversation]:
    yield _draft(document).finish(document)


def _join(lines: list[Document]) -> Iterator[Conversation]:
    """Rebuild a session from its log."""
    state: Any = {}
    for line in lines:
        value = json.loads(line.text)
        if value["kind"] == _INITIAL:
            state = value["v"]
        else:
            _change(state, value)
    whole = Document(json.dumps(state, ensure_ascii=False), lines[0].place, lines[0].find)
    yield _draft(whole).finish_at(lines[0].place, *(line.text for line in lines))


def _change(state: Any, change: dict[str, Any]) -> None:
    """Make a change of the log. Raises NotReadable where what it changes is not there."""
    *path, last = change["k"]
    try:
        for name in path:
            state = state[name]
        match change["kind"]:
            case _ if change["kind"] == _SET:
                state[last] = change.get("v")
            case _ if change["kind"] == _DELETE:
                state.pop(last, None)
            case _:
                held = state.setdefault(last, []) if isinstance(state, dict) else state[last]
                del held[change.get("i", len(held)) :]
                held += change.get("v") or []
    except (KeyError, IndexError, TypeError):
        raise NotReadable(
            gettext("The log of this chat changes what is not in it: its beginning is missing.")
        ) from None


def _draft(session: Document) -> Draft:
    value = session.value
    requests = [one for one in session.members["requests"].items() if isinstance(one.value, dict)]
    if not requests:
        raise NothingSaid
    models = [as_text(request.value.get("modelId")) for request in requests]
    return Draft(
        _NAME,
        id=id_within(_NAME, value.get("sessionId")) or id_of_beginning(_NAME, requests[0].value.get("requestId")),
        created=value.get("creationDate") or requests[0].value.get("timestamp"),
        model=next(filter(None, reversed(models)), ""),
        metadata={
            "title": value.get("customTitle"),
            "assistant": value.get("responderUsername"),
            "user": value.get("requesterUsername"),
        },
        messages=[message for request in requests for message in _messages(request)],
        source=source_of(session, ("requests", "sessionId", "customTitle", "inputState")),
    )


def _messages(request: Document) -> list[DraftMessage]:
    """Read a request: what was asked, and the parts of what came of it."""
    value, turn = request.value, Turn()
    text = as_text(object_at(value, "message").get("text") or value.get("message") or "")
    asked = DraftMessage(CUSTOMER, [*([text_part(text)] if text else [])], request.text, id=value.get("requestId"))
    asked.content = [*(asked.content or []), *_attached(value, asked)]
    said, tools = list[str](), _Tools(object_at(value, "result", "metadata"))
    for n, part in enumerate(objects_at(value, "response"), start=1):
        if (words := _words(part)) is not None:
            said.append(words)
            continue
        if part.get("kind") not in _QUIET:
            _say(turn, said)
            _take(turn, part, n, tools)
    _say(turn, said)
    error = object_at(value, "result", "errorDetails").get("message")
    answers = turn.messages() if not turn.is_empty or error else []
    if error:
        turn.last().more["error"] = as_text(error)
    if answers and value.get("isCanceled"):
        turn.last().notes.append(note("interrupted"))
    if answers and value.get("vote") in _VOTES:
        turn.last().more["feedback"] = _VOTES[value["vote"]]
    if value.get("isHidden") or value.get("shouldBeRemovedOnSend"):
        asked.notes.append(note("taken-out"))
    for message in (asked, *answers):
        message.created = value.get("timestamp")
    return [asked, *answers]


def _attached(value: dict[str, Any], asked: DraftMessage) -> Iterator[dict[str, Any]]:
    """Yield the files that were attached, of which the pictures are there, byte by byte."""
    for variable in objects_at(value, "variableData", "variables"):
        name, data = as_text(variable.get("name")), variable.get("value")
        if as_text(variable.get("id")).startswith(_IMPLICIT) or not name:
            continue
        if variable.get("kind") == "image" and isinstance(data, dict) and isinstance(data.get("0"), int):
            yield data_part(bytes(data[str(n)] for n in range(len(data))), name)
            continue
        yield file_part(name)
        asked.notes.append(note("lost-image" if variable.get("kind") == "image" else "lost-file", by=_TITLE))


def _words(part: dict[str, Any]) -> str | None:
    """Return what a part says, which is cut where a file is named; None if it is something else."""
    kind = part.get("kind")
    if kind == "inlineReference":
        place = object_at(part, "inlineReference")
        path = as_text(first_of(object_at(place, "uri") or place, ("path", "fsPath")) or object_at(place).get("name"))
        return f"`{as_text(part.get('name')) or path.rpartition('/')[2]}`"
    if kind is not None and kind not in _TEXTS:
        return None
    value = part.get("value") if "value" in part else part.get("content")
    return as_text(object_at(value).get("value") if isinstance(value, dict) else value)


def _say(turn: Turn, said: list[str]) -> None:
    if text := "".join(said):
        turn.add(text_part(text))
    said.clear()


def _take(turn: Turn, part: dict[str, Any], number: int, tools: _Tools) -> None:
    match part.get("kind"):
        case "thinking":
            value = part.get("value")
            turn.think("".join(map(as_text, value)) if isinstance(value, list) else as_text(value))
        case "toolInvocationSerialized" | "toolInvocation":
            _take_call(turn, part, tools)
        case "textEditGroup" | "notebookEditGroup":
            path = as_text(object_at(part, "uri").get("path"))
            turn.call(f"edit-{number}", as_text(part["kind"]), {"file": path})
        case _:
            turn.add({"type": as_text(part.get("kind")), **part})


def _take_call(turn: Turn, part: dict[str, Any], tools: _Tools) -> None:
    call_id, details, own = (
        as_text(part.get("toolCallId")),
        part.get("resultDetails"),
        object_at(part, "toolSpecificData"),
    )
    called = tools.calls.get(_plain(call_id), {})
    command = object_at(own, "commandLine")
    arguments = first_of(called, ("arguments",)) or object_at(details).get("input") or own.get("rawInput")
    arguments = arguments or first_of(command, ("userEdited", "original")) or own.get("command")
    turn.call(call_id, as_text(called.get("name") or part.get("toolId")), as_text(arguments))
    held = tools.results.get(_plain(call_id))
    texts = [as_text(each.get("value")) for each in objects_at(held, "content") + objects_at(details, "output")]
    output = "\n".join(filter(None, texts)) or as_text(object_at(own, "terminalCommandOutput").get("text"))
    exit_code = object_at(own, "terminalCommandState").get("exitCode")
    result = turn.result(call_id, output or _shown(part))
    if object_at(details).get("isError") or exit_code not in (None, 0):
        result.more = {"status": "failed"}


class _Tools:
    """The calls of a request and their results by their ids, as the model wrote and got them."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        rounds = [call for each in objects_at(metadata, "toolCallRounds") for call in objects_at(each, "toolCalls")]
        self.calls = {own: call for call in reversed(rounds) if (own := _plain(call.get("id")))}
        results = object_at(metadata, "toolCallResults")
        self.results = {own: results[name] for name in reversed(results) if (own := _plain(name))}


def _plain(call_id: Any) -> str:
    """Return the id of a call without the time that VS Code adds to it."""
    return as_text(call_id).partition("__vscode-")[0]


def _shown(part: dict[str, Any]) -> str:
    """Return what was shown of a call, where there is nothing else."""
    shown = first_of(part, ("pastTenseMessage", "invocationMessage"))
    return as_text(object_at(shown).get("value") if isinstance(shown, dict) else shown)


FAMILY = Family(
    name=_NAME,
    title="VS Code, GitHub Copilot Chat",
    what=gettext_lazy("A chat of VS Code"),
    seen="exports and sessions of the versions 1 to 3, by its source of 2026",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, edits, errors, votes, titles, the "
    "model, times; what was taken back is marked",
    loses="files that were attached; some arguments and results of tools, of which there is what was shown",
    matches=lambda value: _is_session(value) or _is_line(value),
    read=_read,
    key=lambda document: "" if _is_session(document.value) else f"file {document.place.file}",
    join=_join,
)
