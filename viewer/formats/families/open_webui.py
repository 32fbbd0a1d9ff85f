"""Open WebUI's chats: a tree of messages under `history`, whose answers have their steps in `output` or in the text."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, file_part, image_part, note, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.trees import Tree, Walk, kept, left_of, walk
from viewer.formats.turns import Turn

_NAME, _TITLE = "open-webui", "Open WebUI"
_COLUMNS = ("id", "user_id", "title", "chat", "created_at", "updated_at", "archived", "pinned", "meta", "folder_id")
# Versions before `output` wrote reasoning and calls into the text, for the page to fold.
_OPENING = re.compile(r'<details\s+type="(?P<kind>\w+)"(?P<attributes>(?:\s+[\w-]+="[^"]*")*)\s*>')
_CLOSING = "</details>"
_ATTRIBUTE = re.compile(r'(?<![\w-])([\w-]++)="([^"]*+)"')
_FENCE = re.compile(r"```(\w*)\n(.*?)\n?```", re.S)
_MARKER = re.compile(r"\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\](?!\()")


def _matches(value: Any) -> bool:
    chat = object_at(value, "chat") or object_at(value)
    return isinstance(object_at(chat, "history").get("messages"), dict) and (
        "currentId" in chat["history"] or "models" in chat
    )


def _read(document: Document) -> Iterator[Conversation]:
    chat = document.at("chat") if object_at(document.value, "chat") else document
    history = chat and chat.at("history")
    messages = history and history.at("messages")
    if chat is None or history is None or messages is None:
        return
    values, nodes = object_at(document.value), messages.members
    tree = Tree(
        {name: object_at(node.value).get("parentId") for name, node in nodes.items()},
        first_of(history.value, ["currentId"]) or values.get("current_message_id"),
    )
    several = len(list_at(chat.value, "models")) > 1
    walked = walk(
        tree,
        lambda name: object_at(nodes[name].value).get("role") == "user",
        lambda names: [draft for name in names for draft in _messages(nodes[name], several)],
    )
    _add_merged(tree, nodes, walked)
    answers = [each for name in tree.path if (each := object_at(nodes[name].value)).get("role") == "assistant"]
    system = object_at(chat.value, "params").get("system") or chat.value.get("system")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(values, ["id"]) or first_of(chat.value, ["id"])),
        created=first_of(values, ["created_at"]) or first_of(chat.value, ["timestamp"]),
        model=str(answers[-1].get("model") or "") if answers else "",
        metadata=_metadata(values, chat.value),
        messages=[*([DraftMessage("system", str(system))] if system else []), *walked.messages],
        choices=walked.choices,
        fields={"usage": object_at(answers[-1], "usage") or None} if answers else {},
        source=_left(document, chat, left_of(nodes, walked)),
    )
    yield draft.finish(document)


def _metadata(values: dict[str, Any], chat: dict[str, Any]) -> dict[str, Any]:
    tags = [object_at(tag).get("name") or tag for tag in list_at(values, "meta", "tags") or list_at(chat, "tags")]
    return {
        "title": values.get("title") or chat.get("title"),
        "user_id": values.get("user_id"),
        "tags": tags,
        "folder_id": values.get("folder_id"),
    }


def _left(document: Document, chat: Document, branches: str) -> str:
    """Write what is on no page: the settings of the chat, and other branches."""
    settings = "" if chat is document else source_of(chat, ["id", "title", "history", "messages"])
    record = source_of(document, ["id", "title", "chat", "user_id", "history", "messages"])
    return kept(record=record, chat=settings, messages=branches)


def _add_merged(tree: Tree, nodes: dict[str, Document], walked: Walk) -> None:
    """Add the answer that Open WebUI has merged from those of several models: it stands at the question."""
    merged = [object_at(nodes[name].value, "merged").get("content") for name in tree.path]
    if walked.choices and merged[-2:-1] and merged[-2]:
        walked.choices.append((DraftMessage("assistant", str(merged[-2]), name="merged"), None))


def _messages(message: Document, several: bool) -> list[DraftMessage]:
    value = object_at(message.value)
    role = str(value.get("role") or "")
    if role == "assistant":
        drafts = _answer(value, str(value.get("modelName") or value.get("model") or "") if several else "")
    else:
        name = object_at(value, "user").get("name")
        drafts = [DraftMessage(role, [text_part(as_text(value.get("content")))], name=str(name or ""))]
    last = next((draft for draft in reversed(drafts) if draft.role != "tool"), drafts[-1])
    last.id, last.created, last.source = value.get("id"), value.get("timestamp"), message.text
    parts, notes = _files(value)
    last.content = [*(last.content if isinstance(last.content, list) else []), *parts] or None
    last.notes += notes
    if value.get("originalContent"):
        last.notes.append(note("edited"))
    return drafts


def _answer(value: dict[str, Any], name: str) -> list[DraftMessage]:
    turn, text = Turn(name), as_text(value.get("content"))
    for run in list_at(value, "code_executions"):
        _code(turn, str(object_at(run).get("id") or ""), object_at(run), object_at(run).get("result"))
    output = [item for item in list_at(value, "output") if isinstance(item, dict)]
    for item in output:
        _take_item(turn, item)
    said = "".join(str(part.get("text") or "") for item in output for part in _parts(item, "message"))
    if not said.strip():
        _take_text(turn, text)
    last = turn.last()
    error = value.get("error")
    if error:
        last.more["error"] = object_at(error).get("content") or error
    parts = [part for part in last.content or [] if isinstance(part, dict) and part.get("type") == "text"]
    cited = _citations(list_at(value, "sources") or list_at(value, "citations"), parts[0]["text"] if parts else "")
    if cited and len(parts) == 1:
        parts[0]["annotations"] = [*parts[0].get("annotations", []), *cited]
    else:
        last.annotations += [citation(each["url_citation"]["url"], each["url_citation"]["title"]) for each in cited]
    return turn.messages()


# --- Steps under `output`, in the shape of the Responses API --------------------------------------------------------


def _take_item(turn: Turn, item: dict[str, Any]) -> None:
    item_id = str(item.get("call_id") or item.get("id") or "")
    match item.get("type"):
        case "message":
            turn.add(*(_output_part(part) for part in _parts(item, "message")))
        case "reasoning":
            texts = [*list_at(item, "summary"), *list_at(item, "content")]
            turn.think("\n\n".join(str(object_at(part).get("text") or "") for part in texts).strip())
        case "function_call":
            turn.call(item_id, str(item.get("name") or ""), item.get("arguments"))
        case "function_call_output":
            status = {"status": item["status"]} if item.get("status") in ("failed", "incomplete") else {}
            turn.result(item_id, item.get("output"), **status)
        case "open_webui:code_interpreter":
            _code(turn, item_id, item, item.get("output"))
        case _:
            turn.add(item)


def _parts(item: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    if item.get("type") != kind:
        return []
    return [part if isinstance(part, dict) else text_part(as_text(part)) for part in list_at(item, "content")]


def _output_part(part: dict[str, Any]) -> dict[str, Any]:
    if part.get("type") != "output_text":
        return part
    return text_part(as_text(part.get("text")), [each for each in list_at(part, "annotations") if each])


def _code(turn: Turn, call_id: str, run: dict[str, Any], result: Any) -> None:
    arguments = {name: run[key] for key, name in (("lang", "language"), ("language", "language"), ("code", "code"))
                 if run.get(key)}  # fmt: skip
    turn.call(call_id, str(run.get("name") or "code_interpreter"), arguments)
    if result not in (None, ""):
        turn.result(call_id, as_text(result))


# --- Steps in the text ----------------------------------------------------------------------------------------------


def _take_text(turn: Turn, text: str) -> None:
    start = 0
    for opening, end in _blocks(text):
        if opening["kind"] not in ("reasoning", "tool_calls", "code_interpreter"):
            continue
        _add_text(turn, text[start : opening.start()])
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(opening["attributes"])}
        _take_block(turn, opening["kind"], attributes, _without_summary(text[opening.end() : end]))
        start = end + len(_CLOSING)
    _add_text(turn, text[start:])


def _blocks(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Yield the opening tag of each block and where its body ends. One that is never closed is text."""
    position = 0
    while (opening := _OPENING.search(text, position)) and (end := text.find(_CLOSING, opening.end())) >= 0:
        yield opening, end
        position = end + len(_CLOSING)


