"""Parses JSON and keeps the source text of each value.

A stored completion is evidence: `1.10`, `1e400`, a 64-bit seed and a duplicate key must come out as they went in, and
parsed values lose all of these. So the functions here return each value together with its source text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, TypeVar

_WHITESPACE = " \t\n\r"
_EDGE = 100  # characters
_WHITESPACE_RUN = re.compile(rf"[{_WHITESPACE}]*")
_COMMA = re.compile(rf"[{_WHITESPACE}]*,[{_WHITESPACE}]*")
_NAME = re.compile(rf'"([^"\\\x00-\x1f]*)"[{_WHITESPACE}]*:[{_WHITESPACE}]*')  # without escapes, as most names are
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_STRING = r'(?:"[^"]*+"(?<!\\")|"[^"\\]*+(?:\\.[^"\\]*+)*+")'  # six times as fast for strings without quotes
_STRING_VALUE = re.compile(_STRING, re.DOTALL)
_SCALAR = rf'(?:{_STRING}|[^\s{{}}\[\],:"]++)'
_TOKEN = re.compile(  # a member or item that is no container is one token
    rf"(?:(?P<name>{_STRING})\s*+:\s*+(?={_SCALAR}))?(?P<scalar>{_SCALAR})\s*+(?P<mark>[:,]?)|[{{}}\[\],]", re.DOTALL
)
_SHALLOW = "(?!)"  # a list or an object of
for _ in range(6):  # at most so many levels
    _SHALLOW = rf'[\[{{](?:[^"\[\]{{}}]++|{_STRING}|{_SHALLOW})*+[\]}}]'
# A member whose value is no list or object, and what follows it; of an object that is decoded already.
_SCALAR_MEMBER = re.compile(
    rf'"([^"\\\x00-\x1f]*+)"[{_WHITESPACE}]*+:[{_WHITESPACE}]*+({_STRING}|[^\s{{}}\[\],:"]++)[{_WHITESPACE}]*+([,}}])'
    rf"[{_WHITESPACE}]*+",
    re.DOTALL,
)
_BRACKET_OR_STRING = re.compile(rf"{_STRING}|{_SHALLOW}|[\[\]{{}}]", re.DOTALL)
# Long lists of numbers, and log probabilities: parsed, they take ten times the memory of their text.
_NUMBERS = rf"\[[-+\d.eE,{_WHITESPACE}]{{1000,}}+\]"
_MANY_NUMBERS = re.compile(_NUMBERS)
_SKIPPED_VALUE = re.compile(
    rf'{_NUMBERS}|"logprobs"[{_WHITESPACE}]*+:[{_WHITESPACE}]*+(?P<logprobs>{_SHALLOW})|{_STRING}', re.DOTALL
)
MAX_ITEMS = 10_000
_LARGE = 1_000_000  # characters
_MAX_INDENTED = 1_000_000  # characters; a page shows the beginning of longer texts, and the raw view is unchanged
_MAX_INDENT = 40  # levels; otherwise a thousand nested lists would print a megabyte of spaces


Result = TypeVar("Result")
_Member = tuple[str, int, int, Any]  # of an object: name, start and end of its JSON, value


class Piece(NamedTuple):
    """A JSON value and its source text."""

    source: str
    value: Any


def _read_int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class _Decoder(json.JSONDecoder):
    """Keeps an integer as text where Python refuses it: 4,301 digits or more.

    Only a value with such an integer is decoded by a function of ours, which is asked for each integer: that is three
    times as slow, and fifty times at an unlucky depth of the stack (findings/cpython_stack_boundary.sh).
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._with_long_integers = json.JSONDecoder(parse_int=_read_int, **options)

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        try:
            return super().raw_decode(s, idx)
        except json.JSONDecodeError:
            raise
        except ValueError:
            return self._with_long_integers.raw_decode(s, idx)


LENIENT = _Decoder(strict=False)
WHOLE = _Decoder(strict=False)  # decodes also what LENIENT shortens
STRICT = _Decoder(parse_constant=_refuse_constant)


