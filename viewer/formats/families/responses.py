"""Items of OpenAI's Responses API, as it sends them, and as its SDKs for agents store them.

Each item becomes one message with the id of the item, so that a page of a list can be read on its own. A call of a tool
that OpenAI runs itself, such as a search, has its result in the same item, and so in the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from viewer.formats.document import Document
from viewer.formats.drafts import (
    DraftMessage,
    as_text,
    audio_part,
    citation,
    data_url,
    file_part,
    image_part,
    media_part,
    note,
    refusal_part,
    text_part,
    tool_call,
)
from viewer.formats.family import Shape, list_at, object_at
from viewer.formats.message_lists import first_of

# What an item has, by its type, that no message of another tool with the same type has: one of these is enough.
_MARKS: dict[str, tuple[str, ...]] = {
    "function_call": ("call_id", "callId", "arguments"),
    "custom_tool_call": ("call_id", "callId", "input"),
    "reasoning": ("summary", "encrypted_content", "rawContent"),
    "web_search_call": ("id", "action"),
    "file_search_call": ("id", "queries"),
    "code_interpreter_call": ("id", "code"),
    "image_generation_call": ("id", "result"),
    "computer_call": ("call_id", "callId"),
    "tool_search_call": ("arguments",),
    "local_shell_call": ("action",),
    "shell_call": ("action",),
    "apply_patch_call": ("operation",),
    "hosted_tool_call": ("name",),
    "mcp_call": ("server_label",),
    "mcp_list_tools": ("server_label",),
    "mcp_approval_request": ("server_label",),
    "mcp_approval_response": ("approval_request_id",),
    "program": ("call_id", "callId"),
    "compaction": ("encrypted_content",),
    "additional_tools": ("tools",),
    "configuration_update": ("id",),
    "item_reference": ("id",),
}
_CALL_IDS = ("call_id", "callId")
_RESULTS = ("_output", "_result")
_FAKE_ID = "__fake_id__"  # openai-agents gives this to all items of the Chat Completions API
_PARTS = (
    "input_text", "output_text", "input_image", "input_file", "refusal", "summary_text", "text", "reasoning_text",
    "computer_screenshot", "input_audio", "output_audio", "audio", "image",
)  # fmt: skip
_OWN_PARTS = {"input_text", "output_text", "input_image", "input_file"}
_LISTED = ("phase", "created_by", "namespace", "pending_safety_checks", "acknowledged_safety_checks", "caller")


def is_item(value: Any) -> bool:
    """Whether a value is an item that no other API has: not the plain messages that all APIs have."""
    if not isinstance(value, dict):
        return False
    kind, role, content = value.get("type"), value.get("role"), value.get("content")
    if kind in (None, "message") and isinstance(role, str):
        parts = [part.get("type") for part in content if isinstance(part, dict)] if isinstance(content, list) else []
        if kind is None:
            return not _OWN_PARTS.isdisjoint(each for each in parts if isinstance(each, str))
        is_anthropic = "stop_reason" in value or "model" in value
        return not is_anthropic and (isinstance(content, str) or all(part in _PARTS for part in parts))
    if not isinstance(kind, str):
        return False
    if kind.endswith(_RESULTS):
        return any(name in value for name in (*_CALL_IDS, "output", "result", "tools"))
    return any(name in value for name in _MARKS.get(kind, ()))


def read_items(items: Iterable[Document]) -> list[DraftMessage]:
    """Read items in their order, each to one message."""
    found, waiting = list[DraftMessage](), ""
    for item in items:
        message = read_item(item)
        if message is None:
            continue
        if message.role == "tool" and not message.tool_call_id:
            message.tool_call_id, waiting = waiting, ""
        elif message.tool_calls and not first_of(item.value, _CALL_IDS):
            waiting = message.tool_calls[-1]["id"]  # a result that follows without an id is the result of this
        found.append(message)
    return found


def read_item(item: Document) -> DraftMessage | None:
    """Read an item; None if it is no object."""
    value = item.value
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if kind in (None, "message") and "role" in value:
        return _message(item)
    if not isinstance(kind, str):
        return DraftMessage("unknown", [value], item.text)
    message = _made_of(kind, value)
    message.source, message.id = item.text, _id_of(value)
    listed = {name: value[name] for name in _LISTED if value.get(name) not in (None, "", [], {}, {"type": "direct"})}
    message.more = listed | ({} if message.tool_calls else _unusual_status(value)) | message.more
    return message


def hosted_call(value: dict[str, Any]) -> DraftMessage | None:
    """Read the call of a tool that OpenAI ran, which frameworks keep inside of a message; None if a value is none."""
    kind = value.get("type")
    is_call = kind in _CALLS or kind == "image_generation_call"
    return _made_of(str(kind), value) if is_call and is_item(value) else None


def _made_of(kind: str, value: dict[str, Any]) -> DraftMessage:
    hosted = object_at(value, "providerData")
    if kind == "hosted_tool_call" and isinstance(hosted.get("type"), str):  # JavaScript's SDK keeps the item there
        given = {name: value[name] for name in ("id", "status", "output") if value.get(name) is not None}
        return _made_of(hosted["type"], hosted | given)
    if kind == "reasoning":
        return _reasoning(value)
    if kind == "image_generation_call":
        return _picture(value)
    if kind == "mcp_approval_response":
        answer = {name: value[name] for name in ("approve", "reason") if value.get(name) is not None}
        return DraftMessage("tool", as_text(answer), tool_call_id=as_text(value.get("approval_request_id")))
    if kind.endswith(_RESULTS):
        return _result(kind, value)
    if kind in _CALLS or kind.endswith("_call"):
        return _call(kind, value)
    return DraftMessage(str(value.get("role") or kind), [value])


# --- Messages and their parts ----------------------------------------------------------------------------------------


def _message(item: Document) -> DraftMessage:
    value = item.value
    content = value.get("content")
    message = DraftMessage(str(value["role"]), None, item.text, id=_id_of(value), name=as_text(value.get("name")))
    if isinstance(content, list):
        parts = [each for part in content for each in _parts_of(part)]
        message.notes = [note("lost-image") for part in parts if _is_lost_image(part)]
        message.content = parts
        if parts and all(part["type"] == "refusal" for part in parts if "type" in part):
            message.content, message.refusal = None, "\n".join(as_text(part.get("refusal")) for part in parts)
    else:
        message.content = content if isinstance(content, str) else None if content is None else [content]
    listed = {name: value[name] for name in _LISTED if value.get(name)}
    message.more = listed | _unusual_status(value)
    message.tool_calls = value.get("tool_calls") or []  # a message of a chat completion among items
    message.tool_call_id = as_text(value.get("tool_call_id"))
    return message


def _parts_of(part: Any) -> list[dict[str, Any]]:
    """Read a part; one that was spoken is its transcript, and the sound where there is any."""
    if not isinstance(part, dict) or part.get("type") not in ("audio", "input_audio", "output_audio"):
        return [part_of(part)]
    words = [text_part(part["transcript"])] if isinstance(part.get("transcript"), str) and part["transcript"] else []
    data = as_text(part.get("audio") or part.get("data")) if not isinstance(part.get("audio"), dict) else ""
    sound = [audio_part(data, as_text(part.get("format")) or "wav")] if data else []
    return words + sound or [part_of(part)]


def part_of(part: Any) -> dict[str, Any]:
    """Read a part of a message or of a tool's output. One of an unknown type stays as it is."""
    if not isinstance(part, dict):
        return text_part(as_text(part))
    match part.get("type"):
        case "input_text" | "output_text" | "summary_text" | "text":
            annotations = part.get("annotations") or object_at(part, "providerData").get("annotations")
            cited = [_annotation(each) for each in annotations] if isinstance(annotations, list) else []
            return text_part(as_text(part.get("text")), cited)
        case "refusal":
            return refusal_part(as_text(part.get("refusal")))
        case "input_image" | "image" | "computer_screenshot":
            return _image(part)
        case "input_file" | "file":
            return _file(part)
        case "audio":
            url, file_id = _place_of(part.get("audio"))
            return audio_part(url or file_id, as_text(part.get("format")))
    return part


