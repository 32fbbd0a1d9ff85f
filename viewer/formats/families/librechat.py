"""LibreChat's exports, flat or as a tree, its messages as the API gives them, and its CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.trees import Tree, kept, left_of, walk
from viewer.formats.turns import Turn

_NAME, _TITLE = "librechat", "LibreChat"
_LISTS = ("messages", "messagesTree")
_THINKING = re.compile(r"\A\s*:::thinking\n(.*?)\n:::\s*", re.S)  # how texts had it before there were parts


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "messageId" in value and "isCreatedByUser" in value


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    held = (_first(value.get(name)) for name in _LISTS)
    return _is_message(value) or any(map(_is_message, held)) or ("messagesTree" in value and "conversationId" in value)


def _first(messages: Any) -> Any:
    return messages if isinstance(messages, dict) else first_object(messages)


def _key(document: Document) -> str:
    """Return the conversation of a message that stands alone, as in CSV, or the file that has nothing else."""
    if not _is_message(document.value) or any(name in document.value for name in _LISTS):
        return ""
    return str(document.value.get("conversationId") or document.place.file)


def _read(document: Document) -> Iterator[Conversation]:
    found = next((document.at(name) for name in _LISTS if document.at(name)), None)
    yield _draft(document, _flat(found) if found else []).finish(document)


def _join(documents: list[Document]) -> Iterable[Conversation]:
    draft = _draft(Document("{}"), [(one, object_at(one.value).get("parentMessageId")) for one in documents])
    draft.id = id_within(_NAME, documents[0].value.get("conversationId"))
    yield draft.finish_at(documents[0].place, *(one.text for one in documents))


def _flat(messages: Document) -> list[tuple[Document, Any]]:
    """Return all messages of a tree with the id of the one before each."""
    waiting = [(one, None) for one in ([messages] if isinstance(messages.value, dict) else messages.items())]
    waiting.reverse()
    flat: list[tuple[Document, Any]] = []
    while waiting:
        message, parent = waiting.pop()
        if not isinstance(message.value, dict):
            continue
        own = message.value.get("messageId")
        flat.append((message, parent if parent is not None else message.value.get("parentMessageId")))
        children = message.at("children")
        waiting += [(child, own) for child in reversed(list(children.items() if children else ()))]
    return flat


def _draft(document: Document, messages: list[tuple[Document, Any]]) -> Draft:
    nodes: dict[str, Document] = {}
    parents: dict[str, Any] = {}
    for n, (message, parent) in enumerate(messages):
        name = str(message.value.get("messageId") or n)
        nodes[name], parents[name] = message, parent
    tree = Tree(parents)
    walked = walk(
        tree,
        lambda name: _is_customer(nodes[name].value),
        lambda names: [draft for name in names for draft in _messages(nodes[name])],
    )
    value = document.value
    answers = [nodes[name].value for name in tree.path if not _is_customer(nodes[name].value)]
    others = left_of({name: _without_children(node) for name, node in nodes.items()}, walked)
    first = nodes[tree.path[0]].value if tree.path else {}
    return Draft(
        _NAME,
        id=id_within(_NAME, value.get("conversationId")),
        created=_time(first_of(value, ["createdAt"]) or first.get("createdAt")),
        model=str((answers and answers[-1].get("model")) or object_at(value, "options").get("model") or ""),
        metadata={
            "title": value.get("title"),
            "endpoint": value.get("endpoint") or (answers and answers[-1].get("endpoint")),
            "user": first.get("user"),
            "tags": value.get("tags") or object_at(value, "options").get("tags"),
        },
        messages=[*_prompt(object_at(value, "options")), *walked.messages],
        choices=walked.choices,
        finish_reason=str(answers[-1].get("finish_reason") or "") or None if answers else None,
        source=kept(record=source_of(document, [*_LISTS, "conversationId", "title", "endpoint"]), messages=others),
    )


def _prompt(options: dict[str, Any]) -> list[DraftMessage]:
    prompt = first_of(options, ["promptPrefix", "system", "instructions"])
    return [DraftMessage("system", str(prompt))] if prompt else []


def _is_customer(value: Any) -> bool:
    return str(object_at(value).get("isCreatedByUser")).casefold() in ("true", "1")


def _time(value: Any) -> Any:
    """Return a time; MongoDB's own export has it in an object."""
    return object_at(value).get("$date") or value