def decode(text: str, decoder: json.JSONDecoder = LENIENT) -> Any:
    """Decode one JSON value. Raise ValueError with the cause, also for nesting deeper than Python's stack.

    The lenient decoder shortens the values of a large text that nobody reads.
    """
    if decoder is LENIENT and len(text) > _LARGE:
        text = _shorten_unread(text)
    try:
        return decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _shorten_unread(text: str) -> str:
    """Replace each value that nobody reads by a short list: the readers only check whether there is one."""
    if '"logprobs"' not in text and not _MANY_NUMBERS.search(text):
        return text
    pieces, position = list[str](), 0
    for match in _SKIPPED_VALUE.finditer(text):
        start, end = match.span("logprobs" if match.start("logprobs") >= 0 else 0)
        if text[start] != '"':
            pieces += text[position:start], "[0]"
            position = end
    return "".join(pieces) + text[position:]


def members(text: str, decoder: json.JSONDecoder = LENIENT) -> list[tuple[str, Piece]]:
    """Split a JSON object into its members, in order, including duplicate keys. Raise ValueError."""
    return _pieces(text, _members(text, decoder, "", None)[0])


def member_spans(text: str) -> dict[str, tuple[int, int]]:
    """Return the start and end of each member of an object that is already decoded; of duplicate keys, the last.

    In a large object, lists and objects are skipped by their brackets, so that their values are not in memory twice.
    Raise ValueError.
    """
    read_value = _read_value if len(text) < _LARGE else _skip_value
    return {name: (start, end) for name, start, end in _spans_of_members(text, read_value)}


def member_sources(text: str) -> list[tuple[str, str]]:
    """Return what `members` does of an object that is already decoded, without values."""
    return [(name, text[start:end]) for name, start, end in _spans_of_members(text, _skip_value)]


def _spans_of_members(
    text: str, read_value: Callable[[str, int, json.JSONDecoder], tuple[Any, int]]
) -> Iterator[tuple[str, int, int]]:
    """Yield the name, the start and the end of each member of an object that is already decoded."""
    position, has_next = _enter(text, 0, "{", "}")
    while has_next:
        if (scalar := _SCALAR_MEMBER.match(text, position)) is not None:
            yield scalar[1], *scalar.span(2)
            position, has_next = scalar.end(), scalar[3] == ","
            continue
        name, start = _enter_member(text, position, LENIENT)
        end = read_value(text, start, LENIENT)[1]
        yield name, start, end
        position, has_next = _next_element(text, end, "}")
    _check_end(text, position)


def item_sources(text: str) -> Iterator[str]:
    """Yield the text of each item of an array that is already decoded."""
    position, has_next = _enter(text, 0, "[", "]")
    while has_next:
        start = position
        position = _skip_value(text, start, STRICT)[1]
        yield text[start:position]
        position, has_next = _next_element(text, position, "]")


def _pieces(text: str, found: list[_Member]) -> list[tuple[str, Piece]]:
    return [(name, Piece(text[start:end], value)) for name, start, end, value in found]


def members_with_list(
    text: str, name: str, read: Callable[[Piece], Result], decoder: json.JSONDecoder = LENIENT
) -> tuple[list[tuple[str, Piece]], list[Result] | None]:
    """Split a JSON object as `members` does, but pass each item of the list called `name` to `read`.

    So the values of the items are never in memory together. Return None for a missing list. Raise ValueError.
    """
    pairs, results = _members(text, decoder, name, read)
    return _pieces(text, pairs), results


def _members(
    text: str, decoder: json.JSONDecoder, list_name: str, read: Callable[[Piece], Result] | None
) -> tuple[list[_Member], list[Result] | None]:
    pairs = list[_Member]()
    results: list[Result] | None = None
    position, has_next = _enter(text, 0, "{", "}")
    while has_next:
        name, start = _enter_member(text, position, decoder)
        if read is not None and name == list_name:
            results, position = _read_items(text, start, read, decoder)
        else:
            value, position = _read_value(text, start, decoder)
            pairs.append((name, start, position, value))
        position, has_next = _next_element(text, position, "}")
    _check_end(text, position)
    return pairs, results


def _read_items(
    text: str, start: int, read: Callable[[Piece], Result], decoder: json.JSONDecoder
) -> tuple[list[Result] | None, int]:
    """Read the items of the array at `start`; return the results, or None if it is no array, and where it ends."""
    if text[start : start + 1] != "[":
        return None, _read_value(text, start, decoder)[1]
    pieces, results = _items_from(text, start, decoder), list[Result]()
    while True:
        try:
            results.append(read(next(pieces)))
        except StopIteration as end:
            return results, end.value


