"""Flowise's chat messages: exports of a flow or of a workspace, what its API answers, and its SQLite database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.cells import values_of, with_json
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, file_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "flowise", "Flowise"
_ROLES = {"userMessage": CUSTOMER, "apiMessage": COLLEAGUE, "user": CUSTOMER, "bot": COLLEAGUE}
_JSON = (
    "sourceDocuments", "usedTools", "fileAnnotations", "agentReasoning", "reasonContent", "fileUploads", "artifacts",
    "action", "followUpPrompts", "leadEmail", "email",
)  # fmt: skip
_EXPORTED = {"id", "source", "sessionId", "memoryType", "messages"}
_TIMES = ("createdDate", "time")
_ABOUT = ("source", "chatType", "sessionId", "memoryType", "chatflowid", "leadEmail", "email")
_PICTURES = ("png", "jpeg")
_STORED = "FILE-STORAGE::"


def _is_row(value: Any) -> bool:
    return object_at(value).get("role") in ("userMessage", "apiMessage") and {"chatId", "chatflowid"} <= value.keys()


def _is_exported(value: Any) -> bool:
    return object_at(value).keys() >= _EXPORTED and first_object(value["messages"]).get("role") in ("user", "bot")


def _is_workspace(value: Any) -> bool:
    return _is_row(first_object(object_at(value).get("ChatMessage")))


def _is_prediction(value: Any) -> bool:
    """Whether a value is what the API answers to a question, which it repeats."""
    return object_at(value).keys() >= {"chatId", "chatMessageId", "question"}


def _matches(value: Any) -> bool:
    return _is_row(value) or _is_exported(value) or _is_prediction(value) or _is_workspace(value)


def _parts(document: Document) -> Iterator[Document]:
    """Yield the messages of a workspace, each with the feedback that stands in another list of the same file."""
    rows = document.at("ChatMessage")
    given = document.at("ChatMessageFeedback")
    feedbacks = {as_text(object_at(one.value).get("messageId")): one.text for one in given.items()} if given else {}
    for row in rows.items() if rows else ():
        if isinstance(row.value, dict):
            feedback = feedbacks.get(as_text(row.value.get("id")))
            yield _with(row, feedback) if feedback else row


def _with(row: Document, feedback: str) -> Document:
    members = [(name, member.text) for name, member in row.members.items() if name != "feedback"]
    return Document(to_object([*members, ("feedback", feedback)]), row.place, row.find)


def _key(document: Document) -> str:
    return as_text(first_of(document.value, ("chatId", "id")))


def _own(document: Document) -> str:
    """Return the id of a message, or of a part of a chat: with each memory a flow had it is another one."""
    value = document.value
    if _is_exported(value):
        return f"{as_text(value['sessionId'])} {as_text(value['memoryType'])}"
    return as_text(value.get("id")) if _is_row(value) else f"answer {as_text(value['chatMessageId'])}"


def _join(documents: list[Document]) -> Iterator[Conversation]:
    """Read a chat, which an export has more than once where the flow was given another memory meanwhile."""
    rows = [row for document in documents for row in _rows_of(document)]
    rows.sort(key=_place_of)
    values = [with_json(document.value, _JSON) for document in documents]
    about = {name: next(filter(None, (value.get(name) for value in values)), None) for name in _ABOUT}
    yield Draft(
        _NAME,
        id=id_within(_NAME, _key(documents[0])),
        created=first_of(rows[0][1], _TIMES),
        metadata=about,
        messages=[message for number, row in enumerate(rows, start=1) for message in _messages(row, f"{number}")],
    ).finish_at(documents[0].place, *(document.text for document in documents))


def _rows_of(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the messages of a document, each with its JSON as it is in the file."""
    value = document.value
    if _is_exported(value):
        rows = document.members["messages"].items()
        yield from ((row.text, row.value) for row in rows if isinstance(row.value, dict))
    elif _is_row(value):
        yield document.text, value
    else:
        said = value.get("text") if value.get("text") is not None else value.get("json")
        yield "", {"role": "userMessage", "content": value["question"]}
        yield document.text, value | {"role": "apiMessage", "content": said, "id": value["chatMessageId"]}


def _place_of(row: tuple[str, dict[str, Any]]) -> tuple[str, bool]:
    """Return the second of a message: SQLite has no more of an answer, and of the question its milliseconds."""
    seconds = as_text(first_of(row[1], _TIMES)).replace("T", " ")[:19]
    return seconds, bool(seconds) and _ROLES.get(as_text(row[1].get("role"))) != CUSTOMER


