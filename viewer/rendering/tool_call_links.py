"""Links every tool result to the call that it answers.

A result answers the last call before it with the same id: some servers restart their ids in every turn. Calls of one
message with the same id get their results in order. If no call has the id, suffixes are ignored: gateways append
thoughts (`call_1__thought__…`) or a second id (`call_1|fc_2`), on one side only. A result without an id, such as a
legacy `function` message, is linked by its position, and only if a single call is possible. So a result never belongs
to more than one call.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from viewer.completions.calls import base_id
from viewer.completions.types import Message, ToolCall, ToolResult, Unreadable

Item = Message | Unreadable
Position = tuple[int, int]  # of a call or a result: the index of its message, and its own in the message


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of a page of messages: those that were requested, and whether the page is the first or last."""

    earlier: tuple[Item, ...] = ()
    later: tuple[Item, ...] = ()
    is_start: bool = True
    is_end: bool = True
    is_newest_first: bool = False


class ToolCallLinks:
    """The tool calls and results of one page, oldest first, and those of its neighbours that belong to them."""

    def __init__(self, items: Sequence[Item], neighbours: Neighbours | None = None) -> None:
        self.neighbours = neighbours or Neighbours()
        self.first = len(self.neighbours.earlier)  # index of the page's first message
        self._end = self.first + len(items)
        items = (*self.neighbours.earlier, *items, *self.neighbours.later)
        self.messages = {index: item for index, item in enumerate(items) if isinstance(item, Message)}
        by_id = dict(_link_by_id(items))
        self._linked_by_position = dict(_link_by_position(items, by_id))
        self._calls = by_id | self._linked_by_position
        self._results: dict[Position, list[Position]] = defaultdict(list)
        for result, call in self._calls.items():
            self._results[call].append(result)
        self._ids = Counter(call.id for message in self.messages.values() for call in message.tool_calls if call.id)
        self._nameless: dict[int, tuple[set[str], bool]] = {}

    def needs_neighbours(self) -> tuple[bool, bool]:
        """Whether the page before may contain the call of a result, and the page after the result of a call."""
        messages = self.messages.items()
        earlier = any((i, n) not in self._calls for i, message in messages for n in range(len(message.results)))
        later = any((i, n) not in self._results for i, message in messages for n in range(len(message.tool_calls)))
        return earlier and not self.neighbours.is_start, later and not self.neighbours.is_end

    def call_at(self, position: Position) -> ToolCall:
        return self.messages[position[0]].tool_calls[position[1]]

    def result_at(self, position: Position) -> ToolResult:
        return self.messages[position[0]].results[position[1]]

    def call_of(self, result: Position) -> Position | None:
        """Find the call that a result answers."""
        return self._calls.get(result)

    def results_of(self, call: Position) -> Sequence[Position]:
        """Return the results of a call, on this page and its neighbours."""
        return self._results.get(call, ())

    def is_on_page(self, position: Position) -> bool:
        return self.first <= position[0] < self._end

    def is_linked_by_position(self, result: Position) -> bool:
        """Whether a result has no id and is linked by its position."""
        return result in self._linked_by_position

    def count_calls_with_id(self, call_id: str) -> int:
        """Count the calls that have an id."""
        return self._ids[call_id]

    def may_have_nameless_result(self, position: Position) -> bool:
        """Whether a result without an id follows that may belong to this call.

        If the message has calls without an id, such results belong to those.
        """
        index, call = position[0], self.call_at(position)
        if index not in self._nameless:
            self._nameless[index] = self._nameless_results(index)
        names, has_nameless_calls = self._nameless[index]
        return not (call.id and has_nameless_calls) and not names.isdisjoint(("", call.name))

    def _nameless_results(self, index: int) -> tuple[set[str], bool]:
        """Return the tools of the results without an id that follow a message, and whether it has calls without one."""
        has_nameless_calls = not all(call.id for call in self.messages[index].tool_calls)
        names: set[str] = set()
        after = index + 1
        while (message := self.messages.get(after)) is not None and message.results:
            unlinked = (result for n, result in enumerate(message.results) if (after, n) not in self._calls)
            names.update(result.name for result in unlinked if not result.call_id)
            after += 1
        return names, has_nameless_calls


def _link_by_id(items: Sequence[Item]) -> Iterator[tuple[Position, Position]]:
    """Link results to calls by id. Exact ids first, so that a similar id cannot take a call that has its own result."""
    exact = dict(_match_ids(items, lambda call_id: call_id))
    taken = set(exact.values())
    similar = (
        (result, call) for result, call in _match_ids(items, base_id) if result not in exact and call not in taken
    )
    return iter([*exact.items(), *similar])


def _match_ids(items: Sequence[Item], id_of: Callable[[str], str]) -> Iterator[tuple[Position, Position]]:
    latest: dict[str, deque[Position]] = {}
    for index, item in enumerate(items):
        if not isinstance(item, Message):
            continue
        for n, result in enumerate(item.results):
            if calls := latest.get(id_of(result.call_id)):
                yield (index, n), calls.popleft() if len(calls) > 1 else calls[0]
        called: dict[str, deque[Position]] = defaultdict(deque)
        for n, call in enumerate(item.tool_calls):
            if call.id:
                called[id_of(call.id)].append((index, n))
        latest |= called


def _link_by_position(items: Sequence[Item], by_id: dict[Position, Position]) -> Iterator[tuple[Position, Position]]:
    caller, nameless = -1, list[Position]()
    answered = set(by_id.values())
    for index, item in enumerate(items):
        if isinstance(item, Message) and item.results:
            nameless += [(index, n) for n, result in enumerate(item.results) if not result.call_id]
        else:
            yield from _link_unambiguous(items, caller, nameless, answered)
            caller, nameless = index, []
    yield from _link_unambiguous(items, caller, nameless, answered)


def _link_unambiguous(
    items: Sequence[Item], index: int, nameless: list[Position], answered: set[Position]
) -> Iterator[tuple[Position, Position]]:
    """Link the results without an id that follow one message, if exactly one call is possible."""
    caller = items[index] if nameless and index >= 0 else None
    if not isinstance(caller, Message):
        return
    unanswered = [(n, call.name) for n, call in enumerate(caller.tool_calls) if (index, n) not in answered]
    names = {
        position: item.results[position[1]].name
        for position in nameless
        if isinstance(item := items[position[0]], Message)
    }
    result_counts = Counter(names.values())
    by_name: dict[str, list[int]] = defaultdict(list)
    for n, name in unanswered:
        by_name[name].append(n)
    for result, name in names.items():
        candidates = by_name.get(name, []) if name else [n for n, _ in unanswered[:2]]
        if len(candidates) == 1:
            call_name = caller.tool_calls[candidates[0]].name
            if result_counts[call_name] + (result_counts[""] if call_name else 0) == 1:
                yield result, (index, candidates[0])
