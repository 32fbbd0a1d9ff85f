"""Writes a completion as `GET /v1/chat/completions/{id}` returns it, with all of its keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from viewer.completions.source_text import Piece, to_object

from .document import Conversation

# A stored completion has these 19 keys in this order (docs/api-facts.md#completions).
KEYS = (
    "object", "id", "model", "created", "request_id", "tool_choice", "usage", "seed", "top_p", "temperature",
    "presence_penalty", "frequency_penalty", "system_fingerprint", "input_user", "service_tier", "tools", "metadata",
    "choices", "response_format",
)  # fmt: skip
NULL = Piece("null", None)
_HASHED_AT_ONCE = 1_000_000  # characters
_HALF = 32  # characters of a digest; ids are made of the first 29


def piece_of(value: Any) -> Piece:
    """Write a value that no file has as JSON."""
    return Piece(json.dumps(value, ensure_ascii=False, allow_nan=False), value)


def with_all_keys(fields: dict[str, Piece]) -> list[tuple[str, Piece]]:
    """Put the fields of a completion into the order of the API; those that are missing are null."""
    names = [*KEYS, *(name for name in fields if name not in KEYS)]
    return [(name, fields.get(name, NULL)) for name in names]


def choice_of(message: str, *, index: int = 0, finish_reason: str | None = None) -> str:
    """Write the choice with this message. By default it is not known how the answer ended."""
    return to_object(
        [
            ("index", str(index)),
            ("message", message),
            ("finish_reason", json.dumps(finish_reason)),
            ("logprobs", "null"),
        ]
    )


def list_of(sources: Iterable[str]) -> Piece:
    """Write a list of JSON texts. Its value is not decoded."""
    return Piece("[" + ",".join(sources) + "]", None)


def id_of_digest(digest: str) -> str:
    """Return the id of a completion that has none, from a digest in hexadecimal digits."""
    return "chatcmpl-" + digest[:29]


def digest_of_line(text: str) -> str:
    """Return the SHA-256 of a line that is stored as it stands, without a copy of all of it."""
    digest = hashlib.sha256()
    for start in range(0, len(text), _HASHED_AT_ONCE):
        digest.update(text[start : start + _HASHED_AT_ONCE].encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def digest_of(*texts: str) -> str:
    """Return the SHA-256 of texts."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "replace"))
        digest.update(b"\0")
    return digest.hexdigest()


def digest_of_reading(texts: Iterable[str], read: Iterable[str]) -> str:
    """Return a digest whose first half stands for texts, and the second for what was read of them.

    A later version may read more of the same texts, and then their conversation has changed.
    """
    return f"{digest_of(*texts)[:_HALF]}-{digest_of(*read)[: _HALF - 1]}"


def is_of_same_texts(digest: str, other: str) -> bool:
    """Whether two conversations were read from the same texts, perhaps differently."""
    return digest[:_HALF] == other[:_HALF]


def with_id(conversation: Conversation, count: int = 1) -> Conversation:
    """Return a conversation with an id: its own, or one made of what it says and how often that came before."""
    if conversation.id:
        return conversation
    fields = dict(conversation.fields)
    first = fields.get("id", NULL).value or id_of_digest(conversation.digest)
    name = first if count == 1 else id_of_digest(digest_of(first, str(count)))
    fields["id"] = piece_of(name)
    return replace(conversation, id=name, fields=list(fields.items()))
