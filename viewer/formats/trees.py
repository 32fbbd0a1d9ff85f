"""Conversations with branches: messages that name the one before them, where an edit or another answer forks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from viewer.completions.source_text import to_object

from .document import Document, NothingSaid
from .drafts import DraftMessage, note

Read = Callable[[list[str]], list[DraftMessage]]


class Tree:
    """Ids of messages with those of the ones before them, in the order of the file, and the way to the current one."""

    def __init__(self, parents: Mapping[str, Any], leaf: Any = None) -> None:
        self._parents = {name: before if isinstance(before, str) else None for name, before in parents.items()}
        self._children: dict[Any, list[str]] = {}
        for name, parent in self._parents.items():
            self._children.setdefault(parent if parent in parents else None, []).append(name)
        self.path = self._path_to(leaf if isinstance(leaf, str) and leaf in parents else self._last())

    def others(self, name: str) -> list[str]:
        """Return the other messages that follow the one before this one."""
        parent = self._parents[name]
        return [other for other in self._children[parent if parent in self._parents else None] if other != name]

    def line(self, name: str) -> list[str]:
        """Return this message and those after it as long as there is only one; empty where it forks again."""
        line = {name: None}
        while following := self._children.get(name, []):
            name = following[0]
            if len(following) > 1 or name in line:
                return []
            line[name] = None
        return list(line)

    def depth(self, name: str) -> int:
        """Return how many messages stand before this one."""
        return len(self._path_to(name)) - 1

    def _last(self) -> str | None:
        """Return the last message that nothing follows."""
        return next((name for name in reversed(list(self._parents)) if name not in self._children), None)

    def _path_to(self, leaf: Any) -> list[str]:
        path: dict[str, None] = {}
        while leaf in self._parents and leaf not in path:  # a circle is no way to anywhere
            path[leaf] = None
            leaf = self._parents[leaf]
        return list(reversed(path))


@dataclass
class Walk:
    """What was read of a tree: its messages, the answers where there are several, and the ids that were read."""

    messages: list[DraftMessage] = field(default_factory=list)
    choices: list[tuple[DraftMessage, str | None]] = field(default_factory=list)
    read: set[str] = field(default_factory=set)


def walk(tree: Tree, is_asked: Callable[[str], bool], read: Read) -> Walk:
    """Follow a tree to its current message. Other answers to the last question are choices where each is one message.

    `is_asked` says whether a message is the customer's. Where other branches are left out, a note says so. Raises
    NothingSaid where there is nothing to read.
    """
    walked = Walk(read=set(tree.path))
    last = max((n for n, name in enumerate(tree.path) if is_asked(name)), default=-1) + 1
    waiting: list[dict[str, Any]] = []
    for names in _segments(tree):
        drafts = read(names)
        others = tree.others(names[0])
        is_last_turn = names[-1] == tree.path[-1] and tree.path.index(names[0]) == last
        if others and drafts and is_last_turn and not waiting:
            others = _take_choices(tree, walked, drafts, Answers(others, is_asked, read))
        if others:
            waiting.append(note("other-branches", count=len(others)))
        if drafts and waiting:
            drafts[0].notes += waiting
            waiting = []
        walked.messages += [] if walked.choices else drafts
    if waiting and walked.messages:
        walked.messages[-1].notes += waiting
    if not (walked.messages or walked.choices):
        raise NothingSaid
    return walked


@dataclass(frozen=True)
class Answers:
    """The first messages of other branches, and what tells whether they are answers."""

    names: list[str]
    is_asked: Callable[[str], bool]
    read: Read


def _take_choices(tree: Tree, walked: Walk, drafts: list[DraftMessage], others: Answers) -> list[str]:
    """Take the current answer and the others for choices; return those that cannot be one."""
    if len(drafts) != 1 or drafts[0].role != "assistant" or drafts[0].tool_calls:
        return others.names
    left = []
    for name in others.names:
        line = tree.line(name)
        found = [] if not line or any(map(others.is_asked, line)) else others.read(line)
        if len(found) == 1 and found[0].role == "assistant" and not found[0].tool_calls:
            walked.choices.append((found[0], None))
            walked.read.update(line)
        else:
            left.append(name)
    if walked.choices:
        walked.choices.insert(0, (drafts[0], None))
    return left


def _segments(tree: Tree) -> Iterable[list[str]]:
    """Split the way where it forks, so that a note can stand where the other branch begins."""
    segments: list[list[str]] = []
    for name in tree.path:
        if not segments or tree.others(name):
            segments.append([])
        segments[-1].append(name)
    return segments


def kept(**sources: str) -> str:
    """Write JSON texts that are read nowhere else into an object, under names of ours; empty if there are none."""
    pairs = [(name, text) for name, text in sources.items() if text]
    return to_object(pairs) if pairs else ""


def left_of(nodes: Mapping[str, Document], walked: Walk) -> str:
    """Write the messages that were not read, under their ids; empty if all were."""
    left = [(name, node.text) for name, node in nodes.items() if name not in walked.read]
    return to_object(left) if left else ""
