"""Parses what somebody typed into the search box. Any text is a query; remarks name what was not understood."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext

from viewer.archive.labels import STATUSES
from viewer.completions.folding import fold
from viewer.completions.roles import canonical_role

from .marks import mark
from .said import ASSISTANT, CUSTOMER, DETAILS, PROMPTS, TOOLS
from .terms import ORDINAL, PlainWord, Term, join_neighbours
from .words import joined_words, phone_tail, query_words, words_of

HAS = ("tool", "image", "audio", "file", "refusal", "citation", "reasoning", "error", "cut-off", "filtered")
_SEEN = {"yes": True, "no": False}
_MARKS = ("label", "status", "assignee")
_STATUSES = (*STATUSES, "none")
_MAX_CHARACTERS = 1000  # characters of a query
_MAX_WORDS = 40  # of all terms in total
_MIN_PREFIX = 3  # letters; one or two would match half of the archive
TALK = frozenset((CUSTOMER, ASSISTANT, TOOLS, DETAILS))  # where words are looked for unless `role:` says otherwise
_SPEAKERS = {
    "user": CUSTOMER, "customer": CUSTOMER, "assistant": ASSISTANT, "tool": TOOLS, "tools": TOOLS, "function": TOOLS,
    "system": PROMPTS, "developer": PROMPTS, "prompt": PROMPTS, "prompts": PROMPTS,
}  # fmt: skip
_ROLES = {"customer": ("user",), "tools": ("tool",), "prompt": ("system", "developer")}  # the marks of other names
_ROLES["prompts"] = _ROLES["prompt"]
_EVERYBODY = ("all", "any")
_PIECE = re.compile(
    r"""(?P<minus>-?)
    (?:(?P<name>model|role|tool|has|seen|label|status|assignee|before|after|id|same|meta\.(?:"[^"]+"|[^\s:"]+)):)?
    (?:"(?P<quoted>[^"]*)"?(?P<star>\*?) | (?P<plain>[^\s"]+) | (?<=same:))""",
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"(\d{4})(?:-(\d\d?)(?:-(\d\d?))?)?", re.ASCII)
_DAYS = re.compile(r"(\d{1,4})d", re.ASCII | re.IGNORECASE)
_UNKNOWN_OPERATOR = re.compile(r"([a-z]{2,12}):(?!//)\S", re.IGNORECASE)
_STAR_INSIDE = re.compile(r"\*+[^\s*]")
_QUOTES = str.maketrans("“”„«»", '"""""')
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True, slots=True)
class Filter:
    """What a conversation must have: one of some marks (`text.mark`). With `is_prefix` they only begin so."""

    name: str
    marks: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class MarkFilter:
    """What the team must have said of a conversation: `label`, `status` or `assignee`."""

    name: str
    value: str
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
    filters: tuple[Filter, ...] = ()
    operators: tuple[Operator, ...] = ()
    speakers: frozenset[str] = TALK
    is_same: bool = False  # whether all words must stand in one message
    since: int | None = None
    until: int | None = None
    within: str = ""  # the id of a completion or a message
    marks: tuple[MarkFilter, ...] = ()
    is_seen: bool | None = None  # whether `reader` has seen the conversation
    reader: int | None = None  # the id of the person who searches
    seen_until: datetime | None = None  # what `reader` opened later does not count as seen
    left_out: tuple[str, ...] = ()  # small words that are not searched
    remarks: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (
            self.terms
            or self.filters
            or self.within
            or self.marks
            or any(limit is not None for limit in (self.since, self.until, self.is_seen))
        )

    @property
    def wanted(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if not term.is_excluded)


def read_query(typed: str, reader: int | None = None) -> Query:
    """Parse a query of a person, whose id `seen:` and `assignee:me` need. Never raises."""
    text = " ".join(typed.replace("\x00", " ").translate(_QUOTES)[:_MAX_CHARACTERS].split())
    parser = _Parser(text)
    for piece in _PIECE.finditer(text):
        if piece["name"]:
            parser.add_operator(piece)
        else:
            parser.add_words(piece)
    terms, left_out = join_neighbours(text, parser.terms, parser.plain)
    remarks = [*dict.fromkeys(parser.remarks)]
    if len(typed) > _MAX_CHARACTERS:
        remarks.append(gettext("Only the first %(count)d characters were used.") % {"count": _MAX_CHARACTERS})
    if parser.is_truncated:
        remarks.append(gettext("Only the first %(count)d words were used.") % {"count": _MAX_WORDS})
    return Query(
        text=text,
        terms=terms,
        filters=tuple(parser.filters),
        operators=tuple(parser.operators),
        speakers=frozenset(parser.speakers()),
        is_same=parser.is_same,
        since=parser.since,
        until=parser.until,
        within=parser.within,
        marks=() if reader is None else tuple(parser.marks),
        is_seen=None if reader is None else parser.is_seen,
        reader=reader,
        left_out=tuple(left_out),
        remarks=tuple(remarks),
    )


