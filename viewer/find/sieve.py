r"""Tells from the JSON of a message whether it may have a match, without reading it as a page does.

Reading a message takes fifty times as long as looking for a word in its JSON. What a page shows of a text has its
letters and digits in the same order, so a word that is not in the JSON is not on the page either, except that

- JSON has `\u00fc` for ü, once or several times over, and Markdown `&uuml;`: all forms are compared;
- letters are folded, and a word may have signs of Markdown within: all punctuation is left out;
- the address of a link is not shown, but may be within a word: it is compared with and without;
- a page encodes addresses, shows the code points of hidden characters, and says where an unknown field is: a word that
  could be of these does not count;
- thoughts between tags and markers of citations are taken out of a text: then the sieve lets the message through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from viewer.completions.folding import fold, fold_query
from viewer.completions.invisibles import has_hidden

_WORD = re.compile(r"[^\W_]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOWER = bytes(max(code, 0x20) for code in range(0x100)).lower()  # controls count as spaces
_PUNCTUATION = bytes(code for code in range(0x21, 0x80) if not chr(code).isalnum())
_MAX_ESCAPED = 5  # times that JSON is inside a text of JSON

_ENTITY = re.compile(r"&#?\w+;")
_DESTINATION = re.compile(r"\](?:\([^\s()]*\)|\[[^\[\]]*\])")  # of a link, or the name of one
_ENCODED = re.compile("[0-9a-f]{1,2}")  # at the beginning of a word: what `%C3` ends with
_CODE_POINT = re.compile("u|[0-9a-f]{1,6}")  # a word of `[U+202E]`
_WRITTEN_CODE_POINT = re.compile(r"\[[^\w\[]*+u[^\w\[]*+\+", re.IGNORECASE)  # find skips it, as it does a shown one
_OPENING_TAG = re.compile(  # but at the beginning of a text there is nothing to be joined
    r'(?<!")(?:[<◁]\|?(?:seed:)?(?:think|thought|reasoning|reflection|scratchpad|inner_|internal_|begin_)|\[THINK\])'
    r"|\|channel\|",
    re.IGNORECASE,
)

# What a page says of the place of an unknown field: `content[2].file.etag`, `annotations[0]: a string`.
_LIST = re.compile(r":\s*\[(?!\s*\])")
_PLACES = "content file audio text source tool calls function call true or false a string an object a list null number"


class Sieve:
    """Holds back messages that cannot have a match of some words."""

    def __init__(self, words: str) -> None:
        self._words = {word: word.encode() for word in _WORD.findall(fold_query(words))}

    def lets_through(self, source: str) -> bool:
        """Whether a message with this JSON may have a match. Words without a letter or digit hold nothing back."""
        if all(word in source for word in self._words):  # mostly so where many messages have them
            return True
        try:
            text = "\n".join(_forms(source))
        except ValueError:
            return True
        folded = text if text.isascii() else _NOT_ASCII.sub(lambda run: fold(run[0]), text)
        if "]" in folded and ("](" in folded or "][" in folded):
            folded += "\n" + (without_addresses := _DESTINATION.sub("]", folded))
            if "](" in without_addresses or "][" in without_addresses:
                return True
        letters = folded.encode("utf-8", "replace").translate(_LOWER, _PUNCTUATION)
        for word, encoded in self._words.items():
            if encoded not in letters and not _may_be_added(word, text, letters):
                return _may_be_joined(folded)
        return True


def _forms(source: str) -> Iterator[str]:
    """Yield JSON with its escapes and without them. Raise ValueError if they are none of JSON."""
    yield from _entities_too(source)
    for _ in range(_MAX_ESCAPED):
        if "\\u" not in source:
            return
        source = source.encode("raw_unicode_escape").decode("raw_unicode_escape").replace("\\\\", "\\")
        if _SURROGATE.search(source):
            source = source.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        yield from _entities_too(source)
    raise ValueError("escaped too often")


def _entities_too(text: str) -> Iterator[str]:
    yield text
    if "&" in text:
        yield _ENTITY.sub(lambda entity: unescape(entity[0]), text)


def _may_be_added(word: str, text: str, letters: bytes) -> bool:
    """Whether a page may show a word that is not in the text: of an address, a code point or the place of a field."""
    if _CODE_POINT.fullmatch(word) and has_hidden(text):
        return True
    if (
        (encoded := _ENCODED.match(word))
        and ("](" in text or "]:" in text)
        and word[encoded.end() :].encode() in letters
    ):
        return True
    is_of_place = word in _PLACES or (word.isdecimal() and int(word) <= text.count(","))
    return is_of_place and _LIST.search(text) is not None


def _may_be_joined(text: str) -> bool:
    """Whether a page may leave something out of a text, so that what is around it becomes one word."""
    return (
        "citation" in text
        or (("<" in text or "◁" in text or "[THINK]" in text) and _OPENING_TAG.search(text) is not None)
        or ("+" in text and _WRITTEN_CODE_POINT.search(text) is not None)
    )
