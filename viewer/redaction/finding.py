"""Lists what a share should not show: each value once, however it is spelled, with its label and places."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from django.utils.translation import gettext_noop

from .hits import Hit
from .names import Words
from .numbers import digits_of
from .scanning import Scanner
from .slots import rewrite_json

# What each kind is called on a page.
KINDS = {
    "email": gettext_noop("E-mail address"),
    "phone": gettext_noop("Phone number"),
    "card": gettext_noop("Card number"),
    "iban": gettext_noop("Bank account (IBAN)"),
    "ip": gettext_noop("IP address"),
    "key": gettext_noop("Key or password"),
    "name": gettext_noop("Name"),
    "word": gettext_noop("Own words"),
}
# What cannot be found, for the form that offers redaction.
LIMITS = (
    gettext_noop("Names that are not in the metadata. Add them as your own words."),
    gettext_noop("Text inside pictures, sound and files. Leave them out if you are not sure."),
    gettext_noop("Numbers in words, such as “oh two oh, seven nine”, and phone numbers without an area code."),
    gettext_noop("What is split over several messages or parts."),
    gettext_noop("Postal addresses, birthdays, and what only people who know somebody can tell."),
    gettext_noop("Keys and passwords of an unknown kind with nothing before them that says so."),
)
_EXAMPLES = 3
_AROUND = 40  # characters of a snippet before and after the place
_LOCALE = re.compile(r"[a-z]{2,3}[-_]([A-Z]{2})")
_MAX_LOCALE = 6  # characters
_MIN_SECRET = 6  # characters of a key that is also found by itself


class Example(NamedTuple):
    """A place where something was found, with what is around it in the same text."""

    before: str
    match: str
    after: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One value that was found: as it was first written, and what stands in its place.

    `value` is the same for each of its spellings, and with `kind` says what it is.
    """

    kind: str
    text: str
    label: str
    count: int
    examples: tuple[Example, ...] = ()
    value: str = field(default="", repr=False)


class _Slot(NamedTuple):
    """A string, a key or a whole number, the field that it is in, and whether it counts."""

    text: str
    name: str
    counts: bool


@dataclass(slots=True)
class _Places:
    """Where a value was found."""

    text: str  # as first written
    count: int = 0
    examples: list[Example] = field(default_factory=list)


def find_all(
    values: Iterable[object], *, names: Iterable[str] = (), own_words: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Find what should not leave in parsed JSON: the completion, then each message.

    `names` are values of its metadata that name people, `own_words` what somebody added. Numbered by first occurrence.
    """
    slots = [slot for value in values for slot in _slots(value)]
    scanner = Scanner(Words(names, own_words), _regions(slots))
    hits = [scanner.scan(slot.text, slot.name) for slot in slots]
    known = knowing(scanner, ((kind, value, places.text) for (kind, value), places in _collect(slots, hits).items()))
    if known is not scanner:  # a number or key that its surroundings gave away may also be where they do not
        for n, slot in enumerate(slots):
            if known.knows_of(slot.text):
                hits[n] = known.scan(slot.text, slot.name)
    labels = Counter[str]()
    findings = list[Finding]()
    for (kind, value), places in _collect(slots, hits).items():
        labels[kind] += 1
        label = f"[{kind} {labels[kind]}]"
        findings.append(Finding(kind, places.text, label, max(1, places.count), tuple(places.examples), value))
    return tuple(findings)


def knowing(scanner: Scanner, values: Iterable[tuple[str, str, str]]) -> Scanner:
    """Return a scanner that also finds these values by themselves: each a kind, the value, and how it was written.

    A number with its country code says what one without means.
    """
    values = list(values)
    digits: dict[str, str] = {}
    for kind, value, _ in sorted(values, key=lambda one: not one[2].startswith(("+", "00"))):
        for written in digits_of(value) if kind == "phone" else ():
            digits.setdefault(written, value)
    secrets = tuple(value for kind, value, _ in values if kind == "key" and len(value) >= _MIN_SECRET)
    return replace(scanner, digits=digits, secrets=secrets, seen={}) if digits or secrets else scanner


def _slots(value: object) -> Iterator[_Slot]:
    """Yield each string, key and whole number; the parts of a content that is there as one text do not count."""
    repeated: object = None
    if isinstance(value, dict) and isinstance(value.get("content"), str) and value.get("content_parts"):
        value = dict(value)
        repeated = value.pop("content_parts")
    found = list[_Slot]()
    for part, counts in ((value, True), (repeated, False)):

        def note(text: str, name: str, counts: bool = counts) -> str:
            found.append(_Slot(text, name, counts))
            return text

        rewrite_json(json.dumps(part, ensure_ascii=False), note)
    yield from found


def _regions(slots: Iterable[_Slot]) -> tuple[str, ...]:
    """Return the countries of locales such as "en-GB" in the metadata."""
    locales = (_LOCALE.fullmatch(slot.text) for slot in slots if len(slot.text) <= _MAX_LOCALE)
    return tuple(dict.fromkeys(locale[1] for locale in locales if locale))


def _collect(slots: Iterable[_Slot], hits: Iterable[list[Hit]]) -> dict[tuple[str, str], _Places]:
    """Gather the places of each kind and value, in the order of the first ones."""
    found: dict[tuple[str, str], _Places] = {}
    for (text, _, counts), here in zip(slots, hits, strict=True):
        for start, end, kind, value in here:
            places = found.setdefault((kind, value), _Places(text[start:end]))
            places.count += counts
            if len(places.examples) < _EXAMPLES and (counts or not places.examples):
                before = ("…" if start > _AROUND else "") + text[max(0, start - _AROUND) : start]
                after = text[end : end + _AROUND] + ("…" if len(text) > end + _AROUND else "")
                places.examples.append(Example(before, text[start:end], after))
    return found
