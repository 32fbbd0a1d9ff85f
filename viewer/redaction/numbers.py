"""Finds card numbers, bank accounts (IBAN) and phone numbers.

python-stdnum (LGPL, 4 MB) checks digits and structure; phonenumberslite (Apache, 3 MB), which is Google's
libphonenumber without its maps of places, knows the numbering plans. Both have been kept for over ten years. They judge
candidates that are found here, because a sentence shows neither where a number ends nor what it is:

- `PhoneNumberMatcher` needs 1.5 s for a megabyte and one country, finds a number without country code only for the
  country that it is told, and stops after 65,535 numbers of another kind (findings/phonenumbers_gives_up.sh).
- presidio-analyzer 2.2.366 and scrubadub 2.0.1 look for phone numbers with that same matcher, and require spaCy and
  scikit-learn for names; here the metadata say who it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber
from stdnum import iban, luhn, numdb

from viewer.completions.folding import Span

from .hits import Hit

_RUN = re.compile(
    r"[+(\d](?<![A-Za-z0-9][+(\d])(?:(?<=\d)|(?<=[+(])[ (]{0,2}\d)(?:[ \t().\-/]{0,3}+\d)*+(?:(?=[A-Za-z])(?P<glued>))?"
)
_GROUP = re.compile(r"\d+")
_MIN_DIGITS, _MAX_DIGITS = 6, 17  # of a phone number
_MIN_WITH_AREA = 9  # digits, with the 0
_MAX_RUN = 200  # characters of numbers in a row that may be a phone number

_MIN_CARD, _MAX_CARD = 13, 19
_CARD = re.compile(
    r"(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:2(?:2[1-9]|[3-9]\d)|[3-6]\d\d|7(?:[01]\d|20))\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?|62\d{14,17}|35\d{14}"
    r"|(?:50|56|57|58|63|67)\d{14,17}|220[0-4]\d{12}|8[12]\d{14}|9792\d{12})"
)
_IBAN = re.compile(r"[A-Za-z]{2}[ .-]?\d\d(?:[ .+\n-]?[A-Za-z0-9]){11,36}")
# The check digits, after a country: "DE89", "DE 89"; and what follows.
_CHECK_DIGITS = re.compile(r"\d\d(?:(?<=[A-Za-z]{2}\d\d)|(?<=[A-Za-z]{2}[ .-]\d\d))(?=[ .+\n-]?[A-Za-z0-9])")

_DATE = re.compile(r"\d\d?/\d{4}(?!\d)|\d{4}([./-])\d\d?\1\d\d?(?!\d)|\d\d?([./-])\d\d?\2(?:\d{4}|\d\d)(?!\d)")
_GROUPS_OF_FOUR = re.compile(r"\d{4}(?:[ -]\d{4}){2,}+")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[ .-]\d{4}")
_NEXT_TO_PHONE = re.compile(
    r"\b(?:tel|telefon|telephone|phone|mobile|mobil|cell|fax|telefax|handy|whatsapp|rufnummer|telefonnummer"
    r"|handynummer|mobilnummer|phonenumber|festnetz|durchwahl|landline|msisdn|sms)"
    r"(?:[ _-]?(?:number|nummer|no|nr|is|ist))?"
    r"[\s\"'`:.=_#(]{0,5}\Z",
    re.IGNORECASE,
)
_ABOUT_PHONE = re.compile(
    r"tel\b|tele|phone|mobil|cell|\bcall|\bring\b|fax|whats|handy|\bruf|anruf|\bunter\b|erreich|\breach|dial|kontakt|contact"
    r"|festnetz|durchwahl|\bsms|\btext|wa\.me|landline|msisdn",
    re.IGNORECASE,
)
_IS_NUMBER = re.compile(r"\b(?:my|our|his|her|their|meine|unsere|seine|ihre) (?:number|nummer)\b", re.IGNORECASE)
_ABOUT_OTHER = re.compile(
    r"order|bestell|ticket|invoice|rechnung|tracking|sendung|paket|parcel|shipment|vorgang|kunde|customer|\bref|auftrag"
    r"|\bcase|\bfall\b|article|artikel|\bsku|serial|serien|isbn|\bean\b|gtin|booking|buchung|konto|account|policy|police"
    r"|vertrag|contract|version|receipt|beleg|meter|zähler|zahler|\bids?\b|_ids?\b|aktenz|charge|batch|part\b|model|modell"
    r"|\bblz|\bbic|steuer|\bvat|\bust|#|\bnr\.? ?\Z|\bno\.? ?\Z",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\[phone \d+\]")  # of a number that has been redacted, which says nothing of the next
_BEFORE = 40  # characters before a number that may say what it is
_REGIONS = ("DE", "GB", "US", "AT", "CH", "IE")  # where a number without a country code is looked for


def find_ibans(text: str) -> Iterator[Hit]:
    """Find bank accounts by their country's structure and their check digits."""
    for check in _CHECK_DIGITS.finditer(text):
        start = check.start() - (2 if text[check.start() - 1].isalpha() else 3)
        length = _iban_length(text[start : start + 2].upper())
        end = _end_of_iban(text, start, length) if length else 0
        if end and _begins_word(text, start) and _IBAN.match(text, start):
            value = "".join(filter(str.isalnum, text[start:end])).upper()
            if iban.is_valid(value, check_country=False):
                yield Hit(start, end, "iban", value)


