"""Perplexity: the data that it sends who asks for it, and threads as its page gets them, which extensions save.

Facts from what reads them: `perplexity-export-convert` of 2026, `perplexport` of 2025 (`conversation.ts`), and clients
that read the same entries. An entry is a question with its answer; the search that led to it stands in blocks, some of
which repeat others. The Markdown of its page is refused: it does not say where a question ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cells import json_of
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, image_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "perplexity", "Perplexity"
_KNOWN = ("context_title", "context_uuid", "created_at", "entries", "status")
_FAILED = ("FAILED", "BLOCKED")
_MARK = re.compile(r"\[(\d{1,3})\]")

_Sources = dict[int, tuple[str, str]]  # by the number that the answer has in brackets


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    first = first_object(value.get("entries"))
    is_thread = "query_str" in first and not {"blocks", "text"}.isdisjoint(first) and "context_uuid" in first
    return is_thread or ({"query", "answer"} <= first.keys() and "context_title" in value)


def _read(document: Document) -> Iterator[Conversation]:
    value, held = document.value, list(document.members["entries"].items())
    entries = [object_at(entry.value) for entry in held]
    first, last = entries[0], entries[-1]
    collection = object_at(first, "collection_info").get("title") or value.get("collection_name")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(value, ("context_uuid",)) or first.get("context_uuid")),
        created=first_of(value, ("created_at",)) or _asked_at(first) or _answered_at(first),
        model=as_text(first_of(last, ("display_model", "user_selected_model"))),
        metadata={
            "title": first_of(value, ("context_title",)) or first.get("thread_title"),
            "collection": collection,
            "user": first.get("author_username"),
        },
        messages=[draft for entry in held for draft in _exchange(entry)],
        source=source_of(document, _KNOWN),
    )
    if value.get("has_next_page"):
        draft.messages[-1].notes.append(note("cut-off", by=_TITLE))
    yield draft.finish(document)


def _asked_at(entry: dict[str, Any]) -> Any:
    return first_of(entry, ("created_at", "created_datetime", "stream_created_at"))


def _answered_at(entry: dict[str, Any]) -> Any:
    return first_of(entry, ("entry_updated_datetime", "updated_datetime"))


def _exchange(entry: Document) -> list[DraftMessage]:
    """Read a question with its answer. What would let others change the thread is not kept."""
    value = object_at(entry.value)
    own = as_text(first_of(value, ("backend_uuid", "uuid")))
    status = as_text(first_of(value, ("query_status", "status")))
    asked = DraftMessage(CUSTOMER, created=_asked_at(value), id=f"{own}-query" if own else None)
    asked.content = [text_part(as_text(first_of(value, ("query", "query_str"))))]
    asked.content += [linked_file(url) for url in list_at(value, "attachments") if isinstance(url, str)]
    turn = Turn()
    blocks = objects_at(value, "blocks")
    goals = [as_text(goal.get("description")) for block in blocks for goal in objects_at(block, "plan_block", "goals")]
    turn.think("\n".join(dict.fromkeys(filter(None, goals))))
    _take_searches(turn, blocks)
    answer, sources = _answer_of(value)
    turn.add(*([text_part(answer, _cited(answer, sources))] if answer else []), *_pictures(value))
    last = turn.last()
    if status in _FAILED:
        last.more["error"] = status
    elif not answer:
        last.notes.append(note("lost-answer", by=_TITLE))
    drafts = turn.messages()
    for draft in drafts:
        draft.created = _answered_at(value)
    last.id, last.source = own or None, source_of(entry, ("read_write_token",))
    return [asked, *drafts]


def _take_searches(turn: Turn, blocks: list[dict[str, Any]]) -> None:
    """Add what was searched for and found. Several blocks have the same steps."""
    seen, call_id = set[str](), ""
    for step in (step for block in blocks for step in objects_at(block, "plan_block", "steps")):
        own = as_text(step.get("uuid"))
        if own in seen:
            continue
        seen.add(own)
        if searched := object_at(step, "search_web_content"):
            call_id = own
            queries = [as_text(query.get("query")) for query in objects_at(searched, "queries")]
            turn.call(call_id, "search_web", {"queries": queries})
        elif (found := object_at(step, "web_results_content")) and call_id:
            kept = ("name", "url", "snippet")
            results = [{name: one.get(name) for name in kept} for one in objects_at(found, "web_results")]
            turn.result(call_id, as_text(results))
            call_id = ""


def _answer_of(entry: dict[str, Any]) -> tuple[str, _Sources]:
    """Return the answer and its sources: from blocks, from the JSON that entries had before, or as it is."""
    if isinstance(entry.get("answer"), str):
        return entry["answer"], {}
    blocks = objects_at(entry, "blocks")
    told = {as_text(block.get("intended_usage")): object_at(block, "markdown_block") for block in blocks}
    texts = {usage: _text_of(block) for usage, block in told.items() if usage.startswith("ask_text")}
    answer = texts.get("ask_text") or "\n\n".join(filter(None, texts.values()))
    if answer:
        return answer, _sources(blocks)
    return _old_answer(entry.get("text"))


def _text_of(block: dict[str, Any]) -> str:
    return as_text(block.get("answer")) or "".join(map(as_text, list_at(block, "chunks")))


def _sources(blocks: list[dict[str, Any]]) -> _Sources:
    rows = [row for block in blocks for row in objects_at(block, "sources_mode_block", "rows")]
    numbered = {row["citation"]: object_at(row, "web_result") for row in rows if isinstance(row.get("citation"), int)}
    if not numbered:
        found = (objects_at(block, "web_result_block", "web_results") for block in blocks)
        numbered = dict(enumerate(next(filter(None, found), []), start=1))
    return {number: _source(one) for number, one in numbered.items() if number}


def _source(result: dict[str, Any]) -> tuple[str, str]:
    return as_text(result.get("url")), as_text(first_of(result, ("name", "title")))


def _old_answer(text: Any) -> tuple[str, _Sources]:
    """Read an answer that is JSON in a text: alone, or as the last of the steps, where it is JSON once more."""
    value = json_of(text)
    if isinstance(value, list):
        steps = [object_at(step, "content") for step in value if object_at(step).get("step_type") == "FINAL"]
        value = json_of(steps[-1].get("answer")) if steps else None
    if isinstance(value, str):
        return value, {}
    found = objects_at(value, "web_results")
    return as_text(object_at(value).get("answer")), dict(enumerate(map(_source, found), start=1))


def _cited(answer: str, sources: _Sources) -> list[dict[str, Any]]:
    """Put the sources where the answer has their numbers."""
    marks = ((mark, sources.get(int(mark[1]))) for mark in _MARK.finditer(answer))
    return [citation(*source, mark.start(), mark.end()) for mark, source in marks if source and source[0]]


def _pictures(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pictures that were made; those that were only found stand with the sources."""
    for block in objects_at(entry, "blocks"):
        for item in objects_at(block, "media_block", "generated_media_items"):
            yield image_part(as_text(first_of(item, ("image", "url"))), caption=as_text(item.get("name")))


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A Perplexity export"),
    seen="the data sent on request in 2026, and threads of 2025, by what reads them",
    keeps="questions, answers, searches and what they found, sources, pictures that were made, files by their address, "
    "titles, collections, the model, times",
    loses="in the data sent on request, sources and searches; in its Markdown, who said what",
    matches=_matches,
    read=_read,
)
