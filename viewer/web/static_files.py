"""Hashes and compresses the static files for the server, and keeps those of previous versions for a while.

Pages that were opened before an upgrade, or come from a process of the previous version, still request them.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.management.commands.collectstatic import Command as CollectStatic
from django.core.files.storage import storages
from django.core.management import call_command

from . import bundles

_MANIFEST = "staticfiles.json"
_MAX_AGE = 28 * 24 * 60 * 60  # seconds to keep a file after the last version that used it
_SUFFIXES = ("", ".gz", ".br")  # what WhiteNoise writes for each file


def collect() -> None:
    """Collect the files if they have changed or are missing. It takes seconds, so not at every start."""
    stamp = settings.DATA_DIR / "static.sha256"
    digest = _digest()
    root = Path(settings.STATIC_ROOT)
    if stamp.exists() and stamp.read_text() == digest and all(map(Path.exists, _collected_files(root))):
        return
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".static-") as collected:
        command = CollectStatic()
        storage = settings.STORAGES["staticfiles"]
        command.storage = storages.create_storage(storage | {"OPTIONS": {"location": collected}})
        call_command(command, interactive=False, verbosity=0)
        _install(Path(collected), root)
    stamp.write_text(digest)


def _digest() -> str:
    base = settings.BASE_DIR
    files = [*base.glob("static/**/*"), base / "requirements.txt"]
    state = "".join(f"{file.relative_to(base)}{file.read_bytes()!r}" for file in sorted(files) if file.is_file())
    state += Path(bundles.__file__).read_text()  # the code that joins them
    return hashlib.sha256(state.encode()).hexdigest()


def _collected_files(root: Path) -> list[Path]:
    """Return the manifest and the hashed files of the version that was collected last."""
    manifest = root / _MANIFEST
    try:
        paths: dict[str, str] = json.loads(manifest.read_text())["paths"]
    except (OSError, ValueError, KeyError):
        return [manifest.with_suffix(".missing")]
    return [manifest, *(root / path for path in paths.values())]


def _install(collected: Path, root: Path) -> None:
    """Replace each file atomically, because another process may be serving it, and delete those long out of use."""
    now = time.time()
    for file in _collected_files(root):
        for suffix in _SUFFIXES:
            if (used := file.with_name(file.name + suffix)).exists():
                os.utime(used, (now, now))
    files = {file.relative_to(collected) for file in collected.rglob("*") if file.is_file()}
    for file in sorted(files, key=lambda file: file.name == _MANIFEST):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(collected / file, root / file)
    for old in root.rglob("*"):
        if old.is_file() and old.relative_to(root) not in files and now - old.stat().st_mtime > _MAX_AGE:
            old.unlink()
