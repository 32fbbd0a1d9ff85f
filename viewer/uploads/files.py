"""The folder of uploaded files: DATA_DIR/uploads, which only this user reads. A file has the number of its upload.

`place` names the folder itself, not the machine: whoever has the folder can work on what is in it, also where it is
mounted on several machines.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from viewer.deployment.data_dir import preparation_lock, write_private

_SUFFIX = ".upload"
_FREE = 100_000_000  # bytes that stay free, for the database
_ABANDONED = 24 * 60 * 60  # seconds after which a file that belongs to no upload is not being written any more


def folder() -> Path:
    """Return the folder, which is made when it is first needed. Raises OSError."""
    path: Path = settings.DATA_DIR / "uploads"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def place() -> uuid.UUID:
    """Return the name of the folder. Raises OSError."""
    file = folder() / "place"
    if not file.exists():
        with preparation_lock(folder()):
            if not file.exists():
                write_private(file, str(uuid.uuid4()))
    return uuid.UUID(file.read_text().strip())


def keep_temporary_files_here() -> None:
    """Let what this process unpacks or sorts on disk stand in this folder too. Raises OSError."""
    tempfile.tempdir = os.environ["SQLITE_TMPDIR"] = str(folder())


def path_of(upload_id: int) -> Path:
    return folder() / f"{upload_id}{_SUFFIX}"


def has_room_for(size: int) -> bool:
    """Whether a file of so many bytes fits on the disk. Raises OSError."""
    return shutil.disk_usage(folder()).free > size + _FREE


def create(upload_id: int) -> None:
    """Create the empty file of an upload, for this user alone. Raises OSError."""
    os.close(os.open(path_of(upload_id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


def take(upload_id: int, temporary: str) -> None:
    """Make a file in this folder that of an upload. Raises OSError."""
    os.link(temporary, path_of(upload_id))


def delete(upload_id: int) -> None:
    """Delete the file of an upload, if it is here."""
    with suppress(FileNotFoundError):
        path_of(upload_id).unlink()


def stray(wanted: Callable[[list[int]], set[int]]) -> Iterator[Path]:
    """Yield the files that belong to no upload; `wanted` says which of some uploads have a file."""
    files = {int(path.stem): path for path in folder().glob(f"*{_SUFFIX}") if path.stem.isdecimal()}
    kept = wanted(list(files)) if files else set()
    yield from (path for number, path in files.items() if number not in kept)
    for path in folder().iterdir():
        is_ours = path.name in ("place", "preparing.lock") or path in files.values()
        with suppress(FileNotFoundError):
            if not is_ours and time.time() - path.stat().st_mtime > _ABANDONED:
                yield path


class _Watched(io.RawIOBase):
    """A file that calls `beat` with the number of bytes read so far, whenever some are read."""

    def __init__(self, file: io.FileIO, beat: Callable[[int], None]) -> None:
        self._file, self._beat, self._count = file, beat, 0

    @property
    def name(self) -> Any:
        return self._file.name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer) or 0
        self._count += count
        self._beat(self._count)
        return count


@contextmanager
def opened(upload_id: int, beat: Callable[[int], None]) -> Iterator[io.BufferedReader]:
    """Open the file of an upload; what `beat` raises ends the reading. Raises FileNotFoundError."""
    with io.FileIO(path_of(upload_id)) as file:
        yield io.BufferedReader(_Watched(file, beat), 1 << 18)
