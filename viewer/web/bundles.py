"""Joins one small file per component into a style sheet and a few scripts, without a build step.

`collectstatic` and the test server find them like any static file; WhiteNoise hashes and compresses them. Nothing is
minified, so what a browser reports is in the source as it is: with brotli, comments and white space cost a first visit
some 6 kB, and later ones nothing.
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

# Joined by file name: css/00-… comes first. Lists load lists.js too, and what shows notes or labels the two of review;
# a page loads the others when it needs them. A page that is shared loads only what it needs of the app.
BUNDLES = {
    "app.css": ("css/*.css",),
    "people.css": ("css/people/*.css",),
    "read-log.css": ("css/read-log/*.css",),
    "review.css": ("css/review/*.css",),
    "app.js": ("js/*.js",),
    "lists.js": ("js/lists/*.js",),
    "review.js": ("js/review/*.js",),
    "desk.js": ("js/desk/*.js",),
    "passkeys.js": ("js/passkeys/*.js",),
    "sharing.css": ("css/sharing/*.css",),
    "sharing.js": ("js/sharing/*.js",),
    "uploads.css": ("css/uploads/*.css",),
    "uploads.js": ("js/uploads/*.js",),
    "shared.css": (
        *(f"css/{name}.css" for name in ("00-tokens", "10-base", "20-layout", "30-button", "31-chip", "32-icon")),
        *(f"css/{name}.css" for name in ("34-notice", "36-fold", "50-conversation", "51-message", "52-parts")),
        *(f"css/{name}.css" for name in ("53-tool", "54-more", "55-prose", "90-states", "99-print")),
        "css/sharing/*.css",
    ),
    "shared.js": (
        *(f"js/{name}.js" for name in ("00-lectern", "broken-media", "copy", "failed-fragment", "load-status")),
        *(f"js/{name}.js" for name in ("reading-place", "signed-out", "time-zone", "tool-tie")),
        "js/shared/*.js",
    ),
}


class BundleFinder(BaseFinder):
    """Finds the bundles, joined on request."""

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return the path of the joined file, which the development server opens.

        The file is replaced atomically: a response that is still reading it would end before its length.
        """
        if path not in BUNDLES:
            return []
        bundle = Path(settings.DATA_DIR) / "bundles" / path
        bundle.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=bundle.parent, delete=False) as temporary:
            temporary.write(_join(path))
        os.replace(temporary.name, bundle)
        return [str(bundle)] if find_all else str(bundle)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, InMemoryStorage]]:
        for path in BUNDLES:
            storage = InMemoryStorage()
            storage.save(path, ContentFile(_join(path).encode()))
            yield path, storage


def _join(path: str) -> str:
    folder = Path(settings.BASE_DIR) / "static"
    files = (file for pattern in BUNDLES[path] for file in sorted(folder.glob(pattern)))
    return "\n".join(file.read_text() for file in files)
