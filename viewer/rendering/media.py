"""Bytes in a message: decoded, and named by what they are, never by what they claim to be."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

_DATA_URL = re.compile(r"data:[^,]{0,200}?(;base64)?,", re.IGNORECASE)
_ADDRESS = re.compile(r"(?!data:)[a-zA-Z][a-zA-Z0-9+.-]*:")
# What recorders write in the place of bytes: `[base64_data truncated: 5000 chars]`, `__REDACTED__`, `sediment-attachment://…`.
_LEFT_OUT = re.compile(
    r"redacted|truncated|omitted|removed|stripped|elided|placeholder|base64[\s_]*(?:data|image)|\.\.\.|…",
    re.IGNORECASE,
)
_MAX_NOTE = 300  # characters; it may come after the beginning of the bytes
_HEAD = 4096  # base64 characters that are decoded to know a type and a size without decoding the rest
_JPEG_HEAD = 262_144  # a JPEG may carry a thumbnail before its size


@dataclass(frozen=True, slots=True)
class Kind:
    """A media type by its first bytes, and the ending for a downloaded file."""

    type: str
    ending: str

    @property
    def is_image(self) -> bool:
        return self.type.startswith("image/")

    @property
    def is_audio(self) -> bool:
        return self.type.startswith("audio/")


RAW_RATE = 24_000  # Hz; what OpenAI's pcm16 is (16-bit, mono), and nothing in the message says so
UNKNOWN = Kind("application/octet-stream", "bin")


@dataclass(frozen=True, slots=True)
class Glance:
    """What can be said of base64 without decoding all of it. Sizes in pixels, 0 where the header does not tell."""

    kind: Kind
    bytes: int
    width: int = 0
    height: int = 0


def is_address(text: str) -> bool:
    """Whether a text names a place, by whatever scheme, and holds no bytes."""
    return bool(_ADDRESS.match(text)) and not is_left_out(text)


def is_left_out(text: str) -> bool:
    """Whether a text replaces bytes that its recorder did not keep."""
    if address := _ADDRESS.match(text):
        return address[0].lower().endswith("attachment:")
    found = _DATA_URL.match(text)
    return bool(_LEFT_OUT.search(text[found.end() if found else 0 :][-_MAX_NOTE:]))


def is_base64(text: str) -> bool:
    """Whether the bytes are packed as base64, with or without a data URL around them."""
    found = _DATA_URL.match(text)
    return bool(found[1]) if found else not _ADDRESS.match(text)


def payload(url_or_base64: str) -> str:
    """Give the bytes of a data URL, or what is base64 without one, as plain base64; empty when it is neither.

    Base64 comes wrapped at any width, percent-encoded, or in the alphabet for URLs.
    """
    found = _DATA_URL.match(url_or_base64)
    if found and not found[1]:
        return base64.b64encode(unquote_to_bytes(url_or_base64[found.end() :])).decode()
    if not found and _ADDRESS.match(url_or_base64):
        return ""
    packed = url_or_base64[found.end() if found else 0 :]
    if found and _DATA_URL.match(packed):  # some clients put it on twice
        return payload(packed)
    packed = unquote(packed) if "%" in packed else packed
    return "".join(packed.split()).replace("-", "+").replace("_", "/")


def decoded(packed: str) -> bytes | None:
    """Decode a payload, with or without its padding; None when it is no base64."""
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def glance(packed: str) -> Glance | None:
    """Say type, size and dimensions of a payload; None when it is no base64 or empty."""
    head = decoded(packed[:_HEAD])
    if not head:
        return None
    kind = kind_of(head)
    if kind.type == "image/jpeg":
        head = decoded(packed[:_JPEG_HEAD]) or head
    width, height = _dimensions(kind, head)
    padding = len(packed) - len(packed.rstrip("="))
    return Glance(kind, len(packed) * 3 // 4 - padding, width, height)


def kind_of(head: bytes) -> Kind:
    """Name a media type by its first bytes. SVG and HTML are text, and text is never shown inline."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind("image/png", "png")
    if head.startswith(b"\xff\xd8\xff"):
        return Kind("image/jpeg", "jpg")
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return Kind("image/gif", "gif")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Kind("image/webp", "webp")
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return Kind("image/avif", "avif")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return Kind("audio/wav", "wav")
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return Kind("audio/mpeg", "mp3")
    if head.startswith(b"OggS"):
        return Kind("audio/ogg", "ogg")
    if head.startswith(b"fLaC"):
        return Kind("audio/flac", "flac")
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return Kind("audio/aac", "aac")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return Kind("audio/webm", "webm")
    if head[4:8] == b"ftyp":  # after AVIF, above
        return Kind("audio/mp4", "m4a") if head[8:11] in (b"M4A", b"M4B") else Kind("video/mp4", "mp4")
    if head.startswith(b"%PDF-"):
        return Kind("application/pdf", "pdf")
    return UNKNOWN


def as_wav(samples: bytes) -> bytes:
    """Put a WAV header before raw pcm16 samples, so that a browser can play them."""
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE", b"fmt ", 16, 1, 1, RAW_RATE,
                       RAW_RATE * 2, 2, 16, b"data", len(samples))  # fmt: skip
    return head + samples


def _dimensions(kind: Kind, head: bytes) -> tuple[int, int]:
    try:
        match kind.ending:
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
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", head[at + 2 : at + 4])[0]
    return 0, 0
