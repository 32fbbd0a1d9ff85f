"""Ties every tool result to its call, and decides what the card of a call and the message of a result show.

A result answers the last call before it that has its id: some servers count their ids anew in every turn. Calls of one
message that share an id get their results in order. Where no call has the id, one that agrees but for a suffix is
meant: gateways write thoughts behind an id (`call_1__thought__…`) or a second id (`call_1|fc_2`), on one side only.
A result without an id, as the legacy `function` messages are, is tied by its place, and only where a single call can be
meant. So a result stands in one card at most.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from django.urls import reverse
from django.utils.translation import gettext

from viewer.completions.calls import stem_of
from viewer.completions.ids import has_address, index_of
from viewer.completions.invisibles import escape_invisible
from viewer.completions.outcomes import outcome_of, result_text
from viewer.completions.source_text import STRICT, members, pretty
from viewer.completions.types import Message, Outcome, TextPart, ToolCall, ToolResult, Unreadable

from .limits import Budget
from .lines import first_line

Item = Message | Unreadable
Place = tuple[int, int]  # of a call or a result: the position of its message, and its own in there
State = Literal["error", "good", "answered", "elsewhere", "open", "nameless", "never"]
_SUMMARY = 160  # characters
_SHOWN = 4_000  # characters of arguments or of a result that stand open, and
_SHOWN_LINES = 40  # lines; the whole is a request of its own
_MOST_IN_CARD = 20  # results of one call; all of them stand in their messages
_PATH_SAFE = "~:@!$&'()*+,;="  # what may stand in a path segment as it is (RFC 3986)


@dataclass(frozen=True, slots=True)
class Around:
    """What lies around a page of messages: its neighbours, where they were asked for, and whether there are any."""

    earlier: tuple[Item, ...] = ()
    later: tuple[Item, ...] = ()
    is_start: bool = True
    is_end: bool = True
    is_newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Tie:
    """The message at the other end of a tool call."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class DrawnText:
    """Arguments or a result, indented where they are JSON. `bytes` is the size of the whole when this is a part."""

    text: str
    is_json: bool
    url: str = ""  # gives it as it came
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class DrawnResult:
    """What a tool said, and which call it answers."""

    text: DrawnText
    tie: Tie
    outcome: Outcome
    has_parts: bool  # pictures and the like, which stand in the message alone
    is_legacy: bool
    tool: str
    call_id: str
    call: Tie | None
    is_in_card: bool  # whether the call is on this page
    notes: tuple[str, ...]
    key: str  # what its call has too, when a page that loads may bring it


@dataclass(frozen=True, slots=True)
class DrawnCall:
    """One tool call: name, a line of its arguments, the arguments, and its results."""

    id: str
    kind: str
    name: str
    summary: str
    text: DrawnText
    is_broken: bool
    has_arguments: bool
    results: tuple[DrawnResult, ...]
    elsewhere: Tie | None  # a result on the page behind
    state: State
    output: DrawnText | None  # what the call itself carries as its result, and
    outcome: Outcome  # what that proves
    notes: tuple[str, ...]
    key: str


