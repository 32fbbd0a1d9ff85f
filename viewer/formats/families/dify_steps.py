"""Reads the steps of a run of Dify, as its console shows them under Tracing, as the run that they were of."""

from __future__ import annotations

import json
from typing import Any

from viewer.completions.source_text import to_object
from viewer.formats.document import Document
from viewer.formats.drafts import as_text
from viewer.formats.family import first_object, list_at, object_at, objects_at

_TOOLS = {"tool", "http-request"}


def is_step(value: Any) -> bool:
    return {"node_type", "node_id", "inputs", "outputs", "status"} <= object_at(value).keys()


def are_steps(value: Any) -> bool:
    return is_step(first_object(object_at(value).get("data")))


def run_of(document: Document) -> Document | None:
    """Return the run, with its tools as a message of an agent has them; None where it is no run of a chat."""
    steps = sorted(filter(is_step, objects_at(document.value, "data")), key=_place)
    begun = next((step for step in steps if "sys.query" in object_at(step, "inputs")), None)
    given = document.at("data")
    if begun is None or given is None:
        return None
    tools, asked = [step for step in steps if as_text(step["node_type"]) in _TOOLS], _prompted(steps)
    answers = [as_text(object_at(step, "outputs").get("answer")) for step in steps if step["node_type"] == "answer"]
    failed = [step["error"] for step in steps if step.get("error")]
    run = {
        "id": object_at(begun, "inputs").get("sys.workflow_run_id") or begun.get("id"),
        "inputs": {"sys.conversation_id": begun.get("id")} | begun["inputs"],
        "outputs": {"answer": "".join(answers)},
        "status": steps[-1]["status"],
        "error": failed[-1] if failed and not any(answers) else None,
        "created_at": begun.get("created_at"),
        "created_by_end_user": begun.get("created_by_end_user"),
        "model_id": asked.get("model_name"),
        "message": asked.get("prompts"),
        "agent_thoughts": [_thought(number, step) for number, step in enumerate(tools)],
        "retriever_resources": [source for step in steps for source in _sources(step)],
    }
    members = [(name, json.dumps(each, ensure_ascii=False)) for name, each in run.items() if each]
    return Document(to_object([*members, ("steps", given.text)]), document.place, document.find)


def _place(step: dict[str, Any]) -> int:
    """Return which step it was: the console has the newest first."""
    return step["index"] if isinstance(step.get("index"), int) else 0


def _prompted(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the last model of a run was asked."""
    asked = [object_at(step, "process_data") for step in steps if step["node_type"] == "llm"]
    return next((each for each in reversed(asked) if each.get("prompts")), {})


def _thought(number: int, step: dict[str, Any]) -> dict[str, Any]:
    name = as_text(step.get("title")).replace(";", ",") or as_text(step["node_type"])
    result = {"error": step["error"]} if step.get("error") else step["outputs"]
    return {"position": number, "tool": name, "tool_input": {name: step["inputs"]}, "observation": {name: result}}


def _sources(step: dict[str, Any]) -> list[dict[str, Any]]:
    found = list_at(step, "outputs", "result") if step["node_type"] == "knowledge-retrieval" else []
    return [source for each in found if (source := object_at(each, "metadata"))]
