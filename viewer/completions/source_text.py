"""JSON together with the text it came from.

A stored completion is evidence: `1.10`, `1e400`, a 64-bit seed and a key that stands twice must come out as they went
in, and a parsed value can keep none of them. So the readers here hand out each value beside its source text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, TypeVar

_BLANKS = " \t\n\r"
_FEW = 100  # characters
_SPACE = re.compile(rf"[{_BLANKS}]*")
_COMMA = re.compile(rf"[{_BLANKS}]*,[{_BLANKS}]*")
_NAME = re.compile(rf'"([^"\\\x00-\x1f]*)"[{_BLANKS}]*:[{_BLANKS}]*')  # as most are, without escapes
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_STRING = r'(?:"[^"]*+"(?<!\\")|"[^"\\]*+(?:\\.[^"\\]*+)*+")'  # most have no quote inside: those go six times as fast
_TOKEN = re.compile(rf'({_STRING}|[^\s{{}}\[\],:"]++)\s*([:,]?)|[{{}}\[\],]', re.DOTALL)
_CLOSED = "(?!)"  # a list or an object with
for _ in range(6):  # all that it holds, so many levels deep
    _CLOSED = rf'[\[{{](?:[^"\[\]{{}}]++|{_STRING}|{_CLOSED})*+[\]}}]'
_BRACKET_OR_STRING = re.compile(rf"{_STRING}|{_CLOSED}|[\[\]{{}}]", re.DOTALL)
# Many numbers, and how likely the words of an answer were: as values they take ten times the room of their text.
_NUMBERS = rf"\[[-+\d.eE,{_BLANKS}]{{1000,}}+\]"
_MANY_NUMBERS = re.compile(_NUMBERS)
_UNREAD = re.compile(rf'{_NUMBERS}|"logprobs"[{_BLANKS}]*+:[{_BLANKS}]*+(?P<likely>{_CLOSED})|{_STRING}', re.DOTALL)
MOST_ITEMS = 10_000
_LONG = 1_000_000  # characters
_LONGEST_INDENTED = 1_000_000  # characters; a page shows the beginning, and a reader of the whole wants it as it is
_DEEPEST_INDENT = 40  # levels; a thousand nested lists would otherwise print a megabyte of blanks


Found = TypeVar("Found")
_Member = tuple[str, int, int, Any]  # of an object: its name, where its JSON starts and ends, what it says


class Piece(NamedTuple):
    """One JSON value: what it says and how it was written."""

    source: str
    value: Any


def _read_int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python refuses more than 4,300 digits; the digits themselves are still readable
        return digits


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


LENIENT = json.JSONDecoder(parse_int=_read_int, strict=False)
STRICT = json.JSONDecoder(parse_int=_read_int, parse_constant=_refuse_constant)


def decode(text: str, decoder: json.JSONDecoder = LENIENT) -> Any:
    """Read one JSON value. Raises ValueError with the cause, also for nesting deeper than Python's stack.

    A lenient reader takes of a long one what somebody reads, and the beginning of all else.
    """
    if decoder is LENIENT and len(text) > _LONG:
        text = _without_unread(text)
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _without_unread(text: str) -> str:
    """Put a short list in the place of each value that nobody reads: that there is one is all that is asked of it."""
    if '"logprobs"' not in text and not _MANY_NUMBERS.search(text):
        return text
    pieces, at = list[str](), 0
    for found in _UNREAD.finditer(text):
        start, end = found.span("likely" if found.start("likely") >= 0 else 0)
        if text[start] != '"':
            pieces += text[at:start], "[0]"
            at = end
    return "".join(pieces) + text[at:]


def members(text: str, decoder: json.JSONDecoder = LENIENT) -> list[tuple[str, Piece]]:
    """Split a JSON object into its members, in order, doubled keys included. Raises ValueError."""
    return _pieces(text, _members(text, decoder, "", None)[0])


def places_of(text: str) -> dict[str, tuple[int, int]]:
    """Give where the JSON of each member of an object stands that has been read already, the last of a doubled key.

    In a long one lists and objects are skipped by their brackets: read once more, their values would stand in memory
    twice. Raises ValueError.
    """
    value_at = _value_at if len(text) < _LONG else _skip_value
    return {name: (start, end) for name, start, end, _ in _members(text, LENIENT, "", None, value_at)[0]}


def _pieces(text: str, found: list[_Member]) -> list[tuple[str, Piece]]:
    return [(name, Piece(text[start:end], value)) for name, start, end, value in found]


def members_beside(
    text: str, name: str, read: Callable[[Piece], Found], decoder: json.JSONDecoder = LENIENT
) -> tuple[list[tuple[str, Piece]], list[Found] | None]:
    """Split a JSON object as `members` does, but for a long list under a name, whose items are read as they come.

    So their values never stand in memory together. None for the list where there is none. Raises ValueError.
    """
    found, read_items = _members(text, decoder, name, read)
    return _pieces(text, found), read_items


def _members(
    text: str,
    decoder: json.JSONDecoder,
    apart: str,
    read: Callable[[Piece], Found] | None,
    value_at: Callable[[str, int, json.JSONDecoder], tuple[Any, int]] | None = None,
) -> tuple[list[_Member], list[Found] | None]:
    pairs = list[_Member]()
    found: list[Found] | None = None
    at, goes_on = _enter(text, 0, "{", "}")
    while goes_on:
        if (simple := _NAME.match(text, at)) is not None:
            name, start = simple[1], simple.end()
        else:
            name, start = _name_at(text, at, decoder)
        if read is not None and name == apart:
            found, at = _read_each(text, start, read, decoder)
        else:
            value, at = (value_at or _value_at)(text, start, decoder)
            pairs.append((name, start, at, value))
        at, goes_on = _go_on(text, at, "}")
    _check_end(text, at)
    return pairs, found


def _read_each(
    text: str, start: int, read: Callable[[Piece], Found], decoder: json.JSONDecoder
) -> tuple[list[Found] | None, int]:
    """Read the items of the array that begins here; give them, or None for any other value, and where it ends."""
    if text[start : start + 1] != "[":
        return None, _value_at(text, start, decoder)[1]
    inside, found = _items_from(text, start, decoder), list[Found]()
    while True:
        try:
            found.append(read(next(inside)))
        except StopIteration as end:
            return found, end.value


def items(text: str, decoder: json.JSONDecoder = LENIENT) -> Iterator[Piece]:
    """Split a JSON array into its items, in order, one at a time: a page may hold megabytes. Raises ValueError."""
    _check_end(text, (yield from _items_from(text, 0, decoder)))


def first_items(piece: Piece) -> tuple[list[Piece], str]:
    """Split the first 10,000 items off a JSON array; the others stay an array, empty where there are none.

    To read an item costs a hundred times what it costs to leave it, and nobody looks at so many. Raises ValueError.
    """
    text, values = piece
    found = list[Piece]()
    at, goes_on = _enter(text, 0, "[", "]")
    while goes_on and len(found) < MOST_ITEMS:
        start = at
        if len(text) > _LONG and text[start] in "[{" and len(found) < len(values):  # as in `places_of`
            value, at = values[len(found)], _end_of_container(text, start)
        else:
            value, at = _value_at(text, start, LENIENT)
        found.append(Piece(text[start:at], value))
        at, goes_on = _go_on(text, at, "]")
    return found, f"[{text[at:]}" if goes_on else ""


def _items_from(text: str, start: int, decoder: json.JSONDecoder) -> Generator[Piece, None, int]:
    """Give the items of the array that begins here; return where it ends."""
    at, goes_on = _enter(text, start, "[", "]")
    while goes_on:
        start = at
        value, at = _value_at(text, start, decoder)
        yield Piece(text[start:at], value)
        at, goes_on = _go_on(text, at, "]")
    return at


def values_of(text: str) -> dict[str, Any]:
    """Read an object; a value that is nested deeper than Python's stack is empty. Raises ValueError."""
    try:
        values = decode(text)
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {name: piece.value for name, piece in members(text)}


