"""Reads the content of a message, part by part, in the shapes of OpenAI and of the servers that are near it.

Responses, Anthropic's Messages, MCP, Google and common agent frameworks say the same in other words: text, pictures,
sound, files, thoughts, calls of tools and their results. What is none of these is kept by name and as written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from .annotations import read_annotations, read_sources
from .fields import Fields, as_text, json_type
from .outcomes import outcome_beside
from .reasoning import says_more, split_thoughts, thoughts_in
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

_DATA_PICTURE = re.compile(
    r"!\[(?P<caption>[^\]\n]{0,500})\]\(\s*+<?(?P<url>data:image/[\w.+-]{1,40};base64,[A-Za-z0-9+/=_-]++)>?"
    r"(?:\s++\"[^\"\n]*+\")?\s*+\)"
)
_BYTES = ("image", "audio", "image_url")
_MEDIA_TYPES = ("media_type", "mimeType", "mime_type", "mediaType")


@dataclass
class Content:
    """What the content of a message holds, as it is read."""

    is_assistants: bool
    is_cut: bool = False  # a text is not as it came, so that indices no longer count in it
    parts: list[Part] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    reasoning: list[Reasoning] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    other: dict[str, str] = field(default_factory=dict)

    def read(self, piece: Piece, place: str) -> None:
        """Read a text, or a list of parts; anything else is kept as JSON. `place` names it among the other fields."""
        if isinstance(piece.value, list) and piece.value:
            found, rest = first_items(piece)
            for n, item in enumerate(found):
                self.read_part(item, f"{place}[{n}].")
            if rest:
                self.other[f"{place}[{len(found)}…]"] = clean(rest)
        elif isinstance(piece.value, str):
            self.add_text(piece.value)
        else:
            self.parts.append(UnknownPart(json_type(piece.value), clean(piece.source)))

    def add_text(self, text: str, citations: tuple[Citation, ...] = ()) -> None:
        """Add a text; what an assistant wrote may hold thoughts between tags, and pictures as data URLs."""
        text = clean(text)
        self.citations += citations
        if not self.is_assistants:
            self.parts.append(TextPart(text, citations))
            return
        said, thoughts = split_thoughts(text)
        self.reasoning += [Reasoning("think", thought) for thought in thoughts]
        self.is_cut |= said != text
        if said or not thoughts:
            self._add_pictures(said, () if self.is_cut else citations)

    def add_said_by_tool(self, text: str) -> None:
        """Add what a tool said in one text; where that is MCP's content with pictures or sound as JSON, its parts."""
        blocks = _blocks_in(text)
        if blocks is None:
            self.parts.append(TextPart(text))
        else:
            self.read(blocks, "content")

    def cite(self, n: int, citations: tuple[Citation, ...]) -> None:
        """Give a text the citations whose indices count in it."""
        text = self.parts[n]
        if isinstance(text, TextPart):
            self.parts[n] = TextPart(text.text, text.citations + citations)

    def _add_pictures(self, text: str, citations: tuple[Citation, ...]) -> None:
        pictures = list(_DATA_PICTURE.finditer(text)) if "](data:image/" in text or "](<data:image/" in text else []
        self.is_cut |= bool(pictures)
        at = 0
        for picture in pictures:
            if before := text[at : picture.start()].strip("\n"):
                self.parts.append(TextPart(before))
            self.parts.append(ImagePart(picture["url"], caption=picture["caption"]))
            at = picture.end()
        rest = text[at:].strip("\n") if pictures else text
        if rest or not pictures:
            self.parts.append(TextPart(rest, () if pictures else citations))

    def read_part(self, item: Piece, place: str) -> None:
        if isinstance(item.value, str):
            self.add_text(item.value)
            return
        if isinstance(item.value, dict):
            part = Fields(item.source, item.value or None)
            kind = part.text("type") or _implied_type(item.value)
            if self._read_as(kind, part, item, place):
                self.other |= part.left(place)
                return
        else:
            kind = ""
        self.parts.append(UnknownPart(kind or json_type(item.value), clean(item.source)))

    def _read_as(self, kind: str, part: Fields, item: Piece, place: str) -> bool:
        """Read a part of this type; False where it has another shape than its type promises."""
        read = _READERS.get(kind)
        if read is None and kind.endswith("_tool_result"):  # Anthropic has one for each of its own tools
            read = _read_tool_result
        if read is None and kind.startswith(("reasoning", "think")):
            read = _read_reasoning
        return read is not None and read(self, part, item, place)