def _without_children(message: Document) -> Document:
    if "children" not in message.value:
        return message
    return Document(to_object([(n, one.text) for n, one in message.members.items() if n != "children"]), message.place)


def _messages(message: Document) -> list[DraftMessage]:
    value = message.value
    parts = [part for part in list_at(value, "content") if isinstance(part, dict)]
    text, error = as_text(value.get("text")), value.get("error")
    if _is_customer(value):
        drafts = [DraftMessage("user", [text_part(text)] if text or not parts else parts)]
    else:
        turn = Turn()
        thinking = _THINKING.match(text)
        if not parts and thinking:
            turn.think(thinking[1].strip())
            text = text[thinking.end() :]
        for part in parts:
            _take_part(turn, part)
        if not parts and text and not error:
            turn.add(text_part(text))
        drafts = turn.messages()
    last = next((draft for draft in reversed(drafts) if draft.role != "tool"), drafts[-1])
    if error and str(error).casefold() != "false":
        last.more["error"] = text or error
    if value.get("feedback"):
        last.more["feedback"] = value["feedback"]
    last.id, last.created, last.source = (
        value.get("messageId"),
        _time(value.get("createdAt")),
        _without_children(message).text,
    )
    files, notes = _files(value)
    last.content = [*(last.content if isinstance(last.content, list) else []), *files] or None
    last.notes += notes
    return drafts


def _take_part(turn: Turn, part: dict[str, Any]) -> None:
    kind = part.get("type")
    held = part.get(str(kind))
    match kind:
        case "text":
            turn.add(*([text_part(_value(held))] if _value(held) else []))
        case "think":
            turn.think(_value(held))
        case "tool_call":
            _take_call(turn, object_at(held))
        case "image_file":
            turn.add(_picture(object_at(held)))
        case "error":
            turn.last().more["error"] = _value(held) or _value(part.get("text"))
        case "agent_update":
            pass
        case _:
            turn.add(part)


def _take_call(turn: Turn, call: dict[str, Any]) -> None:
    inner = object_at(call, "function") or object_at(call, str(call.get("type") or ""))
    name = first_of(call, ["name"]) or first_of(inner, ["name"]) or call.get("type")
    arguments = next(
        (one[key] for one, key in ((call, "args"), (inner, "arguments"), (inner, "input")) if key in one), ""
    )
    output = next(
        (one[key] for one, key in ((call, "output"), (inner, "output"), (inner, "outputs")) if one.get(key)), None
    )
    call_id = str(call.get("id") or "")
    turn.call(call_id, as_text(name), arguments)
    if output is not None:
        turn.result(call_id, as_text(output))


def _value(held: Any) -> str:
    """Return the text of a part, which may stand in an object."""
    return as_text(object_at(held).get("value") if isinstance(held, dict) else held)


def _files(value: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    parts, notes = list[dict[str, Any]](), list[dict[str, Any]]()
    for file in [*list_at(value, "files"), *list_at(value, "attachments")]:
        if not isinstance(file, dict):
            continue
        if not (file.get("file_id") or file.get("filename")):
            parts.append(file)
            continue
        is_picture = str(file.get("type") or "").startswith("image/") or "width" in file
        parts.append(_picture(file) if is_picture else file_part(str(file.get("filename") or ""), file_id=_id(file)))
        notes.append(note("lost-image" if is_picture else "lost-file", by=_TITLE))
    return parts, notes


def _picture(file: dict[str, Any]) -> dict[str, Any]:
    url = str(file.get("filepath") or "")
    is_there = url.startswith(("data:", "http://", "https://"))
    return image_part(url if is_there else "", file_id=_id(file), caption=str(file.get("filename") or ""))


def _id(file: dict[str, Any]) -> str:
    return str(file.get("file_id") or "")


FAMILY = Family(
    name=_NAME,
    title="LibreChat",
    what=gettext_lazy("A LibreChat export"),
    seen="exports with `messages` and `messagesTree`, by its source of 2026",
    keeps="texts, tool calls and results, reasoning, other answers, feedback, errors, times",
    loses="the bytes of files and pictures, which stay on the server",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
