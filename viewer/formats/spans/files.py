"""Takes apart the files in which exporters, collectors and Phoenix write spans: one document for each span."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer.completions.source_text import to_object
from viewer.formats.document import Document

_RESOURCES = ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs", "batches")
_SCOPES = (
    "scopeSpans", "scope_spans", "scopeLogs", "scope_logs", "instrumentationLibrarySpans",
    "instrumentation_library_spans",
)  # fmt: skip
_RECORDS = ("spans", "logRecords", "log_records")


def is_otlp(value: Any) -> bool:
    """Whether a value is a message of OTLP, as the collector writes one on each line."""
    return isinstance(value, dict) and any(isinstance(value.get(name), list) for name in _RESOURCES)


def spans_in(document: Document) -> Iterator[Document]:
    """Yield the spans and log records of a message of OTLP, each with its resource and its scope beside it."""
    for name in _RESOURCES:
        for resource in _items(document, name):
            for scope in (each for names in _SCOPES for each in _items(resource, names)):
                for record in (each for names in _RECORDS for each in _items(scope, names)):
                    yield _with_origin(record, resource, scope)


def _items(document: Document, name: str) -> Iterator[Document]:
    inner = document.at(name)
    if inner is not None:
        yield from (item for item in inner.items() if isinstance(item.value, dict))


def _with_origin(record: Document, resource: Document, scope: Document) -> Document:
    pairs = [(name, member.text) for name, member in record.members.items()]
    named = (
        ("resource", resource.at("resource")),
        ("scope", scope.at("scope") or scope.at("instrumentationLibrary")),
    )
    pairs += [(name, member.text) for name, member in named if member is not None]
    return Document(to_object(pairs), record.place, record.find)
