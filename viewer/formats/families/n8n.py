"""Executions of n8n's workflows, of its API with their data, its editor or its database, if somebody chatted in them.

An execution is a question with its answer. Those of one session are one conversation.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.cells import json_of, values_of
from viewer.formats.document import Conversation, Document, NotAConversation, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.flatted import is_flatted, unflatted
from viewer.formats.help_desks import CUSTOMER, EVENT
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, id_under, source_of
from viewer.formats.turns import Turn

_NAME, _TITLE = "n8n", "n8n"
_RUNS = ("data", "resultData", "runData")
_WORKFLOW = "workflowData"  # all nodes with their settings, the same in each execution: kept once
_DATABASE = """
SELECT e.*, d."workflowData", d.data FROM execution_entity e
LEFT JOIN execution_data d ON d."executionId" = e.id ORDER BY e.id
"""
_LANGCHAIN = "@n8n/n8n-nodes-langchain."
_SPEAK = {"agent", "chainLlm", "chainRetrievalQa", "chainSummarization", "openAi", "conversationalAgent"}


@dataclass(frozen=True)
class _Run:
    """One run of a node: its name and what it was given and gave back."""

    node: str
    value: dict[str, Any]

    def given(self, kind: str) -> dict[str, Any]:
        return _first_json(object_at(self.value, "inputOverride"), kind)

    def gave(self, kind: str) -> dict[str, Any]:
        return _first_json(object_at(self.value, "data"), kind)

    @property
    def error(self) -> str:
        error = object_at(self.value, "error")
        return as_text(error.get("message") or error.get("description"))


def _first_json(connections: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the first item of a connection, of which each has outputs with items."""
    for output in list_at(connections, kind):
        for item in output if isinstance(output, list) else ():
            if found := object_at(item, "json"):
                return found
    return {}


def _matches(value: Any) -> bool:
    is_bare = {"workflowId", "mode", "finished"} <= object_at(value).keys() and not object_at(value).get("data")
    return is_bare or bool(object_at(value, *_RUNS)) or _is_stored(value)


def _is_stored(value: Any) -> bool:
    """Whether a value is a row of the table `execution_data`, or an execution as the editor fetches it."""
    return _WORKFLOW in object_at(value) and is_flatted(value.get("data"))


def _parts(document: Document) -> Iterator[Document]:
    """Yield an execution as the API gives it."""
    if _is_stored(document.value):
        opened = {"data": unflatted(document.value["data"]), _WORKFLOW: json_of(document.value[_WORKFLOW])}
        others = [(name, each.text) for name, each in document.members.items() if name not in opened]
        texts = [(name, json.dumps(each, ensure_ascii=False)) for name, each in opened.items()]
        yield Document(to_object([*others, *texts]), document.place, document.find)


def _runs_of(execution: dict[str, Any]) -> list[_Run]:
    """Return the runs of all nodes in the order in which they began."""
    nodes = object_at(execution, *_RUNS)
    runs = [_Run(node, run) for node in nodes for run in list_at(nodes, node) if isinstance(run, dict)]
    begun = [run.value.get("startTime") for run in runs]
    return (
        sorted(runs, key=lambda run: run.value["startTime"]) if all(isinstance(each, int) for each in begun) else runs
    )


def _trigger_of(runs: list[_Run]) -> dict[str, Any]:
    """Return what the chat began with."""
    found = (run.gave("main") for run in runs)
    return next((each for each in found if isinstance(each.get("chatInput"), str)), {})


def _begun(execution: dict[str, Any]) -> Any:
    """Return when an execution began; the rows with the data alone have it of each node."""
    runs = _runs_of(execution)
    return execution.get("startedAt") or (runs[0].value.get("startTime") if runs else None)


def _key(document: Document) -> str:
    return as_text(_trigger_of(_runs_of(document.value)).get("sessionId"))


def _join(executions: list[Document]) -> Iterator[Conversation]:
    ordered = sorted(executions, key=lambda one: as_text(_begun(one.value)))
    yield _draft(_key(ordered[0]), ordered).finish_at(ordered[0].place, *(one.text for one in ordered))


def _read(document: Document) -> Iterator[Conversation]:
    if not object_at(document.value, *_RUNS):
        raise NotAConversation(
            gettext("This is an execution of n8n without its data: ask for it with includeData=true.")
        )
    yield _draft(as_text(first_of(document.value, ("id", "executionId"))), [document]).finish(document)


def _draft(name: str, executions: list[Document]) -> Draft:
    """Read executions. Raises NotAConversation where nobody chatted."""
    messages = [each for n, one in enumerate(executions, start=1) for each in _messages(one, f"{n}")]
    if not messages:
        raise NothingSaid
    runs = [run for one in executions for run in _runs_of(one.value)]
    options = (object_at(run.given("ai_languageModel"), "options") for run in runs)
    models = (as_text(each.get("model") or each.get("model_name")) for each in options)
    first, workflow = executions[0].value, executions[0].at(_WORKFLOW)
    return Draft(
        _NAME,
        id=id_within(_NAME, name),
        created=_begun(first),
        model=next(filter(None, models), ""),
        metadata={"workflow": object_at(first, _WORKFLOW).get("name"), "workflow_id": first.get("workflowId")},
        messages=messages,
        source=to_object([(_WORKFLOW, workflow.text)]) if workflow is not None else "",
    )


