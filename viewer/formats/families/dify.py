"""Dify's messages: pages of its API and of its console, its own export of an app, and rows of its table `messages`.

One of them is a question with its answer. What an agent thought, called and got back stands beside the answer. A run of
a chat's flow has the same two among its inputs and outputs, or in the steps that the console shows of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.reading import read_time
from viewer.completions.source_text import to_object
from viewer.formats.cells import json_of
from viewer.formats.document import Conversation, Document, NotAConversation, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, id_under, source_of
from viewer.formats.turns import Turn

from .dify_steps import are_steps, is_step, run_of

_NAME, _TITLE = "dify", "Dify"
_FIRST = datetime.min.replace(tzinfo=UTC)
_MARKS = {
    "agent_thoughts", "retriever_resources", "message_files", "provider_response_latency", "message_metadata",
    "from_source",
}  # fmt: skip
_MEDIA = {"image": "image/*", "audio": "audio/"}
_USUAL = (None, "", "normal", "succeeded")
_USERS = ("from_end_user_id", "from_account_id")
_FAILED = re.compile(  # what an agent is told in the place of a result
    r"tool (?:invoke|para?meters validation) error: |unknown error: |there is not a tool named "
    r"|Plea?se check your tool provider credentials\Z"
)
_PAGES = ("data", "messages")
_OF_LISTS = ({"introduction", "inputs", "name", "status"}, {"workflow_run", "created_from"})


def _is_message(value: Any) -> bool:
    return {"conversation_id", "query", "answer"} <= object_at(value).keys() and not _MARKS.isdisjoint(value)


def _is_run(value: Any) -> bool:
    """Whether a value is a run of a chat's flow, in its table or as the console shows it."""
    if not {"inputs", "outputs", "status"} <= object_at(value).keys() or is_step(value):
        return False
    return {"sys.query", "sys.conversation_id"} <= object_at(json_of(value["inputs"])).keys()


def _is_listed(value: Any) -> bool:
    """Whether a value stands in a list that says nothing of what was said: of conversations, or of runs."""
    return any(object_at(value).keys() >= names for names in _OF_LISTS)


def _page_in(value: Any) -> str:
    """Return under which name messages stand in a page, or in what programs write of a conversation; else nothing."""
    return next((name for name in _PAGES if _is_message(first_object(object_at(value).get(name)))), "")


def _matches(value: Any) -> bool:
    is_read = _is_message(value) or _is_run(value) or are_steps(value) or bool(_page_in(value))
    return is_read or ("has_more" in object_at(value) and _is_listed(first_object(value.get("data"))))


def _parts(document: Document) -> Iterator[Document]:
    """Yield the messages of a page; its oldest one with what the page says of earlier ones and of the conversation."""
    if are_steps(document.value) and (run := run_of(document)):
        yield run
        return
    name = _page_in(document.value)
    page = document.at(name) if name else None
    found = [one for one in page.items() if _is_message(one.value)] if page else []
    oldest = min(found, key=_time, default=None)
    beside = source_of(document, (name, "limit", "has_more"))
    added = [("has_more", "true")] if document.value.get("has_more") is True else []
    added += [("conversation", beside)] if beside else []
    yield from (_with(one, added) if added and one is oldest else one for one in found)


def _with(message: Document, added: list[tuple[str, str]]) -> Document:
    members = [(name, member.text) for name, member in message.members.items()]
    return Document(to_object([*members, *added]), message.place, message.find)


def _read(document: Document) -> Iterator[Conversation]:
    if are_steps(document.value):
        raise NothingSaid
    raise NotAConversation(gettext("This is a list of Dify's conversations or runs, without what was said."))


def _as_message(value: dict[str, Any]) -> dict[str, Any]:
    """Return a message, or a run as the message that it was for."""
    if not _is_run(value):
        return value
    inputs, outputs = json_of(value["inputs"]), object_at(json_of(value["outputs"]))
    given = {name: each for name, each in inputs.items() if not name.startswith("sys.")}
    names = {"query": "sys.query", "conversation_id": "sys.conversation_id", "from_end_user_id": "sys.user_id"}
    answer = outputs.get("answer") if "answer" in outputs or not outputs else outputs
    return value | {ours: inputs.get(theirs) for ours, theirs in names.items()} | {"inputs": given, "answer": answer}


def _key(document: Document) -> str:
    is_read = _is_message(document.value) or _is_run(document.value)
    return as_text(_as_message(document.value)["conversation_id"]) if is_read else ""


def _join(records: list[Document]) -> Iterator[Conversation]:
    """Read the messages of a conversation; they come in their order, and pages of them with the newest first."""
    records = sorted(records, key=_time) if all(_time(record) is not _FIRST for record in records) else records
    values, prompts = [_as_message(record.value) for record in records], list[str]()
    inputs = object_at(json_of(values[0].get("inputs")))
    is_cut = values[0].get("has_more") is True  # and no other page had what came before
    yield Draft(
        _NAME,
        id=id_within(_NAME, values[0]["conversation_id"]),
        created=values[0].get("created_at"),
        model=as_text(next((value["model_id"] for value in values if value.get("model_id")), "")),
        metadata={
            "title": _title(object_at(values[0], "conversation")),
            "user": _user(values[0]),
            **{name: each for name, each in inputs.items() if isinstance(each, str)},
        },
        messages=[each for n, record in enumerate(records, start=1) for each in _messages(record, n, prompts)],
        notes=[note("earlier", by=_TITLE)] if is_cut else [],
    ).finish_at(records[0].place, *(record.text for record in records))


def _title(beside: dict[str, Any]) -> Any:
    return first_of(beside, ("name", "title")) or object_at(beside, "conversation").get("name")


