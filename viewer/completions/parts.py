"""Reads the content of a message part by part, in the format of OpenAI and in similar ones.

Responses, Anthropic's Messages, MCP, Google and common agent frameworks have other names for the same things: text,
images, sound, files, reasoning, tool calls and results. Anything else is kept as JSON, under its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from .annotations import read_annotations, read_sources
from .fields import Fields, as_text, json_type
from .outcomes import outcome_of_fields, take_failure_flags
from .reasoning import has_other_content, split_thoughts, thoughts_in
from .source_text import Piece, clean, decode, first_items, members
from .types import (
    AudioPart,
    Citation,
    FilePart,
    ImagePart,
    Part,
    Reasoning,
    RefusalPart,
    TextPart,
    ToolCall,
    ToolResult,
    UnknownPart,
)

_DATA_IMAGE = re.compile(
    r"!\[(?P<caption>[^\]\n]{0,500})\]\(\s*+<?(?P<url>data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/=_-]++)>?"
    r"(?:\s++\"[^\"\n]*+\")?\s*+\)"
)
_MEDIA_PARTS = ("image", "audio", "image_url")
_MEDIA_TYPES = ("media_type", "mimeType", "mime_type", "mediaType")


@dataclass
class Content:
    """Collects what the content of a message contains."""

    is_from_assistant: bool
    is_modified: bool = False  # something was cut out of a text, so the indices of citations no longer fit
    parts: list[Part] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    reasoning: list[Reasoning] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    other: dict[str, str] = field(default_factory=dict)

    def read(self, piece: Piece, path: str) -> None:
        """Read a text or a list of parts; keep anything else as JSON. `path` is where it is in the message."""
        if isinstance(piece.value, list) and piece.value:
            items, rest = first_items(piece)
            for n, item in enumerate(items):
                self.read_part(item, f"{path}[{n}].")
            if rest:
                self.other[f"{path}[{len(items)}…]"] = clean(rest)
        elif isinstance(piece.value, str):
            self.add_text(piece.value)
        else:
            self.parts.append(UnknownPart(json_type(piece.value), clean(piece.source)))

    def add_text(self, text: str, citations: tuple[Citation, ...] = ()) -> None:
        """Add a text. An assistant's may contain reasoning between tags, and images as data URLs."""
        text = clean(text)
        self.citations += citations
        if not self.is_from_assistant:
            self.parts.append(TextPart(text, citations))
            return
        answer, thoughts = split_thoughts(text)
        self.reasoning += [Reasoning("think", thought) for thought in thoughts]
        self.is_modified |= answer != text
        if answer or not thoughts:
            self._add_images(answer, () if self.is_modified else citations)

    def add_tool_output(self, text: str) -> None:
        """Add a tool result; if it is MCP content with images or sound as JSON, add its parts."""
        blocks = _media_blocks(text)
        if blocks is None:
            self.parts.append(TextPart(text))
        else:
            self.read(blocks, "content")

    def cite(self, n: int, citations: tuple[Citation, ...]) -> None:
        """Add citations whose indices refer to the text part `n`."""
        text = self.parts[n]
        if isinstance(text, TextPart):
            self.parts[n] = TextPart(text.text, text.citations + citations)

    def _add_images(self, text: str, citations: tuple[Citation, ...]) -> None:
        images = list(_DATA_IMAGE.finditer(text)) if "](data:image/" in text or "](<data:image/" in text else []
        self.is_modified |= bool(images)
        start = 0
        for image in images:
            if before := text[start : image.start()].strip("\n"):
                self.parts.append(TextPart(before))
            self.parts.append(ImagePart(image["url"], caption=image["caption"]))
            start = image.end()
        rest = text[start:].strip("\n") if images else text
        if rest or not images:
            self.parts.append(TextPart(rest, () if images else citations))

    def read_part(self, item: Piece, path: str) -> None:
        if isinstance(item.value, str):
            self.add_text(item.value)
            return
        if isinstance(item.value, dict):
            part = Fields(item.source, item.value or None)
            kind = part.take_text("type") or _implied_type(item.value)
            if self._read_as(kind, part, item, path):
                self.other |= part.remaining(path)
                return
        else:
            kind = ""
        self.parts.append(UnknownPart(kind or json_type(item.value), clean(item.source)))

    def _read_as(self, kind: str, part: Fields, item: Piece, path: str) -> bool:
        """Read a part of a type; False if it does not have the shape of its type."""
        read = _READERS.get(kind)
        if read is None and kind.endswith("_tool_result"):  # Anthropic has one type for each of its own tools
            read = _read_tool_result
        if read is None and kind.startswith(("reasoning", "think")):
            read = _read_reasoning
        return read is not None and read(self, part, item, path)


