"""View objects of a completion's answers: each choice as a bubble, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext, gettext_noop

from viewer.completions.answers import appended_answers, is_unfinished, with_choice
from viewer.completions.finish_reasons import canonical_finish_reason
from viewer.completions.invisibles import escape_invisible
from viewer.completions.source_text import decode
from viewer.completions.types import Choice, Completion, Message, Unreadable

from .citations import list_sources
from .context import RenderContext
from .messages import Bubble, ChoiceView, build_message, build_other, build_unreadable_bubble, limit_citations
from .moderation import build_moderation
from .parts import build_reasoning
from .places import name_of_answer, place_of_answer, url_in
from .tool_call_links import ToolCallLinks
from .tool_calls import ToolCallViews

_FINISH_REASONS = {
    "stop": gettext_noop("Finished"),
    "length": gettext_noop("Cut off at the token limit"),
    "content_filter": gettext_noop("Stopped by the content filter"),
    "tool_calls": gettext_noop("Waiting for tool results"),
    "function_call": gettext_noop("Waiting for a function result"),
    # The status of a response that did not complete.
    "queued": gettext_noop("Not begun yet"),
    "in_progress": gettext_noop("Still being written"),
    "incomplete": gettext_noop("Incomplete"),
    "cancelled": gettext_noop("Cancelled"),
    "failed": gettext_noop("Failed"),
}
_NO_ANSWER_BY_STATUS = {
    "queued": gettext_noop("The server has not begun it yet. Open this page again later."),
    "in_progress": gettext_noop("The server is still working on it. Open this page again later."),
    "incomplete": gettext_noop("The server stopped before there was any."),
    "cancelled": gettext_noop("The request was cancelled."),
    "failed": gettext_noop("The request failed."),
}
_MAX_ANSWERS = 100  # of a completion on a page; OpenAI returns at most 128
_MAX_REASON = 200  # characters of a finish reason that is not listed above


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Shown for a completion without an answer; `cause` is empty if it does not state one."""

    cause: str
    is_coming: bool = False


def place_answers(
    context: RenderContext,
    completion: Completion,
    shown: tuple[Message | Unreadable, ...],
    bubbles: list[Bubble],
    *,
    has_earlier: bool = False,
) -> tuple[list[Bubble], list[Bubble]]:
    """Build the choices, which come after the messages. If a server appended them as messages, mark those instead.

    `shown` and its `bubbles` are oldest first and end with the newest message; `has_earlier` says that there are older
    messages on other pages, which may repeat the first choices. Of very many choices, only the first ones and the
    linked one are built.
    """
    choices = completion.choices
    if appended := min(appended_answers(shown, choices, has_earlier=has_earlier), len(bubbles)):
        messages = map(with_choice, shown[-appended:], choices[-appended:])
        positions = range(len(choices) - appended, len(choices))
        views = [_build_choice(context, choices, position) for position in positions]
        answers = zip(bubbles[-appended:], messages, views, strict=True)
        return bubbles[:-appended] + [_mark_as_answer(*answer, context.with_new_budget()) for answer in answers], []
    page = context.with_new_budget()
    return bubbles, [
        build_answer(page, completion, position)
        for position in range(len(choices))
        if page.is_whole or position < _MAX_ANSWERS or place_of_answer(position) == page.linked
    ]


def build_answer(page: RenderContext, completion: Completion, position: int) -> Bubble:
    """Build one of the choices as a bubble of its own."""
    place = place_of_answer(position)
    url = url_in(page.base, place)
    is_linked = place == page.linked
    is_json = "json" in completion.parameters.get("response_format", "")
    choice = _build_choice(page, completion.choices, position)
    bubble = _build_message(completion.choices[position], url, page.for_item(is_linked=is_linked), is_json=is_json)
    bubble = replace(bubble, id=place, url=url, note_url=page.note_url(url))
    return replace(bubble, is_linked=is_linked, choice=choice, is_answer=True)


def message_of_answer(
    completion: Completion, position: int, shown: tuple[Message | Unreadable, ...], *, has_earlier: bool
) -> Message | Unreadable | None:
    """Return the message that a server appended for an answer, if any; arguments as in `place_answers`."""
    from_end = len(completion.choices) - position
    is_appended = from_end <= appended_answers(shown, completion.choices, has_earlier=has_earlier)
    return shown[-from_end] if is_appended else None


