"""Errors of the API, `{"error": {"message", "type", "param", "code"}}` (docs/api-facts.md#errors), and of tools."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .source_text import clean, decode

_MAX_LENGTH = 2_000  # characters of each field of an error; cut before any regular expression runs over it


@dataclass(frozen=True, slots=True)
class ApiError:
    """An error response. `code` is the cause for programs, `param` the parameter at fault."""

    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"


def to_body(error: ApiError) -> bytes:
    """Serialize an error as the API does, indented by two spaces."""
    fields = asdict(error)
    ordered = {name: fields[name] for name in ("message", "type", "param", "code")}
    return json.dumps({"error": ordered}, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def read_error(body: str) -> ApiError:
    """Read an error response of any shape: `{"error": …}`, `{"detail": …}`, or no JSON at all."""
    try:
        response = decode(body)
    except ValueError:
        return ApiError("")
    error = response.get("error", response.get("detail")) if isinstance(response, dict) else None
    if isinstance(error, dict):
        fields = {
            name: clean(error[name][:_MAX_LENGTH])
            for name in ("message", "param", "code", "type")
            if isinstance(error.get(name), str)
        }
        return ApiError(fields.pop("message", ""), **fields)
    return ApiError(clean(error[:_MAX_LENGTH]) if isinstance(error, str) else "")


def error_text(error: Any) -> str:
    """Return the text of an `error` field, or its code and message; empty if it has none."""
    if isinstance(error, list):  # the first of several
        error = next((item for item in error if isinstance(item, (str, dict)) and item), None)
    if isinstance(error, str):
        return clean(error)
    if not isinstance(error, dict):
        return ""
    known = [clean(str(error[name])) for name in ("code", "message") if isinstance(error.get(name), (str, int))]
    texts = (clean(value) for value in error.values() if isinstance(value, str))
    return ": ".join(text for text in known if text) or next(filter(None, texts), "")