def read_images(piece: Piece, path: str) -> tuple[list[Part], dict[str, str]]:
    """Read a list of images outside of the content, as OpenRouter and LiteLLM send it."""
    content = Content(is_from_assistant=False)
    items, rest = first_items(piece)
    if rest:
        content.other[f"{path}[{len(items)}…]"] = clean(rest)
    for n, item in enumerate(items):
        if isinstance(item.value, str):  # Ollama's are plain base64
            content.parts.append(ImagePart(clean(item.value)))
        else:
            content.read_part(item, f"{path}[{n}].")
    return content.parts, content.other


# --- Each reader takes the fields that it knows from the part; False if the part does not have the right shape --------


def _read_text(content: Content, part: Fields, item: Piece, path: str) -> bool:
    inner = part.take_object("text")  # OpenAI's Assistants put a text and its annotations inside
    text = part.take_value("text", str) if inner is None else inner.take_value("value", str)
    if text is None:
        return False
    if part.take_value("thought", bool):  # Google's mark of reasoning
        content.reasoning.append(Reasoning("thought", clean(text)))
        return True
    holder = part if inner is None else inner
    citations, other = read_annotations(holder, "annotations", path)
    content.other |= other
    if isinstance(holder.get("citations"), list):  # Anthropic's indices refer to the cited document
        citations += read_sources(holder.get("citations"))
    content.add_text(text, citations)
    if inner is not None:
        content.other |= inner.remaining(f"{path}text.")
    return True


def _read_image(content: Content, part: Fields, item: Piece, path: str) -> bool:
    detail = part.take_text("detail")
    caption = part.take_text("caption", "alt", "alt_text", "title")
    file_id = part.take_text("file_id")
    url = part.take_text("image_url", "image", "url") or _take_data(part)
    for name in ("image_url", "source", "image", "inlineData", "inline_data"):
        if (inner := part.take_object(name)) is not None:
            inner.take_value("type")
            deeper = inner.take_object("source")
            holder = inner if deeper is None else deeper
            url = url or holder.take_text("url", "uri") or _take_data(holder) or _take_s3_url(holder)
            detail, file_id = detail or inner.take_text("detail"), file_id or inner.take_text("file_id")
            caption = caption or inner.take_text("alt", "caption", "alt_text", "title")
            content.other |= inner.remaining(f"{path}{name}.")
            content.other |= {} if deeper is None else deeper.remaining(f"{path}{name}.source.")
    part.take_value("index", int)
    if not (url or file_id or "image_url" in item.value):  # OpenAI keeps the part of an image that it dropped
        return False
    content.parts.append(ImagePart(url, detail, file_id, caption))
    return True


def _read_audio(content: Content, part: Fields, item: Piece, path: str) -> bool:
    inner = (
        part.take_object("input_audio")
        or part.take_object("audio_url")
        or part.take_object("audio")
        or part.take_object("source")
    )
    holder = part if inner is None else inner
    format_ = holder.take_text("format") or _media_type(holder).rpartition("/")[2]
    data = holder.take_text("data", "url", "audio_url") or (part.take_text("audio_url") if inner is not None else "")
    data = data or _take_bedrock_source(content, holder, f"{path}audio.")
    if not data and inner is None:
        return False
    content.parts.append(AudioPart(data, format_))
    if inner is not None:
        inner.take_value("type")
        content.other |= inner.remaining(f"{path}audio.")
    return True


