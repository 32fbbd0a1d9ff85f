"""Loads our templates without their indentation, which is there for those who edit them."""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders.filesystem import Loader as FilesystemLoader

_LINE_BREAK = re.compile(r"\s*\n\s*")
# A tag that writes nothing: the line break before it is enough, whichever way it goes.
_LINE_OF_CONTROL = re.compile(
    r"^(\{% (?:if|elif|else|endif|for|empty|endfor|with|endwith|load)\b[^\n]*%\})\n", re.MULTILINE
)


class Loader(FilesystemLoader):
    """Leaves one line break where lines meet: a browser takes it for the same white space."""

    def get_contents(self, origin: Origin) -> str:
        return _LINE_OF_CONTROL.sub(r"\1", _LINE_BREAK.sub("\n", super().get_contents(origin)))
