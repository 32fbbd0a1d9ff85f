"""Reads what somebody typed into the search box. Whatever it is, it is a question; what is not understood is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext

from viewer.completions.folding import fold
from viewer.completions.roles import canonical

from .search_text import asked_words, mark

HAS = ("tool", "image", "audio", "file", "refusal", "citation", "reasoning", "error")
_LONGEST = 1000  # characters that are read
_MOST_WORDS = 40  # of all terms together
_SHORTEST_PREFIX = 3  # letters; what begins with one or two is half of the archive
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
    """Words that stand one behind the other; of a prefix, the last may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False
    is_excluded: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One `name:value` as it was typed, and the question without it."""

    name: str
    value: str
    is_excluded: bool
    rest: str


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for. Times are Unix seconds: from `since` on, and up to before `until`."""

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
        """The terms that can be seen in a text."""
        return tuple(term for term in self.terms if not term.is_excluded and not term.words[0].startswith("ƻ"))


def read_query(given: str) -> Query:
    """Read a question. Raises nothing."""
    text = " ".join(given.replace("\x00", " ").translate(_QUOTES)[:_LONGEST].split())
    reading = _Reading()
    for piece in _PIECE.finditer(text):
        if piece["name"]:
            rest = " ".join((text[: piece.start()] + text[piece.end() :]).split())
            reading.operator(piece["name"], _value(piece), bool(piece["minus"]), rest)
        else:
            reading.words(piece)
    remarks = [*reading.remarks]
    if len(given) > _LONGEST:
        remarks.append(gettext("Only the first %(count)d characters were used.") % {"count": _LONGEST})
    if reading.left_out:
        remarks.append(gettext("Only the first %(count)d words were used.") % {"count": _MOST_WORDS})
    return Query(
        text, tuple(reading.terms), tuple(reading.operators), reading.since, reading.until, reading.within,
        tuple(remarks),
    )  # fmt: skip


def with_operator(query: Query, name: str, value: str) -> str:
    """Write the question with one operator more, which a click on a facet asks for."""
    return f"{query.text} {_in_quotes(name)}:{_in_quotes(value)}".strip()


class _Reading:
    """Gathers what the pieces of a question ask for."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.operators: list[Operator] = []
        self.since: int | None = None
        self.until: int | None = None
        self.within = ""
        self.remarks: list[str] = []
        self.left_out = False
        self._room = _MOST_WORDS

    def words(self, piece: re.Match[str]) -> None:
        value, is_excluded = _value(piece), bool(piece["minus"])
        words, is_open = asked_words(value)
        self.left_out |= len(words) > self._room
        words = words[: self._room]
        if not words:
            return
        self._room -= len(words)
        is_prefix = _has_star(piece)
        if is_prefix and not is_open and len(words[-1]) < _SHORTEST_PREFIX and words[-1].isascii():
            told = gettext("%(value)s is too short to match beginnings. It was searched as a whole word.")
            self.remarks.append(told % {"value": value})
            is_prefix = False
        self.terms.append(Term(tuple(words), is_open or is_prefix, is_excluded))

    def operator(self, name: str, value: str, is_excluded: bool, rest: str) -> None:
        name = "meta." + name[5:].strip('"') if name[:5].lower() == "meta." else name.lower()
        said = f"{name}:{value}"
        if name in ("before", "after"):
            moment = _read_date(value)
            if moment is None:
                told = gettext("%(said)s is not a valid date. Write it like %(name)s:2026-01-31.")
                self.remarks.append(told % {"said": said, "name": name})
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
            told = gettext("%(said)s is unknown. has: accepts %(kinds)s.")
            self.remarks.append(told % {"said": said, "kinds": ", ".join(HAS)})
            return
        elif self._room:
            self._room -= 1
            key = f"meta.{fold(name[5:])}" if name.startswith("meta.") else name
            marked = mark(key, canonical(value) if key == "role" else value)
            self.terms.append(Term((marked,), is_excluded=is_excluded))
        self.operators.append(Operator(name, value, is_excluded, rest))


def _value(piece: re.Match[str]) -> str:
    return str(piece["plain"] if piece["quoted"] is None else piece["quoted"])


def _has_star(piece: re.Match[str]) -> bool:
    return bool(piece["star"]) or (piece["plain"] or "").endswith("*")


def _read_date(value: str) -> int | None:
    """Read a day, a month or a year as its first second in the reader's zone."""
    given = _DATE.fullmatch(value)
    try:
        day = datetime(*(int(part or 1) for part in given.groups())) if given else None  # type: ignore[arg-type]
        return int(timezone.make_aware(day).timestamp()) if day else None
    except (ValueError, OverflowError):
        return None


def _in_quotes(value: str) -> str:
    value = value.replace('"', "")
    if value.startswith("meta."):
        return f'meta."{value[5:]}"' if re.search(r"[\s:]", value[5:]) else value
    return f'"{value}"' if re.search(r"\s", value) else value