def _read_file(content: Content, part: Fields, item: Piece, path: str) -> bool:
    inner = next((value for name in _FILES if (value := part.take_object(name)) is not None), None)
    holder = part if inner is None else inner
    name = part.take_text("filename", "title", "name") or holder.take_text(
        "filename", "file_name", "displayName", "name"
    )
    file_id = holder.take_text("file_id", "id")
    data = holder.take_text("file_data", "file_url", "fileUri", "url", "uri", "data") or part.take_text("file_url")
    data = data or _take_bedrock_source(content, holder, f"{path}file.")
    media_type = _media_type(holder)
    if holder.take_text("type") == "text":  # a document with its text inline
        data = f"data:{media_type or 'text/plain'},{quote(data)}"
    elif data and media_type and _is_base64(data):
        data = f"data:{media_type};base64,{data}"
    if inner is None and not (name or file_id or data):
        return False
    content.parts.append(FilePart(name, file_id, data))
    if inner is not None:
        content.other |= inner.remaining(f"{path}file.")
    return True


def _read_refusal(content: Content, part: Fields, item: Piece, path: str) -> bool:
    text = part.take_value("refusal", str)
    if text is None:
        return False
    content.parts.append(RefusalPart(clean(text)))
    return True


def _read_reasoning(content: Content, part: Fields, item: Piece, path: str) -> bool:
    kind = item.value.get("type") or "thought"
    text = "\n\n".join(thoughts_in(item.value))
    source = clean(item.source) if has_other_content(item.value) or not text else ""
    content.reasoning.append(Reasoning(clean(str(kind)), text, source))
    part.take_all()
    return True


def _read_call(content: Content, part: Fields, item: Piece, path: str) -> bool:
    inner = part.take_object("functionCall") or part.take_object("function_call") or part.take_object("toolUse")
    holder = part if inner is None else inner
    arguments = next((piece for name in ("input", "arguments", "args") if (piece := holder.take(name))), None)
    name = holder.take_text("name", "toolName", "tool_name")
    call_id = holder.take_text("call_id", "id", "toolCallId", "toolUseId", "tool_call_id")
    content.calls.append(
        ToolCall(call_id, "function", name, as_text(arguments) if arguments else "", clean(item.source))
    )
    if inner is not None:
        content.other |= inner.remaining(path)
    return True


