"""Checkpoints of LangGraph in other forms than a state: tuples that were dumped as lists, and rows of PostgreSQL.

PostgreSQL has the messages of a checkpoint in a table of their own, `checkpoint_blobs`, once for each version of them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.translation import gettext

from viewer.completions.source_text import to_object
from viewer.formats.document import Document, NotReadable
from viewer.formats.family import object_at
from viewer.formats.msgpack import unpack

_SNAPSHOT = ("values", "next", "config", "metadata", "created_at", "parent_config", "tasks", "interrupts")
_TUPLE = ("config", "checkpoint", "metadata", "parent_config", "pending_writes")
_DELTA = 7  # an extension of MessagePack: a channel of which only changes are kept


def is_list(value: Any) -> bool:
    """Whether a value is a `StateSnapshot` or a `CheckpointTuple` that was dumped as a list of its fields.

    The first field of the latter is enough.
    """
    is_begun = isinstance(value, list) and len(value) == 1 and object_at(value[0]).keys() == {"configurable"}
    return is_begun or bool(_names_of(value))


def is_checkpoint(value: Any) -> bool:
    """Whether a value has a checkpoint, as a `CheckpointTuple` and a row of PostgreSQL do."""
    return bool(object_at(value, "checkpoint").keys() & {"channel_values", "channel_versions"})


def is_blob(value: Any) -> bool:
    """Whether a value is a row with a version of what a thread holds, or with something written that is in none yet."""
    return isinstance(value, dict) and {"thread_id", "channel", "type", "blob"} <= value.keys()


def _names_of(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 5 <= len(value) <= len(_SNAPSHOT) or not isinstance(value[0], dict):
        return ()
    if "configurable" in value[0] and isinstance(value[1], dict):
        return _TUPLE
    return _SNAPSHOT if isinstance(value[1], list) and "configurable" in object_at(value[2]) else ()


def as_state(document: Document) -> Document:
    """Return a checkpoint as a state; a state stays as it is."""
    if names := _names_of(document.value):
        pairs = [(name, item.text) for name, item in zip(names, document.items(), strict=False)]
        document = Document(to_object(pairs), document.place, document.find)
    if not is_checkpoint(document.value):
        return document
    value, checkpoint = document.value, document.members["checkpoint"]
    values = checkpoint.at("channel_values")
    own = {"thread_id": value.get("thread_id"), "checkpoint_ns": value.get("checkpoint_ns"),
           "checkpoint_id": value.get("checkpoint_id") or checkpoint.value.get("id")}  # fmt: skip
    parent = own | {"checkpoint_id": value.get("parent_checkpoint_id")}
    made = {"config": {"configurable": own}, "parent_config": {"configurable": parent}}
    state = {name: json.dumps(each) for name, each in made.items()}
    state |= {name: member.text for name, member in document.members.items() if name != "checkpoint"}
    state |= {"values": values.text if values else "{}", "created_at": json.dumps(checkpoint.value.get("ts"))}
    return Document(to_object(list(state.items())), document.place, document.find)


def versions_in(blobs: Iterable[Document]) -> list[tuple[str, Any]]:
    """Return the names and the values of what rows of PostgreSQL hold, the oldest version first. Raises NotReadable."""
    rows = sorted((blob.value for blob in blobs), key=lambda row: str(row.get("version")))
    return [(str(row["channel"]), decoded(row["type"], _bytes_of(row["blob"]))) for row in rows if row["blob"]]


def _bytes_of(text: Any) -> bytes:
    """Decode what an export has of bytes: hexadecimal as `psql` writes it, or base64. Raises NotReadable."""
    try:
        if isinstance(text, str) and text[:2] in ("\\x", "0x"):
            return bytes.fromhex(text[2:])
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise NotReadable(gettext("The bytes of a LangGraph checkpoint are neither hexadecimal nor base64.")) from None


def decoded(kind: Any, blob: Any) -> Any:
    """Decode a checkpoint, or what is in one. Raises NotReadable if it is encrypted or pickled."""
    data = blob.encode() if isinstance(blob, str) else bytes(blob or b"{}")
    decode: dict[Any, Callable[[bytes], Any]] = {"msgpack": lambda data: unpack(data, _extension), "json": json.loads}
    if kind not in decode:
        raise NotReadable(
            gettext(
                "These LangGraph checkpoints are written as “%s”, which cannot be read here: read the threads with "
                "get_state, and write their messages with langchain_core.messages.messages_to_dict."
            )
            % kind
        )
    try:
        return decode[kind](data)
    except ValueError as error:
        raise NotReadable(gettext("A LangGraph checkpoint is damaged: %s") % error) from None


def _extension(code: int, data: bytes) -> Any:
    """Return an object of Python by its class and its fields; of others the value they were made of."""
    if code == _DELTA:
        raise NotReadable(
            gettext(
                "These LangGraph checkpoints keep only what changed: read the threads with get_state, and write their "
                "messages with langchain_core.messages.messages_to_dict."
            )
        )
    value = unpack(data, _extension)
    if not (isinstance(value, list) and len(value) > 2):
        return value
    module, name, fields = value[:3]
    if isinstance(fields, dict) and str(module).startswith("langchain"):
        return {"lc": 2, "type": "constructor", "id": [*str(module).split("."), name], "kwargs": fields}
    return fields


def as_json(value: Any) -> str:
    """Write what JSON has not: bytes as base64, and anything else as its text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