def items(text: str, decoder: json.JSONDecoder = LENIENT) -> Iterator[Piece]:
    """Yield the items of a JSON array one at a time, because a page may hold megabytes. Raise ValueError."""
    _check_end(text, (yield from _items_from(text, 0, decoder)))


def first_items(piece: Piece) -> tuple[list[Piece], str]:
    """Split a JSON array into its first 10,000 items and an array of the rest, empty if there is no rest.

    Reading an item costs a hundred times as much as skipping it, and nobody looks at so many. Raise ValueError.
    """
    text, values = piece
    pieces = list[Piece]()
    position, has_next = _enter(text, 0, "[", "]")
    while has_next and len(pieces) < MAX_ITEMS:
        start = position
        if len(text) > _LARGE and text[start] in "[{" and len(pieces) < len(values):  # as in `member_spans`
            value, position = values[len(pieces)], _end_of_container(text, start)
        else:
            value, position = _read_value(text, start, LENIENT)
        pieces.append(Piece(text[start:position], value))
        position, has_next = _next_element(text, position, "]")
    return pieces, f"[{text[position:]}" if has_next else ""


def _items_from(text: str, start: int, decoder: json.JSONDecoder) -> Generator[Piece, None, int]:
    """Yield the items of the array at `start`; return where it ends."""
    position, has_next = _enter(text, start, "[", "]")
    while has_next:
        start = position
        value, position = _read_value(text, start, decoder)
        yield Piece(text[start:position], value)
        position, has_next = _next_element(text, position, "]")
    return position


def decode_object(text: str) -> dict[str, Any]:
    """Decode an object; a value that is nested deeper than Python's stack is empty. Raise ValueError."""
    try:
        values = decode(text)
    except ValueError:
        values = None
    return values if isinstance(values, dict) else {name: piece.value for name, piece in members(text)}


def to_object(pairs: list[tuple[str, str]]) -> str:
    """Build a JSON object from names and the source texts of their values."""
    if not pairs:
        return "{}"
    pieces = [piece for name, source in pairs for piece in (",", encode_basestring_ascii(name), ":", source)]
    pieces[0] = "{"
    return "".join([*pieces, "}"])


def pretty(text: str, limit: int | None = None) -> str | None:
    """Indent JSON for reading; keep digits, key order and duplicate keys. None if it is not JSON.

    It may stop after `limit` characters. JSON that is nested deeper than Python's stack, or longer than a megabyte, is
    returned unchanged: indenting it would help nobody. A text that long counts as JSON if it has brackets at both ends.
    """
    if len(text) > _MAX_INDENTED:
        if not _has_brackets(text):
            return None
        if limit is None:
            return text
    else:
        try:
            STRICT.decode(text)
        except ValueError:
            return None
        except RecursionError:
            return text
    pieces, length = list[str](), 0
    for piece in _indented(text):
        pieces.append(piece)
        length += len(piece)
        if limit is not None and length > limit:
            break
    return "".join(pieces)


def _has_brackets(text: str) -> bool:
    beginning, end = text[:_EDGE].lstrip(_WHITESPACE), text[-_EDGE:].rstrip(_WHITESPACE)
    return beginning[:1] + end[-1:] in ("{}", "[]")


def is_json_text(text: str) -> bool:
    """Whether a text is a JSON object or array that is not empty, and so is data, not prose."""
    text = text.strip()
    if text[:1] + text[-1:] not in ("{}", "[]") or len(text) < 3:
        return False
    try:
        return bool(STRICT.decode(text))
    except (ValueError, RecursionError):
        return False


def readable_json(text: str) -> str:
    r"""Return JSON as a page shows it, indented and with `Z\u00fcrich` readable; any other text unchanged."""
    printed = pretty(text) if text[:1] in ("{", "[") else None
    return text if printed is None else without_escapes(printed)


def without_escapes(json_text: str) -> str:
    """Undo the escapes in the strings of JSON, for comparison: the result need not be JSON."""
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


