"""NextChat (ChatGPT Next Web): the backup of all sessions. A single session that it exports is in OpenAI's shape.

Facts from its source of 2025 (`app/store/chat.ts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.help_desks import CUSTOMER, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of
from viewer.formats.turns import Turn

_NAME, _STORE = "next-chat", "chat-next-web-store"
_KNOWN = ("id", "topic", "messages", "lastUpdate", "mask", "stat")


def _is_session(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("messages"), list) and {"topic", "mask"} <= value.keys()


def _matches(value: Any) -> bool:
    return _is_session(value) or (isinstance(value, dict) and isinstance(value.get(_STORE), dict))


def _read(document: Document) -> Iterator[Conversation]:
    held = document.at(_STORE, "sessions")
    sessions = [document] if _is_session(document.value) else list(held.items() if held else ())
    said = [session for session in sessions if list_at(session.value, "messages")]
    if not said:
        raise NothingSaid
    for session in said:
        yield _draft(session).finish(session)


def _draft(session: Document) -> Draft:
    value, mask = session.value, object_at(session.value, "mask")
    prompts = [DraftMessage(as_text(each.get("role")), as_text(each.get("content"))) for each in _context(mask)]
    said = [message for one in session.members["messages"].items() for message in _messages(one)]
    models = [as_text(each.get("model")) for each in objects_at(value, "messages")]
    return Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=mask.get("createdAt") or value.get("lastUpdate"),
        model=next(filter(None, reversed(models)), as_text(object_at(mask, "modelConfig").get("model"))),
        metadata={"title": value.get("topic"), "assistant": mask.get("name")},
        messages=prompts + said,
        source=source_of(session, _KNOWN),
    )


def _context(mask: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the prompts that stand before each request."""
    yield from (each for each in objects_at(mask, "context") if each.get("role") and each.get("content"))


def _messages(message: Document) -> list[DraftMessage]:
    """Read a message. What a tool answered stands with its call, in the answer that came of it."""
    value, turn = message.value, Turn()
    for tool in objects_at(value, "tools"):
        call_id, function = as_text(tool.get("id")), object_at(tool, "function")
        turn.call(call_id, as_text(function.get("name")), as_text(function.get("arguments")))
        if "content" in tool or "errorMsg" in tool:
            result = turn.result(call_id, as_text(tool.get("content") or tool.get("errorMsg")))
            result.more = {"is_error": True} if tool.get("isError") else {}
    turn.add(*_parts(value))
    drafts = turn.messages()
    last = drafts[-1]
    if value.get("role") != "assistant":
        last.role = "tool" if value.get("isMcpResponse") else as_text(value.get("role"))
    if value.get("isError") and last.role != CUSTOMER:  # of the question it only says that it got no answer
        last.more["error"] = True
    # The time is in words of the browser's language, which cannot be told from one another.
    last.more |= {"date": value["date"]} if value.get("date") else {}
    last.id, last.source = value.get("id"), message.text
    return drafts


def _parts(value: dict[str, Any]) -> list[dict[str, Any]]:
    content = value.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    if isinstance(content, str) and content:
        parts.append(text_part(content))
    if value.get("audio_url"):
        parts.append(linked_file(as_text(value["audio_url"]), "audio/wav"))
    return parts


FAMILY = Family(
    name=_NAME,
    title="NextChat",
    what=gettext_lazy("A NextChat backup"),
    seen="backups by its source of 2025",
    keeps="texts, pictures, tool calls, results and whether they failed, prompts, titles, the model; times of messages "
    "as they were written",
    loses="times that a program can read; in the JSON of a single session all but texts, with a prompt of its own",
    matches=_matches,
    read=_read,
)
