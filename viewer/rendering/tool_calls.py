"""View objects of tool calls and tool results: the card of a call, and the result in its own message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext

from viewer.completions.ids import index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.source_text import STRICT, members, pretty
from viewer.completions.types import Outcome, TextPart, ToolCall

from .context import RenderContext
from .limits import PageBudget
from .lines import first_line
from .tool_call_links import Position, ToolCallLinks

State = Literal["error", "good", "answered", "other-page", "open", "nameless", "never"]
_MAX_SUMMARY = 160  # characters
_MAX_SHOWN = 4_000  # characters of arguments or of a result that are shown unfolded, and
_MAX_LINES = 40  # lines; the whole is a request of its own
_MAX_IN_CARD = 20  # results of one call; all of them are in their messages
_MAX_NOTED_ID = 80  # characters of an id in a note


@dataclass(frozen=True, slots=True)
class MessageLink:
    """The message of a call or of a result: its number, or words for it, and its address."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolTextView:
    """Arguments or a result, indented where they are JSON. `bytes` is the size of the whole when this is a part."""

    text: str
    is_json: bool
    url: str = ""  # gives it as it came
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ToolResultView:
    """What a tool returned, and which call it answers."""

    text: ToolTextView
    message: MessageLink  # that holds it
    outcome: Outcome
    has_parts: bool  # pictures and the like, which only the message shows
    is_legacy: bool
    tool: str
    call_id: str
    call: MessageLink | None
    is_in_card: bool  # whether the call is on this page
    notes: tuple[str, ...]
    key: str  # what its call has too, when a page that loads may bring it


@dataclass(frozen=True, slots=True)
class ToolCallView:
    """One tool call: name, a line of its arguments, the arguments, and its results."""

    id: str
    kind: str
    name: str
    summary: str
    text: ToolTextView
    is_broken: bool
    has_arguments: bool
    results: tuple[ToolResultView, ...]
    other_page: MessageLink | None  # the message on the next page that has a result
    state: State
    output: ToolTextView | None  # what the call itself carries as its result, and
    outcome: Outcome  # what that proves
    notes: tuple[str, ...]
    key: str


