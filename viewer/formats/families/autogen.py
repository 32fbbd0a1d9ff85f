"""AutoGen's states of agents and teams, the messages of its runs, and the chat results of version 0.2.

Names say who speaks: in a team every agent is an assistant. In a chat result of 0.2 the roles are those that the agent
that began sees: its own question has the role of the assistant, and the answer that of the user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, image_part, note, text_part, tool_call
from viewer.formats.family import Family, Shape, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME = "autogen"
_OF_MODELS = {"SystemMessage": "system", "UserMessage": "user", "AssistantMessage": "assistant"}
_THOUGHT, _CALLS = "ThoughtEvent", "ToolCallRequestEvent"
_RESULTS = ("FunctionExecutionResultMessage", "ToolCallExecutionEvent")
_OF_AGENTS = (
    "TextMessage", "MultiModalMessage", "ToolCallSummaryMessage", "HandoffMessage", "StopMessage", "StructuredMessage",
    "MemoryQueryEvent", "UserInputRequestedEvent", "CodeGenerationEvent", "CodeExecutionEvent", "SelectSpeakerEvent",
    "ToolCallMessage", "ToolCallResultMessage", _THOUGHT, _CALLS,
)  # fmt: skip
_PIECES = ("ModelClientStreamingChunkEvent",)  # of a text that stands whole in a later message
_PLACES = (
    ("llm_context", "messages"), ("agent_state", "llm_context", "messages"), ("llm_messages",), ("messages",),
    ("task_result", "messages"), ("team_result", "task_result", "messages"), ("message_thread",),
)  # fmt: skip
_OF_GROUP = {"content", "role", "name"}
_CHAT_RESULT = {"chat_history", "summary", "cost", "human_input"}


def is_message(value: Any) -> bool:
    """Whether a value is a message of an agent or for a model; of version 0.2 only one with the results of tools."""
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    if isinstance(kind, str) and "role" not in value and "content" in value:
        is_known = kind in _OF_MODELS or kind in _OF_AGENTS or kind.startswith("StructuredMessage[")
        return kind in _RESULTS or (is_known and ("source" in value or kind == "SystemMessage"))
    return value.get("role") == "tool" and isinstance(value.get("tool_responses"), list)


def read_messages(messages: Iterable[Document]) -> list[DraftMessage]:
    """Read messages. A thought before a call was said with it; before a text it is reasoning."""
    found: list[DraftMessage] = []
    thoughts: list[Document] = []
    for message in messages:
        value = message.value
        if not isinstance(value, dict) or value.get("type") in _PIECES:
            continue
        if value.get("type") == _THOUGHT:
            thoughts.append(message)
            continue
        read = list(_messages(message))
        if thoughts and read and value.get("source") == thoughts[-1].value.get("source"):
            _think(read[0], "\n\n".join(as_text(thought.value.get("content")) for thought in thoughts))
            thoughts = []
        found += [_thought(thought) for thought in thoughts] + read
        thoughts = []
    return found + [_thought(thought) for thought in thoughts]


def _thought(message: Document) -> DraftMessage:
    draft = _draft("assistant", message)
    draft.reasoning = as_text(message.value.get("content"))
    return draft


def _think(draft: DraftMessage, thought: str) -> None:
    if draft.tool_calls and not draft.content:
        draft.content = thought
    else:
        draft.reasoning = thought


def _draft(role: str, message: Document) -> DraftMessage:
    value = message.value
    draft = DraftMessage(role, source=message.text, id=value.get("id"), created=value.get("created_at"))
    source = as_text(value.get("source") or value.get("name"))
    draft.name = "" if source in ("user", "assistant", "system") else source
    return draft


def _messages(message: Document) -> Iterator[DraftMessage]:
    value, content = message.value, message.value.get("content")
    kind = value.get("type")
    if kind in (*_RESULTS, "ToolCallResultMessage"):
        yield from (_result(result, message) for result in objects_at(value, "content"))
        return
    if isinstance(value.get("tool_responses"), list):
        yield from (_result(result, message) for result in objects_at(value, "tool_responses"))
        return
    if not is_message(value):
        yield DraftMessage.of(message)
        return
    draft = _draft(_OF_MODELS.get(str(kind)) or ("user" if value.get("source") == "user" else "assistant"), message)
    calls = [item for item in objects_at(value, "content") if "arguments" in item and "name" in item]
    draft.tool_calls = [
        tool_call(as_text(call.get("id")), as_text(call.get("name")), call.get("arguments")) for call in calls
    ]
    if not calls:
        draft.content = [_part(item) for item in content] if isinstance(content, list) else as_text(content)
    if isinstance(value.get("thought"), str) and value["thought"]:
        _think(draft, value["thought"])
    if draft.role == "assistant" and not (draft.content or calls or draft.reasoning) and isinstance(content, str):
        draft.notes.append(note("lost-refusal", by="AutoGen"))
    yield draft


def _part(item: Any) -> dict[str, Any]:
    """Return the part of a text or a picture, of which AutoGen keeps the bytes without their type: it writes PNG."""
    if isinstance(item, dict) and isinstance(item.get("data"), str):
        return image_part(data_url(item["data"], "image/png"))
    return item if isinstance(item, dict) else text_part(as_text(item))


def _result(result: dict[str, Any], message: Document) -> DraftMessage:
    draft = DraftMessage("tool", as_text(result.get("content")), message.text, name=as_text(result.get("name")))
    draft.tool_call_id = as_text(result.get("call_id") or result.get("tool_call_id"))
    draft.created = message.value.get("created_at")
    if result.get("is_error"):
        draft.more["is_error"] = True
    return draft


def _is_chat_result(value: dict[str, Any]) -> bool:
    return value.keys() >= _CHAT_RESULT and "role" in first_object(value["chat_history"])


def _thread_in(value: dict[str, Any]) -> tuple[str, ...]:
    """Return where the messages stand; of a team that is the thread of its manager, otherwise the first agent's."""
    states = object_at(value, "agent_states")
    for place in (("message_thread",), *_PLACES):
        for name in states:
            if is_message(first_object(list_at(states, name, *place))):
                return ("agent_states", name, *place)
    return next((place for place in _PLACES if any(map(is_message, list_at(value, *place)))), ())


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return (
            is_message(first_object(value))
            or _is_group(value)
            or any(isinstance(each, dict) and "tool_responses" in each for each in value)
        )
    return isinstance(value, dict) and (_is_chat_result(value) or bool(_thread_in(value)) or _is_bare(value))


