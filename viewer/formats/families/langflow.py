"""Langflow's messages, as its API gives them and answers them, and the table `message` of its database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from mimetypes import guess_type
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import json_of, values_of, with_json
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, data_url, file_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "langflow", "Langflow"
_MARKS = {"sender", "sender_name", "session_id", "text", "timestamp"}
_JSON = ("files", "properties", "content_blocks", "session_metadata")
_REPEATED = ("Input", "Output")  # headers of steps that have the question and the answer once more
_UNNAMED = ("User", "AI")
_MEDIA = {"image": "image/*", "audio": "audio/", "video": "video/", "file": ""}


def _is_message(value: Any) -> bool:
    return object_at(value).keys() >= _MARKS and "flow_id" in value


def _is_run(value: Any) -> bool:
    """Whether a value is what the API answers when a flow was run; it repeats what the flow was given."""
    return "session_id" in object_at(value) and "input_value" in object_at(first_object(value.get("outputs")), "inputs")


def _matches(value: Any) -> bool:
    return _is_message(value) or _is_run(value)


def _key(message: Document) -> str:
    return as_text(message.value["session_id"]) or f"file {message.place.file}"


def _own(document: Document) -> str:
    """Return the id of a message, or of the first one of an answer of the API."""
    ids = (as_text(value.get("id")) for _text, value in _rows_of(document))
    own = next(filter(None, ids), "")
    return own if _is_message(document.value) or not own else f"answer {own}"


def _join(documents: list[Document]) -> Iterator[Conversation]:
    rows = [row for document in documents for row in _rows_of(document)]
    rows.sort(key=lambda row: _time(row[1]))
    values = [value for _text, value in rows]
    answered = [object_at(value, "properties", "source") for value in values if value["sender"] != "User"]
    yield Draft(
        _NAME,
        id=id_within(_NAME, documents[0].value["session_id"]),
        created=_time(values[0]),
        model=as_text(next((source["source"] for source in answered if source.get("source")), "")),
        metadata={"flow_id": values[-1].get("flow_id"), **object_at(values[0], "session_metadata")},
        messages=[each for number, row in enumerate(rows, start=1) for each in _messages(row, number)],
    ).finish_at(documents[0].place, *(document.text for document in documents))


def _rows_of(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the messages of a document, each with its JSON as it is in the file."""
    if _is_message(document.value):
        yield document.text, with_json(document.value, _JSON)
        return
    for output in document.members["outputs"].items():
        said = [each for one in objects_at(output.value, "outputs") if (each := _said_in(one))]
        asked = {"sender": "User", "text": object_at(output.value, "inputs").get("input_value")}
        yield "", asked | {"timestamp": said[0].get("timestamp") if said else ""}
        for number, value in enumerate(said):
            yield "" if number else output.text, with_json(value, _JSON)


def _said_in(output: dict[str, Any]) -> dict[str, Any]:
    """Return the message that a part of a flow gave, in older versions only its text."""
    message = object_at(output, "results", "message")
    if found := object_at(message, "data") or message:
        return {"sender": "Machine"} | found
    text = object_at(output, "artifacts").get("message") or object_at(output, "results").get("result")
    return {"sender": "Machine", "text": text} if text else {}


def _time(value: dict[str, Any]) -> str:
    """Return when a message was sent, which is in UTC whether it says so or not."""
    return as_text(value.get("timestamp")).removesuffix(" UTC")


def _messages(row: tuple[str, dict[str, Any]], number: int) -> list[DraftMessage]:
    source, value = row
    text = as_text(value.get("text"))
    if value["sender"] == "User":
        found = [DraftMessage(CUSTOMER, [text_part(text)] if text else [])]
    else:
        found = _Answer(text, f"{number}").read(map(json_of, list_at(value, "content_blocks")))
    last, name = found[-1], as_text(value.get("sender_name"))
    for path in list_at(value, "files"):
        _attach(last, as_text(path))
    if value.get("error") in (True, 1) or value.get("category") == "error":
        last.more["error"] = last.more.get("error") or text or "error"
        last.content = [part for part in _parts_of(last) if part != text_part(text)]  # which is the error
    if object_at(value, "properties").get("edited") or value.get("edit") is True:
        last.notes.append(note("edited"))
    liked = object_at(value, "properties").get("positive_feedback")
    if liked is not None:
        last.more["feedback"] = "positive" if liked else "negative"
    for message in found:
        message.created, message.name = _time(value), message.name or ("" if name in _UNNAMED else name)
    found[0].source, last.id = source, value.get("id")
    return found