def with_operator(query: Query, name: str, value: str) -> str:
    """Return the query with one more operator, for the link of a facet."""
    return f"{query.text} {_quoted_name(name)}:{_quoted(value)}".strip()


class _Parser:
    """Collects the terms, filters and operators of a query, piece by piece."""

    def __init__(self, text: str) -> None:
        self.terms: list[Term] = []
        self.filters: list[Filter] = []
        self.operators: list[Operator] = []
        self.is_same = False
        self.since: int | None = None
        self.until: int | None = None
        self.within = ""
        self.marks: list[MarkFilter] = []
        self.is_seen: bool | None = None
        self.remarks: list[str] = []
        self.is_truncated = False
        self._text = text
        self._words_left = _MAX_WORDS
        self._asked_speakers: set[str] = set()
        self._excluded_speakers: set[str] = set()
        self.plain: list[PlainWord] = []
        self._connective = ""

    def speakers(self) -> set[str]:
        """Return who must have said the words."""
        return (self._asked_speakers or set(TALK)) - self._excluded_speakers

    def add_words(self, piece: re.Match[str]) -> None:
        value, is_excluded = _value(piece), bool(piece["minus"])
        if value in ("OR", "AND", "NOT") and piece["plain"] and not is_excluded:
            self._connective = value
            return
        self._explain(piece, value)
        is_plain = bool(piece["plain"])
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
        others = () if is_prefix or is_open else tuple(_other_spellings(value, tuple(words)))
        term = Term(tuple(words), is_open or is_prefix, is_excluded or self._connective == "NOT", not is_plain, others)
        last = self.terms[-1] if self.terms else None
        if self._connective == "OR" and last and not (last.is_excluded or last.is_prefix or term.is_prefix):
            self.terms[-1] = replace(last, others=(*last.others, term.words, *term.others))
            self.plain = [word for word in self.plain if word.term is not last]
        else:
            self.terms.append(term)
            if is_plain and not (term.is_excluded or is_prefix):
                self.plain.append(PlainWord(*piece.span(), value, term))
        self._connective = ""

    def add_operator(self, piece: re.Match[str]) -> None:
        name, value, is_excluded = piece["name"], _value(piece), bool(piece["minus"])
        name = "meta." + name[5:].strip('"') if name[:5].lower() == "meta." else name.lower()
        said = {"said": f"{name}:{value}", "name": name}
        if name in ("before", "after"):
            moment = _read_date(value)
            if moment is None:
                remark = gettext("%(said)s is not a valid date. Write it like %(name)s:2026-01-31.")
                self.remarks.append(remark % said)
                return
            self._limit_time(moment, is_upper=(name == "before") != is_excluded)
        elif name == "id":
            if is_excluded:
                self.remarks.append(gettext("id: cannot be excluded."))
                return
            self.within = value
        elif name == "same":
            self.is_same = True
            if not value:
                return
            known = len(self.plain)
            for part in _PIECE.finditer(value):
                self.add_words(part)
            del self.plain[known:]  # their places are in the value, not in the query
            return
        elif name == "has" and fold(value) not in HAS:
            remark = gettext("%(said)s is unknown. has: accepts %(kinds)s.")
            self.remarks.append(remark % {**said, "kinds": ", ".join(HAS)})
            return
        elif name == "seen":
            if fold(value) not in _SEEN:
                self.remarks.append(gettext("%(said)s is unknown. seen: accepts yes and no.") % said)
                return
            self.is_seen = _SEEN[fold(value)] != is_excluded
        elif name in _MARKS:
            if name == "status" and fold(value) not in _STATUSES:
                remark = gettext("%(said)s is unknown. status: accepts %(kinds)s.")
                self.remarks.append(remark % {**said, "kinds": ", ".join(_STATUSES)})
                return
            if self._words_left:
                self._words_left -= 1
                self.marks.append(MarkFilter(name, value if name == "label" else value.lower(), is_excluded))
        elif name == "role":
            self._add_role(fold(value), is_excluded)
        else:
            self._add_filter(name, (value,), is_excluded, is_prefix=_has_star(piece) and value != "*")
        rest = " ".join((self._text[: piece.start()] + self._text[piece.end() :]).split())
        self.operators.append(Operator(name, value, is_excluded, rest))

    def _limit_time(self, moment: int, *, is_upper: bool) -> None:
        if is_upper:
            self.until = moment if self.until is None else min(moment, self.until)
        else:
            self.since = moment if self.since is None else max(moment, self.since)

    def _add_role(self, role: str, is_excluded: bool) -> None:
        """Limit who said the words, and ask for a message of that role."""
        if role in _EVERYBODY:
            speakers = {*TALK, PROMPTS}
        else:
            role = role if role in _ROLES else fold(canonical_role(role))
            speakers = {_SPEAKERS.get(role, DETAILS)}
        if is_excluded and role in _SPEAKERS:
            self._excluded_speakers |= speakers
            return
        if not is_excluded:
            self._asked_speakers |= speakers
        if role in _EVERYBODY:
            return
        others = [one for one in self.filters if one.name == "role" and not one.is_excluded]
        if others and not is_excluded and role in _SPEAKERS:  # one of them must have spoken
            self.filters.remove(others[0])
            marks = (*others[0].marks, *(mark("role", name) for name in _ROLES.get(role, (role,))))
            self.filters.append(replace(others[0], marks=marks))
        else:
            self._add_filter("role", _ROLES.get(role, (role,)), is_excluded)

    def _add_filter(self, name: str, values: tuple[str, ...], is_excluded: bool, *, is_prefix: bool = False) -> None:
        if not self._words_left:
            return
        self._words_left -= 1
        key = f"meta.{fold(name[5:])}" if name.startswith("meta.") else name
        marks = tuple(mark(key, value.rstrip("*") if is_prefix else value) for value in values)
        self.filters.append(Filter(name, marks, is_prefix, is_excluded))

    def _explain(self, piece: re.Match[str], value: str) -> None:
        """Say what a plain word does not do although it looks so."""
        if not piece["plain"]:
            return
        if unknown := _UNKNOWN_OPERATOR.match(value):
            remark = gettext("%(name)s: is not a filter. It was searched as a word.")
            self.remarks.append(remark % {"name": unknown[1]})
        if _STAR_INSIDE.search(value):
            self.remarks.append(gettext("* matches only at the end of a word."))
        if not words_of(value).strip() and value.strip("*-"):
            self.remarks.append(gettext("%(value)s has no letters or digits to search for.") % {"value": value})


