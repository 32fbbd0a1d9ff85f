"""CrewAI's outputs of tasks, which have their messages, and the log of a crew, which has only tasks and outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.family import Family
from viewer.formats.message_lists import source_of
from viewer.formats.messages import read_messages

_NAME = "crewai"
_ABOUT = ("agent", "name", "expected_output")
_TASK = {"description", "raw", "agent", "output_format"}
_LOGGED = {"task", "agent", "status", "timestamp"}


def _is_logged(value: dict[str, Any]) -> bool:
    return value.keys() >= _LOGGED and value["status"] in ("started", "completed")


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and (value.keys() >= _TASK or _is_logged(value))


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    given = document.at("messages")
    draft = Draft(_NAME, source=source_of(document, (*_ABOUT, "messages", "raw")))
    draft.metadata = {name: value.get(name) for name in _ABOUT}
    draft.messages = read_messages(given.items()) if given is not None else []
    if not draft.messages:
        draft.messages = [DraftMessage("user", as_text(value.get("description")))]
    answer, last = as_text(value.get("raw")), draft.messages[-1]
    if answer and not (last.role == "assistant" and as_text(last.content).strip() == answer.strip()):
        draft.messages.append(DraftMessage("assistant", answer))
    yield draft.finish(document)


def _key(document: Document) -> str:
    """Return the task of a row in the log, where it began in one row and ended in another."""
    value = document.value
    return f"{value['agent']}\n{value['task']}" if _is_logged(value) and "raw" not in value else ""


def _join(rows: list[Document]) -> Iterator[Conversation]:
    ended = [row for row in rows if row.value["status"] == "completed"]
    if not ended:
        raise NotReadable(_now("This task of a crew has begun, but the log does not say how it ended."))
    for row in ended:
        value = row.value
        draft = Draft(
            _NAME, created=value["timestamp"], source=source_of(row, ("task", "output", "agent", "timestamp"))
        )
        draft.metadata = {"agent": value["agent"], "name": value.get("task_name")}
        draft.messages = [
            DraftMessage("user", as_text(value["task"])),
            DraftMessage("assistant", as_text(value.get("output"))),
        ]
        yield draft.finish(row)


FAMILY = Family(
    name=_NAME,
    title="CrewAI",
    what=gettext_lazy("A CrewAI output"),
    seen="crewai 1.15.30",
    keeps="each task with its messages, tool calls and results, the agent",
    loses=("what was said beside a call, refusals, sources, the model, times; of a log everything but task and output"),
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