def _annotation(value: Any) -> Any:
    """Read an annotation. A cited file has no address, so its id stands for it."""
    if not isinstance(value, dict) or value.get("type") not in ("file_citation", "container_file_citation"):
        return value
    name = as_text(value.get("filename") or value.get("file_id"))
    index = value.get("index")
    start, end = value.get("start_index", index), value.get("end_index", index)
    place = (start, end) if isinstance(start, int) and isinstance(end, int) else ()
    cited = citation(as_text(value.get("file_id")), name, *place)
    return cited | {key: value[key] for key in ("file_id", "container_id") if value.get(key)}


def _image(part: dict[str, Any]) -> dict[str, Any]:
    url, file_id = _place_of(first_of(part, ("image_url", "image", "imageUrl", "data")))
    more = {"detail": part.get("detail"), "file_id": file_id or part.get("file_id")}
    return image_part(url, **{name: value for name, value in more.items() if value})


def _is_lost_image(part: dict[str, Any]) -> bool:
    inner = part.get("image_url")
    return isinstance(inner, dict) and not (inner.get("url") or inner.get("file_id"))


def _file(part: dict[str, Any]) -> dict[str, Any]:
    file = part.get("file")
    inner = part | file if isinstance(file, dict) else part
    url, file_id = _place_of(file)
    url = url or as_text(first_of(part, ("file_data", "file_url")))
    return file_part(as_text(inner.get("filename")), data=url, file_id=file_id or as_text(part.get("file_id")))