def _is_group(messages: list[Any]) -> bool:
    """Whether messages are of a group chat of 0.2: the names of several agents, and nobody is the assistant."""
    said = [one for one in messages if isinstance(one, dict) and not one.get("tool_calls")]
    are_named = all(one.keys() <= _OF_GROUP and isinstance(one.get("name"), str) for one in said)
    return are_named and {one.get("role") for one in said} == {"user"} and len({one["name"] for one in said}) > 1


def _is_bare(result: dict[str, Any]) -> bool:
    """Whether a result has messages without what they say."""
    first = first_object(result.get("messages"))
    return {"source", "models_usage"} <= first.keys() and first.keys().isdisjoint({"content", "type", "role"})


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if isinstance(value, list):
        yield Draft(_NAME, messages=_as_customers_see(read_messages(document.items()))).finish(document)
        return
    if _is_bare(value):
        raise NotReadable(
            gettext(
                "AutoGen wrote these messages without what they say, as it does with the result of a run as a whole "
                "(model_dump of TaskResult). Write each of its messages by itself, or the state of the team."
            )
        )
    names = ("chat_history",) if _is_chat_result(value) else _thread_in(value)
    thread = document.at(*names)
    draft = Draft(_NAME, messages=read_messages(thread.items()) if thread is not None else [])
    if names == ("chat_history",):
        draft.id = id_within(_NAME, value.get("chat_id"))
        draft.messages = _as_customers_see(draft.messages)
    draft.created = next((message.created for message in draft.messages if message.created), None)
    draft.source = source_of(document, (names[0],))
    if first_of(value, ("stop_reason",)):
        draft.metadata["stop_reason"] = value["stop_reason"]
    yield draft.finish(document)


def _as_customers_see(messages: list[DraftMessage]) -> list[DraftMessage]:
    """Exchange the roles if the one who began has that of the assistant. What calls or answers a tool keeps its own."""
    first = next((message for message in messages if message.role != "system"), None)
    if first is not None and _is_group([message.given.value for message in messages if message.given]):
        return [_by_name(message, _name_of(first)) for message in messages]
    if first is None or first.role != "assistant" or first.tool_calls or not _name_of(first):
        return messages
    other = {"assistant": "user", "user": "assistant"}
    return [
        message
        if message.tool_calls or message.role not in other
        else DraftMessage(
            other[message.role], message.content, message.given.text if message.given else "", name=_name_of(message)
        )
        for message in messages
    ]


def _by_name(message: DraftMessage, customer: str) -> DraftMessage:
    """Return a message of a group: everybody but who began is an assistant."""
    if message.role != "user" or message.given is None or _name_of(message) == customer:
        return message
    return DraftMessage("assistant", message.content, message.given.text, name=_name_of(message))


def _name_of(message: DraftMessage) -> str:
    return as_text(message.given.value.get("name")) if message.given else message.name


SHAPE = Shape(is_message, read_messages)
FAMILY = Family(
    name=_NAME,
    title="AutoGen, AG2",
    what=gettext_lazy("An AutoGen history"),
    seen="autogen-agentchat 0.4.3, 0.6.4 and 0.7.5, autogen 0.2.40, ag2 0.9.9",
    keeps="texts, pictures, tool calls, results and whether they failed, thoughts, who said what in a team",
    loses="refusals: an empty answer; sources, the model; whether a thought beside a call was said; times in states",
    matches=_matches,
    read=_read,
)
