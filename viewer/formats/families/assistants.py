"""Threads of OpenAI's Assistants API: messages, runs and their steps, in lists of the API or together in one object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, file_part, image_part, text_part, tool_call
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.message_lists import source_of

_NAME = "openai-assistants"
_OBJECTS = ("thread", "thread.message", "thread.run", "thread.run.step")
_DELTAS = ("thread.message.delta", "thread.run.step.delta")  # of streams, which end with the whole
_HOLDERS = ("thread", "messages", "runs", "steps", "data", "run_steps")
_MAX_DEPTH = 3
_OF_THREAD = {"id", "object", "created_at", "metadata", *_HOLDERS}
_RUN_FIELDS = {"tools": "tools", "usage": "usage", "error": "last_error", "temperature": "temperature"}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") in (*_OBJECTS, *_DELTAS)


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return _is_object(value) or any(_is_held(value.get(name)) for name in _HOLDERS)


def _is_held(value: Any) -> bool:
    return (
        _is_object(value) or _is_object(first_object(value)) or _is_object(first_object(object_at(value).get("data")))
    )


def _parts(document: Document, depth: int = _MAX_DEPTH) -> Iterator[Document]:
    """Yield the objects of the API in a document, also those that stand in a thread."""
    if isinstance(document.value, list):
        for item in document.items():
            yield from _parts(item, depth)
        return
    if _is_object(document.value):
        yield document
    for name in _HOLDERS if depth else ():
        if (member := document.at(name)) is not None:
            yield from _parts(member, depth - 1)


def _key(document: Document) -> str:
    value = document.value
    return str(
        value.get("thread_id") or (value.get("id") if value["object"] == "thread" else "") or document.place.file
    )


def _join(documents: list[Document]) -> Iterator[Conversation]:
    """Read all that there is of a thread. An object that comes again, as in a stream, is as it was at last."""
    newest = {(each.value["object"], each.value.get("id")): each for each in documents}
    of_kind = {kind: [each for (one, _id), each in newest.items() if one == kind] for kind in _OBJECTS}
    thread = of_kind["thread"][0] if of_kind["thread"] else None
    runs = sorted(of_kind["thread.run"], key=_time)
    if not of_kind["thread.message"]:
        raise NotReadable(gettext("These are runs of an assistant without the messages of their thread: add them."))
    draft = Draft(_NAME, id=_key(documents[0]), messages=_system(runs))
    draft.messages += [message for each in _in_order(of_kind) for message in _messages(each)]
    values = object_at(thread.value if thread else None)
    times = (message.created for message in draft.messages if message.created)
    draft.created = values.get("created_at") or next(times, None)
    draft.metadata = object_at(values, "metadata")
    if runs:
        last = runs[-1].value
        draft.model = as_text(last.get("model"))
        draft.fields = {name: last[given] for name, given in _RUN_FIELDS.items() if last.get(given)}
    draft.source = source_of(thread, _OF_THREAD) if thread else ""
    yield draft.finish_at(documents[0].place, *(each.text for each in documents))


def _time(document: Document) -> float:
    time = document.value.get("created_at")
    return float(time) if isinstance(time, (int, float)) else 0.0


def _in_order(of_kind: dict[str, list[Document]]) -> list[Document]:
    """Put messages and steps into the order of their times, which are seconds; the API lists the newest first."""
    messages = of_kind["thread.message"]
    first, last = _time(messages[0]), _time(messages[-1])
    if first > last or (first == last and messages[0].value.get("role") == "assistant"):
        messages = messages[::-1]
    steps = sorted(of_kind["thread.run.step"], key=_time)
    ranks = {"user": 0, None: 1}  # what is asked, then what is done, then what is answered
    return sorted([*messages, *steps], key=lambda each: (_time(each), ranks.get(each.value.get("role"), 2)))


def _system(runs: list[Document]) -> list[DraftMessage]:
    texts = dict.fromkeys(as_text(run.value.get("instructions")) for run in runs)
    return [DraftMessage("system", text) for text in texts if text]


def _messages(document: Document) -> list[DraftMessage]:
    if document.value["object"] == "thread.run.step":
        return _step(document)
    value = document.value
    message = DraftMessage(as_text(value.get("role")), None, document.text, id=value.get("id"))
    message.created = value.get("created_at")
    parts = [_part(part) for part in list_at(value, "content")]
    message.content = parts + [
        file_part(file_id=as_text(each.get("file_id"))) for each in objects_at(value, "attachments")
    ]
    more = {"metadata": value.get("metadata"), "incomplete_details": value.get("incomplete_details")}
    message.more = {name: each for name, each in more.items() if each}
    return [message]


def _part(part: Any) -> dict[str, Any]:
    if not isinstance(part, dict):
        return text_part(as_text(part))
    text, image = part.get("text"), object_at(part, "image_file")
    if part.get("type") == "text":
        cited = [_citation(each) for each in objects_at(text, "annotations")]
        return text_part(as_text(text["value"] if isinstance(text, dict) and "value" in text else text), cited)
    if image:
        return image_part("", file_id=as_text(image.get("file_id")))
    return part


def _citation(value: dict[str, Any]) -> dict[str, Any]:
    """Read an annotation; the file has no address, so its id stands for it."""
    file = object_at(value, as_text(value.get("type")))
    title = as_text(file.get("quote") or value.get("text"))
    return citation(as_text(file.get("file_id")), title, value.get("start_index"), value.get("end_index"))


# --- Steps of runs ---------------------------------------------------------------------------------------------------


def _step(document: Document) -> list[DraftMessage]:
    """Read what a step has called, with the results; a step that makes a message has nothing of its own."""
    calls = objects_at(document.value, "step_details", "tool_calls")
    if not calls:
        return []
    asked = DraftMessage("assistant", [], document.text, created=document.value.get("created_at"))
    asked.tool_calls = [_call(call) for call in calls]
    images = [each for call in calls for each in objects_at(call, "code_interpreter", "outputs") if each.get("image")]
    asked.content = [image_part("", file_id=as_text(object_at(each, "image").get("file_id"))) for each in images]
    results = [
        DraftMessage("tool", as_text(function["output"]), tool_call_id=as_text(call.get("id")))
        for call in calls
        if (function := object_at(call, "function")).get("output") is not None
    ]
    return [asked, *results]


def _call(call: dict[str, Any]) -> dict[str, Any]:
    kind, call_id = as_text(call.get("type")), as_text(call.get("id"))
    given = object_at(call, kind)
    if kind == "function":
        return tool_call(call_id, as_text(given.get("name")), given.get("arguments"))
    if kind == "code_interpreter":
        logs = "\n".join(as_text(each.get("logs")) for each in objects_at(given, "outputs") if each.get("logs"))
        custom = {"name": kind, "input": as_text(given.get("input"))}
        return {"id": call_id, "type": "custom", "custom": custom, "output": logs or "completed"}
    results = given.get("results")
    asked = {name: each for name, each in given.items() if name != "results"}
    return {"id": call_id, "type": kind, "name": kind, "arguments": as_text(asked), "output": as_text(results or "")}


FAMILY = Family(
    name=_NAME,
    title="OpenAI Assistants",
    what=gettext_lazy("An OpenAI Assistants thread"),
    seen="threads, runs and steps of the API of 2024, by their description",
    keeps="texts, citations, pictures and files by their ids, tool calls and results, metadata, times",
    loses="the bytes of pictures and files; the instructions and tool calls, unless runs and steps were exported too",
    matches=_matches,
    key=_key,
    join=_join,
    parts=_parts,
)
