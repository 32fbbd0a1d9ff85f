"""Replaces what was found by its label, everywhere in the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from .citations import Edit, move_citations
from .finding import Finding, knowing
from .media import without_media
from .names import Words
from .scanning import Scanner
from .slots import rewrite_json, rewrite_string

_IN_URL = re.compile(r"(?:://|(?:mailto|tel|sms):)[^\s<>\"'`\\]*+\Z")
_MAX_URL = 1_000  # characters before a place in it


class Redactor:
    """Replaces the values of these findings, in any spelling, and nothing else.

    `without_media` also leaves out pictures, sound and files.
    """

    def __init__(self, findings: Iterable[Finding], *, without_media: bool = False) -> None:
        findings = tuple(findings)
        self._labels = {(found.kind, found.value): found.label for found in findings}
        self._without_media = without_media
        words = Words(*([found.value for found in findings if found.kind == kind] for kind in ("name", "word")))
        values = [(found.kind, found.value, found.text) for found in findings]
        self._scanner = knowing(Scanner(words, chosen=frozenset(self._labels)), values)

    def text(self, text: str) -> str:
        """Redact a text; in one that is JSON, its strings, so that it stays JSON."""
        return rewrite_string(text, "", self._redact, (bool(self._labels), 0))

    def json(self, source: str) -> str:
        """Redact the source text of JSON. What is not replaced stays as written: digits, spaces, duplicate keys.

        Log probabilities, which hold the text again, become null. Citations do not move, and media stay: `value` does
        both. Raise ValueError if it is not JSON.
        """
        return rewrite_json(source, self._redact, bool(self._labels))

    def value(self, value: Any) -> Any:
        """Redact a parsed JSON value: every string, key and whole number. Keys that become the same get a number."""
        if self._without_media:
            value = without_media(value)
        source = json.dumps(value, ensure_ascii=False)
        redacted = self.json(source) if self._labels else source
        if redacted is source:
            return value
        changed = json.loads(redacted, object_pairs_hook=_object)
        if '"annotations"' in source:
            move_citations(value, changed, self._edits)
        return changed

    def _redact(self, text: str, name: str) -> str:
        pieces, position = list[str](), 0
        for start, end, label in self._edits(text, name):
            pieces += text[position:start], label
            position = end
        return "".join(pieces) + text[position:] if pieces else text

    def _edits(self, text: str, name: str = "") -> list[Edit]:
        """Return what to replace in a text: start, end and label."""
        edits, position = list[Edit](), 0
        for start, end, kind, value in self._scanner.scan(text, name):
            label = self._labels[kind, value]
            if _IN_URL.search(text, max(position, start - _MAX_URL), start):
                label = quote(label, safe="")  # so that it stays one URL, and a link in Markdown
            edits.append((start, end, label))
            position = end
        return edits


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        n, free = 2, name
        while free in values:
            free, n = f"{name} ({n})", n + 1
        values[free] = value
    return values
