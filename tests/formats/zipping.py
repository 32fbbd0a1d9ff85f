"""ZIPs as inspect-ai writes them: Python's own `zipfile` packs nothing with Zstandard before 3.14, and never in frames."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from viewer.completions.zstandard import zstd

_VERSION, _ZSTANDARD = 63, 93  # APPNOTE.TXT 6.3.10, sections 4.4.3 and 4.4.5


def zipped_by_zstandard(members: dict[str, Sequence[bytes]]) -> bytes:
    """Return a ZIP of members, each packed in the frames that are given."""
    archive, directory = b"", b""
    for name, frames in members.items():
        packed, content = b"".join(map(zstd.compress, frames)), b"".join(frames)
        sizes = (zlib.crc32(content), len(packed), len(content), len(name), 0)
        about = struct.pack("<HHHIIIIHH", _VERSION, 0, _ZSTANDARD, 0, *sizes)
        directory += b"PK\1\2" + struct.pack("<H", _VERSION) + about
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(archive)) + name.encode()
        archive += b"PK\3\4" + about + name.encode() + packed
    counts = (0, 0, len(members), len(members), len(directory), len(archive), 0)
    return archive + directory + b"PK\5\6" + struct.pack("<HHHHIIH", *counts)
