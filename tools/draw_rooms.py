"""Draws docs/pictures/rooms.svg from the table of rooms in docs/development.md: `python tools/draw_rooms.py`.

A room lies above every room that it imports. An import that others imply has no arrow.
"""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from pathlib import Path

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "development.md"
PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"

Node = str | tuple[str, str, int]  # a room, or the point where an arrow between two rooms passes a floor
Link = tuple[Node, Node]  # a piece of an arrow, from one floor to the next below

_ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
_ROOM, _PASSAGE, _GAP = 124, 8, 22  # widths
_HEIGHT, _FLOOR, _MARGIN, _APART, _TIP = 36, 88, 16, 14, 7
_SWEEPS = 20
_STYLE = """
  :root { --ink: #1d2423; --line: #7f8c88; --box: #ffffff; --edge: #b9c4c1 }
  @media (prefers-color-scheme: dark) { :root { --ink: #e6ecea; --line: #7d8a87; --box: #232b2d; --edge: #4c5856 } }
  rect { fill: var(--box); stroke: var(--edge) }
  text { fill: var(--ink); font: 500 13px system-ui, sans-serif; text-anchor: middle }
  path { fill: none; stroke: var(--line); stroke-width: 1.25 }
  marker path { fill: var(--line); stroke: none }
"""


def read_rooms(table: str) -> dict[str, set[str]]:
    """Read the table: each room with the rooms that it may import."""
    return {room: set(re.findall(r"`(\w+)`", rooms)) for room, rooms in _ROW.findall(table)}


def draw(rooms: dict[str, set[str]]) -> str:
    level = _levels(rooms)
    arrows = [_path(room, used, level) for room, used in _direct_imports(rooms)]
    floors = _floors(level, arrows)
    x = _place(floors, arrows)
    y: dict[Node, float] = {
        node: _MARGIN + (len(floors) - 1 - n) * _FLOOR for n, floor in enumerate(floors) for node in floor
    }
    width = max(x[node] + _width(node) / 2 for node in x) + _MARGIN
    height = (len(floors) - 1) * _FLOOR + _HEIGHT + 2 * _MARGIN
    shapes = [_arrow(points) for points in _routes(arrows, x, y)]
    shapes += [_box(room, x[room], y[room]) for room in rooms]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">',
            "<title>The rooms of Lectern. An arrow leads to a room that is imported.</title>",
            f"<style>{_STYLE}</style>",
            f'<marker id="tip" viewBox="0 0 8 8" refX="0" refY="4" markerWidth="{_TIP}" markerHeight="{_TIP}" '
            'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker>',
            *shapes,
            "</svg>\n",
        ]
    )


def _levels(rooms: dict[str, set[str]]) -> dict[str, int]:
    """Give each room the lowest floor that is above all that it imports."""
    level: dict[str, int] = {}
    while len(level) < len(rooms):
        floor = [room for room in rooms if room not in level and rooms[room] <= level.keys()]
        if not floor:
            raise ValueError("rooms import each other in a circle")
        level |= dict.fromkeys(floor, 1 + max(level.values(), default=-1))
    return level


def _direct_imports(rooms: dict[str, set[str]]) -> list[tuple[str, str]]:
    """List the imports that follow from no others."""
    below = {room: set(rooms[room]) for room in rooms}
    for room in sorted(rooms, key=_levels(rooms).__getitem__):
        below[room] |= {deep for used in rooms[room] for deep in below[used]}
    return [
        (room, used)
        for room in rooms
        for used in sorted(rooms[room])
        if not any(used in below[between] for between in rooms[room])
    ]


def _path(room: str, used: str, level: dict[str, int]) -> list[Node]:
    return [room, *((room, used, floor) for floor in range(level[room] - 1, level[used], -1)), used]


def _floors(level: dict[str, int], arrows: list[list[Node]]) -> list[list[Node]]:
    """List what lies on each floor, from the ground up."""
    floors: list[list[Node]] = [[] for _ in range(1 + max(level.values()))]
    for room, floor in level.items():
        floors[floor].append(room)
    for node in (node for arrow in arrows for node in arrow[1:-1]):
        floors[int(node[2])].append(node)
    return floors


