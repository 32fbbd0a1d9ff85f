"""Imports go one way: the table of rooms in docs/development.md says which, for Python and for templates."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import draw_rooms

ROOT = Path(__file__).parent.parent
VIEWER, TEMPLATES = ROOT / "viewer", ROOT / "templates"
MAX_PARAMETERS = 5
# A list that only gets shorter: these still have more, until their rooms are done.
ABOVE = {"__init__", "settings", "urls", "wsgi"}  # these bring the rooms together and belong to none
_TAG = re.compile(r"{%\s*(load|include|extends)\s+([^%]+?)\s*%}")


ROOMS = draw_rooms.read_rooms(draw_rooms.TABLE.read_text())


def imported_modules(file: Path) -> set[str]:
    """Name what a Python file imports, with the module in front; what comes from its own folder begins with a dot."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level < 2, f"{file} climbs out of its folder with a relative import"
            modules |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return modules


def rendered_templates(file: Path) -> set[str]:
    """Name the templates that a Python file mentions."""
    nodes = ast.walk(ast.parse(file.read_text()))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if text.endswith(".html")}


def imported_rooms(file: Path) -> set[str]:
    """Name the rooms that a Python file imports, and those whose templates it renders."""
    rooms = {parts[1] for parts in (module.split(".") for module in imported_modules(file)) if parts[0] == "viewer"}
    return rooms | {room for text in rendered_templates(file) if (room := room_of_template(text))}


def room_of_template(name: str) -> str:
    """Give the room of a template; those beside the folders are the frame of every page, and so `web`'s."""
    folder = name.split("/")[0] if "/" in name else ""
    return {"": "web", "account": "accounts", "mfa": "accounts", "socialaccount": "people"}.get(folder, folder)


def used_rooms(file: Path) -> set[str]:
    """Name the rooms whose tags a template loads, and whose templates it includes or extends."""
    used = set()
    for tag, given in _TAG.findall(file.read_text()):
        if tag == "load":
            used |= {LIBRARIES[name] for name in given.split() if name in LIBRARIES}
        elif given[0] in "\"'":
            used.add(room_of_template(given[1:].split(given[0])[0]))
    return used


LIBRARIES = {
    file.stem: file.parent.parent.name for file in VIEWER.glob("*/templatetags/*.py") if file.stem != "__init__"
}


def test_every_file_has_a_room_that_says_its_sentence() -> None:
    assert {file.stem for file in VIEWER.glob("*.py")} == ABOVE
    rooms = {file.relative_to(VIEWER).parts[0] for file in VIEWER.glob("*/**/*.py")}
    assert rooms == set(ROOMS)
    for room in rooms:
        assert ast.get_docstring(ast.parse((VIEWER / room / "__init__.py").read_text())), room
    assert {room_of_template(str(file.relative_to(TEMPLATES))) for file in TEMPLATES.rglob("*.*")} <= rooms


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_the_table_allows(room: str) -> None:
    for file in (VIEWER / room).rglob("*.py"):
        assert imported_rooms(file) - {room} <= ROOMS[room], file
    for file in TEMPLATES.rglob("*.*"):
        if room_of_template(str(file.relative_to(TEMPLATES))) == room:
            # Every page stands in the frame, and the frame's pages load nothing of the others.
            assert used_rooms(file) - {room} <= ROOMS[room] | {"web"}, file


def test_imports_go_one_way() -> None:
    left = {room: set(rooms) for room, rooms in ROOMS.items()}
    while left:
        free = {room for room, rooms in left.items() if not rooms & left.keys()}
        assert free, f"these rooms import each other in a circle: {sorted(left)}"
        left = {room: rooms for room, rooms in left.items() if room not in free}


def functions_in(node: ast.AST, name: str) -> Iterator[tuple[str, ast.arguments]]:
    """Give every function and method with its full name, also those inside others."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        inner = f"{name}.{child.name}" if is_function or isinstance(child, ast.ClassDef) else name
        if is_function:
            yield inner, child.args
        yield from functions_in(child, inner)


def parameters_of(arguments: ast.arguments) -> list[str]:
    """Name what a caller gives: neither `self` nor `cls`, and `*args` as one."""
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [one.arg for one in given if one is not None and one.arg not in ("self", "cls")]


def test_no_function_has_more_than_five_parameters() -> None:
    found = {
        name
        for file in VIEWER.rglob("*.py")
        if "migrations" not in file.parts
        for name, arguments in functions_in(
            ast.parse(file.read_text()), ".".join(file.relative_to(VIEWER).with_suffix("").parts)
        )
        if len(parameters_of(arguments)) > MAX_PARAMETERS
    }
    assert found == set()


def test_no_test_module_is_imported() -> None:
    """What several tests need is in a module that is named for what it gives."""
    for file in (ROOT / "tests").rglob("*.py"):
        assert not [name for name in imported_modules(file) if ".test_" in name], file


def test_the_picture_of_the_rooms_is_up_to_date() -> None:
    assert draw_rooms.PICTURE.read_text() == draw_rooms.draw(ROOMS), "run python tools/draw_rooms.py"


def test_the_picture_shows_every_room_and_no_import_that_others_imply() -> None:
    picture = draw_rooms.draw({"page": {"client", "base"}, "client": {"base"}, "base": set(), "alone": {"base"}})
    assert re.findall(r">(\w+)</text>", picture) == ["page", "client", "base", "alone"]
    assert picture.count('marker-end="url(#tip)"') == 3
    with pytest.raises(ValueError, match="circle"):
        draw_rooms.draw({"a": {"b"}, "b": {"a"}})
