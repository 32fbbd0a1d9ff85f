"""Bytes of pictures, sound and files that lie beside a conversation, as parts of a message."""

from __future__ import annotations

import base64
import mimetypes
from typing import Any

from .drafts import media_part

_BEGINNINGS = (
    (b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"%PDF", "application/pdf"),
    (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"fLaC", "audio/flac"),
)  # fmt: skip


def media_type_of(data: bytes, name: str = "") -> str:
    """Tell a media type by the first bytes, otherwise by the ending of the name."""
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12], "application/octet-stream")
    if data[4:8] == b"ftyp" and data[8:10] == b"M4":
        return "audio/mp4"
    found = next((kind for start, kind in _BEGINNINGS if data.startswith(start)), None)
    return found or mimetypes.guess_type(name)[0] or "application/octet-stream"


def data_part(data: bytes, name: str = "") -> dict[str, Any]:
    """Build the part that fits some bytes: an image, sound, or a file with its name."""
    media_type = media_type_of(data, name)
    return media_part(media_type, f"data:{media_type};base64,{base64.b64encode(data).decode()}", name)
