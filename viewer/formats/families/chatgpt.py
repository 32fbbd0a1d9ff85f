"""ChatGPT's export: conversations as trees of messages under `mapping`, and pictures and sound beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, Find, NotAConversation, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, image_part, note, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.ids import id_within
from viewer.formats.media import data_part
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.trees import Tree, kept, left_of, walk
from viewer.formats.turns import Turn

from .chatgpt_sources import cited_text, sources_of_tool

_NAME, _TITLE = "chatgpt", "ChatGPT"
_KNOWN = ("mapping", "conversation_id", "title", "create_time", "gizmo_id", "conversation_template_id")
_CONTEXTS = ("user_editable_context", "model_editable_context")
_CONTEXT_TEXTS = ("user_profile", "user_instructions", "model_set_context", "repo_summary")
_TOOL_TEXTS = ("result", "text", "output_str", "snippet")
_POINTERS = ("image_asset_pointer", "audio_asset_pointer", "video_container_asset_pointer")
_MAX_FILES = 128_000_000  # bytes of one conversation
# What else lies in the ZIP, by a field that only such a record has.
_BESIDE = (
    ("chatgpt_plus_user", gettext_lazy("the account")),
    ("evaluation_name", gettext_lazy("a rating")),
    ("is_anonymous", gettext_lazy("a shared link")),
    ("chats", gettext_lazy("the list of group chats")),
)


def _matches(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    nodes = value.get("mapping")
    if isinstance(nodes, dict) and "inserted_at" not in value:  # DeepSeek's trees look alike
        first = object_at(next(iter(nodes.values()), None))
        return "current_node" in value or {"parent", "children"} <= first.keys()
    return _is_without_messages(value) or bool(_beside(value))


def _is_without_messages(value: dict[str, Any]) -> bool:
    return "title" in value and "mapping" not in value and ("current_node" in value or "default_model_slug" in value)


def _beside(value: dict[str, Any]) -> Any:
    if not value.keys() & {"conversation_id", "email", "chats"} or "messages" in value:
        return None
    if "chats" in value and value != {"chats": []}:  # with anything in it, it may be of any tool
        return None
    return next((what for name, what in _BESIDE if name in value), None)


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    mapping = document.at("mapping")
    if mapping is None or not mapping.value:
        if (what := _beside(value)) is not None:
            raise NotAConversation(gettext("This is %s of a ChatGPT export, not a conversation.") % what)
        raise NotReadable(gettext("ChatGPT has exported this conversation without its messages."))
    nodes = mapping.members
    tree = Tree(
        {name: object_at(node.value).get("parent") for name, node in nodes.items()}, document.value.get("current_node")
    )
    reader = _Reader(nodes, _bounded(document.find))
    walked = walk(tree, reader.is_asked, reader.read)
    walked.read -= reader.skipped
    models = [object_at(node, "metadata").get("model_slug") for name in tree.path if (node := reader.message(name))]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(value, ["conversation_id", "id"])),
        created=value.get("create_time"),
        model=str(next(filter(None, reversed(models)), None) or value.get("default_model_slug") or ""),
        metadata={name: value.get(name) for name in ("title", "gizmo_id", "conversation_template_id")},
        messages=walked.messages,
        choices=[(message, reader.ends.get(str(message.id))) for message, _end in walked.choices],
        finish_reason=reader.ends.get(str(walked.messages[-1].id)) if walked.messages else None,
        source=kept(record=source_of(document, _KNOWN), mapping=left_of(nodes, walked)),
    )
    yield draft.finish(document)


def _bounded(find: Find) -> Find:
    """Return what finds files as long as they fit into one conversation; one may stand in any number of messages."""
    length = 0

    def find_file(name: str) -> bytes | None:
        nonlocal length
        data = find(name)
        length += len(data or b"")
        if length > _MAX_FILES:
            raise NotReadable(gettext("Its pictures and files have more than %d MB.") % (_MAX_FILES // 10**6))
        return data

    return find_file


class _Reader:
    """Reads the nodes of one conversation."""

    def __init__(self, nodes: dict[str, Document], find: Find) -> None:
        self._nodes, self._find = nodes, find
        self.skipped: set[str] = set()  # nodes with nothing to show
        self.ends: dict[Any, str] = {}  # why the answer ended, by the id of its message

    def is_asked(self, name: str) -> bool:
        message = self.message(name)
        return object_at(message, "author").get("role") == "user" and not _is_hidden(message)

    def read(self, names: list[str]) -> list[DraftMessage]:
        """Read nodes that follow one another. What the assistant and its tools did is one turn."""
        drafts, run = list[DraftMessage](), list[str]()
        for name in [*names, ""]:
            role = object_at(self.message(name), "author").get("role")
            if name and role in ("assistant", "tool") and not self._is_prompt(name):
                run.append(name)
                continue
            drafts += _Run(self, self._find).read(run) if run else []
            run = []
            drafts += self._said(name) if name else []
        return drafts

    def node(self, name: str) -> tuple[dict[str, Any], str]:
        """Return the message of a node and its JSON."""
        inner = self._nodes[name].members.get("message")
        return self.message(name), inner.text if inner else ""

    def note_end(self, message: dict[str, Any]) -> None:
        """Remember how an answer ended."""
        reason = object_at(message, "metadata", "finish_details").get("type")
        if isinstance(reason, str):
            self.ends[str(message.get("id"))] = "length" if reason == "max_tokens" else reason

    def message(self, name: str) -> dict[str, Any]:
        return object_at(self._nodes[name].value, "message") if name else {}

    def _is_prompt(self, name: str) -> bool:
        """Whether an assistant's message is a prompt that ChatGPT put there and does not show."""
        message = self.message(name)
        return object_at(message, "author").get("role") == "assistant" and _is_hidden(message)

    def _said(self, name: str) -> list[DraftMessage]:
        message, source = self.node(name)
        parts, notes = _parts(message, self._find)
        if not any(part.get("text") or part.get("type") != "text" for part in parts):
            self.skipped.add(name)
            return []
        role = str(object_at(message, "author").get("role") or "")
        if _is_hidden(message):
            role, notes = "system", [*notes, note("hidden", by=_TITLE)]
        return [
            DraftMessage(
                role,
                parts,
                source,
                id=message.get("id"),
                name=str(object_at(message, "author").get("name") or ""),
                created=message.get("create_time"),
                notes=notes,
            )
        ]


