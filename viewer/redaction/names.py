"""Finds names that are known, and words that somebody chose, in any case and with or without accents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations, product
from unicodedata import normalize

from viewer.completions.folding import fold

from .hits import Hit

_SEPARATORS = re.compile(r"[\s,;.()\"/_-]+")
_ADDRESS = re.compile(r"@.*", re.DOTALL)
_MAX_PARTS = 4  # of a name, to be joined
_MAX_NAME = 100  # characters; a longer value names nobody, but is a text
_ANYWHERE = 4  # letters of a chosen word that is also found inside other words
_ANY_CASE = 3  # letters of a part of a name that is also found in lower case
# Belong to no one in particular.
_NO_NAMES = frozenset(
    str.split("""
admin ag agent al and anonymous billing bin bot chat co com company contact corp customer da de del della den
der di dr du el email ev example familie for frau fur gmbh guest hello herr ibn ii iii inc info jr kg kontakt
kunde kundenservice la le llc ltd madam mail miss mr mrs ms net no none noreply null of office ohg order orders
org phd plc prof reply sales service shop sir sr support team test the ug und unknown user van vom von web zu
zum zur
""")
)
# Names that are words too: found only with a capital letter, and apart from the others, so that they can be kept.
_ALSO_WORDS = frozenset(
    str.split("""
amber angel april art august autumn bill bishop black blue bond brown bush case chance charity chase christian
cook court cross daisy dawn day dean don drew early english ernst eve faith field fisher ford forest frank
french friend fuchs gene glass glen gold good grace grant gray green grey gross guy hall hand hart heath heaven
hill holly hood hope house hunter iris ivy jack jade jan joy june jung kaiser kelly king klein knight koch kurz
lane lang light lily little long love major marina mark martini mason max may mercy merry miles mills misty moon
morgan neu north olive page park pat patience pearl penny porter price prince rain ray read reed rich richter
ring river rob robin rock rose rowan ruby rusty sage schmied schneider schwarz september sharp short silver skip
sky small sommer south star stark stein stone storm strong sue summer sun sunny terry trinity vogel wagner
walker ward waters weber weiss west white will wind winter wise wolf wood woods young zimmermann
""")
)


@dataclass(frozen=True, slots=True)
class _Literal:
    text: str  # folded
    kind: str
    value: str
    is_anywhere: bool = False
    needs_capital: bool = False


class Words:
    """The names and words that are known."""

    def __init__(self, names: Iterable[str] = (), own_words: Iterable[str] = ()) -> None:
        literals: dict[str, _Literal] = {}
        for word in own_words:
            for one in _of_word(word):
                literals.setdefault(one.text, one)
        for name in names:
            for one in _of_name(name):
                literals.setdefault(one.text, one)
        # Those that contain a shorter one are only looked for where that is: "janemueller" where "jane" is.
        self._literals: dict[str, list[_Literal]] = {}
        for one in sorted(literals.values(), key=lambda literal: len(literal.text)):
            core = next((core for core in self._literals if core in one.text), one.text)
            self._literals.setdefault(core, []).append(one)

    def find(self, text: str) -> Iterator[Hit]:
        """Find them in a reading, which has no accents but its own case."""
        low = text.lower()
        if len(low) != len(text):
            low = "".join(letter.lower()[:1] for letter in text)
        for literal in (one for core, group in self._literals.items() if core in low for one in group):
            start = low.find(literal.text)
            while start >= 0:
                end = start + len(literal.text)
                if _stands_alone(text, start, end, literal):
                    yield Hit(start, end, literal.kind, literal.value)
                start = low.find(literal.text, end)


def _of_word(word: str) -> Iterator[_Literal]:
    """Give what a chosen word looks like in a text; a space may be any white space."""
    if folded := " ".join(fold(word).split()):
        has_edges = len(folded) >= _ANYWHERE or not folded.isascii()
        for text in dict.fromkeys(
            (folded, folded.replace(" ", "\n"), folded.replace(" ", "+"), folded.replace(" ", "_"))
        ):
            yield _Literal(text, "word", word, is_anywhere=has_edges)


def _of_name(name: str) -> Iterator[_Literal]:
    folded = " ".join(fold(name).split())
    if len(folded) < 2 or folded in _NO_NAMES:
        return
    for text in _spellings(folded, name):
        yield _Literal(text, "name", name, is_anywhere=not text.isascii(), needs_capital=folded in _ALSO_WORDS)
    name_of = _ADDRESS.sub("", name)  # jane.mueller of jane.mueller@example.com
    if len(folded) > _MAX_NAME or any(map(str.isdigit, name_of)) or (name_of != name and "." not in name_of):
        return
    split = [part for part in _SEPARATORS.split(name_of) if part and fold(part) not in _NO_NAMES]
    parts = [part for part in split if _is_part(fold(part))]
    for part in parts:
        for text in _spellings(fold(part), part):
            is_word = text in _ALSO_WORDS
            is_short = text.isascii() and len(text) < _ANY_CASE
            yield _Literal(text, "name", part if is_word else name, not text.isascii(), is_word or is_short)
    for text in _joined([tuple(_spellings(fold(part), part)) for part in split[:_MAX_PARTS]]):
        yield _Literal(text, "name", name, is_anywhere=not text.isascii())


def _joined(parts: list[tuple[str, ...]]) -> Iterator[str]:
    """Give two parts of a name as people join them: annaschmidt, schmidtanna, aschmidt, annap, Anna Schmidt."""
    for n, m in permutations(range(len(parts)), 2):
        for first, second in product(parts[n], parts[m]):
            texts = [
                first + second,
                first[0] + second,
                *([] if second[0] == "s" else [first + second[0]]),
            ]  # annas is Anna's
            texts += [f"{first} {second}", f"{first[0]}. {second}"] if n < m else []
            yield from (text for text in texts if len(text) > _ANY_CASE + 1 or not text.isascii())


def _is_part(folded: str) -> bool:
    return len(folded) > 1 and folded not in _NO_NAMES and not folded.isdigit()


def _spellings(folded: str, written: str) -> Iterator[str]:
    """Give a name as it is and as German writes it without umlauts: Müller, Mueller."""
    yield folded
    umlauts = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})
    if "'" in folded:
        yield folded.replace("'", "")
    if (long := " ".join(fold(_composed(written).translate(umlauts)).split())) != folded:
        yield long
    short = folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    if short != folded and len(short) > 3:
        yield short


def _composed(text: str) -> str:
    return normalize("NFC", text)


def _stands_alone(text: str, start: int, end: int, literal: _Literal) -> bool:
    """Whether a match is a word, or the beginning of one in German or English: Anna's, Annas, annaSchmidt."""
    if literal.needs_capital and not (text[start].isupper() or not text[start].isascii()):
        before = text[max(0, start - 1) : start]
        if "@" not in text[end : end + 40].split(" ")[0] or before.isalnum():
            return False
    if literal.is_anywhere:
        return True
    if start and text[start - 1].isalpha() and not (text[start].isupper() and text[start - 1].islower()):
        return not text[start - 1].isascii() and text[start - 1].lower() == text[start - 1].upper()
    after = text[end : end + 4]
    for ending in ("", "s", "es", "ens", "n", "sche", "schen"):
        if text[end : end + len(ending)].lower() == ending:
            next_letter = text[end + len(ending) : end + len(ending) + 1]
            if not next_letter.isalpha() or (next_letter.isupper() and text[end - 1].islower()):
                return True
            if next_letter.lower() == next_letter.upper():  # of a script without case, which has no spaces
                return True
    return not after
