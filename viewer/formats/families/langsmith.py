"""Runs of LangSmith, as its SDK sends and lists them, and the examples of its data sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.calls import Span, conversations_of
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, as_text
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, object_at
from viewer.formats.message_lists import first_of
from viewer.formats.pairs import at, rest_of

_NAME = "langsmith"
_MARKS = ("dotted_order", "trace_id", "session_id", "session_name", "parent_run_id", "child_run_ids", "run_id")
_THREADS = ("session_id", "thread_id", "conversation_id")
_OWN = ("ls_", "LANGSMITH_", "usage_metadata", "revision_id", "langgraph_", "runtime")


def _matches(value: Any) -> bool:
    has_run = isinstance(value, dict) and isinstance(value.get("run_type"), str) and "inputs" in value
    return has_run and any(name in value for name in _MARKS)


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    return object_at(value, "extra", "metadata") or object_at(value, "metadata")


def _key(document: Document) -> str:
    """Traces of one thread belong together: LangSmith finds their id in the metadata."""
    thread = first_of(_metadata(document.value), _THREADS)
    trace = first_of(document.value, ("trace_id", "id"))
    return f"thread {thread}" if thread else f"trace {trace}"


def _spans(documents: Iterable[Document]) -> Iterator[Span]:
    for document in documents:
        yield _span(document)
        for name in ("child_runs", "children"):
            if children := document.at(name):
                yield from _spans(child for child in children.items() if isinstance(child.value, dict))


def _span(run: Document) -> Span:
    value = run.value
    given = _metadata(value)
    draft = Draft(_NAME, id=value.get("id"), created=first_of(value, ("start_time", "startTime")))
    draft.model = as_text(first_of(given, ("ls_model_name", "model")))
    draft.metadata = {name: each for name, each in given.items() if not name.startswith(_OWN)}
    draft.metadata |= {name: value.get(name) for name in ("name", "tags", "session_name")}
    read = fill(draft, at(run, ("inputs",)), at(run, ("outputs",)) if object_at(value, "outputs") else None)
    if value.get("error"):
        draft.fields["error"] = {"message": as_text(value["error"]).partition("\nTraceback")[0]}
    paths = {("inputs", *path) for path in read} | {("outputs",), ("tags",), ("name",), ("child_runs",), ("children",)}
    return Span(
        draft,
        run,
        trace=as_text(first_of(value, ("trace_id", "id"))),
        is_call=value["run_type"] == "llm",
        is_root=not first_of(value, ("parent_run_id", "parent_id")),
        rest=[rest_of(run, paths)],
    )


def _join(documents: list[Document]) -> Iterator[Conversation]:
    yield from conversations_of(_spans(documents))


FAMILY = Family(
    name=_NAME,
    title="LangSmith",
    what=gettext_lazy("A file of LangSmith runs"),
    seen="langsmith 0.15.1",
    keeps="calls of models with their answers, joined by trace and thread; tools, refusals, citations, errors, tags",
    loses="nothing that was seen",
    matches=_matches,
    key=_key,
    join=_join,
)
