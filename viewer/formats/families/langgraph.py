"""LangGraph's threads: states as `get_state` and the Platform's API give them, and the checkpoints in SQLite.

Each state has all messages up to then, so that of a history only the path to the newest is read, each message once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.completions.source_text import to_object
from viewer.formats.document import Conversation, Document, NotAConversation, NotReadable
from viewer.formats.drafts import Draft, note
from viewer.formats.family import Family, first_object, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.messages import read_messages

from . import langchain
from .langgraph_checkpoints import as_json, as_state, decoded, is_blob, is_checkpoint, is_list, versions_in

NAME = "langgraph"
_MARKS = {"next", "checkpoint", "config", "tasks", "interrupts", "checkpoint_id", "thread_id", "status"}
_OWN = {"source", "step", "parents", "writes", "thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map"}
# What a record that is made of checkpoints has beside its newest state.
_TAKEN_OUT, _BESIDE = "taken_out", "other_branches"


def _matches(value: Any) -> bool:
    if is_list(value) or is_checkpoint(value) or is_blob(value):
        return True
    if not (isinstance(value, dict) and "values" in value):
        return False
    values, marks = value["values"], _MARKS & value.keys()
    return bool(marks) and isinstance(values, dict | None) and (len(marks) > 2 or bool(_channel(object_at(values))))


def _channel(values: dict[str, Any]) -> str:
    """Return the name of the member that has the messages; an app may choose another than `messages`."""
    names = ("messages", *values)
    return next((name for name in names if _is_messages(values.get(name))), "")


def _is_messages(value: Any) -> bool:
    first = first_object(value)
    is_text = isinstance(value, list) and bool(value) and isinstance(value[0], str) and value[0].startswith("content=")
    return is_text or langchain.is_message(first) or isinstance(first.get("role"), str)


def _configured(value: dict[str, Any], name: str = "config") -> dict[str, Any]:
    """Return what names a state: Python has it inside of `config`, the Platform in `checkpoint`."""
    other = {"config": "checkpoint", "parent_config": "parent_checkpoint"}[name]
    return object_at(value, name, "configurable") or object_at(value, other)


def _key(document: Document) -> str:
    value = as_state(document).value
    if "task_id" in value and is_blob(value):
        return ""
    return str(first_of(value, ("thread_id",)) or _configured(value).get("thread_id") or "")


def _id_of(value: dict[str, Any], name: str = "config") -> Any:
    return _configured(value, name).get("checkpoint_id") or value.get("checkpoint_id" if name == "config" else "")


def _time_of(value: dict[str, Any]) -> str:
    return str(first_of(value, ("updated_at", "created_at")) or "")


def _join(documents: list[Document]) -> Iterator[Conversation]:
    blobs = [each for each in documents if is_blob(each.value)]
    states = [as_state(each) for each in documents if not is_blob(each.value)]
    if blobs:
        yield _of_blobs([each for each in blobs if not each.value.get("checkpoint_ns")], states)
        return
    states = [state for state in states if not _configured(state.value).get("checkpoint_ns")]  # the others are of nodes
    newest = max(states, key=lambda state: (_time_of(state.value), str(_id_of(state.value) or "")), default=None)
    if newest is None:
        raise NotReadable(_now("These are states of parts of a graph: export the state of the thread itself."))
    path = _path_to(newest, states)
    on_path = {id(state) for state in path}
    yield _conversation(newest, path, [state for state in states if id(state) not in on_path])


def _read(document: Document) -> Iterator[Conversation]:
    if is_blob(document.value):
        raise NotAConversation(_now("what LangGraph had written, and not yet put into a state"))
    state = as_state(document)
    yield _conversation(state, [state], [])


def _path_to(newest: Document, states: list[Document]) -> list[Document]:
    """Return the states from the first to the newest. Those beside it are what was tried and given up."""
    by_id = {_id_of(state.value): state for state in states if _id_of(state.value)}
    path, seen = [newest], {id(newest)}
    while (before := by_id.get(_id_of(path[-1].value, "parent_config"))) is not None and id(before) not in seen:
        path.append(before)
        seen.add(id(before))
    return path[::-1]


def _conversation(newest: Document, path: list[Document], beside: list[Document]) -> Conversation:
    found = _messages_of(path)
    messages = list(found.values())
    if not messages:
        raise NotReadable(_without_messages(newest))
    value = newest.value
    draft = Draft(NAME, id=id_within(NAME, _key(newest)))
    draft.created = first_of(value if "thread_id" in value else path[0].value, ("created_at",))
    draft.messages = read_messages(messages)
    left = {_message_id(each.value, n) for n, each in enumerate(_list_of(newest))} - set(value.get(_TAKEN_OUT) or ())
    for message_id, message in zip(found, draft.messages, strict=False):
        if message_id not in left:
            message.notes.append(note("taken-out"))
    pairs = object_at(value, "metadata") | _configured(value)
    draft.metadata = {name: each for name, each in pairs.items() if name not in _OWN and not name.startswith("__")}
    langchain.complete(draft, messages)
    draft.source = source_of(newest, ("values", _TAKEN_OUT, _BESIDE))
    _add_branches(draft, newest, found, beside)
    return draft.finish_at(newest.place, *(state.text for state in (*path, *beside)))


def _without_messages(state: Document) -> str:
    if "checkpoint" in state.value or object_at(state.value, "config", "configurable").get("checkpoint_ns") is not None:
        return _now("This LangGraph thread has no messages. PostgreSQL has them in the table checkpoint_blobs.")
    return _now("This LangGraph thread has no messages.")


def _messages_of(path: list[Document]) -> dict[Any, Document]:
    """Return the messages of states, each once and as it was at last, also those that were taken out later."""
    found: dict[Any, Document] = {}
    for state in path:
        for n, message in enumerate(_list_of(state)):
            found[_message_id(message.value, n)] = message
    return found


def _add_branches(draft: Draft, newest: Document, found: dict[Any, Document], beside: list[Document]) -> None:
    """Keep what stands beside the path, and say so on the message that was said in its place."""
    others = _messages_of(beside)
    texts = [message.text for name, message in others.items() if name not in found]
    ends = {_id_of(state.value) for state in beside} - {_id_of(state.value, "parent_config") for state in beside}
    count, common = len(ends), len(found.keys() & others.keys())
    if (given := newest.at(_BESIDE)) is not None:
        texts = [message.text for message in given.members["messages"].items()]
        count, common = given.value["count"], given.value["common"]
    if texts:
        draft.messages[min(common, len(draft.messages) - 1)].notes.append(note("other-branches", count=count or 1))
        draft.source = to_object([("state", draft.source or "null"), (_BESIDE, f"[{','.join(texts)}]")])


def _message_id(message: Any, position: int) -> Any:
    """Return the id that LangGraph gives each message; its position if the state is not one of such messages."""
    return langchain.fields_of(message).get("id") or position


def _list_of(state: Document) -> Iterator[Document]:
    channel = _channel(object_at(state.value, "values"))
    messages = state.at("values", channel) if channel else None
    for message in messages.items() if messages is not None else ():
        if isinstance(message.value, str):
            raise NotReadable(
                _now(
                    "This LangGraph state has its messages as text of Python objects, which cannot be read back: write "
                    "them with langchain_core.messages.messages_to_dict."
                )
            )
        yield message


# --- Checkpoints in SQLite -------------------------------------------------------------------------------------------


def _threads(database: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    """Yield for each thread its newest state, with all messages on the path to it."""
    rows = database.execute(
        "SELECT thread_id, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints"
        " WHERE checkpoint_ns = '' ORDER BY thread_id, checkpoint_id"
    )
    for number, (thread, group) in enumerate(groupby(rows, key=lambda row: row[0]), start=1):
        yield number, _state_of(thread, group)


def _of_blobs(blobs: list[Document], states: list[Document]) -> Conversation:
    """Read a thread of PostgreSQL: what its rows hold, and of its checkpoints when they were made, and for whom."""
    versions = [value for _name, value in versions_in(blobs) if _is_messages(value)]
    lists = [{_message_id(each, n): each for n, each in enumerate(messages)} for messages in versions]
    found = {name: each for messages in lists for name, each in messages.items()}
    ordered = sorted(states, key=lambda state: _time_of(state.value))
    record = {
        "values": {"messages": list(found.values())},
        "config": {"configurable": {"thread_id": _key(blobs[0]) if blobs else ""}},
        "metadata": object_at(ordered[-1].value, "metadata") if ordered else {},
        "created_at": _time_of(ordered[0].value) if ordered else None,
        _TAKEN_OUT: [name for name in found if name not in lists[-1]] if lists else [],
    }
    place = (blobs or states)[0].place
    state = Document(json.dumps(record, ensure_ascii=False, default=as_json), place)
    return _conversation(state, [state], [])


def _state_of(thread: Any, rows: Iterable[tuple[Any, ...]]) -> str:
    # Each state has all messages so far: only the messages are kept while the next is read.
    lists: dict[Any, tuple[Any, dict[Any, Any]]] = {}  # of each state: the one before it, and its messages by id
    newest, created, about = None, None, None
    for _thread, newest, parent, kind, blob, metadata in rows:
        state, about = object_at(decoded(kind, blob)), metadata
        created = created or state.get("ts")
        values = object_at(state, "channel_values")
        messages = list_at(values, _channel(values) or "messages")
        lists[newest] = (parent, {_message_id(each, n): each for n, each in enumerate(messages)})
    path: list[dict[Any, Any]] = []
    step = newest
    while step in lists:
        step, messages_there = lists.pop(step)
        path.append(messages_there)
    found: dict[Any, Any] = {}
    for messages_there in reversed(path):
        found |= messages_there
    beside = {name: each for _parent, messages in lists.values() for name, each in messages.items()}
    record = {
        "values": {"messages": list(found.values())},
        "config": {"configurable": {"thread_id": thread, "checkpoint_id": newest}},
        "metadata": decoded("json", about) if about else {},
        "created_at": created,
        _TAKEN_OUT: [name for name in found if name not in path[0]] if path else [],
        _BESIDE: {
            "messages": [each for name, each in beside.items() if name not in found],
            "common": len(found.keys() & beside.keys()),
            "count": len(lists.keys() - {parent for parent, _messages in lists.values()}),
        },
    }
    return json.dumps(record, ensure_ascii=False, default=as_json)


FAMILY = Family(
    name=NAME,
    title="LangGraph",
    what=gettext_lazy("A LangGraph thread"),
    seen="langgraph 0.6.11 and 1.2.24, langgraph-checkpoint-sqlite 3.0.3 and 3.1.2",
    keeps="as LangChain; the thread, its metadata, and messages that were taken out of the state later",
    loses="the system prompt, unless it is in the state; and as LangChain",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
    tables=frozenset({"checkpoints", "writes"}),
    rows=_threads,
)
