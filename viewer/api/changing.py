"""Changes the metadata of a completion and erases one, answered as OpenAI does (docs/api-facts.md#completions)."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from viewer.archive.api import holds, not_found_error
from viewer.archive.metadata import replace_metadata
from viewer.completions.errors import ApiError
from viewer.erasure.choosing import without_kept
from viewer.erasure.erasing import erase
from viewer.keys.models import AccessToken
from viewer.programs.bodies import read_json
from viewer.programs.tokens import Refused, require, token_of
from viewer.read_log.recording import write
from viewer.web.client_address import client_address
from viewer.web.logs import event

_MAX_PAIRS, _MAX_KEY, _MAX_VALUE = 16, 64, 512  # the latter two in characters
_JSON_TYPES = ((bool, "a boolean"), (int, "an integer"), (float, "a decimal"), (str, "a string"), (list, "an array"))


def update_completion(request: HttpRequest, completion_id: str) -> HttpResponse:
    """Replace the metadata of a completion, and answer with all of it."""
    token = token_of(request)
    require(token, "may_change_metadata", request)
    metadata = _read_metadata(read_json(request))
    with transaction.atomic():
        body = replace_metadata(completion_id, metadata, token.owner_id)
        if body is None:
            raise _not_found(completion_id)
        _record(request, token, completion_id)
    event("metadata changed", completion=completion_id, token=token.pk)
    return HttpResponse(body, content_type="application/json")


def delete_completion(request: HttpRequest, completion_id: str) -> HttpResponse:
    """Erase a completion for good, as the page does, unless a label keeps it for ever."""
    token = token_of(request)
    require(token, "may_delete", request)
    if not holds(completion_id, token.owner_id):
        raise _not_found(completion_id)
    if not without_kept([completion_id]):
        message = f"Completion {completion_id} has a label that keeps it for ever. Take the label off first."
        error = ApiError(message, "completion_id", "completion_kept")
        raise Refused(409, error, {"x-should-retry": "false"})  # clients would try a 409 again
    erase([completion_id], token.owner.get_username(), token.name)
    answer = {"object": "chat.completion.deleted", "id": completion_id, "deleted": True}
    return HttpResponse(json.dumps(answer, separators=(",", ":")), content_type="application/json")


def _record(request: HttpRequest, token: AccessToken, completion_id: str) -> None:
    """Write the row of the read log in the transaction of the change: neither is there without the other."""
    write(
        action="metadata",
        person=token.owner_id,
        name=token.owner.get_username(),
        completion_id=completion_id,
        source="archive",
        token=token.name,
        address=client_address(request),
    )


def _read_metadata(body: Any) -> dict[str, str]:
    """Check a body by OpenAI's rules; null stands for no metadata. Raises Refused."""
    if not isinstance(body, dict):
        raise _invalid(f"Invalid body: expected an object, but got {_type_of(body)} instead.", None, "invalid_type")
    for name in body:
        if name != "metadata":
            raise _invalid(f"Unknown parameter: '{name[:100]}'.", name[:100], "unknown_parameter")
    if "metadata" not in body:
        raise _invalid("Missing required parameter: 'metadata'.", "metadata", "missing_required_parameter")
    metadata = body["metadata"]
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        message = f"Invalid type for 'metadata': expected an object, but got {_type_of(metadata)} instead."
        raise _invalid(message, "metadata", "invalid_type")
    if len(metadata) > _MAX_PAIRS:
        message = (
            f"Invalid 'metadata': too many properties. Expected an object with at most {_MAX_PAIRS} properties, "
            f"but got an object with {len(metadata)} properties instead."
        )
        raise _invalid(message, "metadata", "object_above_max_properties")
    for key, value in metadata.items():
        _check_pair(key, value)
    return metadata


def _check_pair(key: str, value: Any) -> None:
    name = f"metadata.{key[:_MAX_KEY]}"
    if len(key) > _MAX_KEY:
        message = f"Invalid 'metadata': key too long. Expected at most {_MAX_KEY} characters, but got {len(key)}."
        raise _invalid(message, "metadata", "string_above_max_length")
    if not isinstance(value, str):
        message = f"Invalid type for '{name}': expected a string, but got {_type_of(value)} instead."
        raise _invalid(message, name, "invalid_type")
    if len(value) > _MAX_VALUE:
        message = (
            f"Invalid '{name}': string too long. Expected a string with maximum length {_MAX_VALUE}, "
            f"but got a string with length {len(value)} instead."
        )
        raise _invalid(message, name, "string_above_max_length")


def _type_of(value: Any) -> str:
    named = (name for kind, name in _JSON_TYPES if isinstance(value, kind))
    return next(named, "null" if value is None else "an object")


def _not_found(completion_id: str) -> Refused:
    return Refused(404, not_found_error(completion_id).error)


def _invalid(message: str, param: str | None, code: str) -> Refused:
    return Refused(400, ApiError(message, param, code))
