"""Leaves out pictures, sound and files, and says so in their place."""

from __future__ import annotations

import json
import re
from typing import Any

from viewer.completions.parts import Content
from viewer.completions.source_text import Piece, is_json_text
from viewer.completions.types import AudioPart, FilePart, ImagePart, Part

from .scanning import DATA_URL, is_media

_PLACEHOLDERS = {"image": "[picture left out]", "audio": "[sound left out]", "video": "[video left out]"}
_FILE = "[file left out]"
_IN_MARKDOWN = re.compile(
    rf"!\[(?P<caption>[^\]\n]{{0,500}})\]\(<?(?P<url>{DATA_URL.pattern})>?[^)\n]{{0,500}}\)", re.IGNORECASE
)
_KEPT = ("signature", "encrypted_content", "thought_signature")  # of the model's reasoning
_BYTES = ("data", "bytes", "base64")  # fields that hold nothing else where they hold base64
_MIN_BYTES = 40  # characters
_BASE64 = re.compile(r"[A-Za-z0-9+/=_\s-]*+")
_IMAGES = ("images", "image_urls")  # lists of plain base64 or URLs, as Ollama has them


def without_media(value: Any, name: str = "") -> Any:
    """Replace each part with a picture, sound or file by a text part, and any other bytes by a few words.

    `name` is that of the field. What was written beside it stays: captions, file names and transcripts.
    """
    if isinstance(value, str):
        return _without_bytes(value, name)
    if isinstance(value, list):
        if name in _IMAGES and all(isinstance(one, str) for one in value):
            return [_text_part(_PLACEHOLDERS["image"])] * len(value)
        return [_left_out(without_media(one, name)) for one in value]
    if isinstance(value, dict):
        if name == "audio" and "transcript" in value:  # a spoken answer
            value = {key: inner for key, inner in value.items() if key != "data"}
        return {key: without_media(inner, key) for key, inner in value.items()}
    return value


def _left_out(part: Any) -> Any:
    """Return a text part for a part that is a picture, sound or a file, and any other unchanged."""
    if not isinstance(part, dict):
        return part
    content = Content(is_from_assistant=False)
    content.read_part(Piece(json.dumps(part, ensure_ascii=False), part), "")
    if len(content.parts) != 1 or content.results or content.calls:
        return part
    words = _words_for(content.parts[0])
    return _text_part(words) if words else part


def _words_for(part: Part) -> str:
    if isinstance(part, ImagePart):
        return f"{_PLACEHOLDERS['image']} {part.caption}".strip()
    if isinstance(part, AudioPart):
        return _PLACEHOLDERS["audio"]
    return f"{_FILE} {part.filename}".strip() if isinstance(part, FilePart) else ""


def _text_part(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def _without_bytes(text: str, name: str) -> str:
    is_short = name in _BYTES and len(text) >= _MIN_BYTES and _BASE64.fullmatch(text)
    if is_short or is_media(text, name):
        return text if name in _KEPT else _FILE
    if text[:1] in "{[" and is_json_text(text):
        value = json.loads(text)
        changed = without_media(value)
        return text if changed == value else json.dumps(changed, ensure_ascii=False)
    if "base64," not in text:
        return text
    text = _IN_MARKDOWN.sub(lambda found: f"{found['caption']} {_PLACEHOLDERS.get(found['type'], _FILE)}".strip(), text)
    return DATA_URL.sub(lambda found: _PLACEHOLDERS.get(found["type"].lower(), _FILE), text)
