"""Parses what somebody typed into the search box. Any text is a query; remarks name what was not understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext

from viewer.completions.folding import fold
from viewer.completions.roles import canonical_role

from .search_text import mark, query_words

HAS = ("tool", "image", "audio", "file", "refusal", "citation", "reasoning", "error")
_MAX_CHARACTERS = 1000  # characters of a query
_MAX_WORDS = 40  # of all terms in total
_MIN_PREFIX = 3  # letters; one or two would match half of the archive
_PIECE = re.compile(
    r"""(?P<minus>-?)
    (?:(?P<name>model|role|tool|has|before|after|id|meta\.(?:"[^"]+"|[^\s:"]+)):)?
    (?:"(?P<quoted>[^"]*)"?(?P<star>\*?) | (?P<plain>[^\s"]+))""",
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?))?)?", re.ASCII)
_QUOTES = str.maketrans("“”„«»", '"""""')


@dataclass(frozen=True, slots=True)
class Term:
    """Consecutive words. With `is_prefix`, the last is only the beginning of a word."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One `name:value` as it was typed. `rest` is the query without it."""

    name: str
    value: str
    is_excluded: bool
    rest: str


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. Times are Unix seconds; `since` is inclusive, `until` exclusive."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    operators: tuple[Operator, ...] = ()
    since: int | None = None
    until: int | None = None
    within: str = ""  # the id of a completion or a message
    remarks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.terms or self.within or self.since is not None or self.until is not None)

    @property
    def marked(self) -> tuple[Term, ...]:
        """The terms to mark in a text: neither excluded ones nor operators."""
        return tuple(term for term in self.terms if not term.is_excluded and not term.words[0].startswith("ƻ"))


def read_query(typed: str) -> Query:
    """Parse a query. Never raises."""
    text = " ".join(typed.replace("\x00", " ").translate(_QUOTES)[:_MAX_CHARACTERS].split())
    parser = _Parser()
    for piece in _PIECE.finditer(text):
        if piece["name"]:
            rest = " ".join((text[: piece.start()] + text[piece.end() :]).split())
            parser.add_operator(piece["name"], _value(piece), bool(piece["minus"]), rest)
        else:
            parser.add_words(piece)
    remarks = [*parser.remarks]
    if len(typed) > _MAX_CHARACTERS:
        remarks.append(gettext("Only the first %(count)d characters were used.") % {"count": _MAX_CHARACTERS})
    if parser.is_truncated:
        remarks.append(gettext("Only the first %(count)d words were used.") % {"count": _MAX_WORDS})
    return Query(
        text, tuple(parser.terms), tuple(parser.operators), parser.since, parser.until, parser.within,
        tuple(remarks),
    )  # fmt: skip


def with_operator(query: Query, name: str, value: str) -> str:
    """Return the query with one more operator, for the link of a facet."""
    return f"{query.text} {_quoted(name)}:{_quoted(value)}".strip()


class _Parser:
    """Collects the terms and operators of a query, piece by piece."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.operators: list[Operator] = []
        self.since: int | None = None
        self.until: int | None = None
        self.within = ""
        self.remarks: list[str] = []
        self.is_truncated = False
        self._words_left = _MAX_WORDS

    def add_words(self, piece: re.Match[str]) -> None:
        value, is_excluded = _value(piece), bool(piece["minus"])
        words, is_open = query_words(value)
        self.is_truncated |= len(words) > self._words_left
        words = words[: self._words_left]
        if not words:
            return
        self._words_left -= len(words)
        is_prefix = _has_star(piece)
        if is_prefix and not is_open and len(words[-1]) < _MIN_PREFIX and words[-1].isascii():
            remark = gettext("%(value)s is too short to match beginnings. It was searched as a whole word.")
            self.remarks.append(remark % {"value": value})
            is_prefix = False
        self.terms.append(Term(tuple(words), is_open or is_prefix, is_excluded))

    def add_operator(self, name: str, value: str, is_excluded: bool, rest: str) -> None:
        name = "meta." + name[5:].strip('"') if name[:5].lower() == "meta." else name.lower()
        text = f"{name}:{value}"
        if name in ("before", "after"):
            moment = _read_date(value)
            if moment is None:
                remark = gettext("%(said)s is not a valid date. Write it like %(name)s:2026-01-31.")
                self.remarks.append(remark % {"said": text, "name": name})
                return
            if (name == "before") != is_excluded:
                self.until = moment if self.until is None else min(moment, self.until)
            else:
                self.since = moment if self.since is None else max(moment, self.since)
        elif name == "id":
            if is_excluded:
                self.remarks.append(gettext("id: cannot be excluded."))
                return
            self.within = value
        elif name == "has" and fold(value) not in HAS:
            remark = gettext("%(said)s is unknown. has: accepts %(kinds)s.")
            self.remarks.append(remark % {"said": text, "kinds": ", ".join(HAS)})
            return
        elif self._words_left:
            self._words_left -= 1
            key = f"meta.{fold(name[5:])}" if name.startswith("meta.") else name
            word = mark(key, canonical_role(value) if key == "role" else value)
            self.terms.append(Term((word,), is_excluded=is_excluded))
        self.operators.append(Operator(name, value, is_excluded, rest))


def _value(piece: re.Match[str]) -> str:
    return str(piece["plain"] if piece["quoted"] is None else piece["quoted"])


def _has_star(piece: re.Match[str]) -> bool:
    return bool(piece["star"]) or (piece["plain"] or "").endswith("*")


def _read_date(value: str) -> int | None:
    """Parse a day, month or year, as its first second in the reader's time zone."""
    date = _DATE.fullmatch(value)
    try:
        day = datetime(*(int(part or 1) for part in date.groups())) if date else None  # type: ignore[arg-type]
        return int(timezone.make_aware(day).timestamp()) if day else None
    except (ValueError, OverflowError):
        return None


def _quoted(value: str) -> str:
    value = value.replace('"', "")
    if value.startswith("meta."):
        return f'meta."{value[5:]}"' if re.search(r"[\s:]", value[5:]) else value
    return f'"{value}"' if re.search(r"\s", value) else value