def no_answer_in(completion: Completion, newest: Message | Unreadable | None) -> NoAnswer | None:
    """Return why no answer is stored; None if there is one, as a choice or as the newest message.

    Where another tool has written down what people said, the customer may have the last word: none is missing.
    """
    if completion.choices or (isinstance(newest, Message) and newest.role == "assistant" and _is_answer(newest)):
        return None
    filters = _filters_in(completion.other.get("prompt_filter_results", ""))
    flagged = next((one.words for one in build_moderation(completion.other.get("moderation", "")) if one.is_bad), "")
    status = completion.other.get("status", "").strip('"')
    words = gettext(_NO_ANSWER_BY_STATUS[status]) if status in _NO_ANSWER_BY_STATUS else ""
    cause = escape_invisible(completion.error) or filters or flagged or words
    is_coming = is_unfinished(completion)
    if completion.origin.format and not (completion.model or cause or is_coming):
        return None
    return NoAnswer(cause, is_coming=is_coming)


def _is_answer(message: Message) -> bool:
    """Whether a message has more than an error."""
    return bool(not message.error or message.parts or message.refusal or message.audio or message.tool_calls)


def _filters_in(source: str) -> str:
    """Name the filters that stopped a prompt, as Azure reports them: `{"jailbreak": {"filtered": true}}`."""
    try:
        waiting = [("", decode(source or "null"))]
    except ValueError:
        return ""
    stopped: dict[str, None] = {}
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, list):
            waiting += [(name, item) for item in value]
        elif isinstance(value, dict):
            waiting += value.items()
            if value.get("filtered") is True:
                stopped[escape_invisible(name)] = None
    return gettext("A filter blocked the prompt: %(names)s") % {"names": ", ".join(stopped)} if stopped else ""


def _build_choice(context: RenderContext, choices: tuple[Choice, ...], position: int) -> ChoiceView:
    choice = choices[position]
    reason = escape_invisible(choice.finish_reason[:_MAX_REASON])
    known = canonical_finish_reason(reason)
    return ChoiceView(
        position=position,
        name=name_of_answer(position, len(choices)),
        finish_reason=reason,
        finish_words=gettext(_FINISH_REASONS[known]) if known in _FINISH_REASONS else reason,
        is_finished=known == "stop",
        is_cut_off=known in ("length", "content_filter"),
        has_logprobs=choice.has_logprobs,
        url=f"{url_in(context.base, place_of_answer(position))}raw/",
    )


def _build_message(choice: Choice, url: str, context: RenderContext, *, is_json: bool) -> Bubble:
    budget = context.budget
    if isinstance(choice.message, Unreadable):
        bubble = build_unreadable_bubble(choice.message, budget)
        return replace(bubble, error=escape_invisible(budget.truncate(choice.error)))
    bubble = build_message(choice.message, url, context, is_json=is_json)
    tools = ToolCallViews(context.of_answer(), ToolCallLinks([choice.message]))
    return replace(
        bubble,
        calls=tools.calls(0, url, budget),
        results=tools.results(0, budget),
        error=escape_invisible(budget.truncate(choice.error)) or bubble.error,
        other=bubble.other + build_other(choice.other, budget),
        left_out=budget.end_message(),
        whole_url=f"{url}raw/",
    )


def _mark_as_answer(
    bubble: Bubble, message: Message | Unreadable, choice: ChoiceView, context: RenderContext
) -> Bubble:
    """Mark a message as the answer, and show what `with_choice` added to it."""
    is_linked = bubble.is_linked or context.linked == place_of_answer(choice.position)
    bubble = replace(bubble, choice=choice, is_linked=is_linked)
    if isinstance(message, Unreadable):
        return bubble
    return replace(
        bubble,
        sources=list_sources(limit_citations(message, context.budget)),
        reasoning=build_reasoning(message.reasoning, bubble.url, context.budget),
        error=escape_invisible(message.error),
        other=build_other(message.other, context.budget),
    )