class _Run:
    """Reads what the assistant and its tools did until the customer spoke again."""

    def __init__(self, reader: _Reader, find: Find) -> None:
        self._reader, self._find = reader, find
        self._turn = Turn()
        self._sources: dict[int, list[str]] = {}
        self._open: dict[str, str] = {}  # the tool that was called: the id of the call, which the export leaves out
        self._cited: list[dict[str, Any]] = []  # sources that tools returned, for answers that name none

    def read(self, names: list[str]) -> list[DraftMessage]:
        for name in names:
            message, source = self._reader.node(name)
            draft = self._take(message, name)
            if draft is None:
                self._reader.skipped.add(name)
                continue
            draft.id, draft.created = message.get("id"), message.get("create_time") or draft.created
            self._sources.setdefault(id(draft), []).append(source)
        drafts = [] if self._turn.is_empty else self._turn.messages()
        for draft in drafts:
            sources = self._sources.get(id(draft), [])
            draft.source = sources[0] if len(sources) == 1 else f"[{','.join(sources)}]" if sources else ""
        return drafts

    def _take(self, message: dict[str, Any], name: str) -> DraftMessage | None:
        """Add a node to the turn and return the message that has it; None if it says nothing."""
        content, recipient = object_at(message, "content"), str(message.get("recipient") or "all")
        if object_at(message, "author").get("role") == "tool":
            return self._result(message)
        self._reader.note_end(message)
        if content.get("content_type") == "thoughts":
            thoughts = [object_at(each) for each in list_at(content, "thoughts")]
            pairs = [[str(each.get(key) or "") for key in ("summary", "content")] for each in thoughts]
            self._turn.think("\n\n".join("\n".join(filter(None, pair)) for pair in pairs))
            return self._turn.last() if thoughts else None
        if content.get("content_type") == "reasoning_recap":
            self._turn.think(as_text(content.get("content")))
            return self._turn.last()
        if recipient != "all":
            call_id = str(message.get("id") or name)
            self._open[recipient.partition(".")[0]] = call_id
            self._turn.call(call_id, recipient, _text(content))
            return self._turn.last()
        return self._answer(message)

    def _answer(self, message: dict[str, Any]) -> DraftMessage | None:
        parts, notes = _parts(message, self._find)
        parts = [part for part in parts if part.get("type") != "text" or part["text"]]
        if not parts:
            return None
        self._turn.add(*parts)
        draft = self._turn.last()
        draft.notes += notes
        if self._cited and not any(part.get("annotations") for part in parts):
            draft.annotations += self._cited
        self._cited = []
        return draft

    def _result(self, message: dict[str, Any]) -> DraftMessage | None:
        parts, notes = _parts(message, self._find)
        self._cited += sources_of_tool(message)
        name = str(object_at(message, "author").get("name") or "")
        if not any(part.get("text") or part.get("type") != "text" for part in parts) and not name:
            return None
        content = object_at(message, "content")
        failed = {"is_error": True} if content.get("content_type") == "system_error" else {}
        draft = self._turn.result(self._open.get(name.partition(".")[0], ""), parts or None, name, **failed)
        draft.notes += [*notes, *([note("hidden", by=_TITLE)] if _is_hidden(message) else [])]
        return draft