def _read_tool_result(content: Content, part: Fields, item: Piece, path: str) -> bool:
    inner = (
        part.take_object("functionResponse") or part.take_object("function_response") or part.take_object("toolResult")
    )
    holder = part if inner is None else inner
    call_id = holder.take_text("tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "call_id", "id")
    name = holder.take_text("name", "toolName", "tool_name")
    outcome = outcome_of_fields(holder)
    start = len(content.parts)
    for field_name in ("content", "output", "result", "response", "text"):
        if (output := holder.take(field_name)) is not None:
            _read_output(content, output, f"{path}{field_name}")
    content.results.append(ToolResult(call_id, name, start, len(content.parts), outcome))
    take_failure_flags(holder)
    if inner is not None:
        content.other |= inner.remaining(path)
    return True


def _read_output(content: Content, output: Piece, path: str) -> None:
    """Read the output of a tool: a text, parts, or any other JSON, which is kept as text."""
    is_parts = isinstance(output.value, list) and any(
        isinstance(part, dict) and "type" in part for part in output.value
    )
    if isinstance(output.value, str) or not is_parts:
        content.add_tool_output(as_text(output))
        return
    inner = Content(is_from_assistant=False)
    inner.read(output, path)
    offset = len(content.parts)
    content.parts += inner.parts
    content.calls += inner.calls
    content.results += [
        replace(result, start=result.start + offset, end=result.end + offset) for result in inner.results
    ]
    content.reasoning += inner.reasoning
    content.citations += inner.citations
    content.other |= inner.other


def _media_blocks(text: str) -> Piece | None:
    """Find a list of typed parts in JSON or its `content`, if one of them is an image or sound; otherwise None."""
    if text.lstrip()[:1] not in ("[", "{") or not any(f'"{kind}"' in text for kind in _MEDIA_PARTS):
        return None
    try:
        piece = Piece(text, decode(text))
        if isinstance(piece.value, dict):
            piece = dict(members(text)).get("content", piece)
    except ValueError:
        return None
    is_list = isinstance(piece.value, list) and all(isinstance(part, dict) and "type" in part for part in piece.value)
    return piece if is_list and any(part["type"] in _MEDIA_PARTS for part in piece.value) else None


Reader = Callable[[Content, Fields, Piece, str], bool]
_FILES = ("file", "input_file", "source", "file_url", "document", "fileData", "file_data", "resource")
_READERS: dict[str, Reader] = {
    **dict.fromkeys(("text", "input_text", "output_text"), _read_text),
    **dict.fromkeys(("image_url", "input_image", "image", "output_image"), _read_image),
    **dict.fromkeys(("input_audio", "audio", "audio_url", "output_audio"), _read_audio),
    **dict.fromkeys(("file", "input_file", "document", "file_url"), _read_file),
    "refusal": _read_refusal,
    **dict.fromkeys(
        ("thinking", "reasoning", "redacted_thinking", "reasoning_text", "reasoning_content", "thought"),
        _read_reasoning,
    ),
    **dict.fromkeys(("tool_use", "server_tool_use", "mcp_tool_use", "tool-call", "tool_call"), _read_call),
    "function_call": _read_call,
    **dict.fromkeys(("tool_result", "tool-result", "function_call_output"), _read_tool_result),
}
_IMPLIED = (
    ("text", "text"), ("image_url", "image_url"), ("functionCall", "tool_use"), ("function_call", "tool_use"),
    ("functionResponse", "tool_result"), ("function_response", "tool_result"), ("toolUse", "tool_use"),
    ("toolResult", "tool_result"), ("fileData", "file"), ("input_audio", "input_audio"),
    ("reasoningContent", "reasoning"), ("image", "image"), ("document", "document"), ("audio", "audio"),
)  # fmt: skip


def _implied_type(part: dict[str, Any]) -> str:
    """Infer the type of a part without one, such as Google's and Bedrock's, from its field."""
    for name in ("inlineData", "inline_data"):
        if isinstance(part.get(name), dict):
            kind = next((str(part[name].get(key) or "") for key in _MEDIA_TYPES if part[name].get(key)), "")
            return {"image": "image", "audio": "audio"}.get(kind.partition("/")[0], "file")
    return next((kind for name, kind in _IMPLIED if part.get(name) is not None), "")


def _take_data(fields: Fields) -> str:
    """Take base64 and its media type as a data URL; return a URL in their place unchanged."""
    data = fields.take_text("data", "bytes")
    media_type = _media_type(fields)
    return f"data:{media_type or 'image'};base64,{data}" if data and _is_base64(data) else data


def _take_bedrock_source(content: Content, holder: Fields, path: str) -> str:
    """Take what Bedrock puts into `source`: base64, or an S3 URL."""
    source = holder.take_object("source")
    if source is None:
        return ""
    data = source.take_text("bytes") or _take_s3_url(source)
    content.other |= source.remaining(f"{path}source.")
    return data


def _take_s3_url(fields: Fields) -> str:
    """Return Bedrock's S3 URL; take the field only if it contains nothing else."""
    location = fields.get("s3Location")
    if not (isinstance(location, dict) and isinstance(location.get("uri"), str)):
        return ""
    if len(location) == 1:
        fields.take("s3Location")
    return clean(location["uri"])


def _media_type(fields: Fields) -> str:
    return fields.take_text(*_MEDIA_TYPES)


def _is_base64(data: str) -> bool:
    return not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", data)