def _place_of(value: Any) -> tuple[str, str]:
    """Return the URL and the id of a file: a text, or an object with one of them, or with base64."""
    if not isinstance(value, dict):
        return as_text(value), ""
    url = as_text(value.get("url"))
    if data := value.get("data"):
        url = data_url(as_text(data), as_text(value.get("mediaType")) or "image/png")
    return url, as_text(first_of(value, ("id", "fileId", "file_id")))


def _reasoning(value: dict[str, Any]) -> DraftMessage:
    lists = (value.get(name) for name in ("summary", "content", "rawContent"))
    parts = (part for each in lists if isinstance(each, list) for part in each)
    texts = [as_text(part.get("text") if isinstance(part, dict) else part) for part in parts]
    thoughts = "\n\n".join(dict.fromkeys(filter(None, texts)))
    return DraftMessage("assistant", reasoning=thoughts, notes=[] if thoughts else [note("lost-reasoning")])


# --- Tools ------------------------------------------------------------------------------------------------------------


def _call(kind: str, value: dict[str, Any]) -> DraftMessage:
    call_id = as_text(first_of(value, _CALL_IDS)) or as_text(value.get("id"))
    if kind == "function_call":
        call = tool_call(call_id, as_text(value.get("name")), value.get("arguments")) | _unusual_status(value)
        return DraftMessage("assistant", tool_calls=[call])
    if kind == "custom_tool_call":
        return DraftMessage("assistant", tool_calls=[_custom(call_id, as_text(value.get("name")), value.get("input"))])
    if kind == "program":
        return DraftMessage("assistant", tool_calls=[_custom(call_id, kind, value.get("code"))])
    if kind == "code_interpreter_call":
        return _code(call_id, value)
    return DraftMessage("assistant", tool_calls=[_hosted(kind, call_id, value)], notes=_notes_on_call(kind, value))


def _custom(call_id: str, name: str, text: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "custom", "custom": {"name": name, "input": as_text(text)}}


def _code(call_id: str, value: dict[str, Any]) -> DraftMessage:
    outputs = [each for each in list_at(value, "outputs") if isinstance(each, dict)]
    logs = "\n".join(as_text(each.get("logs")) for each in outputs if each.get("type") == "logs")
    pictures = [image_part(as_text(each.get("url"))) for each in outputs if each.get("type") == "image"]
    call = _custom(call_id, "code_interpreter", value.get("code")) | _failure(value)
    call["output"] = logs or as_text(value.get("status"))
    notes = [note("lost-results")] if value.get("outputs") is None and value.get("status") == "completed" else []
    return DraftMessage("assistant", pictures or None, tool_calls=[call], notes=notes)


def _hosted(kind: str, call_id: str, value: dict[str, Any]) -> dict[str, Any]:
    """Build a call whose tool runs elsewhere; what came of it may stand in the same item."""
    names = _CALLS.get(kind, ())
    given = {name: value[name] for name in names if value.get(name) is not None}
    if not given and kind not in _CALLS:  # of a later version
        given = {name: each for name, each in value.items() if name not in ("id", "type", "status", *_CALL_IDS)}
    arguments = next(iter(given.values())) if len(given) == 1 and "queries" not in given else given
    action = value.get("action")
    if kind == "web_search_call" and isinstance(action, dict):
        arguments = {name: each for name, each in action.items() if each is not None and name != "sources"}
    name = as_text(value.get("name")) or kind.removesuffix("_call")
    call = {"id": call_id, "type": kind, "name": name, "arguments": as_text(arguments)} | _failure(value)
    if value.get("server_label"):
        call["server_label"] = value["server_label"]
    if (output := _output_of(kind, value)) is not None:
        call["output"] = as_text(output)
    return call


