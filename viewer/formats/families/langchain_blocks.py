"""The content blocks of LangChain's messages: those of providers, and its own of version 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from viewer.completions.reasoning import thoughts_in
from viewer.formats.drafts import citation, data_url, file_part, media_part, text_part
from viewer.formats.family import object_at

from .responses import hosted_call

_CALLS = {"function_call", "tool_call", "tool_use", "invalid_tool_call", "custom_tool_call", "server_tool_call"}
_MEDIA = {"image": "image/*", "audio": "audio/*", "video": "video/*", "file": "", "media": "", "text-plain": ""}


@dataclass
class Blocks:
    """What a content says: one text, or parts, and what an OpenAI message has beside its content.

    `calls` have for each id the name, and the arguments as text or as the value that LangChain made of it. `hosted` are
    calls of tools that OpenAI ran, with what came of them.
    """

    text: str | None = None
    parts: list[dict[str, Any]] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    calls: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    hosted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def refusal(self) -> str:
        return "\n\n".join(self.refusals)

    @property
    def reasoning(self) -> str:
        return "\n\n".join(self.thoughts)


def read_blocks(content: Any) -> Blocks:
    """Read the content of a message: a text, or a list of texts and blocks."""
    if not isinstance(content, list):
        return Blocks(text=content if isinstance(content, str) else None)
    blocks = Blocks()
    for block in content:
        if isinstance(block, dict):
            _read(blocks, block)
        elif isinstance(block, str):
            blocks.parts.append(text_part(block))
    return blocks


def _read(blocks: Blocks, block: dict[str, Any]) -> None:
    kind = block.get("type")
    if kind == "non_standard" and isinstance(block.get("value"), dict):
        blocks.parts.append(block["value"])
    elif kind in ("text", "output_text") and isinstance(block.get("text"), str):
        blocks.parts.append(text_part(block["text"], _citations(block)))
    elif kind == "refusal" and isinstance(block.get("refusal"), str):
        blocks.refusals.append(block["refusal"])
    elif kind in ("reasoning", "thinking", "reasoning_content") and (thoughts := thoughts_in(block)):
        blocks.thoughts += thoughts
    elif kind in _CALLS and isinstance(block.get("name"), str):
        arguments = next((block[name] for name in ("arguments", "args", "input") if name in block), None)
        name = object_at(block, "extras").get("tool_name") or block["name"]  # of an MCP server's tool
        blocks.calls[block.get("call_id") or block.get("id")] = (name, arguments)
    elif found := hosted_call(block):
        blocks.hosted += found.tool_calls
        blocks.parts += found.content if isinstance(found.content, list) else []
    elif kind in _MEDIA:
        blocks.parts.append(_media(kind, block))
    else:
        blocks.parts.append(block)


def _citations(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the citations of a text. What is no web page stays as it is."""
    given = block.get("annotations") or block.get("citations")
    return [_citation(each) for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _citation(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("type") == "non_standard_annotation" and isinstance(given.get("value"), dict):
        return dict(given["value"])
    if not isinstance(given.get("url"), str):
        return given
    start, end = given.get("start_index"), given.get("end_index")
    places = (start, end) if isinstance(start, int) and isinstance(end, int) else (None, None)
    return citation(given["url"], str(given.get("title") or ""), *places)


def _media(kind: str, block: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a picture, sound or file that LangChain describes; a provider's own stays as it is."""
    media_type = str(block.get("mime_type") or block.get("media_type") or _MEDIA[kind])
    holders = (block, object_at(block, "extras"), object_at(block, "metadata"))
    name = str(next((holder["filename"] for holder in holders if holder.get("filename")), ""))
    if kind == "text-plain" and isinstance(block.get("text"), str):
        return text_part(block["text"])
    file_id = block.get("file_id") or (block.get("id") if block.get("source_type") == "id" else None)
    if file_id and kind != "image":
        return file_part(name, file_id=str(file_id))
    data = block.get("base64") or block.get("data")
    url = block.get("url") or block.get("file_uri")
    if isinstance(data, str) and data:
        return media_part(media_type, data_url(data, media_type), name)
    return media_part(media_type, url, name) if isinstance(url, str) and url else block
