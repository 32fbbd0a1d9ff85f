"""Grok's export: conversations with `responses`, each of which names the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, citation, file_part, image_part, note, text_part
from viewer.formats.family import Family, first_object, list_at, object_at, objects_at
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of
from viewer.formats.trees import Tree, kept, left_of, walk

_NAME, _TITLE = "grok", "Grok"


def _matches(value: Any) -> bool:
    first = object_at(first_object(object_at(value).get("responses")), "response")
    return bool(object_at(value, "conversation")) and "sender" in first


def _read(document: Document) -> Iterator[Conversation]:
    about, responses = object_at(document.value, "conversation"), document.at("responses")
    nodes = dict[str, Document]()
    for n, item in enumerate(responses.items() if responses else ()):
        if (response := item.at("response")) is not None:
            nodes[as_text(response.value.get("_id")) or str(n)] = response
    before, parents = None, dict[str, Any]()
    for name, node in nodes.items():  # one in ten names none: it follows the one before it in the file
        parent = node.value.get("parent_response_id")
        parents[name] = parent if parent in nodes else before
        before = name
    tree = Tree(parents, about.get("leaf_response_id"))
    walked = walk(tree, lambda name: _is_asked(nodes[name]), lambda names: [_message(nodes[name]) for name in names])
    answers = [nodes[name].value for name in tree.path if not _is_asked(nodes[name])]
    draft = Draft(
        _NAME,
        id=id_within(_NAME, first_of(about, ("id", "conversation_id"))),
        created=about.get("create_time"),
        model=as_text(answers[-1].get("model")) if answers else "",
        metadata={"title": about.get("title"), "user": about.get("user_id")},
        messages=walked.messages,
        choices=walked.choices,
        source=kept(record=source_of(document, ("responses",)), responses=left_of(nodes, walked)),
    )
    yield draft.finish(document)


def _is_asked(response: Document) -> bool:
    return as_text(response.value.get("sender")).casefold() in ("human", "user")


def _message(response: Document) -> DraftMessage:
    value = response.value
    draft = DraftMessage("user" if _is_asked(response) else "assistant", source=response.text, id=value.get("_id"))
    draft.created = _time(value.get("create_time"))
    thoughts = [value.get("thinking_trace")]
    thoughts += [one.get("thinking_trace") for one in objects_at(value, "agent_thinking_traces")]
    draft.reasoning = "\n\n".join(filter(None, map(as_text, thoughts)))
    found = objects_at(value, "cited_web_search_results") or objects_at(value, "web_search_results")
    draft.annotations = [citation(as_text(one.get("url")), as_text(one.get("title"))) for one in found]
    said = as_text(value.get("message"))
    parts = [text_part(said)] if said else []
    parts += [image_part(as_text(url)) for url in list_at(value, "generated_image_urls")]
    for file in list_at(value, "file_attachments"):
        file_id = as_text(first_of(object_at(file), ("fileMetadataId", "id", "asset_id")) or file)
        parts.append(file_part(as_text(first_of(object_at(file), ("fileName", "name"))), file_id=file_id))
        draft.notes.append(note("missing-file"))
    if value.get("error"):
        draft.more["error"] = as_text(value["error"])
    draft.content = parts or None
    return draft


def _time(given: Any) -> Any:
    """Return a time; MongoDB writes it as milliseconds in a text in two objects."""
    number = object_at(given, "$date").get("$numberLong")
    return int(number) / 1000 if isinstance(number, str) and number.isdigit() else given


FAMILY = Family(
    name=_NAME,
    title="Grok",
    what=gettext_lazy("A Grok export"),
    seen="exports of 2025 and 2026, by programs that read them",
    keeps="texts, reasoning, sources of searches, pictures by their address, other answers, the model, times",
    loses="which words of an answer cite a source; the names of most files",
    matches=_matches,
    read=_read,
)