class Ties:
    """The calls and results of one page, oldest first, and what of its neighbours belongs to them."""

    def __init__(
        self, completion_id: str, items: Sequence[Item], around: Around | None = None, *, is_whole: bool = False
    ) -> None:
        self._completion_id = completion_id
        self._is_whole = is_whole  # shows all of what is very long
        # Resolved once for the page: a route costs more to find than a bubble to look up.
        self._base = reverse("permalink", args=[completion_id, "-"])[: -len("-/")] if completion_id else ""
        self._around = around or Around()
        self._first = len(self._around.earlier)
        self._end = self._first + len(items)
        items = (*self._around.earlier, *items, *self._around.later)
        self._messages = {at: item for at, item in enumerate(items) if isinstance(item, Message)}
        self._results: dict[Place, list[Place]] = defaultdict(list)
        by_id = dict(_by_id(items))
        self._by_order = dict(_by_order(items, by_id))
        self._calls = by_id | self._by_order
        for said, call in self._calls.items():
            self._results[call].append(said)
        self._ids = Counter(call.id for message in self._messages.values() for call in message.tool_calls if call.id)
        self._drawn: dict[Place, DrawnResult] = {}
        self._nameless: dict[int, tuple[set[str], bool]] = {}

    def reach_beyond(self) -> tuple[bool, bool]:
        """Say whether the page before may hold the call of a result, and the page behind the result of a call."""
        messages = self._messages.items()
        earlier = any((at, n) not in self._calls for at, message in messages for n in range(len(message.results)))
        later = any((at, n) not in self._results for at, message in messages for n in range(len(message.tool_calls)))
        return earlier and not self._around.is_start, later and not self._around.is_end

    def permalink(self, message: Message) -> str:
        """Give the address of a message; empty for one whose id has none, and for an answer, whose id says nothing."""
        is_linked = bool(self._base) and has_address(message.id)
        return f"{self._base}{quote(message.id, safe=_PATH_SAFE)}/" if is_linked else ""

    def calls(self, n: int, url: str, budget: Budget) -> tuple[DrawnCall, ...]:
        """Draw the calls of the page's message `n`. `url` is its address, behind which each has one of its own."""
        at = self._first + n
        calls = self._messages[at].tool_calls
        fitting = budget.fitting(call.source for call in calls)
        return tuple(
            self._draw_call(call, (at, i), f"{url}calls/{i}/" if url else "") for i, call in enumerate(calls[:fitting])
        )

    def results(self, n: int, budget: Budget) -> tuple[DrawnResult, ...]:
        """Draw the results that the page's message `n` holds."""
        at = self._first + n
        message = self._messages[at]
        fitting = budget.fitting(result_text(message, result) for result in message.results)
        return tuple(self._draw_result((at, i)) for i in range(fitting))

    def _draw_call(self, call: ToolCall, place: Place, url: str) -> DrawnCall:
        given = call_arguments(call)
        is_custom = call.kind == "custom"
        text = draw_text(given, "" if self._is_whole else url, is_json=not is_custom)
        tied = self._results.get(place, ())
        here = [said for said in tied if self._is_here(said[0])]
        results = tuple(self._draw_result(said) for said in here[:_MOST_IN_CARD])
        beyond = next((self._tie(said[0]) for said in tied if not self._is_here(said[0])), None)
        outcomes = [result.outcome for result in results] + [self._outcome(said) for said in here[_MOST_IN_CARD:]]
        state = _state(call, outcomes, beyond, is_end=self._around.is_end)
        if state in ("open", "never") and self._may_have_a_nameless_result(place[0], call):
            state = "nameless"
        may_come = state in ("elsewhere", "open")
        return DrawnCall(
            id=call.id,
            kind=call.kind,
            name=call.name,
            summary=first_line(given, _SUMMARY) if is_custom else _summary(given),
            text=text,
            is_broken=bool(given) and not (is_custom or text.is_json),
            has_arguments=bool(call.arguments),
            results=results,
            elsewhere=beyond,
            state=state,
            output=draw_output(call, f"{url}output/" if url and not self._is_whole else ""),
            outcome=call.outcome,
            notes=tuple(self._notes_on_call(call, len(here))),
            key=_key(call.id, call.name, is_legacy=call.kind == "function_call") if may_come else "",
        )

    def _draw_result(self, said: Place) -> DrawnResult:
        if said not in self._drawn:
            self._drawn[said] = self._drawn_result(said, self._messages[said[0]])
        return self._drawn[said]

    def _drawn_result(self, said: Place, message: Message) -> DrawnResult:
        result = message.results[said[1]]
        given = result_text(message, result)
        url = "" if self._is_whole else self.permalink(message)
        call = self._calls.get(said)
        is_in_card = call is not None and self._is_here(call[0])
        is_legacy = message.role == "function"
        may_come = not (is_in_card or self._around.is_start)
        key = _key(result.call_id, result.name, is_legacy=is_legacy) if may_come else ""
        return DrawnResult(
            text=draw_text(given, f"{url}results/{said[1]}/" if url else "", is_json=given.lstrip()[:1] in ("{", "[")),
            tie=self._tie(said[0]),
            outcome=outcome_of(message, result),
            has_parts=any(not isinstance(part, TextPart) for part in message.parts[result.start : result.end]),
            is_legacy=is_legacy,
            tool=self._messages[call[0]].tool_calls[call[1]].name if call else result.name,
            call_id=result.call_id,
            call=self._tie(call[0]) if call else None,
            is_in_card=is_in_card,
            notes=tuple(self._notes_on_result(said, result, key)),
            key=key,
        )

    def _outcome(self, said: Place) -> Outcome:
        message = self._messages[said[0]]
        return outcome_of(message, message.results[said[1]])

    def _notes_on_call(self, call: ToolCall, results: int) -> Iterator[str]:
        if self._ids[call.id] > 1:
            yield gettext("%(count)d calls have this id; their order says which result is whose") % {
                "count": self._ids[call.id]
            }
        if results > 1:
            yield gettext("%(count)d results have this id") % {"count": results}
        if not (call.id or results) and call.kind in ("function", "custom"):
            yield gettext("The call has no id, so no result can name it")

    def _notes_on_result(self, said: Place, result: ToolResult, key: str) -> Iterator[str]:
        if self._ids[result.call_id] > 1:
            yield gettext("%(count)d calls have this id") % {"count": self._ids[result.call_id]}
        if said in self._by_order:
            yield gettext("Told by its place, as it has no call id")
        elif (call := self._calls.get(said)) is not None:
            if (its_id := self._messages[call[0]].tool_calls[call[1]].id) != result.call_id:
                yield gettext("Told by the beginning of its id; the call has %(id)s") % {
                    "id": escape_invisible(its_id[:80])
                }
        elif not key:
            nameless = gettext("It has no call id, so its call cannot be told")
            yield gettext("No call has this id") if result.call_id else nameless

    def _may_have_a_nameless_result(self, at: int, call: ToolCall) -> bool:
        """Whether results without an id follow a message, one of which may be meant for this call.

        They are meant for the calls without an id, where there are some.
        """
        if at not in self._nameless:
            self._nameless[at] = self._nameless_results(at)
        names, are_for_nameless = self._nameless[at]
        return not (call.id and are_for_nameless) and not names.isdisjoint(("", call.name))

    def _nameless_results(self, at: int) -> tuple[set[str], bool]:
        """Give the tools of the results without an id that follow a message, and whether it has calls without one."""
        are_for_nameless = not all(call.id for call in self._messages[at].tool_calls)
        names: set[str] = set()
        behind = at + 1
        while (message := self._messages.get(behind)) is not None and message.results:
            untied = (result for n, result in enumerate(message.results) if (behind, n) not in self._calls)
            names.update(result.name for result in untied if not result.call_id)
            behind += 1
        return names, are_for_nameless

    def _is_here(self, at: int) -> bool:
        return self._first <= at < self._end

    def _tie(self, at: int) -> Tie:
        message = self._messages[at]
        number = index_of(self._completion_id, message.id)
        return Tie(f"#{number}" if number is not None else gettext("its message"), self.permalink(message))