def _is_hidden(message: dict[str, Any]) -> bool:
    content_type = object_at(message, "content").get("content_type")
    return bool(object_at(message, "metadata").get("is_visually_hidden_from_conversation")) or content_type in _CONTEXTS


def _text(content: dict[str, Any]) -> str:
    """Return the text of a call: code, or the parts of a text."""
    if "text" in content:
        return as_text(content["text"])
    return "\n".join(as_text(part) for part in list_at(content, "parts"))


def _parts(message: dict[str, Any], find: Find) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the parts of a message, and notes of files that are not there."""
    content, notes = object_at(message, "content"), list[dict[str, Any]]()
    kind = content.get("content_type")
    if kind in ("text", "multimodal_text") or (kind is None and "parts" in content):
        parts = [read for part in list_at(content, "parts") for read in _part(part, find, notes)]
        parts = cited_text(parts, message, notes)
    elif kind in ("code", "execution_output"):
        parts = [text_part(_text(content))]
    elif kind in _CONTEXTS:
        parts = [text_part(as_text(content[name])) for name in _CONTEXT_TEXTS if content.get(name)]
    elif text := next((content[name] for name in _TOOL_TEXTS if content.get(name)), None):
        parts = [text_part(as_text(text))]
        if kind not in ("tether_browsing_display", "tether_quote", "sonic_webpage", "system_error"):
            parts = [*parts, {"type": str(kind), **content}]
    else:
        parts = [{"type": str(kind), **content}] if content.keys() - {"content_type"} else []
    return parts + _attachments(message, find, notes), notes


def _part(part: Any, find: Find, notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not isinstance(part, dict):
        return [text_part(as_text(part))]
    match part.get("content_type"):
        case "audio_transcription":
            return [text_part(as_text(part.get("text")))]
        case "real_time_user_audio_video_asset_pointer":
            inner = [part.get("audio_asset_pointer"), part.get("video_container_asset_pointer")]
            frames = list_at(part, "frames_asset_pointers")
            return [read for each in [*inner, *frames] if each for read in _part(_pointer(each), find, notes)]
        case kind if kind in _POINTERS:
            return [_asset(str(part.get("asset_pointer") or ""), str(kind), find, notes)]
    return [{"type": str(part.get("content_type") or "unknown"), **part}]


def _pointer(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"content_type": "image_asset_pointer", "asset_pointer": value}


def _asset(pointer: str, kind: str, find: Find, notes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a picture or sound that lies beside the conversations under its id."""
    file_id = pointer.rpartition("://")[2].partition("#")[0].partition("?")[0]
    if data := find(file_id) if file_id else None:
        return data_part(data, file_id)
    notes.append(note("missing-file"))
    return image_part("", file_id=file_id) if kind == "image_asset_pointer" else file_part(file_id=file_id)


def _attachments(message: dict[str, Any], find: Find, notes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the files of a message that are not in its parts already, as pictures are."""
    pointers = str([object_at(part).get("asset_pointer") for part in list_at(message, "content", "parts")])
    parts = []
    for file in list_at(message, "metadata", "attachments"):
        file_id, name = str(object_at(file).get("id") or ""), str(object_at(file).get("name") or "")
        if file_id and file_id in pointers:
            continue
        if data := find(file_id) if file_id else None:
            parts.append(data_part(data, name))
        elif file_id or name:
            notes.append(note("missing-file"))
            parts.append(file_part(name, file_id=file_id))
    return parts


FAMILY = Family(
    name=_NAME,
    title="ChatGPT",
    what=gettext_lazy("A ChatGPT export"),
    seen="exports of 2023 to 2026, by published examples",
    keeps="texts, pictures and sound of the ZIP, tool calls and results, reasoning, sources, other answers, times",
    loses="the ids of tool calls, which are told from the order; whether an answer was a refusal",
    matches=_matches,
    read=_read,
)
