"""Compresses pages. A part that many of them have in common is compressed once, and put between what is around it.

To compress is an eighth of what a page costs that was drawn before, and most of the page is what was drawn.
"""

from __future__ import annotations

import secrets
import zlib
from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseBase

_LEVEL = 6  # as Django's
_LEAST = 32_768  # bytes of a part: what is around a smaller one would be a tenth longer without what both have
_KNOWN = 4_096  # bytes before what follows a part, to which that may refer; more of them take longer to read
_HEADER = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"  # of gzip with a file name, without a time
_MOST_RANDOM = 100  # bytes of that name, which hide how well a page compresses (BREACH)
_ATTRIBUTE = "lectern_part"


@dataclass(frozen=True, slots=True)
class Part:
    """HTML, and the same as a piece of a deflate stream: it refers to nothing before it, and ends with a whole byte."""

    html: bytes
    deflated: bytes


def deflate(html: bytes) -> bytes:
    """Compress a part of pages; return nothing for one that is too small to be worth it."""
    return _deflate(html, zlib.Z_FULL_FLUSH) if len(html) >= _LEAST else b""


def note_part(response: HttpResponse, part: Part) -> None:
    """Note what was compressed before, and may be in a response."""
    setattr(response, _ATTRIBUTE, part)


def compress_around_part(response: HttpResponseBase) -> bytes | None:
    """Compress the content of a response with gzip; None if it has no part that was compressed before."""
    part: Part | None = getattr(response, _ATTRIBUTE, None)
    if part is None or not isinstance(response, HttpResponse):
        return None
    content = response.content
    if (start := content.find(part.html)) < 0:
        return None
    until = start + len(part.html)
    before, known, after = content[:start], content[max(0, until - _KNOWN) : until], content[until:]
    end = zlib.crc32(content).to_bytes(4, "little") + (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    name = b"a" * secrets.randbelow(_MOST_RANDOM) + b"\0"
    pieces = (_deflate(before, zlib.Z_FULL_FLUSH), part.deflated, _deflate(after, zlib.Z_FINISH, known))
    return b"".join((_HEADER, name, *pieces, end))


def _deflate(html: bytes, flush: int, known: bytes = b"") -> bytes:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=known)
    return compressor.compress(html) + compressor.flush(flush)
