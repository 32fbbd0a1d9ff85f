"""One style sheet and two scripts for the browser, out of one small file per component, without a build.

`collectstatic` (and the test server) find them like any static file; hashing and compression come from WhiteNoise.
Nothing is minified, so what a browser reports is in the source as it stands: with brotli, comments and white space cost
a first visit some 6 kB, and no later one anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

# In the order of their names: css/00-… comes first. The desk's script is fetched when one of its tools is reached for.
BUNDLES = {"app.css": "css/*.css", "app.js": "js/*.js", "desk.js": "js/desk/*.js"}


class BundleFinder(BaseFinder):
    """Finds the bundles, joined at the moment they are asked for."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Give the joined file's place on disk, which is what the development server opens.

        It is put there in one step: another answer may be under way from it, and would end short of its length.
        """
        if path not in BUNDLES:
            return []
        made = Path(settings.DATA_DIR) / "bundles" / path
        made.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=made.parent, delete=False) as joined:
            joined.write(_joined(path))
        os.replace(joined.name, made)
        return [str(made)] if find_all else str(made)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, InMemoryStorage]]:
        for path in BUNDLES:
            storage = InMemoryStorage()
            storage.save(path, ContentFile(_joined(path).encode()))
            yield path, storage


def _joined(path: str) -> str:
    folder = Path(settings.BASE_DIR) / "static"
    return "\n".join(file.read_text() for file in sorted(folder.glob(BUNDLES[path])))