def to_object(pairs: list[tuple[str, str]]) -> str:
    """Write a JSON object from names and the source texts of their values."""
    return "{" + ",".join(f"{encode_basestring_ascii(name)}:{source}" for name, source in pairs) + "}"


def pretty(text: str, enough: int | None = None) -> str | None:
    """Indent JSON for reading, digits, key order and doubled keys untouched; None when it is not JSON.

    It may stop behind `enough` characters. What is nested deeper than Python's stack, or longer than a megabyte, is
    given as it came: indenting it would help nobody. Of the latter brackets at both ends are taken for JSON.
    """
    if len(text) > _LONGEST_INDENTED:
        if not _has_brackets(text):
            return None
        if enough is None:
            return text
    else:
        try:
            STRICT.decode(text)
        except ValueError:
            return None
        except RecursionError:
            return text
    pieces, length = list[str](), 0
    for piece in _indented(_TOKEN.finditer(text)):
        pieces.append(piece)
        length += len(piece)
        if enough is not None and length > enough:
            break
    return "".join(pieces)


def _has_brackets(text: str) -> bool:
    beginning, end = text[:_FEW].lstrip(_BLANKS), text[-_FEW:].rstrip(_BLANKS)
    return beginning[:1] + end[-1:] in ("{}", "[]")


