"""DATA_DIR: the folder with the database and the generated secrets, readable by this user alone.

Only `./run` makes it, and only `./run` and `manage.py migrate` put an archive into it: any other command that was given
a mistyped DATA_DIR must not leave an empty archive with secrets of its own there.
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
    """Name the command of manage.py that runs; "" for what is none, such as the server itself or a test."""
    is_manage = Path(sys.argv[0]).name == "manage.py"
    return (sys.argv[1] if len(sys.argv) > 1 else "help") if is_manage else ""


def may_make_archive() -> bool:
    return command() in ("start", "migrate", "")


def open_folder(name: str) -> Path:
    """Give the folder, made where the server starts for the first time. Raises ImproperlyConfigured."""
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
    """Take away what others may do with the folder and its files, whoever made them."""
    for path in (folder, *(file for file in folder.iterdir() if file.is_file() and not file.is_symlink())):
        if path.stat().st_mode & 0o077:
            with contextlib.suppress(PermissionError):  # somebody else's, such as a volume's root
                path.chmod(path.stat().st_mode & 0o700)


def kept_secret(folder: Path, name: str, make: Callable[[], str]) -> str:
    """Read a secret from its file in the folder, where it is made once. Raises ImproperlyConfigured."""
    file = folder / name.lower()
    if not file.exists():
        if not may_make_archive():
            said = f"{folder} holds no {file.name}, so no Lectern was ever started there."
            raise ImproperlyConfigured(f"{said} Correct DATA_DIR, or start ./run, which prepares it.")
        with one_at_a_time(folder):
            if not file.exists():
                write_private(file, make())
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(secret) < 32:
        said = f"{file} is {'too short' if secret else 'empty'}. Restore it from a backup; or delete it,"
        raise ImproperlyConfigured(f"{said} and ./run makes another: then {_LOSS[name]}.")
    return secret


def write_private(file: Path, text: str) -> None:
    """Write a file for this user alone, whole or not at all: a full disk leaves no empty one."""
    handle, made = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        os.replace(made, file)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(made)


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Let no other process of this machine prepare the same folder meanwhile."""
    with os.fdopen(os.open(folder / "preparing.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