def with_escaped_surrogates(json_text: str) -> str:
    """Write lone surrogates as JSON does without UTF-8: half an emoji, where a program has cut a text off."""
    if json_text.isascii():
        return json_text
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", json_text)


def _enter(text: str, start: int, opening: str, closing: str) -> tuple[int, bool]:
    """Go to the first element of a container, or past an empty one. Raise ValueError if it is something else."""
    position = _skip_space(text, start)
    if text[position : position + 1] != opening:
        raise json.JSONDecodeError(f"Expecting '{opening}'", text, position)
    position = _skip_space(text, position + 1)
    return (position, True) if text[position : position + 1] != closing else (position + 1, False)


def _next_element(text: str, end: int, closing: str) -> tuple[int, bool]:
    """Go from the end of an element to the next, or past the container."""
    if (comma := _COMMA.match(text, end)) is not None:
        return comma.end(), True
    position = _skip_space(text, end)
    if text[position : position + 1] != closing:
        raise json.JSONDecodeError(f"Expecting ',' or '{closing}'", text, position)
    return position + 1, False


def _check_end(text: str, position: int) -> None:
    position = _skip_space(text, position)
    if position != len(text):
        raise json.JSONDecodeError("Extra data", text, position)


def _enter_member(text: str, position: int, decoder: json.JSONDecoder) -> tuple[str, int]:
    """Read a name, with or without escapes, and find where its value begins."""
    if (simple := _NAME.match(text, position)) is not None:
        return simple[1], simple.end()
    name, end = _read_value(text, position, decoder)
    if not isinstance(name, str):
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, position)
    colon = _skip_space(text, end)
    if text[colon : colon + 1] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, colon)
    return name, _skip_space(text, colon + 1)


def _read_value(text: str, start: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    """Read one value. The lenient decoder takes a value that is nested deeper than Python's stack for an empty one."""
    try:
        if decoder is LENIENT and len(text) - start > _LARGE and text[start] in "[{":
            end = _end_of_container(text, start)
            if end - start > _LARGE:
                return decoder.decode(_shorten_unread(text[start:end])), end
        return decoder.raw_decode(text, start)
    except RecursionError:
        if decoder is STRICT:
            raise ValueError("nested too deeply") from None
        return [] if text[start] == "[" else {}, _end_of_container(text, start)


def _skip_value(text: str, start: int, decoder: json.JSONDecoder) -> tuple[Any, int]:
    """Find the end of a value of which only the text is needed."""
    if text[start] in "[{":
        return None, _end_of_container(text, start)
    if (string := _STRING_VALUE.match(text, start)) is not None:
        return None, string.end()
    return _read_value(text, start, decoder)


def _end_of_container(text: str, start: int) -> int:
    """Find the end of an array or object by counting brackets, which works at any depth. Raise ValueError."""
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(text, start):
        position, end = token.span()
        if end - position == 1:
            depth += 1 if text[position] in "[{" else -1
        if depth == 0 and text[position] != '"':
            return end
    raise json.JSONDecodeError("Unterminated array or object", text, start)


def _skip_space(text: str, start: int) -> int:
    if text[start : start + 1] not in _WHITESPACE:  # the usual case; the pattern takes five times as long
        return start
    run = _WHITESPACE_RUN.match(text, start)
    return run.end() if run else start


def _indented(text: str) -> Iterator[str]:
    readable = _readable_string if "\\u" in text else str
    depth, line, is_first = 0, _line(0), False  # the line is one of this depth
    for token in _TOKEN.finditer(text):
        name, scalar, mark = token.groups()
        before = line if is_first else ""
        is_first = False
        if scalar:
            named = f"{readable(name)}: {readable(scalar)}" if name else readable(scalar)
            yield f"{before}{named}{',' + line if mark == ',' else ': ' if mark else ''}"
        elif token[0] in "{[":
            yield before + token[0]
            depth += 1
            line, is_first = _line(depth), True
        elif token[0] == ",":
            yield f"{before},{line}"
        else:
            depth -= 1
            line = _line(depth)
            yield token[0] if before else line + token[0]


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _MAX_INDENT)


def _readable_string(token: str) -> str:
    """Show `\\u00e9` as é; the raw view keeps the escape."""
    return clean(json.dumps(json.loads(token), ensure_ascii=False)) if "\\u" in token else token
