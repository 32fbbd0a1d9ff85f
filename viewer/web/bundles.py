"""Joins one small file per component into a style sheet and two scripts, without a build step.

`collectstatic` and the test server find them like any static file; WhiteNoise hashes and compresses them. Comments and
needless white space are removed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage

# Joined by file name: css/00-… comes first. A page loads desk.js when the reader uses one of its tools.
BUNDLES = {"app.css": "css/*.css", "app.js": "js/*.js", "desk.js": "js/desk/*.js"}


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
    joined = "\n".join(file.read_text() for file in sorted(folder.glob(BUNDLES[path])))
    return pack_style(joined) if path.endswith(".css") else pack_script(joined)


def pack_style(css: str) -> str:
    """Remove comments, indents and spaces around punctuation; quoted text stays.

    rcssmin, the obvious library, also removes the space before `:is(`, which changes the meaning.
    """
    pieces = re.split(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL))
    pieces[::2] = [_without_blanks(piece) for piece in pieces[::2]]
    return "".join(pieces)


def _without_blanks(css: str) -> str:
    # Not before a colon, where a space means "descendant", nor around + and -, where calc() needs it.
    compact = re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", css))
    return compact.replace(": ", ":").replace(";}", "}")


def pack_script(js: str) -> str:
    """Remove indents, empty lines, comment lines, and comments after the punctuation at the end of a line.

    A comment with a quote stays, because it may be part of a string. rjsmin, the obvious library, also removes spaces
    from template strings.
    """
    return re.sub(r"^\s*//.*\n|^\s+|(?<=[;,{}]) // [^\"`\n]*$", "", js, flags=re.MULTILINE)
