"""Every document and section that a file names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import list_formats

ROOT = Path(__file__).parent.parent
FOLDERS = (".ci", "benchmarks", "docs", "findings", "static", "templates", "tests", "tools", "viewer")
TEXTS = {".css", ".html", ".js", ".md", ".py", ".sh", ".toml", ".txt", ""}
_LINK = re.compile(r"""(?:\]\(|(?:src|srcset|href)=")([^)"\s]+)[)"]""")
_NAMED = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.md)(?:#([\w-]+))?\b")
_CODE_FILE = re.compile(r"`((?:benchmarks|static|templates|tests|tools|viewer)/[\w/.-]+\.\w+)`")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def files() -> list[Path]:
    found = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    return sorted(
        file for file in [*found, *ROOT.glob("*")]
        if file.is_file() and file.suffix in TEXTS and file != Path(__file__) and "__pycache__" not in file.parts
    )  # fmt: skip


def anchors(document: Path) -> set[str]:
    """Make the anchors of the headings as repository hosts do."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def in_the_root_or_docs(document: str) -> Path:
    return next((path for folder in (ROOT, ROOT / "docs") if (path := folder / document).exists()), ROOT / document)


def missing(file: Path, text: str) -> set[str]:
    """List what is not there of the documents that a text names, with a section or without, and of what Markdown links."""
    prose, code = (_CODE.sub("", text), " ".join(_CODE.findall(text))) if file.suffix == ".md" else ("", text)
    named = [(in_the_root_or_docs(document), section) for document, section in _NAMED.findall(code)]
    links = [link.partition("#") for link in _LINK.findall(prose) if not re.match(r"\w+:", link)]
    named += [(file.parent / target if target else file, section) for target, _, section in links]
    return {
        f"{target.resolve().relative_to(ROOT)}#{section}" for target, section in named
        if not target.exists() or (section and section not in anchors(target))
    }  # fmt: skip


def test_what_the_files_name_is_there() -> None:
    assert {str(file): found for file in files() if (found := missing(file, file.read_text()))} == {}


def test_the_code_that_documents_name_is_there() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    named = {(file.name, path) for file in documents for path in _CODE_FILE.findall(file.read_text())}
    assert len(named) > 20
    assert {(name, path) for name, path in named if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        ("docs/using.md", "[a](nowhere.md), [b](#nothing), [c](../README.md#nothing), [d](../README.md#lectern)", 3),
        ("docs/using.md", '<img src="pictures/none.webp"> [e](https://example.com/none.txt) `docs/none.md`', 2),
        ("viewer/settings.py", "docs/nowhere.md, docs/settings.md, settings.md and nowhere.md#section", 2),
        ("viewer/settings.py", "docs/threats.md#nothing and docs/threats.md#remote-images.", 1),
    ],
)
def test_what_is_not_there_is_found(name: str, text: str, count: int) -> None:
    assert len(missing(ROOT / name, text)) == count


def test_the_promises_name_tests_that_exist() -> None:
    named, file = [], ""
    for path, test in re.findall(r"`((?:tests/\S+?\.py)?)::(test_\w+)`", (ROOT / "SECURITY.md").read_text()):
        file = path or file
        named.append((file, test))
    assert len(named) >= 6
    assert [each for each in named if f"def {each[1]}(" not in (ROOT / each[0]).read_text()] == []


def test_the_table_of_formats_is_what_the_families_say() -> None:
    assert list_formats.PAGE.read_text() == list_formats.write(list_formats.PAGE.read_text()), (
        "run python tools/list_formats.py"
    )
