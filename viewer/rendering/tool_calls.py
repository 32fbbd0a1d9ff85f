"""View objects of tool calls and tool results.

A result is shown once: in the card of its call if that is on the page, else in its own message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext

from viewer.completions.ids import index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.lines import first_line
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.source_text import STRICT, members, pretty
from viewer.completions.types import Outcome, TextPart, ToolCall

from .context import RenderContext
from .limits import PageBudget
from .tool_call_links import Position, ToolCallLinks

State = Literal["error", "good", "answered", "other-page", "open", "nameless", "never"]
_MAX_SUMMARY = 160  # characters
_MAX_SHOWN = 4_000  # characters of arguments or of a result that are shown unfolded, and
_MAX_LINES = 40  # lines; the whole text is a separate request
_MAX_IN_CARD = 20  # results of one call; the others are in their messages
_MAX_NOTED_ID = 80  # characters of an id in a note
_MAX_NAME = 1_000  # characters of the name in a message


@dataclass(frozen=True, slots=True)
class MessageLink:
    """A link to the message of a call or of a result, labelled with its number or in words."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolTextView:
    """Arguments or a result, indented if they are JSON. `bytes` is the size of the whole text if it is truncated."""

    text: str
    is_json: bool
    url: str = ""  # of the unchanged text
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """The message of a result: what the card of the call shows of it."""

    id: str
    label: str
    url: str
    note_url: str
    name: str
    created: datetime | None
    is_linked: bool


@dataclass(frozen=True, slots=True)
class ToolResultView:
    """What a tool returned, and which call it answers."""

    index: int  # in its message
    text: ToolTextView
    message: ResultMessage
    outcome: Outcome
    has_parts: bool  # such as images, which its message shows
    is_legacy: bool
    tool: str
    call_id: str
    has_same_id: bool  # as its call
    call: MessageLink | None
    is_call_here: bool  # on this page
    is_in_card: bool  # of its call, not in its message
    notes: tuple[str, ...]
    key: str  # equals that of its call, if the call may be on a page that is loaded later


@dataclass(frozen=True, slots=True)
class ToolCallView:
    """A tool call: its name, its arguments in one line and in full, and its results."""

    id: str
    kind: str
    name: str
    summary: str
    text: ToolTextView
    is_broken: bool
    has_arguments: bool
    results: tuple[ToolResultView, ...]
    other_page: MessageLink | None  # the message with a result on the next page
    state: State
    output: ToolTextView | None  # the result in the call itself, and
    outcome: Outcome  # its outcome
    notes: tuple[str, ...]
    key: str

    @property
    def is_open(self) -> bool:
        """Whether it opens with the page: if it failed, or if the reader's link leads to a result in it."""
        return self.state == "error" or any(result.message.is_linked for result in self.results)

    @property
    def number(self) -> str:
        """The number of the message of its only result."""
        return self.results[0].message.label if len(self.results) == 1 and self.results[0].message.url else ""


