"""JSON Schemas of `…/messages`, written by hand from the two reference pages.

Where a page contradicts itself or the newest page, the schema follows what is really answered:
- seed A gives `role` the one value `assistant`, and its own example says `user`: here any string;
- both pages call `first_id` and `last_id` strings; an empty page has none to name, and the newest page says null;
- seed A knows only function calls; the newest specification knows custom ones too.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_NULLABLE: Schema = {"type": ["string", "null"]}


def _object(required: tuple[str, ...], **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [{"type": "null"}, schema]}


def _list_of(item: Schema) -> Schema:
    """Write the envelope that both pages share."""
    envelope = _object(
        ("object", "data", "first_id", "last_id", "has_more"),
        object={"const": "list"},
        data={"type": "array", "items": item, "maxItems": 100},
        first_id=_NULLABLE,
        last_id=_NULLABLE,
        has_more={"type": "boolean"},
    )
    empty = {
        "properties": {
            "data": {"maxItems": 0},
            "first_id": {"type": "null"},
            "last_id": {"type": "null"},
            "has_more": {"const": False},
        }
    }
    filled = {"properties": {"data": {"minItems": 1}, "first_id": _STRING, "last_id": _STRING}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **envelope,
        "additionalProperties": False,
        "anyOf": [empty, filled],
    }


_FUNCTION = _object(("name", "arguments"), name=_STRING, arguments=_STRING)
_TOOL_CALL: Schema = {
    "anyOf": [
        _object(("id", "type", "function"), id=_STRING, type={"const": "function"}, function=_FUNCTION),
        _object(
            ("id", "type", "custom"),
            id=_STRING,
            type={"const": "custom"},
            custom=_object(("name", "input"), name=_STRING, input=_STRING),
        ),
    ]
}
_URL_CITATION = _object(
    ("type", "url_citation"),
    type={"const": "url_citation"},
    url_citation=_object(
        ("end_index", "start_index", "url", "title"),
        end_index={"type": "integer"},
        start_index={"type": "integer"},
        url=_STRING,
        title=_STRING,
    ),
)
_AUDIO = _object(
    ("id", "expires_at", "data", "transcript"),
    id=_STRING,
    expires_at={"type": "integer"},
    data=_STRING,
    transcript=_STRING,
)

# Seed A: components/schemas/ChatCompletionResponseMessage and ChatCompletionMessageList.
SEED_A = _list_of(
    _object(
        ("id", "role", "content", "refusal"),
        id=_STRING,
        role=_STRING,
        content=_NULLABLE,
        refusal=_NULLABLE,
        tool_calls={"type": "array", "items": _TOOL_CALL},
        annotations={"type": "array", "items": _URL_CITATION},
        function_call=_FUNCTION,
        audio=_or_null(_AUDIO),
    )
)

_TEXT_PART = _object(("type", "text"), type={"const": "text"}, text=_STRING)
_IMAGE_PART = _object(
    ("type", "image_url"),
    type={"const": "image_url"},
    image_url=_object(("url",), url=_STRING, detail={"enum": ["auto", "low", "high", None]}),
)
# The newest page has two more kinds of part; their own fields are nullable.
_AUDIO_PART = _object(
    ("type", "input_audio"),
    type={"const": "input_audio"},
    input_audio=_object(("data", "format"), data=_STRING, format=_STRING),
)
_FILE_PART = _object(
    ("type", "file"),
    type={"const": "file"},
    file=_object((), file_data=_NULLABLE, file_id=_NULLABLE, filename=_NULLABLE),
)

# Seed B: ChatCompletionStoreMessage { id, content_parts }, with `name` as both examples show it.
SEED_B = _list_of(
    _object(
        ("id", "role", "content", "name", "content_parts"),
        id=_STRING,
        role=_STRING,
        content=_NULLABLE,
        name=_NULLABLE,
        content_parts=_or_null(
            {"type": "array", "items": {"anyOf": [_TEXT_PART, _IMAGE_PART, _AUDIO_PART, _FILE_PART]}}
        ),
    )
)

EXAMPLE: dict[str, Any] = {
    "object": "list",
    "data": [
        {
            "id": "chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2-0",
            "role": "user",
            "content": "write a haiku about ai",
            "name": None,
            "content_parts": None,
        }
    ],
    "first_id": "chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2-0",
    "last_id": "chatcmpl-AyPNinnUqUDYo9SAdA52NobMflmj2-0",
    "has_more": False,
}

# The envelope of every error: the four names of the specification's `Error`.
ERROR = _object(
    ("error",),
    error=_object(("message", "type", "param", "code"), message=_STRING, type=_STRING, param=_NULLABLE, code=_NULLABLE),
)