def _attach(message: DraftMessage, path: str) -> None:
    """Add a file, which stays on the server."""
    name = path.rpartition("/")[2]
    kind = as_text(guess_type(name)[0])
    message.content = [*_parts_of(message), file_part(name)]
    message.notes.append(note("lost-image" if kind.startswith("image/") else "lost-file", by=_TITLE))


def _parts_of(message: DraftMessage) -> list[dict[str, Any]]:
    return message.content if isinstance(message.content, list) else []


class _Answer:
    """Reads the steps of an answer in their order, those in groups too; its text is what they said put together."""

    def __init__(self, text: str, number: str) -> None:
        self._turn, self._left, self._number, self._calls = Turn(), text, number, 0
        self._cited, self._more = list[dict[str, Any]](), dict[str, Any]()

    def read(self, blocks: Iterable[Any]) -> list[DraftMessage]:
        self._walk(blocks)
        if self._left.strip() or self._turn.is_empty:
            self._turn.add(text_part(self._left))
        messages = self._turn.messages()
        last = self._turn.last()
        last.annotations, last.more = self._cited, last.more | self._more
        return messages

    def _walk(self, blocks: Iterable[Any]) -> None:
        for block in blocks:
            if isinstance(block, dict):
                self._take(block)
                if block.get("type") != "tool_use":
                    self._walk(list_at(block, "contents"))

    def _take(self, block: dict[str, Any]) -> None:
        match block.get("type"):
            case "text" | "reasoning" as kind:
                self._say(as_text(block.get("text")), as_text(object_at(block, "header").get("title")), kind)
            case "tool_use":
                self._use(block)
            case "error":
                self._more["error"] = "\n".join(filter(None, map(as_text, map(block.get, ("reason", "solution")))))
            case "citation":
                places = block.get("start_index"), block.get("end_index")
                self._cited.append(citation(as_text(block.get("url")), as_text(block.get("title")), *places))
            case "code":
                self._turn.add(text_part(f"```{as_text(block.get('language'))}\n{as_text(block.get('code'))}\n```"))
            case "media" | "image" | "audio" | "video" | "file":
                self._turn.add(*_media(block))
            case "usage" | "group" | None:
                pass
            case kind:
                self._turn.add({**block, "type": as_text(kind)})

    def _say(self, text: str, title: str, kind: str) -> None:
        """Take a text for what was said if it is next in the text of the message, and otherwise for a thought."""
        if kind == "text" and text and self._left.startswith(text):
            self._turn.add(text_part(text))
            self._left = self._left[len(text) :].lstrip("\n")
        elif kind == "reasoning" or title not in _REPEATED:
            self._turn.think(text)

    def _use(self, block: dict[str, Any]) -> None:
        self._calls += 1
        call_id, name = as_text(block.get("id")) or f"{self._number}-{self._calls}", as_text(block.get("name"))
        self._turn.call(call_id, name, block.get("tool_input", block.get("input")))
        inner = [as_text(each.get("text")) for each in objects_at(block, "contents") if each.get("text")]
        failed = {"error": block["error"]} if block.get("error") else {}
        self._turn.result(call_id, "\n".join(filter(None, (as_text(block.get("output")), *inner))), name, **failed)


def _media(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    media_type = as_text(block.get("mime_type")) or _MEDIA.get(as_text(block.get("type")), "image/*")
    name = as_text(first_of(block, ("filename", "caption")))
    yield from (linked_file(as_text(url), media_type, name) for url in list_at(block, "urls"))
    if block.get("base64"):
        yield linked_file(data_url(as_text(block["base64"]), media_type), media_type, name)


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the messages of the database."""
    database.row_factory = sqlite3.Row
    for number, row in enumerate(database.execute("SELECT * FROM message ORDER BY rowid"), start=1):
        yield number, json.dumps(dict.fromkeys(row.keys()) | values_of(row), ensure_ascii=False)


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("Messages of Langflow"),
    seen="langflow-base and lfx 1.13.0",
    keeps="texts, steps of agents with tools, results and errors, reasoning, sources, media, names of files, feedback, "
    "the model, times",
    loses="in the answer of its API all but the newest 100 messages, unless it is asked for other pages, and pictures, "
    "reasoning and sources of answers without tools; the bytes of files",
    matches=_matches,
    key=_key,
    own=_own,
    join=_join,
    tables=frozenset({"message", "flow", "vertex_build"}),
    rows=_rows,
)