def outcome_words(outcome: Outcome) -> str:
    return gettext("Error") if outcome == "error" else gettext("Result")


def call_arguments(call: ToolCall) -> str:
    """Give what a tool was called with, as it came; the whole call where it is of an unknown kind without arguments."""
    return call.arguments if call.arguments or call.kind in ("function", "custom", "function_call") else call.source


def draw_output(call: ToolCall, url: str = "") -> DrawnText | None:
    """Draw the result that a call carries itself; None where it carries none."""
    if call.output is None:
        return None
    return draw_text(call.output, url, is_json=call.output.lstrip()[:1] in ("{", "["))


def draw_text(given: str, url: str = "", *, is_json: bool) -> DrawnText:
    """Indent what is JSON; of a long text take the beginning, unless the whole has no address of its own."""
    printed = pretty(given, _SHOWN if url else None) if is_json else None
    text = given if printed is None else printed
    shown = text if not url else "\n".join(text[:_SHOWN].split("\n", _SHOWN_LINES)[:_SHOWN_LINES])
    size = len(given.encode()) if len(shown) < len(text) else 0
    return DrawnText(escape_invisible(shown), is_json=printed is not None, url=url, bytes=size)


def _by_id(items: Sequence[Item]) -> Iterator[tuple[Place, Place]]:
    """Tie results to calls by their ids. Whole ids first, so that a likeness takes no call that has its own result."""
    exact = dict(_same(items, lambda call_id: call_id))
    taken = set(exact.values())
    alike = ((said, call) for said, call in _same(items, stem_of) if said not in exact and call not in taken)
    return iter([*exact.items(), *alike])


