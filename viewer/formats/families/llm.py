"""The logs of `llm`: rows of `llm logs --json`, one for each answer, and the database that they come from.

A row has what was asked, the results of the tools that the row before called, and the answer. What the model's API
sent besides, such as a refusal, is only in `response_json`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.completions.reasoning import thoughts_in
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    citation,
    file_part,
    media_part,
    note,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.ids import id_within

from .llm_database import CONTENT, rows_of

_NAME = "llm"
_MARKS = {"id", "model", "prompt", "response", "conversation_id", "datetime_utc"}
_ENDED = ("stop", "end_turn", "completed")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _MARKS


def _key(document: Document) -> str:
    return str(document.value.get("conversation_id") or "")


def _read(document: Document) -> Iterator[Conversation]:
    yield from _join([document])


def _join(rows: list[Document]) -> Iterator[Conversation]:
    rows = sorted(rows, key=lambda row: (str(row.value.get("datetime_utc") or ""), str(row.value.get("id") or "")))
    first, last = rows[0].value, rows[-1].value
    draft = Draft(_NAME, id=id_within(_NAME, first.get("conversation_id") or first.get("id")))
    draft.created = first.get("datetime_utc")
    draft.metadata = {"title": first.get("conversation_name")}
    system, refused = "", ""
    for row in rows:
        if (said := _system_of(row.value)) and said != system:
            draft.messages.append(DraftMessage("system", said))
            system = said
        draft.messages += _messages(row, refused)
        refused = _repeated(row.value)
    draft.model = str(last.get("resolved_model") or last.get("model") or "")
    raw = object_at(last, "response_json")
    draft.finish_reason = _finish_reason(raw)
    schema = last.get("schema_json")
    tools = {str(tool.get("name")): _tool(tool) for row in rows for tool in objects_at(row.value, "tools")}
    draft.fields = {
        "tools": list(tools.values()) or None,
        "temperature": object_at(last, "options_json").get("temperature"),
        "usage": _usage(last),
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}} if schema else None,
    }
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


def _repeated(row: dict[str, Any]) -> str:
    """Return a question that had no answer: the JSON, but not the database, has it again before the next question."""
    is_whole = "conversation_model" not in row or row.get("prompt_json")  # of the database, or of versions before 0.36
    return "" if is_whole or row.get("response") or row.get("tool_calls") else str(row.get("prompt") or "")


def _usage(row: dict[str, Any]) -> dict[str, Any] | None:
    counts = row.get("input_tokens"), row.get("output_tokens")
    return None if counts == (None, None) else {"prompt_tokens": counts[0], "completion_tokens": counts[1]}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    function = {
        "name": tool.get("name"),
        "description": tool.get("description"),
        "parameters": tool.get("input_schema"),
    }
    return {"type": "function", "function": function}


def _system_of(row: dict[str, Any]) -> str:
    return "\n".join(_with_fragments(row, "system", "system_fragments"))


def _with_fragments(row: dict[str, Any], name: str, fragments: str) -> list[str]:
    """Return the texts of fragments and the text itself, which has them inside since version 0.36."""
    text = as_text(row.get(name))
    contents = [as_text(each.get("content")) for each in objects_at(row, fragments)]
    return [each for each in (*(content for content in contents if content.rstrip() not in text), text) if each]


def _messages(row: Document, refused: str) -> Iterator[DraftMessage]:
    value, is_shown = row.value, False
    results = objects_at(value, "tool_results")
    for result in results:
        if not result.get("server_executed"):
            yield _result(result)
    if asked := _asked(value, refused):
        yield asked
        is_shown = True
    answer = _answer(row)
    run_there = [call for call in objects_at(value, "tool_calls") if call.get("server_executed")]
    if run_there:  # by the server, before it answered
        ids = {call.get("tool_call_id") for call in run_there}
        yield DraftMessage("assistant", tool_calls=[call for call in answer.tool_calls if call["id"] in ids])
        answer.tool_calls = [call for call in answer.tool_calls if call["id"] not in ids]
        yield from (_result(result) for result in results if result.get("server_executed"))
    if is_shown or answer.content or answer.tool_calls or answer.refusal or results:
        yield answer


def _asked(row: dict[str, Any], refused: str) -> DraftMessage | None:
    texts = _with_fragments(row, "prompt", "prompt_fragments")
    if refused and texts and texts[-1].startswith(refused) and texts[-1] != refused:
        texts[-1] = texts[-1].removeprefix(refused)
    parts, notes = _attached(row)
    if not (texts or parts):
        return None
    content = texts[0] if len(texts) == 1 and not parts else [*map(text_part, texts), *parts]
    return DraftMessage("user", content, created=row.get("datetime_utc"), notes=notes)


def _attached(holder: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the parts of attachments, and a note for each of which only a name was logged."""
    parts, notes = [], []
    for attachment in objects_at(holder, "attachments"):
        media_type = str(attachment.get("type") or "")
        url = attachment.get(CONTENT) or attachment.get("url")
        if url:
            parts.append(media_part(media_type, str(url)))
            continue
        name = str(attachment.get("path") or attachment.get("id") or "")
        parts.append(file_part(name.replace("\\", "/").rpartition("/")[2]))
        kind = {"image": "lost-image", "audio": "lost-audio"}.get(media_type.partition("/")[0], "lost-file")
        notes.append(note(kind, by="llm"))
    return parts, notes


