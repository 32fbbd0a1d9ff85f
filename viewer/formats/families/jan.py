"""Jan: threads as it keeps them, with messages like those of OpenAI's Assistants API, and the export of one.

Facts from its source of 2025 and 2026 (`messageEntity.ts`, `threadEntity.ts`, `messages.ts`, `message-branching.ts`,
`export-conversation.ts`). A message has the call of a tool with its output as a part; until 2025 in its metadata. Since
2026 a message may name the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    data_url,
    file_part,
    image_part,
    media_part,
    note,
    text_file,
    text_part,
)  # fmt: skip
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.trees import Tree, kept, left_of, walk
from viewer.formats.turns import Turn

_NAME = "jan"
_STATES = ("ready", "pending", "error", "stopped")  # OpenAI's are others
_PARTS = ("text", "reasoning", "image_url", "tool_call")
_OF_THREAD = ("id", "object", "title", "created", "updated")


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") == "thread.message" and value.get("status") in _STATES


def _is_thread(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") == "thread" and isinstance(value.get("assistants"), list)


def _is_export(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"title", "exported_at", "messages"}:
        return False
    return first_object(list_at(first_object(value["messages"]), "content")).get("type") in _PARTS


def _matches(value: Any) -> bool:
    return _is_message(value) or _is_thread(value) or _is_export(value)


def _key(document: Document) -> str:
    if _is_export(document.value):
        return ""
    return as_text(first_of(document.value, ("thread_id", "id"))) or document.place.file


def _own(document: Document) -> str:
    """Return the id of a message; of a thread there is one."""
    return as_text(document.value.get("id")) if _is_message(document.value) else "thread"


def _read(document: Document) -> Iterator[Conversation]:
    draft = _draft(list(document.members["messages"].items()), document)
    draft.id = id_of_beginning(_NAME, first_object(document.value["messages"]).get("id"))
    yield draft.finish(document)


def _join(documents: list[Document]) -> Iterator[Conversation]:
    """Read the messages of a thread, and what its own file says of it."""
    messages = [document for document in documents if _is_message(document.value)]
    thread = next((document for document in documents if _is_thread(document.value)), Document("{}"))
    if not messages:
        raise NotReadable(gettext("This is a thread of Jan without its messages: add messages.jsonl."))
    draft = _draft(messages, thread)
    draft.id = id_within(_NAME, _key(documents[0]))
    yield draft.finish_at(documents[0].place, *(document.text for document in documents))


def _draft(messages: list[Document], about: Document) -> Draft:
    value = object_at(about.value)
    assistant = first_object(value.get("assistants"))
    nodes = {as_text(message.value.get("id")) or str(n): message for n, message in enumerate(messages)}
    parents = _parents(nodes)
    walked = walk(
        Tree(parents, _leaf(nodes, parents)),
        lambda name: nodes[name].value.get("role") == CUSTOMER,
        lambda names: [draft for name in names for draft in _messages(nodes[name])],
    )
    draft = Draft(
        _NAME,
        created=value.get("created") or next((each.created for each in walked.messages if each.created), None),
        model=as_text(object_at(assistant, "model").get("id") or object_at(value, "model").get("id")),
        metadata={"title": value.get("title"), "assistant": assistant.get("name") or assistant.get("assistant_name")},
        messages=walked.messages,
        choices=walked.choices,
        source=kept(thread=source_of(about, ("messages", *_OF_THREAD)), messages=left_of(nodes, walked)),
    )
    if prompt := as_text(assistant.get("instructions")):
        draft.messages.insert(0, DraftMessage("system", prompt))
    return draft


# --- Which message follows which --------------------------------------------------------------------------------------


def _parents(nodes: dict[str, Document]) -> dict[str, str | None]:
    """Return the message before each one. Where none is named it is the one above, and an answer is never the first.

    Some versions lost what an answer follows, and then let the next question follow the question before.
    """
    parents, answers, above = dict[str, str | None](), dict[str, str](), ""
    has_branches = any("parentId" in object_at(node.value, "metadata") for node in nodes.values())
    for name, node in nodes.items():
        named = object_at(node.value, "metadata").get("parentId", "")
        is_answer = node.value.get("role") == "assistant"
        if isinstance(named, str) and named in nodes:
            parents[name] = named if is_answer else answers.pop(named, named)
        elif has_branches and named is None and not is_answer:
            parents[name] = None
        else:
            parents[name] = above or None
            if has_branches and is_answer and above:
                answers[above] = name
        above = name
    return parents


def _leaf(nodes: dict[str, Document], parents: dict[str, str | None]) -> str | None:
    """Follow from the newest root what was shown last: the chosen one of several messages, or the newest."""
    following = dict[str | None, list[str]]()
    for name, before in parents.items():
        following.setdefault(before, []).append(name)
    leaf, chosen, seen = None, following.get(None, []), set[str]()
    while chosen and chosen[-1] not in seen:
        wanted = object_at(nodes[leaf].value, "metadata").get("activeChildId") if leaf else None
        leaf = wanted if isinstance(wanted, str) and wanted in chosen else chosen[-1]
        seen.add(leaf)
        chosen = following.get(leaf, [])
    return leaf


# --- Messages ---------------------------------------------------------------------------------------------------------


def _messages(message: Document) -> list[DraftMessage]:
    value, about, turn = message.value, object_at(message.value, "metadata"), Turn()
    for call in objects_at(about, "tool_calls"):
        function = object_at(call, "tool", "function")
        _take_call(turn, object_at(call, "tool").get("id"), function.get("name"), function.get("arguments"))
        _take_output(turn, object_at(call, "tool").get("id"), call.get("response"))
    for part in objects_at(value, "content"):
        _take(turn, part)
    turn.add(*_files(value, about))
    drafts, last = turn.messages(), turn.last()
    if value.get("role") != "assistant":
        last.role, last.tool_call_id = as_text(value.get("role")), as_text(value.get("tool_call_id"))
    if value.get("status") == "stopped" or about.get("stopped"):
        last.notes.append(note("interrupted"))
    if value.get("status") == "error" or about.get("error"):
        last.more["error"] = as_text(value.get("error_code") or about.get("error") or "error")
    last.id, last.source = value.get("id"), message.text
    for draft in drafts:
        draft.created = value.get("created_at")
    return drafts


def _take(turn: Turn, part: dict[str, Any]) -> None:
    text = as_text(object_at(part, "text").get("value"))
    match part.get("type"):
        case "text":
            turn.add(*([text_part(text)] if text else []))
        case "reasoning":
            turn.think(text)
        case "image_url":
            turn.add(image_part(as_text(object_at(part, "image_url").get("url"))))
        case "tool_call":
            _take_call(turn, part.get("tool_call_id"), part.get("tool_name"), part.get("input"))
            _take_output(turn, part.get("tool_call_id"), part.get("output"))
        case _:
            turn.add(part)


def _take_call(turn: Turn, call_id: Any, name: Any, arguments: Any) -> None:
    turn.call(as_text(call_id), as_text(name), {} if arguments is None else arguments)


def _take_output(turn: Turn, call_id: Any, output: Any) -> None:
    """Take what a tool returned: a text, or what MCP makes of it."""
    if output is None:
        return
    blocks = objects_at(output, "content")
    error = object_at(output).get("error")
    parts = [_block(block) for block in blocks] or [text_part(as_text(error or output))]
    is_text = all(part.get("type") == "text" for part in parts)
    content = "\n".join(part["text"] for part in parts) if is_text else parts
    result = turn.result(as_text(call_id), content)
    result.more = {"is_error": True} if error or object_at(output).get("isError") else {}


def _block(block: dict[str, Any]) -> dict[str, Any]:
    if isinstance(block.get("text"), str):
        return text_part(block["text"])
    if isinstance(block.get("data"), str):
        media_type = as_text(block.get("mimeType")) or "image/png"
        return media_part(media_type, data_url(block["data"], media_type))
    return block


def _files(value: dict[str, Any], about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for file in objects_at(about, "inline_file_contents"):
        yield text_file(as_text(file.get("name")), as_text(file.get("content")))
    yield from (file_part(file_id=as_text(file.get("file_id"))) for file in objects_at(value, "attachments"))


FAMILY = Family(
    name=_NAME,
    title="Jan",
    what=gettext_lazy("A thread of Jan"),
    seen="threads and exports by its source of 2025 and 2026",
    keeps="texts, pictures, reasoning, tool calls, results and whether they failed, text files, the prompt, the title, "
    "errors, times, the model; other branches in the JSON",
    loses="the prompt and the model, unless thread.json is added",
    matches=_matches,
    read=_read,
    key=_key,
    own=_own,
    join=_join,
    is_part=True,
)
