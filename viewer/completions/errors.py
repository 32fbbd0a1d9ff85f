"""The errors of the API, `{"error": {"message", "type", "param", "code"}}` (docs/api-facts.md#errors), and of tools."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .source_text import clean, decode

_LONGEST = 2_000  # characters of what a server says; cut before any pattern meets it


@dataclass(frozen=True, slots=True)
class ApiError:
    """What a server says instead of an answer. `code` names the cause for programs, `param` the culprit."""

    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"


def to_body(error: ApiError) -> bytes:
    """Write the envelope as the API does: indented by two blanks."""
    fields = asdict(error)
    ordered = {name: fields[name] for name in ("message", "type", "param", "code")}
    return json.dumps({"error": ordered}, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def read_error(body: str) -> ApiError:
    """Read what a server said, whatever its shape: the envelope, `{"detail": …}`, or no JSON at all."""
    try:
        answer = decode(body)
    except ValueError:
        return ApiError("")
    error = answer.get("error", answer.get("detail")) if isinstance(answer, dict) else None
    if isinstance(error, dict):
        said = {
            name: clean(error[name][:_LONGEST])
            for name in ("message", "param", "code", "type")
            if isinstance(error.get(name), str)
        }
        return ApiError(said.pop("message", ""), **said)
    return ApiError(clean(error[:_LONGEST]) if isinstance(error, str) else "")


def cause_in(error: Any) -> str:
    """Say in a line what an `error` field says: its text, or its code and message; empty where it says nothing."""
    if isinstance(error, list):  # the first of several
        error = next((one for one in error if isinstance(one, (str, dict)) and one), None)
    if isinstance(error, str):
        return clean(error)
    if not isinstance(error, dict):
        return ""
    told = [clean(str(error[name])) for name in ("code", "message") if isinstance(error.get(name), (str, int))]
    texts = (clean(said) for said in error.values() if isinstance(said, str))
    return ": ".join(word for word in told if word) or next(filter(None, texts), "")