def _same(items: Sequence[Item], id_of: Callable[[str], str]) -> Iterator[tuple[Place, Place]]:
    latest: dict[str, deque[Place]] = {}
    for at, item in enumerate(items):
        if not isinstance(item, Message):
            continue
        for n, result in enumerate(item.results):
            if places := latest.get(id_of(result.call_id)):
                yield (at, n), places.popleft() if len(places) > 1 else places[0]
        asked: dict[str, deque[Place]] = defaultdict(deque)
        for n, call in enumerate(item.tool_calls):
            if call.id:
                asked[id_of(call.id)].append((at, n))
        latest |= asked


def _by_order(items: Sequence[Item], by_id: dict[Place, Place]) -> Iterator[tuple[Place, Place]]:
    asking, nameless = -1, list[Place]()
    answered = set(by_id.values())
    for at, item in enumerate(items):
        if isinstance(item, Message) and item.results:
            nameless += [(at, n) for n, result in enumerate(item.results) if not result.call_id]
        else:
            yield from _only_choices(items, asking, nameless, answered)
            asking, nameless = at, []
    yield from _only_choices(items, asking, nameless, answered)


def _only_choices(
    items: Sequence[Item], asking: int, nameless: list[Place], answered: set[Place]
) -> Iterator[tuple[Place, Place]]:
    """Tie the results without an id that follow one message, where one call and no other can be meant."""
    asker = items[asking] if nameless and asking >= 0 else None
    if not isinstance(asker, Message):
        return
    free = [(n, call.name) for n, call in enumerate(asker.tool_calls) if (asking, n) not in answered]
    names = {said: message.results[said[1]].name for said in nameless if isinstance(message := items[said[0]], Message)}
    claims = Counter(names.values())
    by_name: dict[str, list[int]] = defaultdict(list)
    for n, name in free:
        by_name[name].append(n)
    for said, name in names.items():
        meant = by_name.get(name, []) if name else [n for n, _ in free[:2]]
        if len(meant) == 1:
            its_name = asker.tool_calls[meant[0]].name
            if claims[its_name] + (claims[""] if its_name else 0) == 1:
                yield said, (asking, meant[0])


def _state(call: ToolCall, outcomes: list[Outcome], beyond: Tie | None, *, is_end: bool) -> State:
    if call.output is not None or call.outcome:
        outcomes.append(call.outcome)
    if outcomes:
        return "error" if "error" in outcomes else "good" if set(outcomes) == {"good"} else "answered"
    if beyond:
        return "elsewhere"
    return "never" if is_end else "open"


def _key(call_id: str, name: str, *, is_legacy: bool) -> str:
    return call_id or (f"function:{name}" if is_legacy and name else "")


def _summary(arguments: str) -> str:
    """Write an object's members in one line, digits untouched."""
    try:
        pairs = members(arguments, STRICT)
    except ValueError:
        return first_line(arguments, _SUMMARY)
    line = ", ".join(f"{name}: {' '.join(piece.source[: _SUMMARY * 2].split())}" for name, piece in pairs[:_SUMMARY])
    return first_line(line, _SUMMARY)
