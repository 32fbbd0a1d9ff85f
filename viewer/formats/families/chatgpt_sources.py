"""What ChatGPT's answers cite: marks in the text, and beside it what they stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from viewer.completions.addresses import host_of, web_address
from viewer.formats.drafts import citation, note
from viewer.formats.family import list_at, object_at

# U+E200 begins a mark, U+E202 separates its fields, U+E201 ends it.
_MARK = re.compile("\ue200[^\ue200\ue201]*+\ue201")
_OLD_MARK = re.compile(r"【[^【】]*】")
_BESIDE = ("sources_footnote",)  # they list what the answer cites, and stand nowhere in it


@dataclass(frozen=True)
class _Reference:
    """A mark at a place of a text, what is written there instead, and the sources that it cites."""

    start: int
    end: int
    label: str
    sources: list[tuple[str, str]]


def cited_text(
    parts: list[dict[str, Any]], message: dict[str, Any], notes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Fold the marks of the only text among the parts into citations; add a note where a mark stands for nothing."""
    texts = [part for part in parts if part.get("type") == "text" and part.get("text")]
    metadata = object_at(message, "metadata")
    for part in texts:
        references = _references(part["text"], metadata) if len(texts) == 1 else []
        lost = _marks_without_source(part["text"], references)
        part["text"], cited = _replaced(part["text"], sorted(references + lost, key=lambda each: each.start))
        known = {(each["url_citation"]["url"], each["url_citation"]["title"]) for each in cited}
        cited += [citation(*source) for source in _listed(metadata) if source not in known]
        if cited:
            part["annotations"] = cited
        if lost:
            notes.append(note("lost-citations", by="ChatGPT"))
    return parts


def sources_of_tool(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pages that a browsing tool has read, which answers of 2023 cite by number."""
    found = list_at(message, "metadata", "_cite_metadata", "metadata_list")
    return [citation(*source) for item in found if (source := _source(item))]


def _references(text: str, metadata: dict[str, Any]) -> list[_Reference]:
    """Return the references that have a place, in the order of the text, none inside another."""
    found = [_reference(text, item) for item in list_at(metadata, "content_references") if isinstance(item, dict)]
    if not any(found):
        found = [_old_reference(text, item) for item in list_at(metadata, "citations") if isinstance(item, dict)]
    ordered: list[_Reference] = []
    for reference in sorted(filter(None, found), key=lambda each: each.start):
        if not ordered or reference.start >= ordered[-1].end:
            ordered.append(reference)
    return ordered


def _marks_without_source(text: str, references: list[_Reference]) -> list[_Reference]:
    covered = {reference.start for reference in references}
    return [_Reference(*mark.span(), "", []) for mark in _MARK.finditer(text) if mark.start() not in covered]


def _reference(text: str, item: dict[str, Any]) -> _Reference | None:
    mark, start = item.get("matched_text"), item.get("start_idx")
    if item.get("type") in _BESIDE or not isinstance(mark, str) or not mark.strip():
        return None
    if not isinstance(start, int) or text[start : start + len(mark)] != mark:
        start = text.find(mark)
    if start < 0:
        return None
    sources = _sources(item)
    label = mark
    if _MARK.search(mark) or _OLD_MARK.search(mark):
        alt = item.get("alt")
        label = alt if isinstance(alt, str) and alt else _label(sources)
    return _Reference(start, start + len(mark), label, sources)


def _old_reference(text: str, item: dict[str, Any]) -> _Reference | None:
    start, end = item.get("start_ix"), item.get("end_ix")
    source = _source(object_at(item, "metadata"))
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text) and source):
        return None
    is_mark = _MARK.fullmatch(text[start:end]) or _OLD_MARK.fullmatch(text[start:end])
    return _Reference(start, end, _label([source]) if is_mark else text[start:end], [source])


def _sources(item: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the sources of a reference: of its items and their supporting pages, or its own."""
    items = [*list_at(item, "items"), *list_at(item, "fallback_items"), *list_at(item, "sources")]
    deeper = [page for one in items for page in list_at(one, "supporting_websites")]
    found = [source for one in [*items, *deeper] if (source := _source(one))]
    own = _source(item)
    return list(dict.fromkeys(found or ([own] if own else [])))


def _listed(metadata: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the sources that stand only in the footnote."""
    footnotes = (item for item in list_at(metadata, "content_references") if object_at(item).get("type") in _BESIDE)
    return list(dict.fromkeys(source for item in footnotes for source in _sources(item)))


def _source(item: Any) -> tuple[str, str] | None:
    values = object_at(item)
    url, title = values.get("url"), values.get("title") or values.get("name")
    if not url and not title:
        return None
    return url if isinstance(url, str) else "", title if isinstance(title, str) else ""


def _label(sources: list[tuple[str, str]]) -> str:
    """Write marks as the API writes them, so that a page shows a number there."""
    return " ".join(
        f"([{host_of(web_address(url)) or title}](<{url}>))" if url else f"({title})" for url, title in sources
    )


def _replaced(text: str, references: list[_Reference]) -> tuple[str, list[dict[str, Any]]]:
    pieces, cited, position, length = list[str](), list[dict[str, Any]](), 0, 0
    for reference in references:
        before = text[position : reference.start]
        start = length + len(before)
        length = start + len(reference.label)
        pieces += [before, reference.label]
        cited += [citation(*source, start, length) if reference.label else citation(*source)
                  for source in reference.sources]  # fmt: skip
        position = reference.end
    return "".join([*pieces, text[position:]]), cited
