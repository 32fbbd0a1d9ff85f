"""Loads our templates: without their indentation, which is for those who edit them, and with constant parts joined."""

from __future__ import annotations

import re
from typing import Any

from django.template import Origin, Template
from django.template.loaders.base import Loader as BaseLoader
from django.template.loaders.cached import Loader as CachedLoader
from django.template.loaders.filesystem import Loader as FilesystemLoader

from .constant_parts import join_constant_parts

_INDENTATION = re.compile(r"\n\s+")
# A tag that writes nothing needs no line break behind it: there is one before it, whichever way it goes.
_CONTROL = re.compile(r"^(\{% (?:if|elif|else|endif|for|empty|endfor|with|endwith|load)\b[^\n%]*%\})\n", re.MULTILINE)


class Loader(FilesystemLoader):
    """Leaves one line break where lines meet: a browser takes it for the same white space."""

    def get_contents(self, origin: Origin) -> str:
        return _CONTROL.sub(r"\1", _INDENTATION.sub("\n", super().get_contents(origin)))


class _Joining(BaseLoader):
    """Joins what is constant in a template, before anybody else can have it."""

    def get_template(self, template_name: str, skip: Any = None) -> Template:
        template = super().get_template(template_name, skip)
        join_constant_parts(template.nodelist)
        return template


class Cached(CachedLoader, _Joining):
    """Keeps templates in memory."""