def _begins_word(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start]
    return not (before[-1:].isascii() and before[-1:].isalnum()) or before.upper() == "IBAN"


def _end_of_iban(text: str, start: int, length: int) -> int:
    """Return where so many letters and digits end, 0 if more digits follow."""
    count = 0
    for position in range(start, min(len(text), start + 2 * length)):
        count += text[position].isalnum()
        if count == length:
            after = text[position + 1 : position + 2]
            return 0 if after.isdigit() else position + 1
    return 0


@lru_cache(700)
def _iban_length(country: str) -> int:
    """Return how many characters an IBAN of a country has, 0 if there are none."""
    bban = dict(numdb.get("iban").info(country)[0][1]).get("bban", "")
    return sum(map(int, re.findall(r"\d+", bban))) + 4 if bban else 0


def find_numbers(text: str, before: str = "", regions: tuple[str, ...] = ()) -> Iterator[Hit]:
    """Find cards and phone numbers; `before` says what the text is, such as the name of its field."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        if end - start < _MIN_DIGITS or (run["glued"] is not None and text[start] != "+"):
            continue
        for card in _cards(text, start, end):
            yield card
            if before_card := _GROUP.search(text, start, card.start):
                yield from _phones_in(text, (before_card.start(), card.start), before, regions)
            start = card.end
        yield from _phones_in(text, (start, end), before, regions)


def _phones_in(text: str, place: Span, before: str, regions: tuple[str, ...]) -> Iterator[Hit]:
    start, end = place
    if _MIN_DIGITS <= end - start <= _MAX_RUN:
        near = before + _LABEL.sub("", text[max(0, start - _BEFORE) : start]).rpartition("\n")[2]
        yield from _phones(text, (start, end), near, (*regions, *_REGIONS))


def _cards(text: str, start: int, end: int) -> Iterator[Hit]:
    """Find cards in a run of digits: groups that together have the right number of digits."""
    if end - start < _MIN_CARD:
        return
    groups = list(_GROUP.finditer(text, start, end))
    lengths = [group.end() - group.start() for group in groups]
    if len(groups) <= _MAX_CARD and max(lengths) == 1:
        yield from _card(text, groups[0].start(), groups[-1].end())
        return
    n = 0
    while n < len(groups):
        last = _last_group(text, groups, lengths, n) if lengths[n] >= 4 else -1
        if last >= 0:
            yield from _card(text, groups[n].start(), groups[last].end())
            n = last
        n += 1


def _last_group(text: str, groups: list[re.Match[str]], lengths: list[int], first: int) -> int:
    """Return the last of the groups that make a card, the longest one; -1 if they make none."""
    count, found = 0, -1
    for last in range(first, min(first + 6, len(groups))):
        count += lengths[last]
        if count > _MAX_CARD:
            break
        if count >= _MIN_CARD and any(_card(text, groups[first].start(), groups[last].end())):
            found = last
    return found


def _card(text: str, start: int, end: int) -> Iterator[Hit]:
    digits = digits_in(text[start:end])
    if _CARD.fullmatch(digits) and luhn.is_valid(digits):
        yield Hit(start, end, "card", digits)


def _phones(text: str, place: Span, near: str, regions: tuple[str, ...]) -> Iterator[Hit]:
    """Find numbers in a run of digits: all of it, or without the groups at its end; then in what is left of it."""
    start, end = place
    groups = list(_GROUP.finditer(text, start, end))
    is_next = bool(_NEXT_TO_PHONE.search(near))
    first = 0
    if not is_next and _GROUPS_OF_FOUR.fullmatch(text, start, end):
        return
    while first < len(groups):
        begin = start if first == 0 else groups[first].start()
        last = _end_of_phone(text, groups, first)
        for count in range(last, max(first, last - 4), -1):
            part = text[begin : groups[count - 1].end()]
            part = part.lstrip(" (") if part.count("(") > part.count(")") else part.lstrip()
            if value := _phone(part, near, is_next, regions):
                yield Hit(groups[count - 1].end() - len(part), groups[count - 1].end(), "phone", value)
                last = count
                break
        else:
            if not _begins_phone(groups, last) or groups[last].start() - groups[last - 1].end() < 2:
                return
        first = last


def _end_of_phone(text: str, groups: list[re.Match[str]], first: int) -> int:
    """Return before which group a number ends at the latest: where another one begins, or it has too many digits."""
    count = len(groups[first][0])
    for n in range(first + 1, len(groups)):
        between = text[groups[n - 1].end() : groups[n].start()]
        if count >= _MIN_DIGITS and _begins_phone(groups, n) and (len(between) > 1 or count > 9):
            return n
        count += len(groups[n][0])
        if count > _MAX_DIGITS:
            return n
    return len(groups)


def _begins_phone(groups: list[re.Match[str]], n: int) -> bool:
    """Whether a group of digits may be the area code of another number."""
    return n < len(groups) and groups[n][0][0] == "0" and len(groups[n][0]) > 2


def _phone(text: str, near: str, is_next: bool, regions: tuple[str, ...]) -> str:
    """Return a phone number in its international form; empty if the text is none."""
    digits = digits_in(text)
    if not _MIN_DIGITS <= len(digits) <= _MAX_DIGITS:
        return ""
    if text[0] == "+":
        return _international(f"+{digits}") or _international(re.sub(r"\(0\)", "", text))
    if digits.startswith("00") and (value := _international(f"+{digits[2:]}", only_valid=True)):
        return value if not _is_reference(near) else ""
    if is_next or "wa.me/" in near:
        return _without_plus(digits) or _national(text, regions) or digits
    if text.startswith("0.") or _DATE.match(text) or near[-1:] in ("-", "_", ",", "."):
        return ""
    is_about_phone = _is_about_phone(near)
    if not (digits[0] == "0" or _NORTH_AMERICAN.fullmatch(text) or is_about_phone) or _is_reference(near):
        return ""
    may_be_one = is_about_phone and digits[0] == "0" and len(digits) >= _MIN_WITH_AREA
    return _without_plus(digits) or _national(text, regions) or (digits if may_be_one else "")


def _without_plus(digits: str) -> str:
    """Read a number that has its country code, but no plus; ten digits are one of North America."""
    return _international(f"+{digits}", only_valid=True) if len(digits) > 10 and digits[0] != "0" else ""


@lru_cache(100)
def _is_about_phone(near: str) -> bool:
    return bool(_ABOUT_PHONE.search(near) or _IS_NUMBER.search(near))


@lru_cache(100)
def _is_reference(near: str) -> bool:
    """Whether the words before a number say that it is that of an order, a parcel or the like."""
    last = [found.start() for found in _ABOUT_OTHER.finditer(near)][-1:]
    return bool(last) and not _ABOUT_PHONE.search(near, last[0] + 1)


@lru_cache(20_000)
def _international(text: str, only_valid: bool = False) -> str:
    try:
        number = phonenumbers.parse(text, None)
    except NumberParseException:
        return ""
    is_right = phonenumbers.is_valid_number if only_valid else phonenumbers.is_possible_number
    return _written(number) if is_right(number) else ""


@lru_cache(20_000)
def _national(text: str, regions: tuple[str, ...]) -> str:
    for region in dict.fromkeys(regions):
        try:
            number = phonenumbers.parse(text, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number_for_region(number, region):
            return _written(number)
    return ""


def _written(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def digits_of(value: str) -> frozenset[str]:
    """Return how the digits of a phone number may be written: international, or as in its own country."""
    if not value.startswith("+"):
        return frozenset({value})
    number = phonenumbers.parse(value, None)
    own = phonenumbers.national_significant_number(number)
    return frozenset({value[1:], f"00{value[1:]}", f"0{own}", own})


def digits_in(text: str) -> str:
    """Return the digits of a text."""
    return "".join(_GROUP.findall(text))


def find_known(text: str, known: Mapping[str, str]) -> Iterator[Hit]:
    """Find phone numbers by their digits, also where nothing around them says what they are."""
    for run in _RUN.finditer(text):
        if len(run[0]) >= _MIN_DIGITS and (value := known.get(digits_in(run[0]))):
            yield Hit(run.end() - len(run[0].lstrip(" (")), run.end(), "phone", value)
