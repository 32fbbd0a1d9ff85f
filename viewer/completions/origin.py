"""What an import says of a message or a completion that another tool has written, under the key `lectern`.

`source` is the JSON as it was in the file, `format` the family of tools, `id` an id that cannot be used here, `created`
a time that is not written in whole Unix seconds, `undated` says that a completion has the time of its import, and
`notes` what the tool has lost or what the reader should know.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .source_text import clean

KEY = "lectern"
# What a note can say; `rendering.origins` has the sentences.
CODES = (
    "lost-image", "lost-audio", "lost-file", "lost-text", "lost-refusal", "lost-reasoning", "lost-citations",
    "lost-calls", "lost-results", "lost-answer", "lost-input", "lost-content", "other-branches", "private", "edited",
    "cut-off", "missing-file", "hidden", "only-last", "only-first", "limit", "taken-out", "preferred", "not-preferred",
    "goes-on", "interrupted", "earlier",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """A note of the import: its code, the tool that is the cause, and how many, where that is said."""

    code: str
    by: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message or a completion comes from."""

    format: str = ""
    id: str = ""  # as the source has it, where it cannot be used here
    is_undated: bool = False  # the time is that of the import
    notes: tuple[Note, ...] = ()


def read_origin(value: Any) -> Origin:
    """Read the value under `KEY`; what has another shape is ignored."""
    if not isinstance(value, dict):
        return Origin()
    notes = value.get("notes")
    return Origin(
        format=_text(value.get("format")),
        is_undated=value.get("undated") is True,
        id="" if value.get("id") is None else clean(str(value["id"])),
        notes=tuple(read for item in notes if (read := _read_note(item))) if isinstance(notes, list) else (),
    )


def without_source(value: Any) -> Any:
    """Return the value under `KEY` without what it has of the file itself."""
    kept = ("format", "notes", "undated")
    return {name: value[name] for name in kept if name in value} if isinstance(value, dict) else None


def _read_note(item: Any) -> Note | None:
    if not isinstance(item, dict) or item.get("code") not in CODES:
        return None
    count = item.get("count")
    return Note(item["code"], _text(item.get("by")), count if isinstance(count, int) else 0)


def _text(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""