def _other_spellings(value: str, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words without their separators, the end of a phone number, and umlauts as two letters."""
    joined = [*joined_words(value), *(phone_tail(words[0]) if words[0].isdecimal() else ())]
    if " " in value:  # a number in a phrase does not stand for the phrase
        whole = "".join(words)
        joined = [word for word in joined if word in (whole, *phone_tail(whole))]
    yield from ((word,) for word in dict.fromkeys(joined) if (word,) != words)
    if spelled := value.translate(_UMLAUTS) != value and tuple(words_of(value.translate(_UMLAUTS)).split()):
        yield spelled

    if ordinal := ORDINAL.fullmatch(value):
        yield (ordinal[1],)


def _value(piece: re.Match[str]) -> str:
    return str((piece["plain"] or "") if piece["quoted"] is None else piece["quoted"])


def _has_star(piece: re.Match[str]) -> bool:
    return bool(piece["star"]) or (piece["plain"] or "").endswith("*")


def _read_date(value: str) -> int | None:
    """Parse a day, month or year, or so many days with today (`7d`), as its first second in the reader's time zone."""
    date, days = _DATE.fullmatch(value), _DAYS.fullmatch(value)
    try:
        if days:
            day = datetime.combine(timezone.localdate() - timedelta(days=max(int(days[1]), 1) - 1), time())
        elif date:
            day = datetime(*(int(part or 1) for part in date.groups()))  # type: ignore[arg-type]
        else:
            return None
        return int(timezone.make_aware(day).timestamp())
    except (ValueError, OverflowError):
        return None


def _quoted_name(name: str) -> str:
    name = name.replace('"', "")
    return f'meta."{name[5:]}"' if name.startswith("meta.") and re.search(r"[\s:]", name[5:]) else name


def _quoted(value: str) -> str:
    """Quote what would otherwise end early, be nothing, or match beginnings. Marks know no quotes."""
    value = value.replace('"', "")
    return f'"{value}"' if not value or re.search(r"\s|\*$", value) else value