def _add_text(turn: Turn, text: str) -> None:
    if text.strip():
        turn.add(text_part(text.strip("\n")))


def _without_summary(body: str) -> str:
    start = body.find("<summary>")
    end = body.find("</summary>", start)
    return (body if start < 0 or end < 0 else body[:start] + body[end + len("</summary>") :]).strip()


def _take_block(turn: Turn, kind: str, attributes: dict[str, str], body: str) -> None:
    if kind == "reasoning":
        turn.think("\n".join(re.sub(r"^(?:>|&gt;) ?", "", line) for line in body.split("\n")).strip())
        return
    if kind == "code_interpreter":
        fence = _FENCE.search(body)
        run = {"language": fence[1], "code": fence[2]} if fence else {"code": body}
        _code(turn, attributes.get("id", ""), run, _unpacked(attributes.get("output", "")))
        return
    turn.call(attributes.get("id", ""), attributes.get("name", ""), _unpacked(attributes.get("arguments", "")))
    if attributes.get("done") != "false":
        result = _unpacked(attributes["result"]) if "result" in attributes else html.unescape(body)
        turn.result(attributes.get("id", ""), as_text(result))


def _unpacked(text: str) -> Any:
    """Return the text or value that stands as JSON in an attribute."""
    try:
        return json.loads(text)
    except ValueError:
        return text


