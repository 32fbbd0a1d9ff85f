r"""Finds the characters of a text that are words, although Markdown would take them for marks.

Support desks write labels in brackets, paths, ranges and prices. CommonMark takes `[INTENT]: refund` for the definition
of a link and shows nothing, and takes a backslash out of `C:\dir\_old`. A character that is meant as itself is held by
a private-use letter that the text has not: Markdown reads it as one more letter wherever it stands, in code as well,
and `Held.release` puts the character back into the HTML. Each rule is a function, and says itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from html import unescape
from urllib.parse import quote, unquote

# Scripts that put no blanks between words: Thai, Lao, Myanmar, Khmer, kana, ideographs, Hangul.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
_WIDE_MARKS = "\u2018-\u201f\u2026\u3000-\u303f\ufe30-\ufe4f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_PRIVATE = re.compile("[\U000f0000-\U0010fffd]")
_LETTER = re.compile("[\U000f0000-\U0010fffd]|(?:%F[34](?:%[89AB][0-9A-F]){3})")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_LINE_START = r"^(?:[ \t>]|[-*+](?=[ \t])|(?!0\d)\d{1,9}[.)](?=[ \t]))*+"

_LINE_GOES_ON = r"\n(?![ \t>]*(?:\n|\Z|```|~~~))"  # a blank line and a fence end every formula
_IN_TEX = r"[^$`\\\n]|\\[^\n]"
_BETWEEN_DOLLARS = re.compile(
    rf"\$\$(?<![\\$]\$\$)(?:{_IN_TEX}|\\?{_LINE_GOES_ON})++\$\$"
    rf"|\$(?<![A-Za-z0-9\\$]\$)(?![\s$])(?P<inside>(?:{_IN_TEX})++)(?<!\s)\$(?![A-Za-z0-9$])"
)
_IN_BRACKETS = re.compile(
    rf"\\\((?<!\\\\\()(?:[^`\\\n]|\\[^()\n]|\\?{_LINE_GOES_ON})++\\\)"
    rf"|\\\[(?<!\\\\\[)(?P<inside>(?:[^`\\\n]|\\[^\[\]\n]|\\?{_LINE_GOES_ON})++)\\\](?!\()"
)
_SIGN_OF_TEX = re.compile(r"[\\^_{*]")
_SIGN_OF_DISPLAY = re.compile(r"[\\^={}+*<>\n]")
_PRICE = re.compile(r"\d[\d.,]*+\s++[^\W\d_]{2}")

_GAP = rf"\s{_WIDE_MARKS}"
_HAS_BACKSLASH = rf"[^{_GAP}\\]*+\\[^{_GAP}]*+"
_PATH_BEGINS = r"[\"'(\[*`|<]*+(?:[A-Za-z]:|%[\w()]++%|\\\\(?=[A-Za-z0-9]))"
_UNIT = re.compile(  # a word; of a path also those behind a blank: `C:\Program Files\_old`
    rf"(?<![^{_GAP}])(?:(?={_PATH_BEGINS}){_HAS_BACKSLASH}(?:(?<![,;.:!?)\"'`*]) {_HAS_BACKSLASH})*+|{_HAS_BACKSLASH})"
)
_PAIR = re.compile(r"\\(.?)")
_ESCAPABLE = "*_#[]$~><|-+!`&=%\\"  # the marks that are escaped because Markdown gives them a meaning
_NEVER_ESCAPED = frozenset(" /,;:{}?^")
_ORDINAL = re.compile(r"(?<![^ ])[*_#>]*+\d{1,9}(?=\\[.)](?:[ *]|\Z))")  # `1\. June`, which begins no list
_FOLLOWS_START = rf"(?<![^{_GAP}\"'(\[*`|<])"
_PATH = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z]:|%[\w()]++%|\$(?:env:)?[A-Za-z_]\w*+)\\"
    rf"|{_FOLLOWS_START}(?:~|\.\.?)\\"
    rf"|{_FOLLOWS_START}\\\\[A-Za-z0-9][\w.$-]++(?:\\|(?<=\w\w\w)(?!\w))"
)
_ASCII_WORD = re.compile("[A-Za-z0-9]")
_ENDS_DRAWING = re.compile(r"[\W_]\\\Z")
_CLOSING = re.compile(r"[*_~]++[.,;:!?)]*+\Z")

_BETWEEN = re.compile(r"\*(?<=[\w)\]]\*)\*?(?=[\w(\[])")  # a star first: a pattern is fast by its first letter
_WORD = rf"[^\W{_UNSPACED}]++"
_PRODUCT = re.compile(
    rf"(?:(?<=[)\]])\*|(?<![\w*])(?={_WORD}\*)){_WORD}(?:\*{_WORD})*+(?:\*(?=[(\[]))?(?![\w*])"
    r"|(?<=[)\]])\*(?=[(\[])"
)
_GLOB = re.compile(r"\*(?:(?<=/\*)\*?(?=/|\.\w)|\*/(?=\*))")
_POWER = re.compile(rf"(?<![\w*]){_WORD}(?:\*\*{_WORD})++(?![\w*])")
_DIGIT_AT_POWER = re.compile(r"\d\*\*|\*\*\d")
_DUNDER = re.compile(r"(?<![\w\\])__[a-z][a-z0-9]*+(?:_[a-z0-9]++)*+__(?!\w)")
_TILDES = re.compile(r"\\[\\~]|~++")
_MAY_BE_PADDED = re.compile(r"0(?<![^\s>]0)\d")
_PADDED = re.compile(rf"({_LINE_START}0\d{{1,8}})([.)])(?=\s)", re.MULTILINE)

_DEFINITION = re.compile(
    r"^ {0,3}\[(?P<label>(?:[^\[\]\\\n]|\\.)++)\]:"
    r"(?P<address>[ \t]*+<?(?:https?://|mailto:)[^\s<>]++)(?![^\n]*\n[ \t>]*[\"'(])|\]:",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBER_IN_BRACKETS = re.compile(r"\[(\^?\d{1,9})\]")
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9<])(?<!\]\()(?<!\]\(<)(?:https?://|www\.)"
    rf"(?:[!-;=-~]|[^\x00-\x7f{_WIDE_MARKS}{_UNSPACED}]|(?<=[/=_\-+.%#&?{_UNSPACED}])[{_UNSPACED}])++",
    re.IGNORECASE,
)
_WIDE = re.compile(f"[{_WIDE_MARKS}{_UNSPACED}]")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_FENCE = re.compile(rf"{_LINE_START}(?P<fence>`{{3,}}|~{{3,}})[ \t]*+(?P<info>[^\n]*)", re.MULTILINE)
_IN_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}  # as comrak writes them
_IN_ADDRESS = "!#$&'()*+,/:;=?@_~-."
_MARKDOWN_INFO = re.compile(r"(?:markdown|md|mdx)\b", re.IGNORECASE)


class Held:
    """The letters that stand in one text for characters, and for places in it that have a name."""

    def __init__(self, text: str, unread: Collection[str] = ()) -> None:
        self._unused = unused_letters(text)
        self._letters: dict[str, str] = {}
        self.unread = unread  # definitions that nothing refers to
        self.has_definitions = False

    def letter(self, held: str) -> str:
        """Give the letter of a character, or of a name that is longer than one."""
        if held not in self._letters:
            self._letters[held] = next(self._unused)
        return self._letters[held]

    def keep(self, text: str) -> str:
        """Hold every character of a text that could be a mark."""
        return _PUNCTUATION.sub(lambda mark: self.letter(mark[0]), text)

    def has(self, name: str) -> bool:
        return name in self._letters

    def lost(self, html: str) -> list[str]:
        """Name the places that Markdown has made nothing of."""
        found = {unquote(letter) for letter in _LETTER.findall(html)}
        return [name for name, letter in self._letters.items() if letter not in found]

    def release(self, html: str) -> str:
        """Put the characters back, in text as well as in addresses, and take out the letters of places."""
        if "%F" not in html and not any(letter in html for letter in self._letters.values()):
            return html
        characters = {letter: held if len(held) == 1 else "" for held, letter in self._letters.items()}

        def put_back(found: re.Match[str]) -> str:
            letter = unquote(found[0])
            if letter not in characters:
                return found[0]
            character = characters[letter]
            in_address = found[0] != letter
            return quote(character, safe=_IN_ADDRESS) if in_address else _IN_HTML.get(character, character)

        return _LETTER.sub(put_back, html)


def unused_letters(text: str) -> Iterator[str]:
    """Give private-use characters that the text has not, nor spells as entities, nor percent-encoded in an address."""
    taken = {*_PRIVATE.findall(text), *(_PRIVATE.findall(unescape(text)) if "&" in text else ())}
    upper = text.upper()
    encoded = "%F" in upper
    for code in range(0xF0000, 0x10FFFE):
        if (letter := chr(code)) in taken or (encoded and quote(letter) in upper) or code & 0xFFFE == 0xFFFE:
            continue
        yield letter


def _formulas_between_dollars(text: str, held: Held) -> str:
    """A formula is as written. Between single dollars it has a sign of TeX, and is no price."""

    def keep(found: re.Match[str]) -> str:
        inside = found["inside"]
        if inside is None:
            return _keep_formula(found, held)
        is_price = "**" in inside or ("\\" not in inside and _PRICE.match(inside))
        return found[0] if is_price or not _SIGN_OF_TEX.search(inside) else _keep_formula(found, held)

    return _BETWEEN_DOLLARS.sub(keep, text)


def _formulas_in_brackets(text: str, held: Held) -> str:
    r"""A formula is as written. `\[Name\]` is none, but brackets that are escaped."""

    def keep(found: re.Match[str]) -> str:
        inside = found["inside"]
        return _keep_formula(found, held) if inside is None or _SIGN_OF_DISPLAY.search(inside) else found[0]

    return _IN_BRACKETS.sub(keep, text)


def _keep_formula(found: re.Match[str], held: Held) -> str:
    """Hold a formula, but for the marks of a quote at the beginnings of its lines."""
    before = found.string[found.string.rfind("\n", 0, found.start()) + 1 : found.start()]
    line_start = r"(\n[ \t>]*)" if before.lstrip().startswith(">") else r"(\n)"
    pieces = [piece if piece[:1] == "\n" else held.keep(piece) for piece in re.split(line_start, found[0])]
    return held.letter("formula") + "".join(pieces) + held.letter("end of formula")


def _backslashes(text: str, held: Held) -> str:
    r"""A backslash before what is no mark is as written, and so are all in a word with one that cannot be an escape.

    Such words are paths, regular expressions and drawings. In any other a backslash before a mark is the escape that
    its writer meant: `5 \* 3`, `SDL\_Load`, `1\. June`.
    """
    return _UNIT.sub(lambda unit: _keep_backslashes(unit[0], held), text)


def _keep_backslashes(unit: str, held: Held) -> str:
    ordinals = {number.end() for number in _ORDINAL.finditer(unit)}
    is_path = bool(_PATH.search(unit))
    is_written = is_path or _is_written(unit, ordinals)
    link = unit.find("](") if "](" in unit else len(unit)  # escapes in its address are escapes

    def keep(pair: re.Match[str]) -> str:
        mark, at, after = pair[1], pair.start(), unit[pair.end() : pair.end() + 1]
        if mark and not _PUNCTUATION.match(mark):
            return pair[0]
        if is_written:
            is_live = mark in ("", "`") or (mark == "|" and is_path) or _is_closing(unit, pair.start(1))
            return held.letter("\\") + mark if is_live else held.keep(pair[0])
        if not mark:  # a line break, at the end of a line, unless it stands by itself
            return held.keep(pair[0]) if unit[at - 1 : at] in ("", " ") else pair[0]
        is_row = mark == "\\" and after in ("", " ", "[")  # of a matrix in TeX
        is_escape = (mark in _ESCAPABLE and not is_row) or at in ordinals or at > link
        return pair[0] if is_escape else held.keep(pair[0])

    return _PAIR.sub(keep, unit)


def _is_written(unit: str, ordinals: set[int]) -> bool:
    """Whether a word has a backslash that cannot be an escape, or looks like a drawing."""
    is_drawing = not _ASCII_WORD.search(unit) and ("/" in unit or _ENDS_DRAWING.search(unit))
    return (
        unit[0] == "^"
        or (bool(is_drawing) and "\\\\" not in unit)
        or any(
            mark.isalnum() or mark in _NEVER_ESCAPED or (mark == "." and pair.start() not in ordinals)
            for pair in _PAIR.finditer(unit)
            if (mark := pair[1])
        )
    )


def _is_closing(unit: str, at: int) -> bool:
    """Whether the marks from here on close the emphasis with which a word begins: `**C:\\dir\\**`."""
    closing = _CLOSING.match(unit, at)
    return closing is not None and unit.startswith(closing[0].rstrip(".,;:!?)"))


def _stars(text: str, held: Held) -> str:
    """Stars in one word multiply, name more than one gender or stand for files. Two are a power beside a digit."""

    def keep_power(found: re.Match[str]) -> str:
        is_power = found[0].count("**") % 2 or _DIGIT_AT_POWER.search(found[0])
        return held.keep(found[0]) if is_power else found[0]

    if "/" in text:
        text = _GLOB.sub(lambda found: held.keep(found[0]), text)
    if not _BETWEEN.search(text):
        return text
    text = _PRODUCT.sub(lambda found: held.keep(found[0]), text)
    return _POWER.sub(keep_power, text) if "**" in text else text


def _names(text: str, held: Held) -> str:
    """`__init__` is a name."""
    return _DUNDER.sub(lambda found: held.keep(found[0]), text)


def _tildes(text: str, held: Held) -> str:
    """One tilde is a tilde; two strike out."""
    return _TILDES.sub(lambda found: held.letter("~") if found[0] == "~" else found[0], text)


def _padded_numbers(text: str, held: Held) -> str:
    """No list counts `01.`, `02.`."""
    if not _MAY_BE_PADDED.search(text):
        return text
    return _PADDED.sub(lambda found: found[1] + held.letter(found[2]), text)


def _definitions(text: str, held: Held) -> str:
    """A definition leads to an address and is referred to; what else begins so is a label and its words.

    One in a list or a quote is shown too, for it would leave nothing there. `[1][2]` are two references where
    both are defined, not one that is called `1` and leads to the second.
    """
    labels: set[str] = set()

    def keep(found: re.Match[str]) -> str:
        name = f"definition at {found.start()}"
        if found["label"] is None or name in held.unread:
            return found[0].replace("]:", "]" + held.letter("label") + ":", 1)
        held.has_definitions = True
        labels.add(found["label"])
        return found[0] + held.letter(name)

    def bracket(found: re.Match[str]) -> str:
        if found[1] not in labels:
            return found[0]
        after = held.letter("label") if found.string.startswith("[", found.end()) else ""
        return f"[{held.letter('number')}{found[1]}{held.letter('end of number')}]{after}"

    text = _DEFINITION.sub(keep, text)
    return _NUMBER_IN_BRACKETS.sub(bracket, text) if labels else text


def _ends_of_addresses(text: str, held: Held) -> str:
    """A bare address ends at a mark of full width, and where a script without blanks goes on behind a word of it."""
    if text.isascii():
        return text

    def end(address: re.Match[str]) -> str:
        goes_on = _WIDE.match(text, address.end())
        return f"{address[0]} {held.letter('end of address')}" if goes_on else address[0]

    return _ADDRESS.sub(end, text)


def _breaks(text: str, held: Held) -> str:
    """`<br>` in a cell is a line break; anywhere else raw HTML is text."""
    return _BREAK.sub(lambda found: held.letter("break") + found[0], text) if "|" in text else text


def _inner_fences(text: str, held: Held) -> str:
    """In a block of Markdown a fence that names a language opens a block, and the next one without a name closes it."""
    opened: re.Match[str] | None = None
    is_inside = False
    waiting: list[int] = []
    inner: list[int] = []
    for line in _FENCE.finditer(text):
        fence, info = line["fence"], line["info"].strip()
        if fence[0] in info:  # code within a line
            continue
        if opened is None:
            opened, is_inside, waiting = line, False, []
        elif fence[0] == opened["fence"][0] and len(fence) >= len(opened["fence"]):
            if is_inside != bool(info) and (is_inside or _MARKDOWN_INFO.match(opened["info"])):
                is_inside = not is_inside
                waiting.append(line.start("fence"))
            elif not info:
                inner += waiting
                opened = None
    pieces, last = [], 0
    for at in inner:
        pieces += [text[last:at], held.letter(text[at])]
        last = at + 1
    return "".join([*pieces, text[last:]])


_RULES: tuple[tuple[str, Callable[[str, Held], str]], ...] = (
    ("$", _formulas_between_dollars),
    ("\\", _formulas_in_brackets),
    ("\\", _backslashes),
    ("*", _stars),
    ("__", _names),
    ("~", _tildes),
    ("0", _padded_numbers),
    ("]:", _definitions),
    (".", _ends_of_addresses),
    ("<", _breaks),
    ("```", _inner_fences),
)


def hold(text: str, unread: Collection[str] = ()) -> tuple[str, Held]:
    """Hold what is words in a text; `unread` names the definitions that nothing refers to."""
    held = Held(text, unread)
    for sign, rule in _RULES:
        if sign in text:
            text = rule(text, held)
    return text, held