class ToolCallViews:
    """Builds the views of the calls and the results of one page."""

    def __init__(self, context: RenderContext, links: ToolCallLinks) -> None:
        self._context = context
        self._links = links
        self._results: dict[Position, ToolResultView] = {}  # one is shown in its message and in its card

    def calls(self, n: int, url: str, budget: PageBudget) -> tuple[ToolCallView, ...]:
        """Build the calls of the page's message `n`. `url` is its address, below which each call has its own."""
        at = self._links.first + n
        calls = self._links.messages[at].tool_calls
        shown = budget.take_entries(call.source for call in calls)
        return tuple(self._call((at, i), f"{url}calls/{i}/" if url else "") for i in range(shown))

    def results(self, n: int, budget: PageBudget) -> tuple[ToolResultView, ...]:
        """Build the results that the page's message `n` holds."""
        at = self._links.first + n
        message = self._links.messages[at]
        shown = budget.take_entries(result_text(message, result) for result in message.results)
        return tuple(self._result((at, i)) for i in range(shown))

    def _call(self, position: Position, url: str) -> ToolCallView:
        links, call = self._links, self._links.call_at(position)
        given = call_arguments(call)
        is_custom = call.kind == "custom"
        text = build_tool_text(given, "" if self._context.is_whole else url, is_json=not is_custom)
        found = links.results_of(position)
        here = [result for result in found if links.is_on_page(result)]
        results = tuple(self._result(result) for result in here[:_MAX_IN_CARD])
        outcomes = [result.outcome for result in results] + [self._outcome(result) for result in here[_MAX_IN_CARD:]]
        other_page = next((self._link(result) for result in found if not links.is_on_page(result)), None)
        state = self._state(position, outcomes, has_other_page=other_page is not None)
        may_come = state in ("other-page", "open")
        return ToolCallView(
            id=call.id,
            kind=call.kind,
            name=call.name,
            summary=first_line(given, _MAX_SUMMARY) if is_custom else _summary(given),
            text=text,
            is_broken=bool(given) and not (is_custom or text.is_json),
            has_arguments=bool(call.arguments),
            results=results,
            other_page=other_page,
            state=state,
            output=_output(call, f"{url}output/" if url and not self._context.is_whole else ""),
            outcome=call.outcome,
            notes=tuple(self._notes_on_call(call, len(here))),
            key=_key(call.id, call.name, is_legacy=call.kind == "function_call") if may_come else "",
        )

    def _result(self, position: Position) -> ToolResultView:
        if position not in self._results:
            self._results[position] = self._build_result(position)
        return self._results[position]

    def _build_result(self, position: Position) -> ToolResultView:
        links, message, result = self._links, self._links.messages[position[0]], self._links.result_at(position)
        given = result_text(message, result)
        url = "" if self._context.is_whole else self._context.permalink(message.id)
        call = links.call_of(position)
        is_in_card = call is not None and links.is_on_page(call)
        is_legacy = message.role == "function"
        may_come = not (is_in_card or links.neighbours.is_start)
        key = _key(result.call_id, result.name, is_legacy=is_legacy) if may_come else ""
        return ToolResultView(
            text=build_tool_text(given, f"{url}results/{position[1]}/" if url else "", is_json=_may_be_json(given)),
            message=self._link(position),
            outcome=outcome_of(message, result),
            has_parts=any(not isinstance(part, TextPart) for part in message.parts[result.start : result.end]),
            is_legacy=is_legacy,
            tool=links.call_at(call).name if call else result.name,
            call_id=result.call_id,
            call=self._link(call) if call else None,
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
        if (count := self._links.count_of_id(call.id)) > 1:
            yield gettext("%(count)d calls have this id; results are matched by order") % {"count": count}
        if results > 1:
            yield gettext("%(count)d results have this id") % {"count": results}
        if not (call.id or results) and call.kind in ("function", "custom"):
            yield gettext("The call has no id, so no result can refer to it")

    def _notes_on_result(self, position: Position, key: str) -> Iterator[str]:
        call_id = self._links.result_at(position).call_id
        if (count := self._links.count_of_id(call_id)) > 1:
            yield gettext("%(count)d calls have this id") % {"count": count}
        if self._links.is_by_place(position):
            yield gettext("Matched by position, as it has no call id")
        elif (call := self._links.call_of(position)) is not None:
            if (its_id := self._links.call_at(call).id) != call_id:
                shown = escape_invisible(its_id[:_MAX_NOTED_ID])
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
    """Give the arguments of a call as they came; the whole call where it is of an unknown kind without arguments."""
    return call.arguments if call.arguments or call.kind in ("function", "custom", "function_call") else call.source


def build_tool_text(given: str, url: str = "", *, is_json: bool) -> ToolTextView:
    """Indent what is JSON; truncate a long text, unless the whole has no address of its own."""
    printed = pretty(given, _MAX_SHOWN if url else None) if is_json else None
    text = given if printed is None else printed
    shown = text if not url else "\n".join(text[:_MAX_SHOWN].split("\n", _MAX_LINES)[:_MAX_LINES])
    size = len(given.encode()) if len(shown) < len(text) else 0
    return ToolTextView(escape_invisible(shown), is_json=printed is not None, url=url, bytes=size)


def _output(call: ToolCall, url: str) -> ToolTextView | None:
    """Build the result that a call carries itself; None where it carries none."""
    return None if call.output is None else build_tool_text(call.output, url, is_json=_may_be_json(call.output))


def _may_be_json(text: str) -> bool:
    return text.lstrip()[:1] in ("{", "[")


def _key(call_id: str, name: str, *, is_legacy: bool) -> str:
    return call_id or (f"function:{name}" if is_legacy and name else "")


def _summary(arguments: str) -> str:
    """Write an object's members in one line, digits untouched."""
    try:
        pairs = members(arguments, STRICT)
    except ValueError:
        return first_line(arguments, _MAX_SUMMARY)
    shown = pairs[:_MAX_SUMMARY]
    line = ", ".join(f"{name}: {' '.join(piece.source[: _MAX_SUMMARY * 2].split())}" for name, piece in shown)
    return first_line(line, _MAX_SUMMARY)