# --- Files and sources ----------------------------------------------------------------------------------------------


def _files(value: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the parts of the files of a message, and notes for those whose bytes are only on the server."""
    parts, notes = list[dict[str, Any]](), list[dict[str, Any]]()
    for file in list_at(value, "files"):
        if not isinstance(file, dict):
            continue
        url, name = str(file.get("url") or ""), str(file.get("name") or object_at(file, "file").get("filename") or "")
        media_type = str(file.get("content_type") or object_at(file, "file", "meta").get("content_type") or "")
        is_image = file.get("type") == "image" or media_type.startswith("image/")
        if is_image and re.match("data:|https?:", url):
            parts.append(image_part(url))
        elif is_image or file.get("type") in ("file", "doc", None):
            file_id = str(file.get("id") or url)
            parts.append(
                image_part("", file_id=file_id, caption=name) if is_image else file_part(name, file_id=file_id)
            )
            notes.append(note("lost-image" if is_image else "lost-file", by=_TITLE))
        else:  # a note, a collection, a page, another chat
            parts.append(file)
    return parts, notes


def _citations(sources: list[Any], text: str) -> list[dict[str, Any]]:
    """Return what a text cites: `[2]` is the second source, where the same one is counted once."""
    found: dict[str, tuple[str, str]] = {}
    for source in sources:
        about = object_at(source, "source")
        for meta in list_at(source, "metadata") or [{}]:
            name = str(object_at(meta).get("source") or about.get("id") or about.get("name") or "")
            url = next((one for one in (name, object_at(meta).get("url"), about.get("url")) if _is_url(one)), "")
            title = object_at(meta).get("title") or object_at(meta).get("name") or about.get("name") or name
            found.setdefault(name, (str(url), str(title or "")))
    listed, cited, places = list(found.values()), set[int](), list[dict[str, Any]]()
    for marker in _MARKER.finditer(text):
        for n in map(int, marker[1].split(",")):
            if 0 < n <= len(listed):
                cited.add(n)
                places.append(citation(*listed[n - 1], marker.start(), marker.end()))
    return places + [citation(*one) for n, one in enumerate(listed, start=1) if n not in cited]


def _is_url(text: Any) -> bool:
    return isinstance(text, str) and text.startswith(("http://", "https://"))


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the chats of a server's own database."""
    chats = database.execute("SELECT * FROM chat ORDER BY created_at")
    columns = [description[0] for description in chats.description]
    for number, row in enumerate(chats, start=1):
        pairs = zip(columns, row, strict=True)
        yield number, to_object([(name, _json_of(name, value)) for name, value in pairs if name in _COLUMNS])


def _json_of(name: str, value: Any) -> str:
    return value if name in ("chat", "meta") and isinstance(value, str) else json.dumps(value)


FAMILY = Family(
    name=_NAME,
    title="Open WebUI",
    what=gettext_lazy("An Open WebUI export"),
    seen="open-webui 0.12.4; older ones with <details> blocks",
    keeps="texts, tool calls and results, reasoning, sources, pictures in the text, other answers, tags, times",
    loses="the bytes of files and pictures that were uploaded",
    matches=_matches,
    read=_read,
    tables=frozenset({"chat", "auth", "prompt"}),
    rows=_rows,
)
