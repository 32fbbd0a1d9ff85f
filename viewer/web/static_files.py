"""Hashes and compresses the static files for the server, and keeps those of the versions before for a while.

A page that was opened before an upgrade, or that another process of the version before has drawn, still asks for them.
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

from viewer.web import bundles

_MANIFEST = "staticfiles.json"
_KEPT = 28 * 24 * 60 * 60  # seconds that a file is kept after the last version that used it
_PACKED = ("", ".gz", ".br")  # what WhiteNoise writes of one file


def collect() -> None:
    """Collect the files when they have changed or are gone, which takes seconds, and not at every start."""
    stamp = settings.DATA_DIR / "static.sha256"
    digest = _digest()
    root = Path(settings.STATIC_ROOT)
    if stamp.exists() and stamp.read_text() == digest and all(map(Path.exists, _named(root))):
        return
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".static-") as fresh:
        command = CollectStatic()
        named = settings.STORAGES["staticfiles"]
        command.storage = storages.create_storage(named | {"OPTIONS": {"location": fresh}})
        call_command(command, interactive=False, verbosity=0)
        _put_in_place(Path(fresh), root)
    stamp.write_text(digest)


def _digest() -> str:
    base = settings.BASE_DIR
    files = [*base.glob("static/**/*"), base / "requirements.txt"]
    state = "".join(f"{file.relative_to(base)}{file.read_bytes()!r}" for file in sorted(files) if file.is_file())
    return hashlib.sha256(f"{state}{Path(bundles.__file__).read_bytes()!r}".encode()).hexdigest()


def _named(root: Path) -> list[Path]:
    """Give the hashed files of the version that was collected last; its manifest comes first."""
    manifest = root / _MANIFEST
    try:
        paths: dict[str, str] = json.loads(manifest.read_text())["paths"]
    except (OSError, ValueError, KeyError):
        return [manifest.with_suffix(".missing")]
    return [manifest, *(root / path for path in paths.values())]


def _put_in_place(fresh: Path, root: Path) -> None:
    """Put each file there in one step, for another process may be serving it, and delete what is long out of use."""
    now = time.time()
    for file in _named(root):
        for packed in _PACKED:
            if (used := file.with_name(file.name + packed)).exists():
                os.utime(used, (now, now))
    files = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
    for file in sorted(files, key=lambda file: file.name == _MANIFEST):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(fresh / file, root / file)
    for old in root.rglob("*"):
        if old.is_file() and old.relative_to(root) not in files and now - old.stat().st_mtime > _KEPT:
            old.unlink()
