"""TypingMind: exports of all chats, as one JSON or since 2025 as ZIP with the chats in `chunks`.

TypingMind is closed: the facts are from what reads its exports and its storage, of 2025 and 2026 (the schema that
`hominem` checks a real export with, `chatgpt2typingmind`, the extension TypingMind Chat Export 1.3.2). Messages are
those of OpenAI with parts of other providers in them, and some that stand for something else by their `type`.
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
    citation,
    data_url,
    file_part,
    image_part,
    note,
    text_part,
)
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "typing-mind", "TypingMind"
_KNOWN = (
    "id", "chatID", "chatTitle", "preview", "messages", "model", "modelInfo", "tags", "createdAt", "updatedAt",
    "syncedAt",
)  # fmt: skip
_FILES = ("tm_text_file", "tm_blob_file", "tm_unsynced_attachment", "file", "document", "input_file", "attachment")
_CALLS = ("tool_use", "server_tool_use", "tm_provider_tool_call")


def _is_index(value: Any) -> bool:
    return isinstance(value, dict) and bool(_chunks(value) or "lastModified" in object_at(value, "data.json"))


def _chunks(value: Any) -> list[Any]:
    return list_at(value, "data", "chats", "chunks")


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not {"chatID", "chatTitle", "messages"} <= value.keys():
        return _is_index(value)
    return not {"role", "type"}.isdisjoint(first_object(value["messages"]))


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if _is_index(value):
        if any(document.find(as_text(name).rpartition("/")[2]) is None for name in _chunks(value)):
            raise NotReadable(gettext("This is an export of TypingMind without its chats: add the ZIP with chunks."))
        return
    messages = [draft for message in document.members["messages"].items() for draft in _messages(message)]
    prompt = as_text(object_at(value, "chatParams").get("systemMessage"))
    if prompt and not any(message.role == "system" and not message.name for message in messages):
        messages.insert(0, DraftMessage("system", prompt))
    tags = [as_text(tag.get("name")) for tag in objects_at(value, "tags")]
    yield Draft(
        _NAME,
        id=id_within(_NAME, value.get("chatID")),
        created=value.get("createdAt"),
        model=as_text(first_of(value, ("model",)) or object_at(value, "modelInfo").get("id")),
        metadata={
            "title": value.get("chatTitle"),
            "assistant": object_at(value, "character").get("title"),
            "tags": ", ".join(filter(None, tags)),
        },
        messages=messages,
        source=source_of(document, _KNOWN),
    ).finish(document)


def _messages(message: Document) -> list[DraftMessage]:
    value = object_at(message.value)
    match value.get("type"):
        case "clear-context":
            return []  # what comes before it was not sent again
        case "tm_context_summary":
            text = _text(object_at(value, "contextSummary").get("content"))
            drafts = [DraftMessage("system", text, name="summary")]
        case "tm_multi_responses":
            drafts = _answers_of_many(value)
        case "attachment":
            drafts = [DraftMessage(as_text(value.get("role")), [file_part(_file_name(value))])]
            drafts[0].notes.append(note("lost-file", by=_TITLE))
        case "training-message":  # an example in the prompt of an agent; it was not said
            name = f"example_{as_text(value.get('role'))}"
            drafts = [DraftMessage("system", _text(value.get("content")), name=name)]
            drafts[0].notes.append(note("hidden", by=_TITLE))
        case _:
            drafts = _said(value)
    for draft in drafts:
        draft.created = draft.created or value.get("createdAt")
    if drafts:
        drafts[-1].id, drafts[-1].source = value.get("uuid"), message.text
    return drafts


def _answers_of_many(value: dict[str, Any]) -> list[DraftMessage]:
    """Read what several models answered to the same question, one after the other."""
    drafts = list[DraftMessage]()
    for response in objects_at(value, "responses"):
        for message in objects_at(response, "messages"):
            said = _said(message)
            for draft in said:
                draft.created = message.get("createdAt")
                if draft.role == "assistant":
                    draft.name = as_text(response.get("model"))
            drafts += said
    return drafts


def _said(value: dict[str, Any]) -> list[DraftMessage]:
    content, role = value.get("content"), as_text(value.get("role"))
    if role in ("tool", "function"):
        return [_result(value)]
    turn = Turn()
    turn.think(as_text(first_of(value, ("reasoning_content", "reasoning"))))
    parts = content if isinstance(content, list) else [content]
    if not any(object_at(part).get("type") in _CALLS for part in parts):
        for call in objects_at(value, "webSearch", "calls"):
            turn.call(as_text(call.get("id")), as_text(call.get("toolName")) or "web_search", call.get("description"))
    for part in parts:
        _take(turn, part)
    for call in objects_at(value, "tool_calls"):
        function = object_at(call, "function") or call
        turn.call(as_text(call.get("id")), as_text(function.get("name")), function.get("arguments"))
    if call := object_at(value, "function_call"):
        turn.call("", as_text(call.get("name")), call.get("arguments"))
    last = turn.last()
    last.refusal = as_text(value.get("refusal"))
    last.annotations += [cited for source in list_at(value, "citations") if (cited := _cited(source))]
    drafts = turn.messages()
    if role != "assistant":
        last.role = role
    return drafts


def _result(value: dict[str, Any]) -> DraftMessage:
    content = value.get("content")
    if content is None:
        content = object_at(value, "pluginResponse").get("data")
    text = _text(content) or as_text(content)
    return DraftMessage("tool", text, tool_call_id=as_text(value.get("tool_call_id")), name=as_text(value.get("name")))


def _take(turn: Turn, part: Any) -> None:
    if not isinstance(part, dict):
        turn.add(*([text_part(as_text(part))] if part else []))
        return
    kind = as_text(part.get("type"))
    if kind in ("text", "output_text"):
        turn.add(text_part(as_text(part.get("text")), _citations(part)))
    elif kind in ("image_url", "image", "tm_image_file"):
        _take_picture(turn, part)
    elif kind in _FILES:
        turn.add(file_part(_file_name(part)))
        turn.last().notes.append(note("lost-file", by=_TITLE))
    elif kind in ("thinking", "reasoning"):
        summary = "\n\n".join(as_text(each.get("text")) for each in objects_at(part, "summary"))
        turn.think(summary or as_text(first_of(part, ("thinking", "text"))))
    elif kind in _CALLS:
        name, arguments = first_of(part, ("name", "toolName")), first_of(part, ("input", "input_json_string"))
        turn.call(as_text(part.get("id")), as_text(name), {} if arguments is None else arguments)
    elif kind.endswith(("tool_result", "tool_call_result")):
        content = first_of(part, ("content", "output"))
        call_id = as_text(first_of(part, ("tool_use_id", "toolCallId", "id")))
        turn.result(call_id, _text(content) or as_text(content), is_error=bool(part.get("is_error")))
    else:
        turn.add(part)


def _take_picture(turn: Turn, part: dict[str, Any]) -> None:
    """Add a picture: its address, its data, or that there was one."""
    held, source, about = part.get("image_url"), object_at(part, "source"), object_at(part, "metadata")
    url = as_text(object_at(held).get("url") or (held if isinstance(held, str) else ""))
    url = url or as_text(first_of(source, ("url",)) or part.get("url") or object_at(part, "sync").get("url"))
    data = as_text(first_of(source, ("data",)) or about.get("base64"))
    if not url and data:
        url = data_url(data, as_text(first_of(source, ("media_type",)) or about.get("type")) or "image/png")
    turn.add(image_part(url, caption=_file_name(part)))
    turn.last().notes += [] if url else [note("lost-image", by=_TITLE)]


def _file_name(part: dict[str, Any]) -> str:
    about = object_at(part, "metadata") | object_at(part, "file")
    return as_text(first_of(about, ("name", "fileName", "filename")) or first_of(part, ("name", "filename", "title")))


def _citations(part: dict[str, Any]) -> list[dict[str, Any]]:
    """Read the sources of a text, which TypingMind keeps beside it, each with the place where its mark stands."""
    found = list[dict[str, Any]]()
    for mark in objects_at(part, "textAnnotations"):
        start, end = mark.get("startIndex"), mark.get("endIndex")
        is_placed = isinstance(start, int) and isinstance(end, int)
        place = (start, end) if is_placed else ()
        found += [cited for source in list_at(mark, "sources") if (cited := _cited(source, *place))]
    return found


def _cited(source: Any, *place: Any) -> dict[str, Any] | None:
    inner = object_at(source, "url_citation") or object_at(source, "web")
    url = source if isinstance(source, str) else first_of(object_at(source) | inner, ("url", "uri", "link"))
    title = first_of(object_at(source) | inner, ("title", "name"))
    return citation(url, as_text(title), *place) if isinstance(url, str) else None


def _text(content: Any) -> str:
    """Return a content as text if it is one; empty for what has other parts."""
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    is_text = bool(texts) and all(isinstance(text, str) for text in texts)
    return "\n\n".join(map(str, texts)) if is_text else ""


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A TypingMind export"),
    seen="exports of 2025 and 2026, by what reads them",
    keeps="texts, reasoning, tool calls and results, answers of several models, examples of an agent, summaries, "
    "pictures, sources, prompts, titles, the agent’s name, tags, the model, times",
    loses="files",
    matches=_matches,
    read=_read,
)
