"""Finds out from its beginning what a file is, and says what to do with one that cannot be read."""

from __future__ import annotations

import json
import re
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from viewer.formats.object_texts import shows_object

from .chats import is_chat

Kind = Literal["json", "lines", "events", "table", "sqlite", "chat", "prose", "empty", "other"]
LOOKED_AT = 65_536  # bytes
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SQLITE = b"SQLite format 3\x00"
_MAIL = re.compile(r"(?:From [^\n]+\n)?(?:[A-Za-z][A-Za-z-]*: [^\n]*\n(?:[ \t][^\n]*\n)*){2}")
_EVENT = re.compile(r"""(?::[^\n]*\n\s*)*+(?:event|data|id|retry):|[0-9a-k]:["\[{]""")  # perhaps after comments
_LOG = gettext_lazy(
    "This is the log of an SQLite database: import it together with the database, in one folder or ZIP."
)
_OTHERS: tuple[tuple[bytes, Promise], ...] = (
    (b"\xff\xfe\0\0", gettext_lazy("This is text in UTF-32: save it as UTF-8.")),
    (b"\x37\x7f\x06\x82", _LOG),
    (b"\x37\x7f\x06\x83", _LOG),
    (b"PAR1", gettext_lazy("This is a Parquet file: save the table as CSV or JSON Lines.")),
    (b"BZh", gettext_lazy("This is packed with bzip2: unpack it first.")),
    (b"\xfd7zXZ", gettext_lazy("This is packed with xz: unpack it first.")),
    (b"7z\xbc\xaf", gettext_lazy("This is a 7z archive: unpack it first.")),
    (b"Rar!", gettext_lazy("This is a RAR archive: unpack it first.")),
    (b"PK\x05\x06", gettext_lazy("This is a ZIP with nothing in it.")),
    (
        b"%PDF",
        gettext_lazy("This is a PDF, which cannot be read: export the data as JSON or CSV."),
    ),
    (
        b'<img src="https://r2cdn.perplexity.ai/',
        gettext_lazy(
            "This is a thread that Perplexity has written as Markdown, which does not say where a question ends: ask "
            "Perplexity for your data, and import its JSON."
        ),
    ),
    (b"\x89PNG", gettext_lazy("This is a picture, not a conversation.")),
    (b"\xff\xd8\xff", gettext_lazy("This is a picture, not a conversation.")),
    (b"GIF8", gettext_lazy("This is a picture, not a conversation.")),
    (b"RIFF", gettext_lazy("This is a sound or a picture, not a conversation.")),
)
_TAR = gettext_lazy("This is a tar archive: unpack it, and import the folder.")
_PAGE = gettext_lazy("This is a web page: the same export usually has a JSON file beside it.")
_XML = gettext_lazy("This is XML: export the data as JSON or CSV.")
_PROSE = gettext_lazy(
    "This is plain text, which does not say reliably who said what: export the conversations as JSON or CSV."
)
_LETTER = gettext_lazy("This is e-mail, which is not read: export the conversations of your help desk as JSON.")
_BINARY = gettext_lazy("This is a binary file of a kind that is not known here: export the data as JSON.")


def encoding_of(beginning: bytes) -> str:
    """Return the encoding that a byte order mark names: Windows tools redirect output as UTF-16."""
    return "utf-16" if beginning[:2] in _UTF16 else "utf-8-sig"


def kind_of(beginning: bytes) -> Kind:
    """Say what a file is. `lines` has one JSON value on each line; `json` has values over many lines, or arrays."""
    if beginning.startswith(_SQLITE):
        return "sqlite"
    if why_not(beginning):
        return "other"
    text = beginning.decode(encoding_of(beginning), "ignore").lstrip()
    if not text:
        return "empty"
    if is_chat(text):
        return "chat"
    if text[0] == "[" or (text[0] == "{" and _goes_on(text)):
        return "json"
    if _EVENT.match(text):
        return "events"
    if text[0] == "{" or _has_json_line(text) or shows_object(text):
        return "lines"
    if _MAIL.match(text.replace("\r\n", "\n")):
        return "prose"
    return "table" if _is_table(text) else "lines" if _is_json(text.partition("\n")[0]) else "prose"


def why_prose(beginning: bytes) -> Promise:
    """Say of text that is no data what it is."""
    text = beginning.decode(encoding_of(beginning), "ignore").lstrip()
    return _LETTER if _MAIL.match(text.replace("\r\n", "\n")) else _PROSE


def why_not(beginning: bytes) -> Promise | None:
    """Say what a file is that cannot be read, and what to do; None if it may be read."""
    for start, sentence in _OTHERS:
        if beginning.startswith(start):
            return sentence
    if beginning[257:262] == b"ustar":
        return _TAR
    if beginning.startswith(_SQLITE) or beginning[:2] in _UTF16:
        return None
    if b"\0" in beginning:
        return _BINARY
    text = beginning.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n").casefold()
    if text.startswith("<?xml") and "<html" not in text:
        return _XML
    return _PAGE if text.startswith(("<!doctype", "<html", "<?xml")) else None


def _goes_on(text: str) -> bool:
    """Whether the first line ends inside of a JSON value: then the value is written over many lines."""
    line, end, rest = text.partition("\n")
    depth = 0
    for match in re.finditer(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', line):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
    return bool(end) and depth > 0 and not _is_cut(line.rstrip(), rest.lstrip())


def _is_cut(line: str, rest: str) -> bool:
    """Whether a line is damaged and a value of its own follows, not one of a list in it that has each on a line."""
    following, _, after = rest.partition("\n")
    is_of_its_own = _is_json(following) and not after.lstrip().startswith(("]", "}", ","))
    return rest.startswith("{") and (is_of_its_own or not line.endswith(("[", ",")))


def _has_json_line(text: str) -> bool:
    return any(line.lstrip().startswith("{") for line in text.split("\n"))


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(text: str) -> bool:
    """Whether the first line may be the names of columns. No name begins with a digit, as the lines of chats do."""
    line = text.partition("\n")[0]
    if line[0].isdigit():
        return False
    return any(line.count(separator) for separator in ",;\t") and not line.rstrip().endswith((".", "?", "!"))
