"""LobeChat: the export of all data, before 2025 with `state` and since then with `data`, and the JSON of one topic.

Facts from its source of 2024 to 2026 (`DataExporterRepos`, `generateFullExport`, `generateMessages`). The messages of
all topics stand in one list; each names its topic, or the assistant (`sessionId`) if it is in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NothingSaid
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, image_part, note, text_part, tool_call
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.help_desks import linked_file
from viewer.formats.ids import id_of_beginning, id_within
from viewer.formats.message_lists import first_of

_NAME, _TITLE = "lobe-chat", "LobeChat"
_HOLDERS = ("state", "data")
_BESIDE = ("sessions", "topics", "sessionGroups", "settings", "userSettings")
_PLACES = ("topicId", "threadId", "sessionId", "agentId")
_PROMPT = "system-role"  # the id of the prompt in each export of a topic
_ROLES = {"assistantGroup": "assistant", "supervisor": "assistant"}


def _holder(value: Any) -> str:
    """Return the name under which an export has its data; empty if it is none."""
    is_export = "exportType" in value or "schemaHash" in value or "mode" in value
    held = (name for name in _HOLDERS if any(key in object_at(value, name) for key in _BESIDE))
    return next(held, "") if is_export else ""


def _has_tools(message: Any) -> bool:
    return "apiName" in first_object(object_at(message).get("tools"))


def _is_topic(value: Any) -> bool:
    is_one = {"messages", "version", "exportedAt"} <= value.keys() and value["version"] == "2.0"
    return is_one and {"id", "role", "createdAt"} <= first_object(value["messages"]).keys()


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_tools, value))
    return isinstance(value, dict) and (_holder(value) != "" or _is_topic(value))


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if isinstance(value, list) or _is_topic(value):
        messages = list((document if isinstance(value, list) else document.members["messages"]).items())
        draft = Draft(_NAME, messages=[_message(message) for message in messages])
        draft.metadata = {"title": object_at(value).get("title")}
        ids = (message.value.get("id") for message in messages)
        draft.id = id_of_beginning(_NAME, next((own for own in ids if own != _PROMPT), None))
        yield _finished(draft, messages).finish(document)
        return
    data = document.members[_holder(value)]
    held = data.at("messages")
    topics = dict[tuple[str, ...], list[Document]]()
    for message in held.items() if held else ():
        topics.setdefault(_place_of(message.value), []).append(message)
    if not topics:
        raise NothingSaid
    tables = {name: _rows_of(data.value, name) for name in ("topics", "threads", "sessions", "agents")}
    plugins = _rows_of(data.value, "messagePlugins")
    links = {
        as_text(each.get("sessionId")): as_text(each.get("agentId"))
        for each in objects_at(data.value, "agentsToSessions")
    }
    for place, messages in topics.items():
        messages.sort(key=lambda message: as_text(message.value.get("createdAt")))
        draft = _draft(tables, links, place)
        draft.messages += [_message(message, plugins.get(as_text(message.value.get("id")))) for message in messages]
        yield _finished(draft, messages).finish_at(document.place, *(message.text for message in messages))


def _place_of(message: dict[str, Any]) -> tuple[str, ...]:
    """Return the topic of a message with its thread; without a topic, the assistant that it was said to."""
    topic, thread, session, agent = (as_text(message.get(name)) for name in _PLACES)
    return (topic, thread) if topic else ("", thread, session, "" if session else agent)


def _draft(tables: dict[str, dict[str, dict[str, Any]]], links: dict[str, str], place: tuple[str, ...]) -> Draft:
    """Start the draft of a topic, with the prompt of its assistant, which `links` names for each session."""
    topic, thread = tables["topics"].get(place[0], {}), tables["threads"].get(place[1], {})
    session_id = as_text(topic.get("sessionId") or (place[2] if len(place) > 2 else ""))
    session = tables["sessions"].get(session_id, {})
    agent = tables["agents"].get(links.get(session_id) or (place[3] if len(place) > 3 else ""), {})
    config = object_at(session, "config") | {name: value for name, value in agent.items() if value}
    prompt = as_text(config.get("systemRole"))
    assistant = config.get("title") or object_at(session, "meta").get("title") or session.get("title")
    return Draft(
        _NAME,
        id=id_within(_NAME, place[1] or place[0] or session_id or place[3]),
        model=as_text(config.get("model")),
        metadata={"title": thread.get("title") or topic.get("title"), "assistant": assistant},
        messages=[DraftMessage("system", prompt)] if prompt else [],
    )


def _rows_of(data: Any, table: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a table by their ids."""
    return {as_text(row["id"]): row for row in objects_at(data, table) if row.get("id")}


