"""Conversations while a family builds them from its records, in the shape of a chat completion's request.

A draft keeps the JSON of each message as the file has it, under `lectern.source`, and says under `lectern.notes` what
the tool that wrote the file has lost. `completions.origin` reads both.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext

from viewer.completions.ids import is_usable_id
from viewer.completions.origin import KEY
from viewer.completions.reading import read_time
from viewer.completions.source_text import Piece, to_object, with_escaped_surrogates

from .document import Conversation, Document, NotReadable, Place
from .stored import choice_of, digest_of_reading, list_of, piece_of, with_all_keys

_LONG_DATA = re.compile(r'"((?:data:[\w.+/;=-]{1,200},)?[A-Za-z0-9+/_=-]{4000,})"')


def text_part(text: str, citations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Build a part with text; the indices of its citations count characters of this text."""
    return {"type": "text", "text": text} | ({"annotations": citations} if citations else {})


def image_part(url: str, **more: Any) -> dict[str, Any]:
    """Build a part with an image: a data URL, a URL, or what the file has in its place."""
    return {"type": "image_url", "image_url": {"url": url} | more}


def audio_part(data: str, format: str) -> dict[str, Any]:
    """Build a part with sound: base64 or a URL, and `wav`, `mp3` or the like."""
    return {"type": "input_audio", "input_audio": {"data": data, "format": format}}


def file_part(name: str = "", *, data: str = "", file_id: str = "") -> dict[str, Any]:
    """Build a part with a file: a data URL or a URL, its id, or only its name."""
    values = {"filename": name, "file_data": data, "file_id": file_id}
    return {"type": "file", "file": {key: value for key, value in values.items() if value}}


def text_file(name: str, text: str) -> dict[str, Any]:
    """Build a part with a file of which there is the text alone."""
    data = base64.b64encode(text.encode("utf-8", "replace")).decode()
    return file_part(name, data=f"data:text/plain;charset=utf-8;base64,{data}")


def refusal_part(text: str) -> dict[str, Any]:
    """Build a part with a refusal."""
    return {"type": "refusal", "refusal": text}


def data_url(data: str, media_type: str) -> str:
    """Build a data URL. Base64 for URLs, as Python's tools write it, is taken as well."""
    return data if data.startswith("data:") else f"data:{media_type};base64,{data}"


def media_part(media_type: str, url: str, name: str = "") -> dict[str, Any]:
    """Build the part that fits a media type: an image, sound, or any file."""
    kind, _, subtype = media_type.partition("/")
    if kind == "image":
        return image_part(url)
    if kind == "audio":
        return audio_part(url, subtype.removeprefix("x-"))
    return file_part(name, data=url)