def read_pictures(piece: Piece, place: str) -> tuple[list[Part], dict[str, str]]:
    """Read a list of pictures that stands beside the content, as OpenRouter and LiteLLM send it."""
    content = Content(is_assistants=False)
    found, rest = first_items(piece)
    if rest:
        content.other[f"{place}[{len(found)}…]"] = clean(rest)
    for n, item in enumerate(found):
        if isinstance(item.value, str):  # Ollama's are base64 alone
            content.parts.append(ImagePart(clean(item.value)))
        else:
            content.read_part(item, f"{place}[{n}].")
    return content.parts, content.other


# --- Each reader takes what it knows from the part, and says whether it could ----------------------------------------


def _read_text(content: Content, part: Fields, item: Piece, place: str) -> bool:
    inner = part.inside("text")  # OpenAI's Assistants put a text and its annotations inside
    said = part.take_value("text", str) if inner is None else inner.take_value("value", str)
    if said is None:
        return False
    if part.take_value("thought", bool):  # Google marks thoughts
        content.reasoning.append(Reasoning("thought", clean(said)))
        return True
    holder = part if inner is None else inner
    citations, other = read_annotations(holder, "annotations", place)
    content.other |= other
    if isinstance(holder.value("citations"), list):  # Anthropic's, whose indices count in the cited document
        citations += read_sources(holder.value("citations"))
    content.add_text(said, citations)
    if inner is not None:
        content.other |= inner.left(f"{place}text.")
    return True


def _read_image(content: Content, part: Fields, item: Piece, place: str) -> bool:
    detail = part.text("detail")
    caption = part.text("caption", "alt", "alt_text", "title")
    file_id = part.text("file_id")
    url = part.text("image_url", "image", "url") or _bytes_in(part)
    for name in ("image_url", "source", "image", "inlineData", "inline_data"):
        if (inner := part.inside(name)) is not None:
            inner.take_value("type")
            deeper = inner.inside("source")
            holder = inner if deeper is None else deeper
            url = url or holder.text("url", "uri") or _bytes_in(holder) or _bucket_in(holder)
            detail, file_id = detail or inner.text("detail"), file_id or inner.text("file_id")
            caption = caption or inner.text("alt", "caption", "alt_text", "title")
            content.other |= inner.left(f"{place}{name}.")
            content.other |= {} if deeper is None else deeper.left(f"{place}{name}.source.")
    part.take_value("index", int)
    if not (url or file_id or "image_url" in item.value):  # OpenAI keeps the part of a picture that it drops
        return False
    content.parts.append(ImagePart(url, detail, file_id, caption))
    return True


def _read_audio(content: Content, part: Fields, item: Piece, place: str) -> bool:
    inner = part.inside("input_audio") or part.inside("audio_url") or part.inside("audio") or part.inside("source")
    holder = part if inner is None else inner
    form = holder.text("format") or _media_type(holder).rpartition("/")[2]
    data = holder.text("data", "url", "audio_url") or (part.text("audio_url") if inner is not None else "")
    data = data or _in_source(content, holder, f"{place}audio.")
    if not data and inner is None:
        return False
    content.parts.append(AudioPart(data, form))
    if inner is not None:
        inner.take_value("type")
        content.other |= inner.left(f"{place}audio.")
    return True


def _read_file(content: Content, part: Fields, item: Piece, place: str) -> bool:
    inner = next((found for name in _FILES if (found := part.inside(name)) is not None), None)
    holder = part if inner is None else inner
    name = part.text("filename", "title", "name") or holder.text("filename", "file_name", "displayName", "name")
    file_id = holder.text("file_id", "id")
    data = holder.text("file_data", "file_url", "fileUri", "url", "uri", "data") or part.text("file_url")
    data = data or _in_source(content, holder, f"{place}file.")
    media_type = _media_type(holder)
    if holder.text("type") == "text":  # a document whose text stands in it
        data = f"data:{media_type or 'text/plain'},{quote(data)}"
    elif data and media_type and _is_base64(data):
        data = f"data:{media_type};base64,{data}"
    if inner is None and not (name or file_id or data):
        return False
    content.parts.append(FilePart(name, file_id, data))
    if inner is not None:
        content.other |= inner.left(f"{place}file.")
    return True


def _read_refusal(content: Content, part: Fields, item: Piece, place: str) -> bool:
    said = part.take_value("refusal", str)
    if said is None:
        return False
    content.parts.append(RefusalPart(clean(said)))
    return True


