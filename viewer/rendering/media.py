"""Decodes the bytes in a message, and detects their type from the bytes, never from what the message claims."""

from __future__ import annotations

import base64
import binascii
import re
import string
import struct
import wave
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import unquote, unquote_to_bytes

_DATA_URL = re.compile(r"data:[^,]{0,200}?(;base64)?,", re.IGNORECASE)
_ADDRESS = re.compile(r"(?!data:)[a-zA-Z][a-zA-Z0-9+.-]*:")
# What recording programs write in place of bytes: `[base64_data truncated: 5000 chars]`, `__REDACTED__`, `sediment-attachment://…`.
_PLACEHOLDERS = ("redacted", "truncated", "omitted", "removed", "stripped", "elided", "placeholder", "...", "…")
_NAME_OF_DATA = re.compile(r"base64[\s_]*(?:data|image)")
_MAX_NOTE = 300  # characters at the end of a text; the beginning of the bytes may come before it
_HEAD = 4096  # base64 characters that are decoded to detect type and dimensions
_JPEG_HEAD = 262_144  # a JPEG may have a thumbnail before its dimensions


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type, and the extension of a downloaded file."""

    type: str
    extension: str

    @property
    def is_image(self) -> bool:
        return self.type.startswith("image/")

    @property
    def is_audio(self) -> bool:
        return self.type.startswith("audio/")


RAW_RATE = 24_000  # Hz; of OpenAI's pcm16 (16-bit, mono), which the message does not state
UNKNOWN = MediaType("application/octet-stream", "bin")


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the beginning of base64 reveals. Width and height are in pixels, 0 if the header does not contain them."""

    kind: MediaType
    bytes: int
    width: int = 0
    height: int = 0


def is_address(text: str) -> bool:
    """Whether a text is a URL of any scheme except data URLs, and so contains no bytes."""
    return bool(_ADDRESS.match(text)) and not is_placeholder(text)


def is_placeholder(text: str) -> bool:
    """Whether a text stands for bytes that the recording program did not keep."""
    if address := _ADDRESS.match(text):
        return address[0].lower().endswith("attachment:")
    prefix = _DATA_URL.match(text)
    end = text[max(prefix.end() if prefix else 0, len(text) - _MAX_NOTE) :].lower()
    return any(word in end for word in _PLACEHOLDERS) or bool(_NAME_OF_DATA.search(end))


def is_base64(text: str) -> bool:
    """Whether a text is base64, with or without a data URL around it."""
    prefix = _DATA_URL.match(text)
    return bool(prefix[1]) if prefix else not _ADDRESS.match(text)


def to_base64(url_or_base64: str) -> str:
    """Return a data URL or base64 as plain base64; empty if it is neither.

    Base64 may be wrapped at any width, percent-encoded, or in the URL-safe alphabet.
    """
    prefix = _DATA_URL.match(url_or_base64)
    if prefix and not prefix[1]:
        return base64.b64encode(unquote_to_bytes(url_or_base64[prefix.end() :])).decode()
    if not prefix and _ADDRESS.match(url_or_base64):
        return ""
    data = url_or_base64[prefix.end() if prefix else 0 :]
    if prefix and _DATA_URL.match(data):  # some clients add the prefix twice
        return to_base64(data)
    data = unquote(data) if "%" in data else data
    if not data.isascii() or any(space in data for space in string.whitespace):  # to look takes a tenth of splitting
        data = "".join(data.split())
    return data.replace("-", "+").replace("_", "/")


def decode_base64(data: str) -> bytes | None:
    """Decode base64 with or without padding; None if it is invalid."""
    try:
        return base64.b64decode(data + "=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def inspect(data: str) -> MediaInfo | None:
    """Return type, size and dimensions of base64; None if it is invalid or empty."""
    head = decode_base64(data[:_HEAD])
    if not head:
        return None
    kind = detect_type(head)
    if kind.type == "image/jpeg":
        head = decode_base64(data[:_JPEG_HEAD]) or head
    width, height = _dimensions(kind, head)
    padding = len(data) - len(data.rstrip("="))
    return MediaInfo(kind, len(data) * 3 // 4 - padding, width, height)


def detect_type(head: bytes) -> MediaType:
    """Detect a media type from its first bytes. SVG and HTML are unknown, so that they are never shown inline."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaType("image/png", "png")
    if head.startswith(b"\xff\xd8\xff"):
        return MediaType("image/jpeg", "jpg")
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return MediaType("image/gif", "gif")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaType("image/webp", "webp")
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return MediaType("image/avif", "avif")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return MediaType("audio/wav", "wav")
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return MediaType("audio/mpeg", "mp3")
    if head.startswith(b"OggS"):
        return MediaType("audio/ogg", "ogg")
    if head.startswith(b"fLaC"):
        return MediaType("audio/flac", "flac")
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return MediaType("audio/aac", "aac")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return MediaType("audio/webm", "webm")
    if head[4:8] == b"ftyp":  # after AVIF, above
        return MediaType("audio/mp4", "m4a") if head[8:11] in (b"M4A", b"M4B") else MediaType("video/mp4", "mp4")
    if head.startswith(b"%PDF-"):
        return MediaType("application/pdf", "pdf")
    return UNKNOWN


def as_wav(samples: bytes) -> bytes:
    """Put a WAV header before raw pcm16 samples, so that a browser can play them."""
    file = BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RAW_RATE)
        written.writeframes(samples)
    return file.getvalue()


def _dimensions(kind: MediaType, head: bytes) -> tuple[int, int]:
    try:
        match kind.extension:
            case "png":
                return struct.unpack(">II", head[16:24])
            case "gif":
                return struct.unpack("<HH", head[6:10])
            case "webp":
                return _webp_dimensions(head)
            case "jpg":
                return _jpeg_dimensions(head)
    except struct.error:
        pass
    return 0, 0


def _webp_dimensions(head: bytes) -> tuple[int, int]:
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8 ":
            width, height = struct.unpack("<HH", head[26:30])
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack("<I", head[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _jpeg_dimensions(head: bytes) -> tuple[int, int]:
    offset = 2
    while offset + 9 <= len(head) and head[offset] == 0xFF:
        marker = head[offset + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[offset + 5 : offset + 9])
            return width, height
        offset += 2 + struct.unpack(">H", head[offset + 2 : offset + 4])[0]
    return 0, 0
