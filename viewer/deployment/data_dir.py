"""DATA_DIR: the folder with the database and the generated secrets, readable only by this user.

Only `./run` creates it, and only `./run` and `manage.py migrate` create an archive in it: any other command with a
mistyped DATA_DIR must not leave an empty archive with new secrets there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_LOSS = {
    "SECRET_KEY": "everybody must sign in again",
    "KEY_ENCRYPTION_KEYS": "the stored API keys cannot be opened any more and must be entered again",
}


def command() -> str:
    """Return the manage.py command that is running; "" outside manage.py, such as in the server or a test."""
    is_manage = Path(sys.argv[0]).name == "manage.py"
    return (sys.argv[1] if len(sys.argv) > 1 else "help") if is_manage else ""


def may_create_archive() -> bool:
    return command() in ("start", "migrate", "")


def open_folder(name: str) -> Path:
    """Return the folder, which `./run` creates if it is missing. Raises ImproperlyConfigured."""
    folder = Path(name).expanduser().absolute()
    if command() in ("start", ""):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ImproperlyConfigured(f"DATA_DIR {folder} cannot be made: {error.strerror}.") from None
    if not folder.is_dir():
        raise ImproperlyConfigured(f"DATA_DIR {folder} does not exist. Correct the setting, or prepare it by ./run.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"DATA_DIR {folder} cannot be written to; give it to this user or name another.")
    return folder


def make_private(folder: Path) -> None:
    """Remove the permissions of other users from the folder and its files, whoever created them."""
    for path in (folder, *(file for file in folder.iterdir() if file.is_file() and not file.is_symlink())):
        if path.stat().st_mode & 0o077:
            with contextlib.suppress(PermissionError):  # owned by somebody else, such as a volume's root
                path.chmod(path.stat().st_mode & 0o700)


def read_or_create_secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Read a secret from its file in the folder, which is created once. Raises ImproperlyConfigured."""
    file = folder / name.lower()
    if not file.exists():
        if not may_create_archive():
            cause = f"{folder} holds no {file.name}, so no Lectern was ever started there."
            raise ImproperlyConfigured(f"{cause} Correct DATA_DIR, or start ./run, which prepares it.")
        with preparation_lock(folder):
            if not file.exists():
                write_private(file, make())
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(secret) < 32:
        cause = f"{file} is {'too short' if secret else 'empty'}. Restore it from a backup; or delete it,"
        raise ImproperlyConfigured(f"{cause} and ./run makes another: then {_LOSS[name]}.")
    return secret


def write_private(file: Path, text: str) -> None:
    """Write a file for this user only, completely or not at all: a full disk leaves no empty file."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        os.replace(temporary, file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


@contextlib.contextmanager
def preparation_lock(folder: Path) -> Iterator[None]:
    """Let no other process of this machine prepare the same folder at the same time."""
    with os.fdopen(os.open(folder / "preparing.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