def _messages(execution: Document, number: str) -> list[DraftMessage]:
    """Read what was asked, which tools were used, and what was answered; nothing if there is no model in it."""
    runs = _runs_of(execution.value)
    asked = _asked(runs)
    messages = asked + _answered(execution.value, runs, number)
    if not asked and not any(message.tool_calls or message.content for message in messages):
        return []
    for message in messages:
        message.created = message.created or _begun(execution.value)
    messages[0].source = source_of(execution, (_WORKFLOW,))
    return messages


def _answered(execution: dict[str, Any], runs: list[_Run], number: str) -> list[DraftMessage]:
    turn, answers = Turn(), _answers(execution, runs)
    tools = [(f"{number}-{n}", run) for n, run in enumerate(filter(_is_tool, runs), start=1)]
    for call_id, run in tools:
        turn.call(call_id, run.node, run.given("ai_tool"))
    for call_id, run in tools:
        failed = {"error": run.error} if run.error else {}
        result = turn.result(call_id, _response(run.gave("ai_tool")), run.node, **failed)
        result.created = run.value.get("startTime")
    messages = [] if turn.is_empty else turn.messages()
    messages += [
        DraftMessage("assistant", text, name=node if len(answers) > 1 else "") for text, node in answers.items()
    ]
    if error := as_text(object_at(execution, "data", "resultData", "error").get("message")):
        messages += [] if answers else [DraftMessage("assistant")]
        messages[-1].more["error"] = error
    return messages


def _is_tool(run: _Run) -> bool:
    return "ai_tool" in object_at(run.value, "data") or "ai_tool" in object_at(run.value, "inputOverride")


def _response(given: dict[str, Any]) -> str:
    return as_text(given["response"] if given.keys() == {"response"} else given or None)


def _asked(runs: list[_Run]) -> list[DraftMessage]:
    """Read the question: of the chat, of what a memory was to keep, or of the prompt, of which it is a part."""
    trigger = _trigger_of(runs)
    saved = [each for run in runs if (each := run.given("ai_memory")).get("action") == "saveContext"]
    text = trigger.get("chatInput") or next((as_text(object_at(each, "input").get("input")) for each in saved), "")
    if trigger or text:
        files = [file_part(as_text(file.get("fileName"))) for file in objects_at(trigger, "files")]
        parts = ([text_part(as_text(text))] if text else []) + files
        return [DraftMessage(CUSTOMER, parts, notes=[note("lost-file", by=_TITLE) for _ in files])]
    prompts = (list_at(run.given("ai_languageModel"), "messages") for run in runs)
    prompt = next(filter(None, prompts), None)
    return [DraftMessage(EVENT, [{"type": "prompt", "messages": prompt}])] if prompt else []


def _answers(execution: dict[str, Any], runs: list[_Run]) -> dict[str, str]:
    """Return what agents and chains gave back, with the node that did; without them, the last text of a model."""
    nodes = objects_at(execution, _WORKFLOW, "nodes")
    names = {
        as_text(node.get("name")) for node in nodes if as_text(node.get("type")).removeprefix(_LANGCHAIN) in _SPEAK
    }
    given = [(_text_of(run.gave("main")), run.node) for run in runs if run.node in names or not names]
    if found := {text: node for text, node in given if text}:
        return found
    rows = [(row, run.node) for run in runs for row in list_at(run.gave("ai_languageModel"), "response", "generations")]
    told = [(as_text(object_at(each).get("text")), n) for row, n in rows if isinstance(row, list) for each in row]
    return dict([(text, node) for text, node in told if text][-1:])


def _text_of(given: dict[str, Any]) -> str:
    """Return the answer in what a node gave: of an agent under `output`, of a chain under `text` or `response`."""
    answer = given.get("output", given.get("text", object_at(given, "response").get("text")))
    return as_text(answer)


def _rows(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield the executions of the database, without those that somebody deleted, which it keeps for a while."""
    database.row_factory = sqlite3.Row
    for number, row in enumerate(database.execute(_DATABASE), start=1):
        execution = values_of(row)
        if "deletedAt" not in execution:
            yield number, json.dumps(execution, ensure_ascii=False)


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("Executions of n8n"),
    seen="n8n-workflow 2.41.0, @n8n/n8n-nodes-langchain 2.41.1, @n8n/ai-utilities 0.34.1 and flatted 3.3.3, by source",
    keeps="questions of chats, tools with input, result and error, answers, errors, the model, times; what other nodes "
    "did in the JSON",
    loses="the session, where nobody chatted in n8n's own chat; the bytes of files; of its database, what its own chat "
    "hub has besides executions",
    matches=_matches,
    read=_read,
    parts=_parts,
    key=_key,
    own=id_under("id", "executionId"),
    join=_join,
    tables=frozenset({"execution_entity", "execution_data"}),
    rows=_rows,
)
