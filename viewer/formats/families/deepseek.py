"""DeepSeek's export: conversations as trees of messages, whose `fragments` say who speaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotAConversation
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, file_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of
from viewer.formats.trees import Tree, kept, left_of, walk

_NAME, _TITLE = "deepseek", "DeepSeek"
_KNOWN = ("id", "title", "inserted_at", "mapping")


def _is_account(value: dict[str, Any]) -> bool:
    return {"user_id", "email", "mobile"} <= value.keys() and "mapping" not in value


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and (
        (isinstance(value.get("mapping"), dict) and "inserted_at" in value) or _is_account(value)
    )


def _read(document: Document) -> Iterator[Conversation]:
    value, mapping = document.value, document.at("mapping")
    if mapping is None:
        raise NotAConversation(gettext("This is the account of a DeepSeek export, not a conversation."))
    nodes = {name: node for name, node in mapping.members.items() if object_at(node.value, "message")}
    tree = Tree({name: object_at(node.value).get("parent") for name, node in nodes.items()})
    asked = {name for name in nodes if _is_asked(tree, nodes, name)}
    walked = walk(tree, asked.__contains__, lambda names: [_message(nodes[name], name in asked) for name in names])
    last = object_at(nodes[tree.path[-1]].value, "message") if tree.path else {}
    draft = Draft(
        _NAME,
        id=id_within(_NAME, value.get("id")),
        created=value.get("inserted_at"),
        model=as_text(last.get("model")),
        metadata={"title": value.get("title")},
        messages=walked.messages,
        choices=walked.choices,
        source=kept(record=source_of(document, _KNOWN), mapping=left_of(nodes, walked)),
    )
    yield draft.finish(document)


def _is_asked(tree: Tree, nodes: dict[str, Document], name: str) -> bool:
    """Whether a message is the customer's; without fragments, as in 2024, each second one is, from the first on."""
    fragments = objects_at(nodes[name].value, "message", "fragments")
    if fragments:
        return fragments[0].get("type") == "REQUEST"
    return tree.depth(name) % 2 == 0


def _message(node: Document, is_asked: bool) -> DraftMessage:
    inner = node.at("message") or node
    value = inner.value
    draft = DraftMessage("user" if is_asked else "assistant", source=inner.text, created=value.get("inserted_at"))
    parts = list[dict[str, Any]]()
    sources = objects_at(value, "search_results")
    for fragment in objects_at(value, "fragments") or [{"type": "", "content": value.get("content")}]:
        match fragment.get("type"):
            case "THINK":
                draft.reasoning += ("\n\n" if draft.reasoning else "") + as_text(fragment.get("content"))
            case "SEARCH":
                sources += objects_at(fragment, "results")
            case "REQUEST" | "RESPONSE" | "":
                parts.append(text_part(as_text(fragment.get("content"))))
            case kind:
                parts.append({**fragment, "type": as_text(kind) or "fragment"})
    draft.reasoning = draft.reasoning or as_text(value.get("reasoning_content"))
    draft.annotations = [citation(as_text(one.get("url")), as_text(one.get("title"))) for one in sources]
    for file in list_at(value, "files"):
        parts.append(file_part(as_text(object_at(file).get("file_name") or object_at(file).get("name") or file)))
        draft.notes.append(note("lost-file", by=_TITLE))
    draft.content = parts
    return draft


FAMILY = Family(
    name=_NAME,
    title="DeepSeek",
    what=gettext_lazy("A DeepSeek export"),
    seen="exports of 2024 to 2026, by programs that read them",
    keeps="texts, reasoning, sources of searches, other answers, the model, times",
    loses="the bytes of files; which words of an answer cite a source",
    matches=_matches,
    read=_read,
)