def _time(message: Document) -> datetime:
    return read_time(message.value.get("created_at")) or _FIRST


def _user(value: dict[str, Any]) -> Any:
    return object_at(value, "created_by_end_user").get("session_id") or first_of(value, _USERS)


def _messages(record: Document, number: int, prompts: list[str]) -> list[DraftMessage]:
    """Read a question and its answer, and the system prompt where it is another one than before."""
    value = _as_message(record.value)
    asked, turn = _asked(value), _answered(value, number)
    messages = [*_prompt(value, prompts), asked, *turn]
    for message in messages:
        message.created = value.get("created_at")
    asked.source, turn[-1].id = record.text, first_of(value, ("id", "message_id"))
    return messages


def _prompt(value: dict[str, Any], prompts: list[str]) -> Iterator[DraftMessage]:
    """Yield the system prompt of a message: the console and the table have what was sent to the model."""
    sent = json_of(value.get("message"))
    first = first_object(sent)
    text = as_text(first.get("text")) if first.get("role") == "system" else ""
    if text and text not in prompts[-1:]:
        prompts.append(text)
        yield DraftMessage("system", text)


def _asked(value: dict[str, Any]) -> DraftMessage:
    """Read the question; an app may have none, but only fields that are filled in."""
    text, inputs = as_text(value.get("query")), json_of(value.get("inputs"))
    parts = [text_part(text)] if text else [{"type": "inputs", "inputs": inputs}] if inputs else []
    return DraftMessage("user", parts + _files(value, "user"))


def _files(value: dict[str, Any], whose: str) -> list[dict[str, Any]]:
    files = (each for each in objects_at(value, "message_files") if (each.get("belongs_to") or "user") == whose)
    return [_file(each) for each in files]


def _file(file: dict[str, Any]) -> dict[str, Any]:
    media_type = as_text(file.get("mime_type")) or _MEDIA.get(as_text(file.get("type")), "")
    return linked_file(as_text(file.get("url")), media_type, as_text(file.get("filename")))


def _answered(value: dict[str, Any], number: int) -> list[DraftMessage]:
    """Read an answer with what led to it. What an agent says before it calls a tool is in the answer too."""
    turn, answer = Turn(), as_text(value.get("answer"))
    thoughts = objects_at(value, "agent_thoughts")
    if all(isinstance(each.get("position"), int) for each in thoughts):
        thoughts = sorted(thoughts, key=lambda each: each["position"])
    for n, thought in enumerate(thoughts, start=1):
        answer = _add(turn, thought, answer, f"{number}-{n}")
    turn.add(*([text_part(answer.strip("\n"))] if answer.strip() else []), *_files(value, "assistant"))
    turn.add(*({**each, "type": as_text(each.get("type")) or "extra"} for each in objects_at(value, "extra_contents")))
    messages = turn.messages()
    last = messages[-1] if messages[-1].role == "assistant" else DraftMessage("assistant")
    last.annotations = _sources(value)
    last.more |= _about(value)
    return messages if last is messages[-1] else [*messages, last]


def _add(turn: Turn, thought: dict[str, Any], answer: str, number: str) -> str:
    """Add what an agent thought and did, and return what is left of the answer."""
    text, tools = as_text(thought.get("thought")), [name for name in as_text(thought.get("tool")).split(";") if name]
    if text and answer.startswith(text):
        if not tools:
            return answer
        turn.add(text_part(text))
        answer = answer[len(text) :].removeprefix("\n")
    else:
        turn.think(text)
    names = list(dict.fromkeys(tools))
    for name in names:
        turn.call(f"{number}-{name}", name, _of_tool(thought.get("tool_input"), name))
    if len(names) < len(tools):  # it keeps one input and one result for each name
        turn.last().notes.append(note("lost-calls", by=_TITLE))
    for name in names:
        told = _of_tool(thought.get("observation"), name)
        error = object_at(told).get("error") if object_at(told).keys() == {"error"} else None  # of a step of a run
        result = turn.result(f"{number}-{name}", as_text(error or told), name)
        result.more = {"status": "failed"} if error or _FAILED.match(as_text(told)) else {}
    return answer


def _of_tool(given: Any, name: str) -> Any:
    """Return what belongs to a tool of several; what is no JSON belongs to all of them."""
    held = json_of(given)
    return held[name] if isinstance(held, dict) and name in held else given


def _sources(value: dict[str, Any]) -> list[dict[str, Any]]:
    about = next((each for name in ("metadata", "message_metadata") if (each := json_of(value.get(name)))), None)
    found = objects_at(value, "retriever_resources") or objects_at(about, "retriever_resources")
    names = {as_text(first_of(each, ("document_id", "document_name"))): each.get("document_name") for each in found}
    return [citation(document, as_text(name)) for document, name in names.items()]


def _about(value: dict[str, Any]) -> dict[str, Any]:
    """Return what went wrong, and what customers and colleagues said of an answer."""
    feedback = value.get("feedbacks") or value.get("feedback")
    found = {"error": value.get("error"), "feedback": feedback, "annotation": value.get("annotation")}
    return {name: each for name, each in found.items() if each} | (
        {"status": value["status"]} if value.get("status") not in _USUAL else {}
    )


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("An export of Dify"),
    seen="API, console, table and export-app-messages of 0.5 to 1.x, by its source",
    keeps="texts, system prompts, tools with input, result and whether they failed, thoughts, sources, files by their "
    "address, errors, feedback and annotations, fields filled in, times",
    loses="the opening statement, which stands in the app; all but one of several calls of a tool at once; in what "
    "export-app-messages writes, times, tools and errors; of steps of a run, what the console cuts",
    matches=_matches,
    read=_read,
    parts=_parts,
    key=_key,
    own=id_under("id", "message_id"),
    join=_join,
)