def _finished(draft: Draft, messages: Iterable[Document]) -> Draft:
    draft.created = next((message.created for message in draft.messages if message.created), None)
    models = [as_text(first_of(message.value, ("model",)) or _from(message.value)) for message in messages]
    draft.model = next(filter(None, reversed(models)), draft.model)
    return draft


def _from(value: dict[str, Any]) -> Any:
    return object_at(value, "extra").get("fromModel")


def _message(message: Document, plugin: dict[str, Any] | None = None) -> DraftMessage:
    """Read a message. What a tool was called with and what it answered may stand in another table."""
    value = message.value
    role = as_text(value.get("role"))
    draft = DraftMessage(_ROLES.get(role, role), None, message.text, id=value.get("id"), created=value.get("createdAt"))
    text = as_text(value.get("content"))
    draft.content = [*([text_part(text)] if text else []), *_files(value, draft)]
    draft.reasoning = as_text(object_at(value, "reasoning").get("content"))
    draft.tool_calls = [_call(tool) for tool in objects_at(value, "tools")]
    if draft.role == "tool":
        found = object_at(plugin)
        draft.tool_call_id = as_text(first_of(value, ("tool_call_id",)) or found.get("toolCallId"))
        draft.name = _name(object_at(value, "plugin") or found)
        value = value | {"error": value.get("error") or first_of(value, ("pluginError",)) or found.get("error")}
    cited = objects_at(value, "search", "citations")
    draft.annotations = [citation(as_text(each.get("url")), as_text(each.get("title"))) for each in cited]
    if error := value.get("error"):
        draft.more["error"] = as_text(object_at(error).get("message") or error)
    if role in _ROLES and not (draft.content or draft.tool_calls):
        draft.notes.append(note("lost-content", by=_TITLE))  # its parts are messages that are not exported
    return draft


def _call(tool: dict[str, Any]) -> dict[str, Any]:
    return tool_call(as_text(tool.get("id")), _name(tool), as_text(tool.get("arguments")))


def _name(tool: Any) -> str:
    """Return the name of a tool, which is that of its plugin with that of what it can do."""
    return ".".join(filter(None, (as_text(object_at(tool).get(name)) for name in ("identifier", "apiName"))))


def _files(value: dict[str, Any], draft: DraftMessage) -> Iterator[dict[str, Any]]:
    """Yield the files of a message, of which an export has at most the addresses."""
    for image in objects_at(value, "imageList"):
        yield image_part(as_text(image.get("url")), caption=as_text(image.get("alt")))
    for file in objects_at(value, "fileList"):
        yield linked_file(as_text(file.get("url")), as_text(file.get("fileType")), as_text(file.get("name")))
    if list_at(value, "files"):
        draft.notes.append(note("lost-file", by=_TITLE))


FAMILY = Family(
    name=_NAME,
    title=_TITLE,
    what=gettext_lazy("A LobeChat export"),
    seen="exports with `state` and with `data`, and of topics (2.0), by its source of 2024 to 2026",
    keeps="texts, reasoning, tool calls, results and errors, sources, prompts, titles, the model, times; each topic as "
    "a conversation of its own",
    loses="files and pictures; tools and times, in the simple JSON of a topic; groups of answers, in the full one",
    matches=_matches,
    read=_read,
)