def is_json_text(text: str) -> bool:
    """Whether a text is one JSON object or array that holds something, and so is data and no prose."""
    text = text.strip()
    if text[:1] + text[-1:] not in ("{}", "[]") or len(text) < 3:
        return False
    try:
        return bool(STRICT.decode(text))
    except (ValueError, RecursionError):
        return False


def readable_json(text: str) -> str:
    r"""Give JSON indented as a page shows it, with `Z\u00fcrich` readable, and any other text as it is."""
    printed = pretty(text) if text[:1] in ("{", "[") else None
    return text if printed is None else without_escapes(printed)


def without_escapes(json_text: str) -> str:
    """Undo the escapes in the strings of JSON, for comparing: the result need not be JSON."""
    if "\\" not in json_text:
        return json_text
    return _ESCAPE.sub(_unescaped, json_text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    return " " if escape[2] in "nrt" else escape[2]


def clean(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot (docs/api-facts.md#messages)."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _enter(text: str, start: int, opening: str, closing: str) -> tuple[int, bool]:
    """Go to the first element of a container, or past an empty one. Raises ValueError where it is another thing."""
    at = _skip_space(text, start)
    if text[at : at + 1] != opening:
        raise json.JSONDecodeError(f"Expecting '{opening}'", text, at)
    at = _skip_space(text, at + 1)
    return (at, True) if text[at : at + 1] != closing else (at + 1, False)


def _go_on(text: str, end: int, closing: str) -> tuple[int, bool]:
    """Go from the end of an element to the next, or past the container."""
    if (comma := _COMMA.match(text, end)) is not None:
        return comma.end(), True
    at = _skip_space(text, end)
    if text[at : at + 1] != closing:
        raise json.JSONDecodeError(f"Expecting ',' or '{closing}'", text, at)
    return at + 1, False


def _check_end(text: str, at: int) -> None:
    at = _skip_space(text, at)
    if at != len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _name_at(text: str, at: int, decoder: json.JSONDecoder) -> tuple[str, int]:
    """Read the name of a member of any kind, and find where its value begins."""
    name, end = _value_at(text, at, decoder)
    if not isinstance(name, str):
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    colon = _skip_space(text, end)
    if text[colon : colon + 1] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, colon)
    return name, _skip_space(text, colon + 1)


def _value_at(text: str, start: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    """Read one value. A lenient reader takes one that is deeper than Python's stack by its source alone, as empty."""
    try:
        if decoder is LENIENT and len(text) - start > _LONG and text[start] in "[{":
            end = _end_of_container(text, start)
            if end - start > _LONG:
                return decoder.decode(_without_unread(text[start:end])), end
        return decoder.raw_decode(text, start)
    except RecursionError:
        if decoder is STRICT:
            raise ValueError("nested too deeply") from None
        return [] if text[start] == "[" else {}, _end_of_container(text, start)


def _skip_value(text: str, start: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    """Find the end of a value of which only the text is wanted."""
    return (None, _end_of_container(text, start)) if text[start] in "[{" else _value_at(text, start, decoder)


def _end_of_container(text: str, start: int) -> int:
    """Find the end of an array or object by counting brackets, which no depth can exhaust. Raises ValueError."""
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(text, start):
        at, end = token.span()
        if end - at == 1:
            depth += 1 if text[at] in "[{" else -1
        if depth == 0 and text[at] != '"':
            return end
    raise json.JSONDecodeError("Unterminated array or object", text, start)


def _skip_space(text: str, start: int) -> int:
    if text[start : start + 1] not in _BLANKS:  # most often; asking the pattern takes five times as long
        return start
    found = _SPACE.match(text, start)
    return found.end() if found else start


def _indented(tokens: Iterable[re.Match[str]]) -> Iterator[str]:
    depth, is_first = 0, False
    for token in tokens:
        scalar, separator = token.groups()
        if is_first and token[0] not in ("}", "]"):
            yield _line(depth)
        if scalar:
            yield _readable_string(scalar)
            if separator:
                yield ": " if separator == ":" else "," + _line(depth)
        elif token[0] in "{[":
            depth += 1
            yield token[0]
        elif token[0] == ",":
            yield "," + _line(depth)
        else:
            depth -= 1
            yield token[0] if is_first else _line(depth) + token[0]
        is_first = token[0] in ("{", "[")


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEEPEST_INDENT)


def _readable_string(token: str) -> str:
    """Print `\\u00e9` as é: the reader of an argument wants the letter, and the raw view keeps the escape."""
    return clean(json.dumps(json.loads(token), ensure_ascii=False)) if "\\u" in token else token