def _read_reasoning(content: Content, part: Fields, item: Piece, place: str) -> bool:
    kind = item.value.get("type") or "thought"
    text = "\n\n".join(thoughts_in(item.value))
    source = clean(item.source) if says_more(item.value) or not text else ""
    content.reasoning.append(Reasoning(clean(str(kind)), text, source))
    part.take_all()
    return True


def _read_call(content: Content, part: Fields, item: Piece, place: str) -> bool:
    inner = part.inside("functionCall") or part.inside("function_call") or part.inside("toolUse")
    holder = part if inner is None else inner
    given = next((found for name in ("input", "arguments", "args") if (found := holder.take(name))), None)
    name = holder.text("name", "toolName", "tool_name")
    call_id = holder.text("call_id", "id", "toolCallId", "toolUseId", "tool_call_id")
    content.calls.append(ToolCall(call_id, "function", name, as_text(given) if given else "", clean(item.source)))
    if inner is not None:
        content.other |= inner.left(place)
    return True


def _read_tool_result(content: Content, part: Fields, item: Piece, place: str) -> bool:
    inner = part.inside("functionResponse") or part.inside("function_response") or part.inside("toolResult")
    holder = part if inner is None else inner
    call_id = holder.text("tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "call_id", "id")
    name = holder.text("name", "toolName", "tool_name")
    outcome = outcome_beside(holder)
    start = len(content.parts)
    for field_name in ("content", "output", "result", "response", "text"):
        if (said := holder.take(field_name)) is not None:
            _read_said(content, said, f"{place}{field_name}")
    content.results.append(ToolResult(call_id, name, start, len(content.parts), outcome))
    holder.take_value("is_error")
    holder.take_value("isError")
    if inner is not None:
        content.other |= inner.left(place)
    return True


def _read_said(content: Content, said: Piece, place: str) -> None:
    """Read what a tool said: a text, parts, or JSON of its own, which is its text."""
    is_parts = isinstance(said.value, list) and any(isinstance(one, dict) and "type" in one for one in said.value)
    if isinstance(said.value, str) or not is_parts:
        content.add_said_by_tool(as_text(said))
        return
    inside = Content(is_assistants=False)
    inside.read(said, place)
    before = len(content.parts)
    content.parts += inside.parts
    content.calls += inside.calls
    content.results += [replace(one, start=one.start + before, end=one.end + before) for one in inside.results]
    content.reasoning += inside.reasoning
    content.citations += inside.citations
    content.other |= inside.other


def _blocks_in(text: str) -> Piece | None:
    """Find the list of typed parts in JSON, or in its `content`, where one of them is bytes; None in any other text."""
    if text.lstrip()[:1] not in ("[", "{") or not any(f'"{kind}"' in text for kind in _BYTES):
        return None
    try:
        piece = Piece(text, decode(text))
        if isinstance(piece.value, dict):
            piece = dict(members(text)).get("content", piece)
    except ValueError:
        return None
    is_list = isinstance(piece.value, list) and all(isinstance(one, dict) and "type" in one for one in piece.value)
    return piece if is_list and any(one["type"] in _BYTES for one in piece.value) else None


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
    """Name the type of a part that has none, as Google's and Bedrock's have none, by the field that it has."""
    for name in ("inlineData", "inline_data"):
        if isinstance(part.get(name), dict):
            kind = next((str(part[name].get(key) or "") for key in _MEDIA_TYPES if part[name].get(key)), "")
            return {"image": "image", "audio": "audio"}.get(kind.partition("/")[0], "file")
    return next((kind for name, kind in _IMPLIED if part.get(name) is not None), "")


def _bytes_in(fields: Fields) -> str:
    """Take base64 and its media type as a data URL; an address that stands in their place is itself."""
    data = fields.text("data", "bytes")
    media_type = _media_type(fields)
    return f"data:{media_type or 'image'};base64,{data}" if data and _is_base64(data) else data


def _in_source(content: Content, holder: Fields, place: str) -> str:
    """Take what Bedrock puts into `source`: base64, or the address of a bucket."""
    source = holder.inside("source")
    if source is None:
        return ""
    data = source.text("bytes") or _bucket_in(source)
    content.other |= source.left(f"{place}source.")
    return data


def _bucket_in(fields: Fields) -> str:
    """Give the address of bytes that stand in a bucket of Bedrock; what else is said of it stays where it is."""
    location = fields.value("s3Location")
    if not (isinstance(location, dict) and isinstance(location.get("uri"), str)):
        return ""
    if len(location) == 1:
        fields.take("s3Location")
    return clean(location["uri"])


def _media_type(fields: Fields) -> str:
    return fields.text(*_MEDIA_TYPES)


def _is_base64(data: str) -> bool:
    return not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", data)