def _place(floors: list[list[Node]], arrows: list[list[Node]]) -> dict[Node, float]:
    """Give each node its centre: near those below, above and both by turns; of all tries the least crossed."""
    links = [link for arrow in arrows for link in pairwise(arrow)]
    below: dict[Node, list[Node]] = {node: [] for floor in floors for node in floor}
    above: dict[Node, list[Node]] = {node: [] for floor in floors for node in floor}
    for upper, lower in links:
        below[upper].append(lower)
        above[lower].append(upper)
    both = {node: below[node] + above[node] for node in below}
    tries = []
    for turn in range(max(map(len, floors))):  # each try begins with another order
        x: dict[Node, float] = {}
        for floor in floors:
            x |= _spread(floor[turn % len(floor) :] + floor[: turn % len(floor)], dict.fromkeys(floor, 0.0))
        for sweep in range(_SWEEPS):
            neighbours, order = [(below, floors), (above, floors[::-1]), (both, floors)][sweep % 3]
            for floor in order:
                wanted = {node: _mean([x[other] for other in neighbours[node]] or [x[node]]) for node in floor}
                x = x | _spread(sorted(floor, key=wanted.__getitem__), wanted)
            tries.append((_cost(links, floors, x), x))
    _, x = min(tries, key=lambda tried: tried[0])
    left = min(x[node] - _width(node) / 2 for node in x) - _MARGIN
    return {node: place - left for node, place in x.items()}


def _spread(row: list[Node], wanted: dict[Node, float]) -> dict[Node, float]:
    """Place a row in this order without overlaps, and else as near as can be to where each node is wanted."""
    offsets, edge = {}, 0.0
    for node in row:
        offsets[node] = edge + _width(node) / 2
        edge += _width(node) + _GAP

    def start(group: list[Node]) -> float:
        return _mean([wanted[node] - offsets[node] for node in group])

    groups: list[list[Node]] = []  # nodes that touch, and so move together
    for node in row:
        groups.append([node])
        while len(groups) > 1 and start(groups[-2]) > start(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    return {node: start(group) + offsets[node] for group in groups for node in group}


def _cost(links: list[Link], floors: list[list[Node]], x: dict[Node, float]) -> tuple[int, float]:
    """Count the crossings, then the length sideways."""
    crossings = 0
    for floor in floors:
        leaving = [(x[upper], x[lower]) for upper, lower in links if upper in floor]
        crossings += sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(leaving, 2))
    return crossings, sum(abs(x[upper] - x[lower]) for upper, lower in links)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _width(node: Node) -> int:
    return _ROOM if isinstance(node, str) else _PASSAGE


def _box(room: str, x: float, y: float) -> str:
    return (
        f'<rect x="{x - _ROOM / 2:.1f}" y="{y}" width="{_ROOM}" height="{_HEIGHT}" rx="7"/>'
        f'<text x="{x:.1f}" y="{y + _HEIGHT / 2 + 4.5}">{room}</text>'
    )


def _routes(arrows: list[list[Node]], x: dict[Node, float], y: dict[Node, float]) -> list[list[tuple[float, float]]]:
    """Give the points that each arrow passes; those that share a room touch it side by side."""
    links = [link for arrow in arrows for link in pairwise(arrow)]
    leaves = {link: x[link[0]] + _beside(link, [one for one in links if one[0] == link[0]], 1, x) for link in links}
    enters = {link: x[link[1]] + _beside(link, [one for one in links if one[1] == link[1]], 0, x) for link in links}
    return [
        [(leaves[arrow[0], arrow[1]], y[arrow[0]])]
        + [(enters[link], y[link[1]]) for link in pairwise(arrow)]
        for arrow in arrows
    ]  # fmt: skip


def _beside(link: Link, group: list[Link], other: int, x: dict[Node, float]) -> float:
    """Say how far from the middle a link touches its room, in the order of the links' other ends."""
    ordered = sorted(group, key=lambda one: x[one[other]])
    return (ordered.index(link) - (len(group) - 1) / 2) * _APART


def _arrow(points: list[tuple[float, float]]) -> str:
    """Draw from the bottom of a room to the top of another, straight past the rooms of floors between them."""
    (x, y), steps = points[0], f"M{points[0][0]:.1f} {points[0][1] + _HEIGHT}"
    for n, (to_x, to_y) in enumerate(points[1:], start=2):
        top, bottom = y + _HEIGHT, to_y - (_TIP if n == len(points) else 0)
        middle = (top + bottom) / 2
        steps += f"C{x:.1f} {middle} {to_x:.1f} {middle} {to_x:.1f} {bottom}"
        if n < len(points):
            steps += f"V{to_y + _HEIGHT}"
        x, y = to_x, to_y
    return f'<path d="{steps}" marker-end="url(#tip)"/>'


if __name__ == "__main__":
    PICTURE.write_text(draw(read_rooms(TABLE.read_text())))