def _output_of(kind: str, value: dict[str, Any]) -> Any:
    """Return what a tool that OpenAI runs has brought, or at least whether it has ended; None if that comes later."""
    if kind == "web_search_call" and isinstance(value.get("action"), dict) and value["action"].get("sources"):
        return value["action"]["sources"]
    output = first_of(value, ("output", "results", "tools", "result", "error"))
    if output is not None or kind not in _RUN_BY_OPENAI:
        return output
    return value.get("status")


def _notes_on_call(kind: str, value: dict[str, Any]) -> list[dict[str, Any]]:
    is_lost = kind == "file_search_call" and value.get("status") == "completed" and value.get("results") is None
    return [note("lost-results")] if is_lost else []


def _picture(value: dict[str, Any]) -> DraftMessage:
    result = as_text(first_of(value, ("result", "output")))
    names = ("revised_prompt", "action", "size", "quality", "background", "output_format")
    arguments = {name: value[name] for name in names if value.get(name) is not None}
    call = {
        "id": as_text(value.get("id")),
        "type": "image_generation_call",
        "name": "image_generation",
        "arguments": as_text(arguments),
        "output": as_text(value.get("status")),
    } | _failure(value)
    media_type = f"image/{as_text(value.get('output_format')) or 'png'}".replace("svg", "svg+xml")
    parts = [media_part(media_type, data_url(result, media_type))] if result else None
    notes = [note("lost-image")] if not result and value.get("status") == "completed" else []
    return DraftMessage("assistant", parts, tool_calls=[call], notes=notes)


def _result(kind: str, value: dict[str, Any]) -> DraftMessage:
    call_id = first_of(value, _CALL_IDS)
    if call_id is None and kind == "local_shell_call_output":
        call_id = value.get("id")  # its own id is that of the call
    output = first_of(value, ("output", "result", "tools"))
    message = DraftMessage("tool", None, name=as_text(value.get("name")), tool_call_id=as_text(call_id))
    message.content = _output_parts(output)
    if isinstance(message.content, list):
        message.notes = [note("lost-image") for part in message.content if _is_lost_image(part)]
    if isinstance(output, list) and any(_exit_code(each) for each in output):
        message.more = {"status": "failed"}
    return message


def _output_parts(output: Any) -> str | list[dict[str, Any]]:
    parts = output if isinstance(output, list) else [output]
    if all(isinstance(part, dict) and part.get("type") in (*_PARTS, "file") for part in parts) and parts:
        return [part_of(part) for part in parts]
    return as_text(output)


def _exit_code(chunk: Any) -> int:
    """Return the exit code of one command of a shell; 0 if there is none."""
    outcome = chunk.get("outcome") if isinstance(chunk, dict) else None
    code = first_of(outcome, ("exit_code", "exitCode")) if isinstance(outcome, dict) else 0
    return code if isinstance(code, int) else 0


def _failure(value: dict[str, Any]) -> dict[str, Any]:
    return _unusual_status(value) | ({"error": value["error"]} if value.get("error") else {})


def _unusual_status(value: dict[str, Any]) -> dict[str, Any]:
    status = value.get("status")
    return {"status": status} if status not in (None, "", "completed") else {}


def _id_of(value: dict[str, Any]) -> Any:
    return None if value.get("id") == _FAKE_ID else value.get("id")


# The calls, and which members of an item are their arguments.
_CALLS: dict[str, tuple[str, ...]] = {
    "function_call": (),
    "custom_tool_call": (),
    "program": (),
    "code_interpreter_call": (),
    "web_search_call": ("action",),
    "file_search_call": ("queries",),
    "computer_call": ("action", "actions"),
    "tool_search_call": ("arguments",),
    "local_shell_call": ("action",),
    "shell_call": ("action",),
    "apply_patch_call": ("operation",),
    "hosted_tool_call": ("arguments",),
    "mcp_call": ("arguments",),
    "mcp_list_tools": (),
    "mcp_approval_request": ("arguments",),
}
_RUN_BY_OPENAI = {"web_search_call", "file_search_call", "mcp_call", "hosted_tool_call", "mcp_list_tools"}
SHAPE = Shape(is_item, read_items)
