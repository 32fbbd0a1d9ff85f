"""The error object of the API: `{"error": {"message", "type", "param", "code"}}` (api_facts, 4), and a tool's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from .source_text import clean, decode


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
            name: clean(error[name])
            for name in ("message", "param", "code", "type")
            if isinstance(error.get(name), str)
        }
        return ApiError(said.pop("message", ""), **said)
    return ApiError(clean(error) if isinstance(error, str) else "")


def is_error_result(text: str) -> bool:
    """Tell a tool's error by its shape, `{"error": …}`, never by words in it."""
    if not text.lstrip().startswith("{") or '"error"' not in text:
        return False
    try:
        value = decode(text)
    except ValueError:
        return False
    return isinstance(value, dict) and bool(value.get("error"))
