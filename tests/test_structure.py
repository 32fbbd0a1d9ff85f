"""The rooms import one way only; the table is the one in the README."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

VIEWER = Path(__file__).parent.parent / "viewer"
MAY_IMPORT = {
    "accounts": set(),
    "completions": set(),
    "client": {"completions"},
    "archive": {"completions"},
    "keys": set(),
    "sources": {"client", "archive", "keys"},
    "api": {"completions", "client", "keys", "sources"},
    "conversations": {"completions", "client", "archive", "sources"},
    "copies": {"completions", "client", "archive", "keys", "sources", "conversations"},
}


def imported_rooms(file: Path) -> set[str]:
    """Name the rooms that a file imports; `viewer.http` and its like stand beside the rooms and belong to all."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > 1:
            raise AssertionError(f"{file} climbs out of its room with a relative import")
    return {parts[1] for parts in (module.split(".") for module in modules) if parts[0] == "viewer"} & set(MAY_IMPORT)


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_the_table_allows(room: str) -> None:
    for file in (VIEWER / room).rglob("*.py"):
        assert imported_rooms(file) - {room} <= MAY_IMPORT[room], file


def test_every_room_is_in_the_table_and_says_its_sentence() -> None:
    rooms = {folder.parent.name for folder in VIEWER.glob("*/__init__.py")} - {"management"}
    assert rooms == set(MAY_IMPORT)
    for room in rooms:
        assert ast.get_docstring(ast.parse((VIEWER / room / "__init__.py").read_text()))


def test_the_readme_shows_the_same_table() -> None:
    rows = [
        line.split("|") for line in (VIEWER.parent / "README.md").read_text().splitlines() if line.startswith("| `")
    ]
    shown = {
        row[1].strip(" `"): {word.strip(" `") for word in row[3].split(",")} - {"nothing"}
        for row in rows
        if len(row) == 5
    }
    assert {room: shown[room] for room in MAY_IMPORT} == MAY_IMPORT
