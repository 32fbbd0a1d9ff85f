"""Links every tool result to the call that it answers.

A result answers the last call before it that has its id: some servers restart their ids in every turn. Calls of one
message that share an id get their results in order. Where no call has the id, one that agrees but for a suffix is
meant: gateways append thoughts (`call_1__thought__…`) or a second id (`call_1|fc_2`), on one side only. A result
without an id, as the legacy `function` messages are, is linked by its place, and only where a single call can be meant.
So a result belongs to one call at most.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from viewer.completions.calls import stem_of
from viewer.completions.types import Message, ToolCall, ToolResult, Unreadable

Item = Message | Unreadable
Position = tuple[int, int]  # of a call or a result: that of its message, and its own in the message


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What lies around a page of messages: the neighbouring pages, where they were requested, and if there are any."""

    earlier: tuple[Item, ...] = ()
    later: tuple[Item, ...] = ()
    is_start: bool = True
    is_end: bool = True
    is_newest_first: bool = False


class ToolCallLinks:
    """The calls and results of one page, oldest first, and those of its neighbours that belong to them."""

    def __init__(self, items: Sequence[Item], neighbours: Neighbours | None = None) -> None:
        self.neighbours = neighbours or Neighbours()
        self.first = len(self.neighbours.earlier)  # position of the page's first message
        self._end = self.first + len(items)
        items = (*self.neighbours.earlier, *items, *self.neighbours.later)
        self.messages = {at: item for at, item in enumerate(items) if isinstance(item, Message)}
        by_id = dict(_by_id(items))
        self._by_place = dict(_by_place(items, by_id))
        self._calls = by_id | self._by_place
        self._results: dict[Position, list[Position]] = defaultdict(list)
        for result, call in self._calls.items():
            self._results[call].append(result)
        self._ids = Counter(call.id for message in self.messages.values() for call in message.tool_calls if call.id)
        self._nameless: dict[int, tuple[set[str], bool]] = {}

    def reach_beyond(self) -> tuple[bool, bool]:
        """Say whether the page before may hold the call of a result, and the page behind the result of a call."""
        messages = self.messages.items()
        earlier = any((at, n) not in self._calls for at, message in messages for n in range(len(message.results)))
        later = any((at, n) not in self._results for at, message in messages for n in range(len(message.tool_calls)))
        return earlier and not self.neighbours.is_start, later and not self.neighbours.is_end

    def call_at(self, position: Position) -> ToolCall:
        return self.messages[position[0]].tool_calls[position[1]]

    def result_at(self, position: Position) -> ToolResult:
        return self.messages[position[0]].results[position[1]]

    def call_of(self, result: Position) -> Position | None:
        """Find the call that a result answers."""
        return self._calls.get(result)

    def results_of(self, call: Position) -> Sequence[Position]:
        """List the results of a call, on this page and on its neighbours."""
        return self._results.get(call, ())

    def is_on_page(self, position: Position) -> bool:
        return self.first <= position[0] < self._end

    def is_by_place(self, result: Position) -> bool:
        """Whether a result has no id, and is linked by its place."""
        return result in self._by_place

    def count_of_id(self, call_id: str) -> int:
        """Count the calls that have an id."""
        return self._ids[call_id]

    def may_have_nameless_result(self, position: Position) -> bool:
        """Whether results without an id follow a message, one of which may be meant for this call.

        They are meant for the calls without an id, where there are some.
        """
        at, call = position[0], self.call_at(position)
        if at not in self._nameless:
            self._nameless[at] = self._nameless_results(at)
        names, are_for_nameless = self._nameless[at]
        return not (call.id and are_for_nameless) and not names.isdisjoint(("", call.name))

    def _nameless_results(self, at: int) -> tuple[set[str], bool]:
        """Give the tools of the results without an id that follow a message, and whether it has calls without one."""
        are_for_nameless = not all(call.id for call in self.messages[at].tool_calls)
        names: set[str] = set()
        behind = at + 1
        while (message := self.messages.get(behind)) is not None and message.results:
            unlinked = (result for n, result in enumerate(message.results) if (behind, n) not in self._calls)
            names.update(result.name for result in unlinked if not result.call_id)
            behind += 1
        return names, are_for_nameless


def _by_id(items: Sequence[Item]) -> Iterator[tuple[Position, Position]]:
    """Link results to calls by ids. Whole ids first, so that a similar id takes no call that has its own result."""
    exact = dict(_same(items, lambda call_id: call_id))
    taken = set(exact.values())
    similar = ((result, call) for result, call in _same(items, stem_of) if result not in exact and call not in taken)
    return iter([*exact.items(), *similar])


def _same(items: Sequence[Item], id_of: Callable[[str], str]) -> Iterator[tuple[Position, Position]]:
    latest: dict[str, deque[Position]] = {}
    for at, item in enumerate(items):
        if not isinstance(item, Message):
            continue
        for n, result in enumerate(item.results):
            if calls := latest.get(id_of(result.call_id)):
                yield (at, n), calls.popleft() if len(calls) > 1 else calls[0]
        called: dict[str, deque[Position]] = defaultdict(deque)
        for n, call in enumerate(item.tool_calls):
            if call.id:
                called[id_of(call.id)].append((at, n))
        latest |= called


def _by_place(items: Sequence[Item], by_id: dict[Position, Position]) -> Iterator[tuple[Position, Position]]:
    caller, nameless = -1, list[Position]()
    answered = set(by_id.values())
    for at, item in enumerate(items):
        if isinstance(item, Message) and item.results:
            nameless += [(at, n) for n, result in enumerate(item.results) if not result.call_id]
        else:
            yield from _only_choices(items, caller, nameless, answered)
            caller, nameless = at, []
    yield from _only_choices(items, caller, nameless, answered)


def _only_choices(
    items: Sequence[Item], at: int, nameless: list[Position], answered: set[Position]
) -> Iterator[tuple[Position, Position]]:
    """Link the results without an id that follow one message, where one call and no other can be meant."""
    caller = items[at] if nameless and at >= 0 else None
    if not isinstance(caller, Message):
        return
    free = [(n, call.name) for n, call in enumerate(caller.tool_calls) if (at, n) not in answered]
    names = {where: item.results[where[1]].name for where in nameless if isinstance(item := items[where[0]], Message)}
    claims = Counter(names.values())
    by_name: dict[str, list[int]] = defaultdict(list)
    for n, name in free:
        by_name[name].append(n)
    for result, name in names.items():
        meant = by_name.get(name, []) if name else [n for n, _ in free[:2]]
        if len(meant) == 1:
            its_name = caller.tool_calls[meant[0]].name
            if claims[its_name] + (claims[""] if its_name else 0) == 1:
                yield result, (at, meant[0])
