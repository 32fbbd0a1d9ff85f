"""Logs of Inspect: one as JSON with all of its samples, or its samples one per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import (
    Draft,
    DraftMessage,
    as_text,
    audio_part,
    citation,
    file_part,
    image_part,
    refusal_part,
    text_part,
    tool_call,
)
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME = "inspect"
_ATTACHED = "attachment://"
_READ = {"id", "epoch", "uuid", "input", "messages", "output", "metadata", "target", "scores", "attachments", "events",
         "started_at"}  # fmt: skip


class _Sample:
    """A sample, and what its messages refer to: long texts and pictures stand once, beside them."""

    def __init__(self, document: Document) -> None:
        self.document, self.value = document, document.value
        self._attachments = object_at(self.value, "attachments")

    def resolved(self, value: Any) -> Any:
        """Return a value with what was attached in its place."""
        if isinstance(value, str) and value.startswith(_ATTACHED):
            return self._attachments.get(value.removeprefix(_ATTACHED), value)
        if isinstance(value, list):
            return [self.resolved(item) for item in value]
        if isinstance(value, dict):
            return {name: self.resolved(item) for name, item in value.items()}
        return value

    def messages(self) -> list[DraftMessage]:
        """Read the messages; a sample that failed at once has only its input."""
        holder = self.document.at("messages")
        if holder is None or not holder.value:
            holder = self.document.at("input")
        if holder is not None and isinstance(holder.value, str):
            return [DraftMessage("user", as_text(self.resolved(holder.value)))]
        items = holder.items() if holder is not None else ()
        return [self.message(item) for item in items if isinstance(item.value, dict)]

    def message(self, document: Document) -> DraftMessage:
        """Read one message."""
        value = self.resolved(document.value)
        draft = DraftMessage(as_text(value.get("role")), None, document.text, id=value.get("id"))
        content = value.get("content")
        if isinstance(content, list):
            draft.content = [each for part in content if (each := _part(part, draft)) is not None]
        else:
            draft.content = as_text(content)
        draft.tool_calls = [_call(call) for call in objects_at(value, "tool_calls")]
        if draft.role == "tool":
            draft.tool_call_id, draft.name = as_text(value.get("tool_call_id")), as_text(value.get("function"))
            if error := object_at(value, "error"):  # the content is empty then
                draft.content = draft.content or as_text(error.get("message"))
                draft.more = {"status": "error", "error": error}
        if value.get("model"):
            draft.more["model"] = value["model"]
        return draft


def _part(part: Any, draft: DraftMessage) -> dict[str, Any] | None:
    """Read a part; reasoning is none, it goes to the message."""
    if not isinstance(part, dict):
        return text_part(as_text(part))
    text = as_text(part.get("text"))
    match part.get("type"):
        case "text" if part.get("refusal") is True:
            return refusal_part(text)
        case "text":
            draft.annotations += [each for one in objects_at(part, "citations") if (each := _citation(one))]
            return text_part(text)
        case "reasoning":
            thought = part.get("reasoning") if not part.get("redacted") else part.get("summary")
            draft.reasoning = "\n\n".join(filter(None, (draft.reasoning, as_text(thought or part.get("summary")))))
            return None
        case "image":
            return image_part(as_text(part.get("image")), **({"detail": part["detail"]} if part.get("detail") else {}))
        case "audio":
            return audio_part(as_text(part.get("audio")), as_text(part.get("format")))
        case "video" | "document" as kind:
            return file_part(as_text(part.get("filename")), data=as_text(part.get(kind)))
    return part  # shown as JSON, under its name


def _citation(value: dict[str, Any]) -> dict[str, Any] | None:
    if not isinstance(value.get("url"), str):
        return None
    place = value.get("cited_text")  # a text that is cited, or where the text cites
    start, end = place if isinstance(place, list) and len(place) == 2 else (None, None)
    return citation(value["url"], as_text(value.get("title")), start, end)


def _call(call: dict[str, Any]) -> dict[str, Any]:
    return tool_call(as_text(call.get("id")), as_text(call.get("function")), call.get("arguments"))


def _is_sample(value: Any) -> bool:
    return isinstance(value, dict) and {"epoch", "target", "messages", "input"} <= value.keys()


def _is_log(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("eval"), dict) and {"plan", "status"} <= value.keys()


def _read(document: Document) -> Iterator[Conversation]:
    if _is_sample(document.value):
        yield _conversation(document, _log_around(document))
        return
    samples = document.at("samples")
    if samples is None or not samples.value:
        raise NotReadable(_now("This is the head of an Inspect log, without samples: write it whole."))
    log = object_at(document.value, "eval")
    for sample in samples.items():
        yield _conversation(sample, log)


def _log_around(sample: Document) -> dict[str, Any]:
    """Return what the head of a log says of all samples, which an `.eval` file has beside each of them."""
    head = sample.find("header.json")
    try:
        return object_at(json.loads(head), "eval") if head else {}
    except ValueError:
        return {}


def _conversation(document: Document, log: dict[str, Any]) -> Conversation:
    sample = _Sample(document)
    value, output = sample.value, object_at(sample.value, "output")
    named = value.get("uuid") or "-".join(
        as_text(each) for each in (log.get("run_id"), value["id"], value["epoch"]) if each
    )
    usage = object_at(output, "usage")
    draft = Draft(
        _NAME,
        id=id_within(_NAME, named),
        created=value.get("started_at") or log.get("created"),
        model=as_text(output.get("model") or log.get("model")),
        metadata=_metadata(value, log),
        messages=sample.messages(),
        fields={"usage": _usage(usage), "tools": None},
        source=source_of(document, _READ),
    )
    _answer(draft, sample, output)
    if error := object_at(value, "error"):
        draft.messages += [message for message, _reason in draft.choices]
        draft.choices = [(DraftMessage("assistant", more={"error": {"message": as_text(error.get("message"))}}), None)]
    return draft.finish(document)


def _answer(draft: Draft, sample: _Sample, output: dict[str, Any]) -> None:
    """Take the last answers for the choices, with why they ended. The first of them stands in the messages too."""
    choices = [choice for choice in objects_at(output, "choices") if isinstance(choice.get("message"), dict)]
    if not choices:
        return
    last = draft.messages[-1] if draft.messages else None
    answers = [sample.message(_document(choice["message"])) for choice in choices]
    if last is not None and last.role == "assistant" and (last.id == answers[0].id or len(choices) == 1):
        draft.messages.pop()
        answers[0] = last
    elif any(message.id == answers[0].id for message in draft.messages):
        return  # it was not the end: tools were used, or a solver went on
    draft.choices = [(answer, choice.get("stop_reason")) for answer, choice in zip(answers, choices, strict=True)]


def _document(value: Any) -> Document:
    return Document(json.dumps(value, ensure_ascii=False))


def _usage(usage: dict[str, Any]) -> dict[str, Any] | None:
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
    return {names.get(name, name): count for name, count in usage.items() if count is not None} or None


def _metadata(value: dict[str, Any], log: dict[str, Any]) -> dict[str, Any]:
    scores = {name: score.get("value") for name, score in object_at(value, "scores").items() if isinstance(score, dict)}
    return {
        "sample": value.get("id"),
        "epoch": value.get("epoch"),
        "task": log.get("task"),
        "target": value.get("target"),
        "scores": scores,
        "tags": list_at(log, "tags"),
    } | object_at(value, "metadata")


FAMILY = Family(
    name=_NAME,
    title="Inspect",
    what=gettext_lazy("An Inspect log"),
    seen="inspect-ai 0.3.75 and 0.3.285",
    keeps="texts, pictures, sound, tool calls, results and failures, reasoning, sources, refusals, scores",
    loses="times of messages",
    matches=lambda value: _is_sample(value) or _is_log(value),
    read=_read,
)