def _result(result: dict[str, Any]) -> DraftMessage:
    parts, notes = _attached(result)
    output = as_text(result.get("output"))
    failed = {"exception": result["exception"]} if result.get("exception") else {}
    return DraftMessage(
        "tool",
        [text_part(output), *parts] if parts else output,
        as_text(result),
        name=str(result.get("name") or ""),
        tool_call_id=str(result.get("tool_call_id") or ""),
        notes=notes,
        more=failed,
    )


def _answer(row: Document) -> DraftMessage:
    value = row.value
    raw = object_at(value, "response_json")
    message = object_at(next(iter(objects_at(raw, "choices")), {}), "message")
    items = [part for item in objects_at(raw, "output") for part in objects_at(item, "content")]
    written = {
        call.get("id"): object_at(call, "function").get("arguments") for call in objects_at(message, "tool_calls")
    }
    draft = DraftMessage("assistant", as_text(value.get("response")), row.text, id=value.get("id"))
    draft.tool_calls = [
        tool_call(
            str(call.get("tool_call_id") or call.get("id") or ""),
            str(call.get("name") or ""),
            written.get(call.get("tool_call_id")) or call.get("arguments"),
        )
        for call in objects_at(value, "tool_calls")
    ]
    draft.refusal = "".join(as_text(part.get("refusal")) for part in (message, *items))
    draft.reasoning = as_text(value.get("reasoning") or message.get("reasoning_content") or _summaries(raw))
    draft.annotations = objects_at(message, "annotations") or [
        citation(str(each["url"]), str(each.get("title") or ""), each.get("start_index"), each.get("end_index"))
        for part in items
        for each in objects_at(part, "annotations")
        if each.get("url")
    ]
    if not (draft.content or draft.tool_calls or draft.refusal) and _finish_reason(raw) in _ENDED:
        draft.notes.append(note("lost-refusal", by="llm"))
    return draft


def _summaries(raw: dict[str, Any]) -> str:
    found = (thoughts_in(item.get("summary")) for item in objects_at(raw, "output") if item.get("type") == "reasoning")
    return "\n\n".join(thought for thoughts in found for thought in thoughts)


def _finish_reason(raw: dict[str, Any]) -> str | None:
    choice = next(iter(objects_at(raw, "choices")), {})
    found = raw.get("finish_reason") or choice.get("finish_reason") or raw.get("stop_reason") or raw.get("status")
    return found if isinstance(found, str) else None


FAMILY = Family(
    name=_NAME,
    title="llm",
    what=gettext_lazy("An llm log"),
    seen="llm 0.19, 0.27.1 and 0.36",
    keeps="texts, fragments, tool calls and results, errors of tools, times; refusals and sources if not streamed",
    loses="pictures and files in JSON, and those that were given by their path; refusals and sources of streams",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
    tables=frozenset({"_llm_migrations", "conversations", "responses"}),
    rows=rows_of,
)
