"""Takes apart the files in which exporters, collectors and their stores write spans: one document for each span."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from viewer.completions.source_text import to_object
from viewer.formats.document import Document
from viewer.formats.family import object_at

from .stores import is_stored, spans_in_store

_RESOURCES = ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs", "batches")
_SCOPES = (
    "scopeSpans", "scope_spans", "scopeLogs", "scope_logs", "instrumentationLibrarySpans",
    "instrumentation_library_spans",
)  # fmt: skip
_RECORDS = ("spans", "logRecords", "log_records")


_HOLDERS = ("trace", "result")  # of Tempo's and Jaeger's answers


def is_file_of_spans(value: Any) -> bool:
    """Whether a value is a message of OTLP, as the collector writes one on each line, or a span of a store."""
    return _is_otlp(value) or any(_is_otlp(object_at(value, name)) for name in _HOLDERS) or is_stored(value)


def _is_otlp(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(name), list) for name in _RESOURCES)


def spans_in(document: Document) -> Iterator[Document]:
    """Yield the spans and log records of a document that is none itself, each with its resource and scope beside it."""
    yield from spans_in_store(document)
    holders = (document, *(held for name in _HOLDERS if (held := document.at(name)) is not None))
    for holder, name in ((holder, name) for holder in holders for name in _RESOURCES):
        for resource in _items(holder, name):
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
