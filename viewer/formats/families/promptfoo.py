"""Results of promptfoo: a prompt with its variables filled in, and what a model answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text
from viewer.formats.exchanges import fill
from viewer.formats.family import Family, object_at
from viewer.formats.pairs import at, rest_of

_NAME = "promptfoo"
_MARKS = ("promptIdx", "testIdx", "gradingResult", "namedScores", "latencyMs")
_FACTS = ("vars", "success", "score", "failureReason")


def _is_result(value: dict[str, Any]) -> bool:
    return isinstance(object_at(value, "prompt").get("raw"), str) and any(name in value for name in _MARKS)


def _is_table(value: dict[str, Any]) -> bool:
    return {"Grader Reason", "Named Scores"} <= value.keys()


def _matches(value: Any) -> bool:
    return isinstance(value, dict) and (_is_result(value) or _is_table(value))


def _read(document: Document) -> Iterator[Conversation]:
    value = document.value
    if not _is_result(value):
        raise NotReadable(
            _now("promptfoo’s tables have the prompts without what was filled in: export the results as JSON instead.")
        )
    response, label = object_at(value, "response"), object_at(value, "provider")
    provider = as_text(label.get("id") or value.get("provider"))
    named = value.get("id")
    draft = Draft(_NAME, id=f"{_NAME}-{named}" if named else None, model=provider.rpartition(":")[2])
    draft.metadata = {name: value.get(name) for name in _FACTS} | {"provider": provider, **object_at(value, "metadata")}
    draft.metadata.pop("http", None)
    fill(draft, at(document, ("prompt", "raw")), at(document, ("response", "output")))
    if response.get("isRefusal") and draft.choices and isinstance(text := response.get("output"), str):
        draft.choices = [(DraftMessage("assistant", refusal=text), response.get("finishReason"))]
    elif len(draft.choices) == 1 and response.get("finishReason"):
        draft.choices = [(draft.choices[0][0], response["finishReason"])]
    draft.fields["usage"] = _usage(object_at(response, "tokenUsage"))
    if error := value.get("error"):
        draft.fields["error"] = {"message": as_text(error)}
    draft.source = rest_of(document, {("prompt", "raw"), ("response", "output"), *((name,) for name in _FACTS)})
    yield draft.finish(document)


def _usage(counts: dict[str, Any]) -> dict[str, Any] | None:
    names = {"prompt": "prompt_tokens", "completion": "completion_tokens", "total": "total_tokens"}
    return {name: counts[key] for key, name in names.items() if counts.get(key)} or None


FAMILY = Family(
    name=_NAME,
    title="promptfoo",
    what=gettext_lazy("Results of promptfoo"),
    seen="promptfoo 0.121.20",
    keeps="prompts with their variables, answers, tool calls, refusals, scores, tokens, errors",
    loses="times; CSV has neither the prompts as they were sent nor the errors",
    matches=_matches,
    read=_read,
)