def _messages(row: tuple[str, dict[str, Any]], number: str) -> list[DraftMessage]:
    value = with_json(row[1], _JSON)
    text = as_text(value.get("content"))
    if _ROLES.get(as_text(value.get("role"))) == CUSTOMER:
        found = [DraftMessage(CUSTOMER, [text_part(text)] if text else [])]
    else:
        found = _answered(value, text, number)
    last = found[-1]
    last.content, last.annotations = last.content or [], _sources(value)
    for part, lost in _files(value):
        last.content = [*last.content, part] if isinstance(last.content, list) else [part]
        last.notes += lost
    for message in found:
        message.created = first_of(value, _TIMES)
    found[0].source, last.id = row[0], value.get("id")
    more = {"feedback": value.get("feedback"), "followUpPrompts": value.get("followUpPrompts")}
    last.more |= {name: each for name, each in more.items() if each}
    return found


def _answered(value: dict[str, Any], text: str, number: str) -> list[DraftMessage]:
    """Read an answer: what its agents did, each under its name, the tools, and what was said in the end."""
    turn = Turn()
    turn.think(as_text(object_at(value, "reasonContent").get("thinking")))
    tools = objects_at(value, "usedTools")
    for n, agent in enumerate(objects_at(value, "agentReasoning"), start=1):
        said = [as_text(each) for each in (agent.get("instructions"), *list_at(agent, "messages")) if each != text]
        turn.think("\n\n".join(filter(None, (as_text(agent.get("agentName")), *said))))
        _use(turn, [tool for tool in objects_at(agent, "usedTools") if tool not in tools], f"{number}-{n}")
    _use(turn, tools, number)
    if text or turn.ends_with_result or turn.is_empty:
        turn.add(text_part(text))
    if value.get("action"):
        turn.add({"type": "action", "action": value["action"]})
    return turn.messages()


def _use(turn: Turn, tools: list[dict[str, Any]], number: str) -> None:
    named = [(f"{number}-{n}", as_text(tool.get("tool")), tool) for n, tool in enumerate(tools, start=1)]
    for call_id, name, tool in named:
        turn.call(call_id, name, tool.get("toolInput"))
    for call_id, name, tool in named:
        failed = {"error": tool["error"]} if tool.get("error") else {}
        turn.result(call_id, as_text(tool.get("toolOutput")), name, **failed)


def _sources(value: dict[str, Any]) -> list[dict[str, Any]]:
    found = dict[str, str]()
    for source in objects_at(value, "sourceDocuments"):
        about = object_at(source, "metadata")
        address = as_text(first_of(about, ("url", "source", "file_name", "fileName")))
        found.setdefault(address, as_text(about.get("title")) or address)
    return [citation(address, title) for address, title in found.items() if address]


def _files(value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield files with what is said of them: those that were uploaded stay on the server, which keeps their names."""
    for each in objects_at(value, "fileUploads"):
        yield _file(as_text(each.get("data")), as_text(each.get("mime")), as_text(each.get("name")))
    for path in list_at(value, "filePaths"):
        yield _file("", "", as_text(path).replace("\\", "/").rpartition("/")[2])
    for each in objects_at(value, "fileAnnotations"):
        yield _file("", "", as_text(each.get("fileName")))
    for each in objects_at(value, "artifacts"):
        data, kind = as_text(each.get("data")), as_text(each.get("type"))
        if kind in _PICTURES:
            yield _file(data, f"image/{kind}", data.rpartition("fileName=")[2].removeprefix(_STORED))
        else:
            yield {**each, "type": kind or "artifact"}, []


def _file(data: str, media_type: str, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if data.startswith(("http://", "https://", "data:")):
        return linked_file(data, media_type, name), []
    lost = "lost-image" if media_type.startswith("image/") else "lost-file"
    return file_part(name or data), [note(lost, by=_TITLE)]


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the messages of the database, with the feedback to them."""
    database.row_factory = sqlite3.Row
    has_feedback = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'chat_message_feedback'").fetchone()
    given = database.execute("SELECT * FROM chat_message_feedback").fetchall() if has_feedback else []
    feedbacks = {row["messageId"]: values_of(row) for row in given}
    for number, row in enumerate(database.execute("SELECT * FROM chat_message ORDER BY rowid"), start=1):
        feedback = feedbacks.get(row["id"])
        yield number, json.dumps(values_of(row) | ({"feedback": feedback} if feedback else {}), ensure_ascii=False)


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("Chat messages of Flowise"),
    seen="flowise 3.1.2, and the export of 1.x and 2.x by its source",
    keeps="texts, tools with input, result and error, what its agents thought, sources, names of files, forms to "
    "approve, feedback, the visitor's e-mail, times",
    loses="tools of all but the last node of an agent flow; thumbs without a comment, in the export of a flow; the "
    "bytes of files; the model",
    matches=_matches,
    parts=_parts,
    key=_key,
    own=_own,
    join=_join,
    tables=frozenset({"chat_message", "chat_flow"}),
    rows=_rows,
)
