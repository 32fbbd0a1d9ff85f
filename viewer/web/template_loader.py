"""Loads our templates without their indentation, which is there for those who edit them."""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders.filesystem import Loader as FilesystemLoader

_INDENTATION = re.compile(r"\n\s+")
# A tag that writes nothing needs no line break behind it: there is one before it, whichever way it goes.
_CONTROL = re.compile(r"^(\{% (?:if|elif|else|endif|for|empty|endfor|with|endwith|load)\b[^\n%]*%\})\n", re.MULTILINE)


class Loader(FilesystemLoader):
    """Leaves one line break where lines meet: a browser takes it for the same white space."""

    def get_contents(self, origin: Origin) -> str:
        return _CONTROL.sub(r"\1", _INDENTATION.sub("\n", super().get_contents(origin)))
