"""Every pattern takes time in line with the length of the text that it meets; all are found, whatever their names."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import viewer
from tests.costs import assert_linear, cost
from viewer.archive.search.clauses import Clause
from viewer.archive.search.snippets import _pattern as pattern_of_clauses
from viewer.completions.folding import compile_pattern
from viewer.rendering.highlighting import _GRAMMARS
from viewer.rendering.highlighting import _pattern as pattern_of_grammar

ROOT = Path(viewer.__file__).parent
ASIDE = ("management", "migrations", "bundles.py", "client", "keys", "api")  # these read nothing that is stored
PIECES = [
    *" \t\n\\`*_~|<>[](){}$#+-=&%!?;:.,/@^\"'0aZx",
    *"é日\u200b\u202e\u0301👨\ue200【",
    *(
        "a ",
        "a.",
        "a-",
        "a_",
        "1.",
        "- ",
        "> ",
        "](",
        "[a](",
        "<a ",
        "</",
        "\\a",
        "\\(",
        "``",
        "$$",
        "**a",
        "|-",
        "\n\n",
    ),
    *("a=", "a:", '"a', "a\n", " a\n", ", ", "x='", "://", "www.", "%F0", "&a;", "#a", "@a", "[1]", "{}", "<!--", "/*"),
]
METHODS = {
    "match": re.Pattern.match,
    "fullmatch": re.Pattern.fullmatch,
    **dict.fromkeys(
        ("search", "sub", "subn", "split", "findall", "finditer"), lambda pattern, text: [*pattern.finditer(text)]
    ),
}
# They read what comrak or nh3 wrote, where `<` begins a tag, which ends.
OF_HTML = ("completions.markdown._", "rendering.markdown_html._", "rendering.chips._")


def modules() -> Iterator[tuple[str, Path]]:
    for file in sorted(ROOT.rglob("*.py")):
        if not any(part in ASIDE for part in file.relative_to(ROOT).parts):
            yield ".".join(("viewer", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"), file


def patterns_in(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from patterns_in([*value, *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from patterns_in(inner)


def calls_in(file: Path) -> Iterator[tuple[str, str, ast.Call]]:
    """Give each call of a method of a name: whose, which, and with what."""
    for node in ast.walk(ast.parse(file.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            yield node.func.value.id, node.func.attr, node


def all_patterns() -> dict[str, tuple[re.Pattern[str], set[str]]]:
    """Find the patterns that modules hold, those that are written where they are used, and those that are made.

    Each with the ways in which it is used: one that is only matched need not be fast when it is searched for.
    """
    found: dict[str, tuple[re.Pattern[str], set[str]]] = {}
    for name, file in modules():
        held = [(key, one) for key, value in vars(importlib.import_module(name)).items() for one in patterns_in(value)]
        calls = list(calls_in(file)) if held or "import re\n" in file.read_text() else []  # the others have no pattern
        uses: dict[str, set[str]] = {}
        for key, method, _ in calls:
            uses.setdefault(key, set()).add(method)
        for key, pattern in held:
            found.setdefault(pattern.pattern, (pattern, uses.get(key, set()) & {*METHODS}))
            named.setdefault(pattern.pattern, f"{name.removeprefix('viewer.')}.{key}")
        for module, method, call in calls:
            first = call.args[0] if call.args else None
            if module == "re" and method in METHODS and isinstance(first, ast.Constant):
                found.setdefault(first.value, (re.compile(first.value, re.DOTALL), {method}))
                named.setdefault(first.value, f"{name.removeprefix('viewer.')}, line {call.lineno}")
    for names, grammar in _GRAMMARS.items():
        pattern = pattern_of_grammar(grammar)
        found[pattern.pattern] = pattern, {"finditer"}
        named[pattern.pattern] = f"colours of {names.split()[0]}"
    for words in ("aa", "a b", "a*", "日日", "a [b", "aaaaaaaa"):
        for pattern in filter(None, (compile_pattern(words), pattern_of_clauses((Clause((words,)),)))):
            found[pattern.pattern] = pattern, {"finditer"}
            named[pattern.pattern] = f"words {words}"
    return {f"{named[key]} {n}": given for n, (key, given) in enumerate(found.items()) if isinstance(key, str)}


named: dict[str, str] = {}
PATTERNS = all_patterns()


def pieces_for(pattern: re.Pattern[str]) -> Iterator[str]:
    """Give what to repeat: pieces of every kind, and the letters that the pattern itself has, with each of them."""
    literal = [piece for piece in re.split(r"\\.|[^\w<>/:=\"'|* -]|\(\?\w", pattern.pattern) if piece]
    yield from PIECES
    for own in dict.fromkeys(literal[:12]):
        yield own
        yield from (own + piece for piece in " a1<\"'(\n*`")


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_time_in_line_with_the_length_of_the_text(name: str) -> None:
    pattern, uses = PATTERNS[name]
    for piece in dict.fromkeys(pieces_for(pattern)):
        text = (piece.replace("<", "&lt;") if name.startswith(OF_HTML) and "<" in pattern.pattern else piece) * 16_000
        for use in dict.fromkeys(METHODS[use] for use in uses or METHODS):

            def run(size: int, text: str = text, use: Any = use) -> None:
                use(pattern, text[:size] + "\x01")

            try:
                if cost(run, 4_000) > 0.003:
                    assert_linear(run, 16_000)
            except AssertionError as error:
                raise AssertionError(f"{pattern.pattern!r} over {piece!r}: {error}") from None


def test_the_patterns_are_found() -> None:
    assert len(PATTERNS) > 100
    assert any(name.startswith("completions.markdown._TAG") for name in PATTERNS)
    assert any(name.startswith("archive.search.snippets, line") for name in PATTERNS)