class ToolCallViews:
    """Builds the views of the calls and results of one page."""

    def __init__(self, context: RenderContext, links: ToolCallLinks) -> None:
        self._context = context
        self._links = links
        self._in_cards: dict[Position, ToolResultView] = {}

    def calls(self, n: int, url: str, budget: PageBudget) -> tuple[ToolCallView, ...]:
        """Build the calls of message `n` of the page; `url` is that of the message, the base of those of its calls."""
        index = self._links.first + n
        calls = self._links.messages[index].tool_calls
        shown = budget.take_entries(call.source for call in calls)
        return tuple(self._call((index, i), f"{url}calls/{i}/" if url else "") for i in range(shown))

    def results(self, n: int, budget: PageBudget) -> tuple[ToolResultView, ...]:
        """Build the results in message `n` of the page."""
        index = self._links.first + n
        message = self._links.messages[index]
        shown = budget.take_entries(result_text(message, result) for result in message.results)
        return tuple(self._in_cards.get((index, i)) or self._result((index, i)) for i in range(shown))

    def _call(self, position: Position, url: str) -> ToolCallView:
        links, call = self._links, self._links.call_at(position)
        arguments = call_arguments(call)
        is_custom = call.kind == "custom"
        text = build_tool_text(arguments, "" if self._context.is_whole else url, is_json=not is_custom)
        all_results = links.results_of(position)
        on_page = [result for result in all_results if links.is_on_page(result)]
        is_in_card = not self._context.as_source
        results = tuple(self._result(result, is_in_card=is_in_card) for result in on_page[:_MAX_IN_CARD])
        self._in_cards |= zip(on_page, results, strict=False)
        outcomes = [result.outcome for result in results] + [self._outcome(result) for result in on_page[_MAX_IN_CARD:]]
        other_page = next((self._link(result) for result in all_results if not links.is_on_page(result)), None)
        state = self._state(position, outcomes, has_other_page=other_page is not None)
        may_come = state in ("other-page", "open")
        return ToolCallView(
            id=call.id,
            kind=call.kind,
            name=call.name,
            summary=first_line(arguments, _MAX_SUMMARY) if is_custom else _summary(arguments),
            text=text,
            is_broken=bool(arguments) and not (is_custom or text.is_json),
            has_arguments=bool(call.arguments),
            results=results,
            other_page=other_page,
            state=state,
            output=_output(call, f"{url}output/" if url and not self._context.is_whole else ""),
            outcome=call.outcome,
            notes=tuple(self._notes_on_call(call, len(on_page))),
            key=_key(call.id, call.name, is_legacy=call.kind == "function_call") if may_come else "",
        )

    def _result(self, position: Position, *, is_in_card: bool = False) -> ToolResultView:
        links, message, result = self._links, self._links.messages[position[0]], self._links.result_at(position)
        text = result_text(message, result)
        url = "" if self._context.is_whole else self._context.permalink(message.id)
        call = links.call_of(position)
        is_call_here = call is not None and links.is_on_page(call)
        is_legacy = message.role == "function"
        may_come = not (is_call_here or links.neighbours.is_start)
        key = _key(result.call_id, result.name, is_legacy=is_legacy) if may_come else ""
        link = self._link(position)
        return ToolResultView(
            index=position[1],
            text=build_tool_text(text, f"{url}results/{position[1]}/" if url else "", is_json=_may_be_json(text)),
            message=ResultMessage(
                id=message.id,
                label=link.label,
                url=link.url,
                note_url=self._context.note_url(link.url),
                name=escape_invisible(message.name[:_MAX_NAME]),
                created=message.created,
                is_linked=bool(message.id) and message.id == self._context.linked,
            ),
            outcome=outcome_of(message, result),
            has_parts=any(not isinstance(part, TextPart) for part in message.parts[result.start : result.end]),
            is_legacy=is_legacy,
            tool=links.call_at(call).name if call else result.name,
            call_id=result.call_id,
            has_same_id=call is not None and links.call_at(call).id == result.call_id,
            call=self._link(call) if call else None,
            is_call_here=is_call_here,
            is_in_card=is_in_card,
            notes=tuple(self._notes_on_result(position, key)),
            key=key,
        )

    def _state(self, position: Position, outcomes: list[Outcome], *, has_other_page: bool) -> State:
        call = self._links.call_at(position)
        if call.output is not None or call.outcome:
            outcomes.append(call.outcome)
        if outcomes:
            return "error" if "error" in outcomes else "good" if set(outcomes) == {"good"} else "answered"
        if has_other_page:
            return "other-page"
        if self._links.may_have_nameless_result(position):
            return "nameless"
        return "never" if self._links.neighbours.is_end else "open"

    def _outcome(self, position: Position) -> Outcome:
        return outcome_of(self._links.messages[position[0]], self._links.result_at(position))

    def _notes_on_call(self, call: ToolCall, results: int) -> Iterator[str]:
        if (count := self._links.count_calls_with_id(call.id)) > 1:
            yield gettext("%(count)d calls have this id; results are matched by order") % {"count": count}
        if results > 1:
            yield gettext("%(count)d results have this id") % {"count": results}
        if not (call.id or results) and call.kind in ("function", "custom"):
            yield gettext("The call has no id, so no result can refer to it")

    def _notes_on_result(self, position: Position, key: str) -> Iterator[str]:
        call_id = self._links.result_at(position).call_id
        if (count := self._links.count_calls_with_id(call_id)) > 1:
            yield gettext("%(count)d calls have this id") % {"count": count}
        if self._links.is_linked_by_position(position):
            yield gettext("Matched by position, as it has no call id")
        elif (call := self._links.call_of(position)) is not None:
            if (own_id := self._links.call_at(call).id) != call_id:
                shown = escape_invisible(own_id[:_MAX_NOTED_ID])
                yield gettext("Matched by the beginning of its id; the call has %(id)s") % {"id": shown}
        elif not key:
            nameless = gettext("It has no call id, so its call is unknown")
            yield gettext("No call has this id") if call_id else nameless

    def _link(self, position: Position) -> MessageLink:
        message = self._links.messages[position[0]]
        number = index_of(self._context.completion_id, message.id)
        label = f"#{number}" if number is not None else gettext("another message")
        return MessageLink(label, self._context.permalink(message.id))


def outcome_words(outcome: Outcome) -> str:
    return gettext("Error") if outcome == "error" else gettext("Result")


def call_arguments(call: ToolCall) -> str:
    """Return the unchanged arguments of a call; for an unknown kind without arguments, the JSON of the call."""
    return call.arguments if call.arguments or call.kind in ("function", "custom", "function_call") else call.source


def build_tool_text(text: str, url: str = "", *, is_json: bool) -> ToolTextView:
    """Indent a text if it is JSON, and truncate it if it is long and has a URL."""
    indented = pretty(text, _MAX_SHOWN if url else None) if is_json else None
    whole = text if indented is None else indented
    shown = whole if not url else "\n".join(whole[:_MAX_SHOWN].split("\n", _MAX_LINES)[:_MAX_LINES])
    size = len(text.encode()) if len(shown) < len(whole) else 0
    return ToolTextView(escape_invisible(shown), is_json=indented is not None, url=url, bytes=size)


def _output(call: ToolCall, url: str) -> ToolTextView | None:
    """Build the result in the call itself; None if there is none."""
    return None if call.output is None else build_tool_text(call.output, url, is_json=_may_be_json(call.output))


def _may_be_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _key(call_id: str, name: str, *, is_legacy: bool) -> str:
    return call_id or (f"function:{name}" if is_legacy and name else "")


def _summary(arguments: str) -> str:
    """Write the members of an object in one line, with unchanged digits."""
    try:
        pairs = members(arguments, STRICT)
    except ValueError:
        return first_line(arguments, _MAX_SUMMARY)
    shown = pairs[:_MAX_SUMMARY]
    line = ", ".join(f"{name}: {' '.join(piece.source[: _MAX_SUMMARY * 2].split())}" for name, piece in shown)
    return first_line(line, _MAX_SUMMARY)