def tool_call(call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    """Build a tool call. `arguments` is text as the model wrote it, or the value that a tool made of it."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": as_text(arguments)}}


def citation(url: str, title: str = "", start: int | None = None, end: int | None = None) -> dict[str, Any]:
    """Build a citation. The indices count characters, end exclusive; without them it cites the whole message."""
    place = {} if start is None or end is None else {"start_index": start, "end_index": end}
    return {"type": "url_citation", "url_citation": {"url": url, "title": title} | place}


def as_text(value: Any) -> str:
    """Return a text as it is, nothing for null, and anything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def note(code: str, by: str = "", count: int = 0) -> dict[str, Any]:
    """Build a note for the reader, such as what a tool has lost. `completions.origin` has the codes."""
    return {"code": code} | ({"by": by} if by else {}) | ({"count": count} if count else {})


@dataclass
class DraftMessage:
    """One message. `content` is a text, a list of parts, or None; `source` is its JSON as the file has it.

    `created` is Unix seconds or ISO 8601. `more` has other fields that are shown, such as `status` of a tool's result.
    """

    role: str
    content: str | list[dict[str, Any]] | None = None
    source: str = ""
    id: Any = None
    name: str = ""
    refusal: str = ""
    reasoning: str = ""
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    tool_call_id: str = ""
    annotations: list[dict[str, Any]] = field(default_factory=list)
    audio: dict[str, Any] | None = None
    created: Any = None
    notes: list[dict[str, Any]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    given: Document | None = None

    @classmethod
    def of(cls, message: Document, *notes: dict[str, Any]) -> DraftMessage:
        """Take a message that is OpenAI's already: it stays as it was written, with what is known of it beside."""
        value = message.value
        return cls(
            str(value.get("role") or ""),
            value.get("content"),
            id=value.get("id"),
            tool_calls=value.get("tool_calls") or [],
            notes=list(notes),
            given=message,
        )

    def to_json(self) -> str:
        """Write the message; what it has not is left out."""
        if self.given is not None:
            return self._as_given(self.given)
        values = {
            "id": self.id if is_usable_id(self.id) else None,
            "role": self.role,
            "name": self.name,
            "content": None if self.content == [] else self.content,  # a page would show an empty list as unknown
            "refusal": self.refusal,
            "reasoning_content": self.reasoning,
            "tool_calls": self.tool_calls,
            "tool_call_id": self.tool_call_id,
            "annotations": self.annotations,
            "audio": self.audio,
            "created_at": self.created,
        } | self.more
        pairs = [(name, _dump(value)) for name, value in values.items() if value or name in ("role", "content")]
        origin = [("notes", _dump(self.notes))] if self.notes else []
        if self.id is not None and self.id != "" and not is_usable_id(self.id):
            origin.append(("id", _dump(self.id)))
        if self.source:
            origin.append(("source", _without_repeated_data(self.source, pairs)))
        return to_object(pairs + ([(KEY, to_object(origin))] if origin else []))

    def _as_given(self, given: Document) -> str:
        """Write a message as it is in the file, with what is known of it beside, and then with its source."""
        known = {name: value for name, value in ({"created_at": self.created} | self.more).items() if value}
        added = {name: value for name, value in known.items() if given.value.get(name) is None}
        if not (added or self.notes):
            return given.text
        pairs = [(name, member.text) for name, member in given.members.items() if name not in (KEY, *added)]
        pairs += [(name, _dump(value)) for name, value in added.items()]
        origin = {name: member.text for name, member in held.members.items()} if (held := given.at(KEY)) else {}
        if self.notes:
            origin = {"notes": _dump(self.notes)} | {name: text for name, text in origin.items() if name != "notes"}
        if added and "source" not in origin:
            origin["source"] = _without_repeated_data(given.text, pairs)
        return to_object([*pairs, (KEY, to_object(list(origin.items())))])


@dataclass
class Draft:
    """A conversation. The last message is taken for the answer if it is the assistant's and there are no `choices`.

    `choices` are the messages of the answers, each with why it ended. `fields` has further fields of the completion,
    such as `usage` and `tools`; `source` is JSON of the file that stands in no message; `notes` are said on the first
    message. `completion` is the completion as a server wrote it, if the file has it: all of it stays, and `choices` has
    the messages of its choices.
    """

    family: str
    id: Any = None
    created: Any = None
    model: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    messages: list[DraftMessage] = field(default_factory=list)
    choices: list[tuple[DraftMessage, str | None]] = field(default_factory=list)
    finish_reason: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    source: str = ""
    completion: Document | None = None

    def finish(self, document: Document) -> Conversation:
        """Return the conversation; `document` is what it was read from, which also makes its id if it has none."""
        return self.finish_at(document.place, document.text)

    def finish_at(self, place: Place, *texts: str) -> Conversation:
        """Return the conversation, read from these texts, which also make its id if it has none. Raises NotReadable."""
        messages, choices = list(self.messages), list(self.choices)
        if not choices and messages and messages[-1].role == "assistant":
            choices = [(messages.pop(), self.finish_reason)]
        everything = [*messages, *(answer for answer, _ in choices)]
        if not all(message.role for message in everything):
            raise NotReadable(gettext("One of its messages does not say who spoke, so none of it was taken."))
        for message in everything[:1]:
            message.notes = self.notes + message.notes
        given = self._given()
        completion_id = next((str(each) for each in (self.id, _value(given, "id")) if is_usable_id(each)), "")
        created, metadata = _value(given, "created") or self.created, _value(given, "metadata")
        moment = read_time(created)
        fields = {
            **{name: piece_of(value) for name, value in self.fields.items() if value is not None},
            **given,
            **({"response_id": given["id"]} if _value(given, "id") not in (None, completion_id) else {}),
            "object": piece_of("chat.completion"),
            "id": piece_of(completion_id or None),
            "created": piece_of(int(moment.timestamp() if moment else time.time())),
            "model": piece_of(_value(given, "model") or self.model or None),
            "metadata": piece_of(_metadata(self.metadata | (metadata if isinstance(metadata, dict) else {}))),
            "choices": list_of(self._choices(choices)),
            KEY: self._origin(created, is_undated=moment is None),
        }
        fields = {name: Piece(with_escaped_surrogates(source), value) for name, (source, value) in fields.items()}
        written = [with_escaped_surrogates(message.to_json()) for message in messages]
        dated = {name: piece.source for name, piece in fields.items() if name != "created" or moment}
        digest = digest_of_reading(texts, [*dated.values(), *written])
        return Conversation(self.family, completion_id, with_all_keys(fields), written, digest, place)

    def _given(self) -> dict[str, Piece]:
        """Return the members of the completion that a server wrote."""
        members = self.completion.members if self.completion else {}
        return {name: Piece(member.text, member.value) for name, member in members.items() if member.value is not None}

    def _choices(self, choices: list[tuple[DraftMessage, str | None]]) -> Iterator[str]:
        """Write the choices; those that a server wrote keep all of their members."""
        given = self.completion.at("choices") if self.completion else None
        written = list(given.items()) if given else []
        for n, (message, reason) in enumerate(choices):
            if n >= len(written):
                yield choice_of(message.to_json(), index=n, finish_reason=reason)
                continue
            members = {name: member.text for name, member in written[n].members.items()}
            if "message" not in members:
                members.pop("text", None)  # of the older completions, which is the message now
            yield to_object(list((members | {"message": message.to_json()}).items()))

    def _origin(self, created: Any, *, is_undated: bool) -> Piece:
        pairs = [("format", _dump(self.family))] + ([("undated", "true")] if is_undated else [])
        if created is not None and not isinstance(created, int):
            pairs.append(("created", _dump(created)))
        if self.id not in (None, "") and not is_usable_id(self.id):
            pairs.append(("id", _dump(self.id)))
        if self.source:
            pairs.append(("source", self.source))
        return Piece(to_object(pairs), None)


def _value(fields: dict[str, Piece], name: str) -> Any:
    return fields[name].value if name in fields else None


def _metadata(pairs: dict[str, Any]) -> dict[str, str]:
    """Write metadata as the API has it: texts only. What is null or empty is no pair."""
    return {name: as_text(value) for name, value in pairs.items() if value not in (None, "", [], {})}


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _without_repeated_data(source: str, pairs: list[tuple[str, str]]) -> str:
    """Leave long base64 out of the source of a message that has the very same data in its parts."""
    if len(source) < 4000:
        return source
    written = "".join(text for _, text in pairs)

    def shorten(match: re.Match[str]) -> str:
        data = match[1].rpartition(",")[2]
        return f'"[{len(match[1]):,} characters, see the parts]"' if data in written else match[0]

    return _LONG_DATA.sub(shorten, source)
