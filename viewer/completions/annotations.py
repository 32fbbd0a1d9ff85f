"""Reads which sources a text cites, in the shapes that servers give them."""

from __future__ import annotations

from typing import Any

from .fields import Fields, json_type
from .source_text import MOST_ITEMS, Piece, clean
from .types import Citation

_ADDRESSES = ("url", "uri", "link", "href")
_TITLES = ("title", "name", "document_title")


def read_annotations(fields: Fields, name: str, place: str = "") -> tuple[tuple[Citation, ...], dict[str, str]]:
    """Take the annotations of a message or a part: those that cite an address, and the JSON of all that says more."""
    cited: list[Citation] = []
    other: dict[str, str] = {}
    found_notes, rest = fields.take_items(name)
    if rest:
        other[f"{place}{name}[{len(found_notes)}…]"] = clean(rest)
    for n, note in enumerate(found_notes):
        if note.value is None:
            continue
        found = _read_citation(note, f"{place}{name}[{n}]")
        if found is None:
            other[f"{place}{name}[{n}]: {_kind_of(note.value)}"] = clean(note.source)
        else:
            cited.append(found[0])
            other |= found[1]
    return tuple(cited), other


def read_sources(value: Any) -> tuple[Citation, ...]:
    """Read a bare list of sources: addresses, or objects with an address or a title."""
    if not isinstance(value, list):
        return ()
    return tuple(cited for item in value[:MOST_ITEMS] if (cited := _read_source(item)) is not None)


def _read_source(item: Any) -> Citation | None:
    if isinstance(item, str):
        return Citation(clean(item), "")
    if not isinstance(item, dict):
        return None
    url, title = _first(item, _ADDRESSES), _first(item, (*_TITLES, "filepath"))
    return Citation(url, title) if url or title else None


def _read_citation(note: Piece, place: str) -> tuple[Citation, dict[str, str]] | None:
    """Read `{"url_citation": {…}}`, as chat completions have it, or the same without the inner object."""
    if not isinstance(note.value, dict):
        return None
    outer = Fields(note.source, note.value or None)
    inner = outer.inside("url_citation")
    if inner is None and (outer.value("type") != "url_citation" or "url" not in outer):
        return None
    outer.take_value("type")
    cite = outer if inner is None else inner
    citation = Citation(cite.text("url"), cite.text("title"), _index(cite, "start_index"), _index(cite, "end_index"))
    left = outer.left(f"{place}.")
    return citation, left if inner is None else left | inner.left(f"{place}.")


def _index(fields: Fields, name: str) -> int | None:
    value = fields.value(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return int(fields.take_value(name))


def _first(item: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((clean(item[name]) for name in names if isinstance(item.get(name), str) and item[name]), "")


def _kind_of(note: Any) -> str:
    kind = note.get("type") if isinstance(note, dict) else None
    return clean(kind) if isinstance(kind, str) and kind else json_type(note)
