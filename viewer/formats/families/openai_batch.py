"""Files of OpenAI's Batch API: requests, responses and errors, joined by `custom_id`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, object_at
from viewer.formats.pairs import at, rest_of

from .responses_answers import is_response
from .responses_records import READ, draft_of_exchange

_NAME = "openai-batch"
_OTHER_URLS = ("embeddings", "moderations", "images", "videos", "audio")
# What people call the two files of a batch; what is left of their names tells batches apart.
_WORDS = re.compile(r"input|output|errors?|requests?|responses?|results?|batch|jsonl?|gz|[^a-z0-9]+")


def _is_request(value: dict[str, Any]) -> bool:
    return isinstance(value.get("body"), dict) and isinstance(value.get("url"), str)


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("custom_id"), (str, int)):
        return False
    has_answer = isinstance(value.get("response"), dict) or isinstance(value.get("error"), dict)
    return _is_request(value) or has_answer


def _join(documents: list[Document]) -> Iterator[Conversation]:
    """Read the requests and the answers of one `custom_id`, which several batches of an import may have."""
    requests = [each for each in documents if _is_request(each.value)]
    answers = [each for each in documents if not _is_request(each.value)]
    if len({each.members["body"].text for each in requests}) < 2:
        yield from _of_one_batch(requests[:1], answers)
        return
    stems = {_stem(each): each for each in requests}
    by_stem = {stem: [each for each in answers if _stem(each) == stem] for stem in stems}
    if len(stems) < len(requests) or sum(map(len, by_stem.values())) < len(answers):
        raise NotReadable(
            gettext("Several batches have the custom_id “%s”: import each of them alone, with its answers.")
            % documents[0].value["custom_id"]
        )
    for stem, found in by_stem.items():
        yield from _of_one_batch([stems[stem]], found)


def _stem(document: Document) -> str:
    folder, _slash, name = document.place.file.casefold().rpartition("/")
    return f"{folder}/{_WORDS.sub('', name)}"


def _of_one_batch(requests: list[Document], answers: list[Document]) -> Iterator[Conversation]:
    """Yield the answers to a request; one that failed only if there is no other."""
    request = requests[0] if requests else None
    good: list[Document | None] = [each for each in answers if not _error_of(each)]
    for answer in good or answers[-1:] or [None]:
        yield _conversation(request, answer)


def _error_of(answer: Document) -> Any:
    body = object_at(answer.value, "response", "body")
    return answer.value.get("error") or body.get("error")


def _conversation(request: Document | None, answer: Document | None) -> Conversation:
    documents = [each for each in (request, answer) if each is not None]
    url = str(request.value["url"]) if request else ""
    if any(name in url.split("/") for name in _OTHER_URLS):
        raise NotReadable(gettext("This batch asks “%s”, where nobody speaks.") % url)
    asked, body = at(request, ("body",)) if request else None, at(answer, ("response", "body")) if answer else None
    error = _error_of(answer) if answer else None
    if _is_of_responses(asked) or _is_of_responses(body):
        draft = draft_of_exchange(asked, None if error else body)
        read: set[tuple[str, ...]] = {(name,) for name in READ}
    else:
        draft = Draft(_NAME)
        read = fill(draft, asked, None if error else body)
    draft.family = _NAME
    draft.metadata["custom_id"] = documents[0].value["custom_id"]
    if error:
        draft.fields["error"] = error
    left = [draft.source] if draft.source else []
    left += [rest_of(request, [("body", *path) for path in read])] if request else []
    left += [rest_of(answer, [("response", "body"), ("error",)])] if answer else []
    draft.source = "[" + ",".join(filter(None, left)) + "]" if any(left) else ""
    return draft.finish_at(documents[0].place, *(each.text for each in documents))


def _is_of_responses(body: Document | None) -> bool:
    """Whether a body is a request or a response of the Responses API."""
    return body is not None and (
        is_response(body.value) or ("input" in body.members and "messages" not in body.members)
    )


FAMILY = Family(
    name=_NAME,
    title="OpenAI Batch",
    what=gettext_lazy("An OpenAI batch"),
    seen="openai 3.57.0",
    keeps="requests and responses, joined by custom_id, also across files; errors",
    loses="what was asked, if only the file of answers is imported",
    matches=_matches,
    key=lambda document: f"id {document.value['custom_id']}",
    join=_join,
)
