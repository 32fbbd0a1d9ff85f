"""Logs of Google's API: contents, requests, responses, both together, batches, streams, and prompts of AI Studio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, data_url, file_part, media_part, note, text_part
from viewer.formats.family import Family, list_at, object_at
from viewer.formats.message_lists import draft_of, first_of, source_of
from viewer.formats.pairs import REQUESTS, RESPONSES, at, place_of, rest_of_pair

from .google import is_message, read_content, read_messages

_NAME = "google"
_SYSTEM = ("systemInstruction", "system_instruction")
_CONFIG = ("generationConfig", "generation_config", "config")
_USAGE = {
    "promptTokenCount": "prompt_tokens", "candidatesTokenCount": "completion_tokens", "totalTokenCount": "total_tokens",
    "prompt_token_count": "prompt_tokens", "candidates_token_count": "completion_tokens",
    "total_token_count": "total_tokens",
}  # fmt: skip
_READ = {"contents", "candidates", "usageMetadata", "usage_metadata", "modelVersion", "model_version", "responseId",
         "response_id", "createTime", "create_time", "model", "tools", *_SYSTEM}  # fmt: skip
_CHUNKS = ("driveImage", "driveDocument", "driveAudio", "driveVideo", "inlineImage", "inlineFile", "inlineData")


def _is_response(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    candidates = value.get("candidates")
    if isinstance(candidates, list) and candidates:
        return any("content" in object_at(each) or "finishReason" in object_at(each) for each in candidates)
    return isinstance(first_of(value, ("promptFeedback", "prompt_feedback")), dict)


def _is_request(value: Any) -> bool:
    contents = value.get("contents") if isinstance(value, dict) else None
    contents = [contents] if isinstance(contents, dict) else contents
    return isinstance(contents, list) and any(is_message(each) or "parts" in object_at(each) for each in contents)


def _is_prompt(value: Any) -> bool:
    return bool(list_at(value, "chunkedPrompt", "chunks"))


def _matches(value: Any) -> bool:
    if isinstance(value, list):
        return any(is_message(each) for each in value)
    if not isinstance(value, dict):
        return False
    if _is_response(value) or _is_request(value) or _is_prompt(value) or _history(value):
        return True
    return place_of(value, RESPONSES, _is_response) is not None or place_of(value, REQUESTS, _is_request) is not None


def _history(value: dict[str, Any]) -> str:
    """Return the name of the list of contents in a record."""
    lists = ((name, value.get(name)) for name in ("history", "messages", "chatHistory"))
    return next((name for name, each in lists if isinstance(each, list) and any(map(is_message, each))), "")


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if isinstance(value, list):
        yield draft_of(_NAME, document, read_messages(document.items()), ()).finish(document)
    elif _is_prompt(value):
        yield _prompt(document).finish(document)
    elif name := _history(value):
        messages = _system(document) + read_messages(document.members[name].items())
        yield draft_of(_NAME, document, messages, (name, *_SYSTEM)).finish(document)
    else:
        answered = () if _is_response(value) else place_of(value, RESPONSES, _is_response)
        asked = place_of(value, ((), *REQUESTS), _is_request)
        if answered is None:
            answered = place_of(value, RESPONSES, bool)
        response = at(document, answered)
        draft = _draft_of(at(document, asked), _responses_in(response) if response else [])
        beside = draft_of(_NAME, document, (), ())  # such as the time of a log
        draft.created, draft.metadata = draft.created or beside.created, beside.metadata
        draft.source = rest_of_pair(document, (asked, answered), _READ)
        yield draft.finish(document)


def _responses_in(answer: Document) -> list[Document]:
    """Return an answer as responses of the API: it may be streamed, or only its content or its text was kept."""
    value = answer.value
    if _is_response(value):
        return [answer]
    if isinstance(value, list) and any(map(_is_response, value)):
        return list(answer.items())
    content = answer.text if isinstance(value, dict) and isinstance(value.get("parts"), list) else ""
    if isinstance(value, str):
        content = f'{{"role":"model","parts":[{{"text":{answer.text}}}]}}'
    if not content:
        raise NotReadable(gettext("It has an answer that cannot be read, so none of it was taken."))
    return [Document(f'{{"candidates":[{{"content":{content}}}]}}', answer.place, answer.find)]


def _draft_of(request: Document | None, responses: list[Document]) -> Draft:
    """Start the draft of a request and a response, which may be streamed in pieces; one of them may be missing."""
    asked = object_at(request.value if request else None)
    last = object_at(responses[-1].value if responses else None)
    contents = request.at("contents") if request else None
    items = [] if contents is None else [contents] if isinstance(contents.value, dict) else list(contents.items())
    draft = Draft(
        _NAME,
        id=first_of(last, ("responseId", "response_id")),
        created=first_of(last, ("createTime", "create_time")),
        model=as_text(first_of(last, ("modelVersion", "model_version")) or asked.get("model")),
        messages=(_system(request) if request else []) + read_messages(items),
        fields={"tools": asked["tools"]} if asked.get("tools") else {},
        notes=[] if request else [note("lost-input")],
    )
    config = first_of(asked, _CONFIG)
    draft.fields |= {name: config[name] for name in ("temperature", "seed") if object_at(config).get(name) is not None}
    usage = first_of(last, ("usageMetadata", "usage_metadata"))
    counted = {_USAGE[name]: each for name, each in object_at(usage).items() if name in _USAGE and each is not None}
    draft.fields |= {"usage": counted} if counted else {}
    _add_answers(draft, responses)
    return draft


def _add_answers(draft: Draft, responses: list[Document]) -> None:
    """Add an answer for each candidate; if there is none, the reason."""
    pieces = dict[int, list[Document]]()
    for response in responses:
        taken = set[int]()
        for n, candidate in enumerate(response.members["candidates"].items() if response.at("candidates") else ()):
            index = object_at(candidate.value).get("index")
            if not isinstance(index, int) or index in taken:  # else two answers would be put together as one
                index = max([n, *(each + 1 for each in taken)])
            taken.add(index)
            pieces.setdefault(index, []).append(candidate)
    for index in sorted(pieces):
        drafts = [_answer(candidate) for candidate in pieces[index]]
        for other in drafts[1:]:
            _append(drafts[0], other)
        if len(drafts) > 1:
            drafts[0].source = f"[{','.join(each.source for each in drafts)}]"
        reasons = (first_of(object_at(each.value), ("finishReason", "finish_reason")) for each in pieces[index])
        reason = next((each for each in reversed(list(reasons)) if isinstance(each, str)), None)
        draft.choices.append((drafts[0], reason))
    feedback = [first_of(object_at(each.value), ("promptFeedback", "prompt_feedback")) for each in responses]
    blocked = next((each for each in map(object_at, feedback) if first_of(each, ("blockReason", "block_reason"))), None)
    if blocked is not None:
        draft.fields["error"] = {
            "code": first_of(blocked, ("blockReason", "block_reason")),
            "message": first_of(blocked, ("blockReasonMessage", "block_reason_message")) or "",
        }


def _answer(candidate: Document) -> DraftMessage:
    content = candidate.at("content")
    if content is None or not isinstance(content.value, dict):
        return DraftMessage("assistant", None, candidate.text)
    *_, message = read_content(content, candidate.value)
    message.role = "assistant"
    return message


def _moved(citations: Any, by: int) -> list[dict[str, Any]]:
    """Move the places of citations by so many characters, where a text was put before that of theirs."""
    moved = []
    for each in citations if isinstance(citations, list) else []:
        cited = object_at(each, "url_citation")
        places = {name: cited[name] + by for name in ("start_index", "end_index") if isinstance(cited.get(name), int)}
        moved.append({**each, "url_citation": cited | places})
    return moved


def _append(first: DraftMessage, more: DraftMessage) -> None:
    """Add what a later piece of a stream has to a message."""
    for part in more.content if isinstance(more.content, list) else []:
        content = first.content if isinstance(first.content, list) else []
        if part.get("type") == "text" and content and content[-1].get("type") == "text":
            before, cited = content[-1]["text"], content[-1].get("annotations") or []
            content[-1] = text_part(before + part["text"], [*cited, *_moved(part.get("annotations"), len(before))])
        else:
            content = [*content, part]
        first.content = content
    first.reasoning += more.reasoning
    first.tool_calls += more.tool_calls
    first.annotations += more.annotations


def _system(request: Document) -> list[DraftMessage]:
    config = next((found for name in _CONFIG if (found := request.at(name)) is not None), None)
    holders = [request, *([config] if config is not None else [])]
    found = next((each for holder in holders for name in _SYSTEM if (each := holder.at(name)) is not None), None)
    if found is None or not found.value:
        return []
    if not isinstance(found.value, dict):
        texts = found.value if isinstance(found.value, list) else [found.value]
        return [DraftMessage("system", "\n\n".join(as_text(object_at(each).get("text") or each) for each in texts))]
    if "parts" not in found.value:
        return [DraftMessage("system", as_text(found.value.get("text")), found.text)]
    *_, message = read_content(found)
    message.role = "system"
    return [message]


# --- Streams and batches ---------------------------------------------------------------------------------------------


def _key(document: Document) -> str:
    value = document.value
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("key"), str) and ("request" in value or "response" in value):
        return f"batch {value['key']}"
    response_id = first_of(value, ("responseId", "response_id"))
    return f"stream {response_id}" if _is_response(value) and isinstance(response_id, str) else ""


def _join(documents: list[Document]) -> Iterator[Conversation]:
    if _is_response(documents[0].value):
        draft = _draft_of(None, documents)
        draft.source = source_of(documents[-1], _READ)
    else:
        found = [each.at("request") for each in documents], [each.at("response") for each in documents]
        request, response = (next(filter(None, each), None) for each in found)
        draft = _draft_of(request, [response] if response else [])
        draft.metadata["key"] = documents[0].value["key"]
        draft.fields["error"] = next(filter(None, (each.value.get("error") for each in documents)), None)
    yield draft.finish_at(documents[0].place, *(each.text for each in documents))


# --- AI Studio -------------------------------------------------------------------------------------------------------


def _prompt(document: Document) -> Draft:
    """Start the draft of a prompt that AI Studio keeps in Google Drive."""
    chunks = document.at("chunkedPrompt", "chunks")
    settings = object_at(document.value, "runSettings")
    messages = _system(document)
    for chunk in chunks.items() if chunks is not None else ():
        message = _chunk(chunk)
        before = messages[-1] if messages else None
        if before is not None and message.reasoning == "" and before.reasoning and not before.content:
            before.content, before.source = message.content, f"[{before.source},{message.source}]"  # thoughts, answer
        else:
            messages.append(message)
    return Draft(
        _NAME,
        model=as_text(settings.get("model")).removeprefix("models/"),
        messages=messages,
        fields={"temperature": settings["temperature"]} if settings.get("temperature") is not None else {},
        source=source_of(document, ("chunkedPrompt", *_SYSTEM)),
    )


def _chunk(chunk: Document) -> DraftMessage:
    value = object_at(chunk.value)
    message = DraftMessage("assistant" if value.get("role") == "model" else "user", None, chunk.text)
    message.created = value.get("createTime")
    text = as_text(value.get("text"))
    if value.get("isThought"):
        message.reasoning = text
        return message
    parts = [text_part(text)] if text else []
    for name in _CHUNKS:
        if held := object_at(value, name):
            media_type = as_text(held.get("mimeType")) or {"driveImage": "image/*"}.get(
                name, "application/octet-stream"
            )
            data = as_text(held.get("data"))
            parts.append(media_part(media_type, data_url(data, media_type)) if data else _of_drive(held))
            message.notes += [] if data else [note("missing-file")]
    message.content = parts or ([] if text or not value else [value])
    return message


def _of_drive(held: dict[str, Any]) -> dict[str, Any]:
    return file_part(as_text(held.get("name")), file_id=as_text(held.get("id")))


FAMILY = Family(
    name=_NAME,
    title="Google Gemini",
    what=gettext_lazy("A Google Gemini log"),
    seen="google-genai 2.34.0",
    keeps="texts, thoughts, function calls and results, code, pictures, sound, files, sources with their places",
    loses="times; the ids of calls, in older versions; the files of AI Studio, which are in Google Drive",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
