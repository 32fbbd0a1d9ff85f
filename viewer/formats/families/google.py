"""Contents of Google's models: messages with `parts` that have no type, in the spelling of its API or of Python's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, citation, data_url, media_part, text_part, tool_call
from viewer.formats.family import Shape, list_at, object_at
from viewer.formats.message_lists import first_of

_ROLES = {"user": "user", "model": "assistant", "assistant": "assistant", "function": "tool", "tool": "tool"}
_MEMBERS = {
    "text", "inlineData", "inline_data", "fileData", "file_data", "functionCall", "function_call", "functionResponse",
    "function_response", "executableCode", "executable_code", "codeExecutionResult", "code_execution_result", "thought",
}  # fmt: skip
_OF_OTHERS = ("type", "kind", "part_kind", "content_type", "state")


def is_message(value: Any) -> bool:
    """Whether a value is a content with its role."""
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return False
    return _is_content(value) and "content" not in value


def _is_content(value: Any) -> bool:
    parts = object_at(value).get("parts")
    return isinstance(parts, list) and bool(parts) and all(_is_part(part) for part in parts)


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or any(part.get(name) is not None for name in _OF_OTHERS):
        return False
    return not _MEMBERS.isdisjoint(part)


def read_messages(contents: Iterable[Document]) -> list[DraftMessage]:
    """Read contents; the results of functions, which stand in the user's, each become a message of their own."""
    return [draft for content in contents if isinstance(content.value, dict) for draft in read_content(content)]


def read_content(content: Document, cited: dict[str, Any] | None = None) -> list[DraftMessage]:
    """Read a content. `cited` is what has its sources, such as a candidate or an event."""
    value = content.value
    role = as_text(value.get("role")) or "user"
    message = DraftMessage(_ROLES.get(role, role), None, content.text)
    results, parts, thoughts = list[DraftMessage](), list[dict[str, Any]](), list[str]()
    held = content.at("parts")
    for part in held.items() if held is not None else ():
        given = object_at(part.value)
        response = first_of(given, ("functionResponse", "function_response", "toolResponse", "tool_response"))
        if isinstance(response, dict):
            results.append(_result(response, part))
        elif given.get("thought") is True and isinstance(given.get("text"), str):
            thoughts.append(given["text"])
        else:
            _add(message, parts, given)
    message.content, message.reasoning = parts or None, "\n\n".join(filter(None, thoughts))
    _cite(message, cited or {})
    has_own = message.content or message.tool_calls or message.reasoning or not results
    return [*results, *([message] if has_own else [])]


def _add(message: DraftMessage, parts: list[dict[str, Any]], part: dict[str, Any]) -> None:
    """Add a part to a message: a call to its calls, anything else to its content."""
    call = first_of(part, ("functionCall", "function_call", "toolCall", "tool_call"))
    code = first_of(part, ("executableCode", "executable_code"))
    result = first_of(part, ("codeExecutionResult", "code_execution_result"))
    inline, file = (first_of(part, names) for names in (("inlineData", "inline_data"), ("fileData", "file_data")))
    if isinstance(call, dict):
        name = as_text(first_of(call, ("name", "toolType", "tool_type")))
        message.tool_calls.append(tool_call(as_text(call.get("id")), name, first_of(call, ("args", "arguments")) or {}))
    elif isinstance(code, dict):
        given = {"name": "code_execution", "input": as_text(code.get("code"))}
        message.tool_calls.append({"id": as_text(code.get("id")), "type": "custom", "custom": given})
    elif isinstance(result, dict) and message.tool_calls and "custom" in message.tool_calls[-1]:
        message.tool_calls[-1]["output"] = as_text(result.get("output"))
        if result.get("outcome") not in (None, "OUTCOME_OK"):
            message.tool_calls[-1]["error"] = result["outcome"]
    elif isinstance(inline, dict):
        parts.append(_media(inline))
    elif isinstance(file, dict):
        parts.append(_media(file))
    elif isinstance(part.get("text"), str):
        parts.append(text_part(part["text"]))
    else:
        parts.append(part or text_part(""))


def _media(value: dict[str, Any]) -> dict[str, Any]:
    media_type = as_text(first_of(value, ("mimeType", "mime_type"))) or "application/octet-stream"
    data = as_text(value.get("data"))
    url = data_url(data, media_type) if data else as_text(first_of(value, ("fileUri", "file_uri")))
    return media_part(media_type, url, as_text(first_of(value, ("displayName", "display_name"))))


def _result(value: dict[str, Any], part: Document) -> DraftMessage:
    """Read the result of a function, which may have media beside its object."""
    output = as_text(value.get("response"))
    media = [first_of(object_at(each), ("inlineData", "inline_data", "fileData", "file_data"))
             for each in value.get("parts") or []]  # fmt: skip
    files = [_media(each) for each in media if isinstance(each, dict)]
    content = [text_part(output), *files] if files else output
    name = as_text(first_of(value, ("name", "toolType", "tool_type")))
    return DraftMessage("tool", content, part.text, name=name, tool_call_id=as_text(value.get("id")))


def _cite(message: DraftMessage, holder: dict[str, Any]) -> None:
    """Add the sources of an answer: those of a search, with the places that they support, and recitations."""
    grounding = first_of(holder, ("groundingMetadata", "grounding_metadata"))
    grounding = grounding if isinstance(grounding, dict) else {}
    chunks = [_source(chunk) for chunk in _list(grounding, "groundingChunks", "grounding_chunks")]
    parts = [part for part in message.content or [] if isinstance(part, dict)]
    text = "".join(part["text"] for part in parts if part.get("type") == "text")
    used = set[int]()
    for support in _list(grounding, "groundingSupports", "grounding_supports"):
        segment = object_at(support, "segment")
        start, end = (_characters(text, first_of(segment, names)) for names in _SEGMENT)
        for n in _list(object_at(support), "groundingChunkIndices", "grounding_chunk_indices"):
            if isinstance(n, int) and 0 <= n < len(chunks):
                used.add(n)
                message.annotations.append(citation(*chunks[n], start or 0, end))
    message.annotations += [citation(*chunk) for n, chunk in enumerate(chunks) if n not in used]
    recited = first_of(holder, ("citationMetadata", "citation_metadata"))
    for each in list_at(recited, "citations") or list_at(recited, "citationSources"):
        each = object_at(each)
        start, end = (_characters(text, first_of(each, names)) for names in _SEGMENT)
        message.annotations.append(citation(as_text(each.get("uri")), as_text(each.get("title")), start or 0, end))
    if queries := _list(grounding, "webSearchQueries", "web_search_queries"):
        message.more["web_search_queries"] = queries


_SEGMENT = (("startIndex", "start_index"), ("endIndex", "end_index"))


def _source(chunk: Any) -> tuple[str, str]:
    kinds = (object_at(chunk, name) for name in ("web", "retrievedContext", "retrieved_context", "maps", "image"))
    found: dict[str, Any] = next(filter(None, kinds), {})
    return as_text(first_of(found, ("uri", "sourceUri", "source_uri"))), as_text(found.get("title"))


def _characters(text: str, count: Any) -> int | None:
    """Return how many characters so many bytes are: Google counts bytes of UTF-8."""
    if not isinstance(count, int):
        return None
    return len(text.encode("utf-8", "surrogatepass")[:count].decode("utf-8", "ignore"))


def _list(value: dict[str, Any], *names: str) -> list[Any]:
    found = first_of(value, names)
    return found if isinstance(found, list) else []


SHAPE = Shape(is_message, read_messages)
