"""Reads the sources that a text cites, in the formats that servers use."""

from __future__ import annotations

from typing import Any

from .fields import Fields, json_type
from .source_text import MAX_ITEMS, Piece, clean
from .types import Citation

_URL_FIELDS = ("url", "uri", "link", "href")
_TITLE_FIELDS = ("title", "name", "document_title")


def read_annotations(fields: Fields, name: str, path: str = "") -> tuple[tuple[Citation, ...], dict[str, str]]:
    """Take the annotations of a message or a part: the URL citations, and the JSON of everything else in them."""
    cited: list[Citation] = []
    other: dict[str, str] = {}
    annotations, rest = fields.take_items(name)
    if rest:
        other[f"{path}{name}[{len(annotations)}…]"] = clean(rest)
    for n, annotation in enumerate(annotations):
        if annotation.value is None:
            continue
        read = _read_citation(annotation, f"{path}{name}[{n}]")
        if read is None:
            other[f"{path}{name}[{n}]: {_type_of(annotation.value)}"] = clean(annotation.source)
        else:
            cited.append(read[0])
            other |= read[1]
    return tuple(cited), other


def read_sources(value: Any) -> tuple[Citation, ...]:
    """Read a plain list of sources: URLs, or objects with a URL or a title."""
    if not isinstance(value, list):
        return ()
    return tuple(cited for item in value[:MAX_ITEMS] if (cited := _read_source(item)) is not None)


def _read_source(item: Any) -> Citation | None:
    if isinstance(item, str):
        return Citation(clean(item), "")
    if not isinstance(item, dict):
        return None
    url, title = _first(item, _URL_FIELDS), _first(item, (*_TITLE_FIELDS, "filepath"))
    return Citation(url, title) if url or title else None


def _read_citation(annotation: Piece, path: str) -> tuple[Citation, dict[str, str]] | None:
    """Read `{"url_citation": {…}}`, as in chat completions, or the same fields without the inner object."""
    if not isinstance(annotation.value, dict):
        return None
    outer = Fields(annotation.source, annotation.value or None)
    inner = outer.take_object("url_citation")
    if inner is None and (outer.get("type") != "url_citation" or "url" not in outer):
        return None
    outer.take_value("type")
    fields = outer if inner is None else inner
    citation = Citation(
        fields.take_text("url"), fields.take_text("title"), _index(fields, "start_index"), _index(fields, "end_index")
    )
    remaining = outer.remaining(f"{path}.")
    return citation, remaining if inner is None else remaining | inner.remaining(f"{path}.")


def _index(fields: Fields, name: str) -> int | None:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return int(fields.take_value(name))


def _first(item: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((clean(item[name]) for name in names if isinstance(item.get(name), str) and item[name]), "")


def _type_of(annotation: Any) -> str:
    kind = annotation.get("type") if isinstance(annotation, dict) else None
    return clean(kind) if isinstance(kind, str) and kind else json_type(annotation)
