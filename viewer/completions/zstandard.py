"""Zstandard, and a `zipfile` that unpacks it: Python has them from 3.14 on, a package has them for older ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING or sys.version_info < (3, 14):
    from backports import zstd
    from backports.zstd import zipfile
else:
    import zipfile

    from compression import zstd

__all__ = ["zipfile", "zstd"]
