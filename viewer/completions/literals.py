r"""Finds characters that Markdown would take for syntax although the writer meant them literally, and protects them.

Support desks write labels in brackets, paths, ranges and prices. CommonMark takes `[INTENT]: refund` for a link
definition and shows nothing, and removes a backslash from `C:\dir\_old`. A literal character is replaced by a
placeholder, a private-use character that the text does not contain: Markdown takes it for a letter everywhere, in code
too, and `Placeholders.restore` puts the character back into the HTML. Each rule is a function; its docstring states it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from html import unescape
from urllib.parse import quote, unquote

# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, kana, ideographs, Hangul.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
_WIDE_MARKS = "\u2018-\u201f\u2026\u3000-\u303f\ufe30-\ufe4f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_PRIVATE = re.compile("[\U000f0000-\U0010fffd]")
_PLACEHOLDER = re.compile("[\U000f0000-\U0010fffd]|(?:%F[34](?:%[89AB][0-9A-F]){3})")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_LINE_START = r"^(?:[ \t>]|[-*+](?=[ \t])|(?!0\d)\d{1,9}[.)](?=[ \t]))*+"

_LINE_BREAK = r"\n(?![ \t>]*(?:\n|\Z|```|~~~))"  # a blank line and a fence end every formula
_IN_TEX = r"[^$`\\\n]|\\[^\n]"
_BETWEEN_DOLLARS = re.compile(
    rf"\$\$(?<![\\$]\$\$)(?:{_IN_TEX}|\\?{_LINE_BREAK})++\$\$"
    rf"|\$(?<![A-Za-z0-9\\$]\$)(?![\s$])(?P<inside>(?:{_IN_TEX})++)(?<!\s)\$(?![A-Za-z0-9$])"
)
_IN_BRACKETS = re.compile(
    rf"\\\((?<!\\\\\()(?:[^`\\\n]|\\[^()\n]|\\?{_LINE_BREAK})++\\\)"
    rf"|\\\[(?<!\\\\\[)(?P<inside>(?:[^`\\\n]|\\[^\[\]\n]|\\?{_LINE_BREAK})++)\\\](?!\()"
)
_SIGN_OF_TEX = re.compile(r"[\\^_{*]")
_SIGN_OF_DISPLAY = re.compile(r"[\\^={}+*<>\n]")
_PRICE = re.compile(r"\d[\d.,]*+\s++[^\W\d_]{2}")

_GAP = rf"\s{_WIDE_MARKS}"
_HAS_BACKSLASH = rf"[^{_GAP}\\]*+\\[^{_GAP}]*+"
_PATH_BEGINS = r"[\"'(\[*`|<]*+(?:[A-Za-z]:|%[\w()]++%|\\\\(?=[A-Za-z0-9]))"
_BACKSLASH_WORD = re.compile(  # a word with a backslash; a path may contain spaces: `C:\Program Files\_old`
    rf"(?<![^{_GAP}])(?:(?={_PATH_BEGINS}){_HAS_BACKSLASH}(?:(?<![,;.:!?)\"'`*]) {_HAS_BACKSLASH})*+|{_HAS_BACKSLASH})"
)
_PAIR = re.compile(r"\\(.?)")
_ESCAPABLE = "*_#[]$~><|-+!`&=%\\"  # the marks that are escaped because Markdown gives them a meaning
_NEVER_ESCAPED = frozenset(" /,;:{}?^")
_ORDINAL = re.compile(r"(?<![^ ])[*_#>]*+\d{1,9}(?=\\[.)](?:[ *]|\Z))")  # `1\. June`, which does not begin a list
_FOLLOWS_START = rf"(?<![^{_GAP}\"'(\[*`|<])"
_PATH = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z]:|%[\w()]++%|\$(?:env:)?[A-Za-z_]\w*+)\\"
    rf"|{_FOLLOWS_START}(?:~|\.\.?)\\"
    rf"|{_FOLLOWS_START}\\\\[A-Za-z0-9][\w.$-]++(?:\\|(?<=\w\w\w)(?!\w))"
)
_ASCII_WORD = re.compile("[A-Za-z0-9]")
_ENDS_DRAWING = re.compile(r"[\W_]\\\Z")
_CLOSING = re.compile(r"[*_~]++[.,;:!?)]*+\Z")

_BETWEEN = re.compile(
    r"\*(?<=[\w)\]]\*)\*?(?=[\w(\[])"
)  # starts with the star: a pattern is fast if it starts with a literal
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
_HAS_PADDED = re.compile(r"0(?<![^\s>]0)\d")
_PADDED = re.compile(rf"({_LINE_START}0\d{{1,8}})([.)])(?=\s)", re.MULTILINE)

_DEFINITION = re.compile(
    r"^ {0,3}\[(?P<label>(?:[^\[\]\\\n]|\\.)++)\]:"
    r"(?P<address>[ \t]*+<?(?:https?://|mailto:)[^\s<>]++)(?![^\n]*\n[ \t>]*[\"'(])|\]:",
    re.MULTILINE | re.IGNORECASE,
)
_NUMBER_IN_BRACKETS = re.compile(r"\[(\^?\d{1,9})\]")
_BARE_URL = re.compile(
    r"(?<![A-Za-z0-9<])(?<!\]\()(?<!\]\(<)(?:https?://|www\.)"
    rf"(?:[!-;=-~]|[^\x00-\x7f{_WIDE_MARKS}{_UNSPACED}]|(?<=[/=_\-+.%#&?{_UNSPACED}])[{_UNSPACED}])++",
    re.IGNORECASE,
)
_WIDE = re.compile(f"[{_WIDE_MARKS}{_UNSPACED}]")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_FENCE = re.compile(rf"{_LINE_START}(?P<fence>`{{3,}}|~{{3,}})[ \t]*+(?P<info>[^\n]*)", re.MULTILINE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}  # as comrak writes them
_URL_SAFE = "!#$&'()*+,/:;=?@_~-."
_MARKDOWN_INFO = re.compile(r"(?:markdown|md|mdx)\b", re.IGNORECASE)


class Placeholders:
    """The placeholders of one text: each stands for a character, or marks a named position."""

    def __init__(self, text: str, unused: Collection[str] = ()) -> None:
        self._free = unused_characters(text)
        self._placeholders: dict[str, str] = {}
        self.unused = unused  # link definitions that nothing refers to
        self.is_in_ascii = text.isascii()  # not counting placeholders
        self.has_definitions = False

    def of(self, original: str) -> str:
        """Return the placeholder for a character, or for a name, which is longer than one character."""
        if original not in self._placeholders:
            self._placeholders[original] = next(self._free)
        return self._placeholders[original]

    def protect(self, text: str) -> str:
        """Replace every character that Markdown could take for syntax."""
        return _PUNCTUATION.sub(lambda mark: self.of(mark[0]), text)

    def has(self, name: str) -> bool:
        return name in self._placeholders

    def missing_from(self, html: str) -> list[str]:
        """List the originals whose placeholders Markdown left out of the HTML."""
        present = {unquote(placeholder) for placeholder in _PLACEHOLDER.findall(html)}
        return [original for original, placeholder in self._placeholders.items() if placeholder not in present]

    def restore(self, html: str) -> str:
        """Put the characters back, in text and in URLs, and remove the placeholders of named positions."""
        if "%F" not in html and not any(placeholder in html for placeholder in self._placeholders.values()):
            return html
        characters = {
            placeholder: original if len(original) == 1 else "" for original, placeholder in self._placeholders.items()
        }

        def put_back(match: re.Match[str]) -> str:
            placeholder = unquote(match[0])
            if placeholder not in characters:
                return match[0]
            character = characters[placeholder]
            is_in_url = match[0] != placeholder
            return quote(character, safe=_URL_SAFE) if is_in_url else _ENTITIES.get(character, character)

        return _PLACEHOLDER.sub(put_back, html)


def unused_characters(text: str) -> Iterator[str]:
    """Yield private-use characters that the text does not contain, not even as entities or percent-encoded in URLs."""
    taken = set() if text.isascii() else set(_PRIVATE.findall(text))
    if "&" in text:
        taken.update(_PRIVATE.findall(unescape(text)))
    upper = text.upper()
    encoded = "%F" in upper
    for code in range(0xF0000, 0x10FFFE):
        if (character := chr(code)) in taken or (encoded and quote(character) in upper) or code & 0xFFFE == 0xFFFE:
            continue
        yield character


def _formulas_between_dollars(text: str, placeholders: Placeholders) -> str:
    """A formula is literal. Between single dollars it must contain a TeX character, and must not be a price."""

    def protect(match: re.Match[str]) -> str:
        inside = match["inside"]
        if inside is None:
            return _protect_formula(match, placeholders)
        is_price = "**" in inside or ("\\" not in inside and _PRICE.match(inside))
        return match[0] if is_price or not _SIGN_OF_TEX.search(inside) else _protect_formula(match, placeholders)

    return _BETWEEN_DOLLARS.sub(protect, text)


def _formulas_in_brackets(text: str, placeholders: Placeholders) -> str:
    r"""A formula is literal. `\[Name\]` is not one: its brackets are escaped."""

    def protect(match: re.Match[str]) -> str:
        inside = match["inside"]
        return _protect_formula(match, placeholders) if inside is None or _SIGN_OF_DISPLAY.search(inside) else match[0]

    return _IN_BRACKETS.sub(protect, text)


def _protect_formula(match: re.Match[str], placeholders: Placeholders) -> str:
    """Protect a formula, except for the quote marks at the beginnings of its lines."""
    before = match.string[match.string.rfind("\n", 0, match.start()) + 1 : match.start()]
    line_start = r"(\n[ \t>]*)" if before.lstrip().startswith(">") else r"(\n)"
    pieces = [piece if piece[:1] == "\n" else placeholders.protect(piece) for piece in re.split(line_start, match[0])]
    return placeholders.of("formula") + "".join(pieces) + placeholders.of("end of formula")


def _backslashes(text: str, placeholders: Placeholders) -> str:
    r"""A backslash is literal where it escapes nothing, and everywhere in a word with one that cannot be an escape.

    Such words are paths, regular expressions and drawings. In any other word, a backslash before punctuation is the
    escape that its writer meant: `5 \* 3`, `SDL\_Load`, `1\. June`.
    """
    return _BACKSLASH_WORD.sub(lambda word: _protect_backslashes(word[0], placeholders), text)


def _protect_backslashes(word: str, placeholders: Placeholders) -> str:
    ordinals = {number.end() for number in _ORDINAL.finditer(word)}
    is_path = bool(_PATH.search(word))
    is_literal = is_path or _is_literal(word, ordinals)
    link = word.find("](") if "](" in word else len(word)  # escapes in its URL are meant as escapes

    def protect(pair: re.Match[str]) -> str:
        mark, position, following = pair[1], pair.start(), word[pair.end() : pair.end() + 1]
        if mark and not _PUNCTUATION.match(mark):
            return pair[0]
        if is_literal:
            is_syntax = mark in ("", "`") or (mark == "|" and is_path) or _is_closing(word, pair.start(1))
            return placeholders.of("\\") + mark if is_syntax else placeholders.protect(pair[0])
        if not mark:  # a line break at the end of a line, unless it is a word of its own
            return placeholders.protect(pair[0]) if word[position - 1 : position] in ("", " ") else pair[0]
        is_row = mark == "\\" and following in ("", " ", "[")  # of a matrix in TeX
        is_escape = (mark in _ESCAPABLE and not is_row) or position in ordinals or position > link
        return pair[0] if is_escape else placeholders.protect(pair[0])

    return _PAIR.sub(protect, word)


def _is_literal(word: str, ordinals: set[int]) -> bool:
    """Whether a word has a backslash that cannot be an escape, or looks like a drawing."""
    is_drawing = not _ASCII_WORD.search(word) and ("/" in word or _ENDS_DRAWING.search(word))
    return (
        word[0] == "^"
        or (bool(is_drawing) and "\\\\" not in word)
        or any(
            mark.isalnum() or mark in _NEVER_ESCAPED or (mark == "." and pair.start() not in ordinals)
            for pair in _PAIR.finditer(word)
            if (mark := pair[1])
        )
    )


def _is_closing(word: str, position: int) -> bool:
    """Whether the marks at a position close the emphasis that begins the word: `**C:\\dir\\**`."""
    closing = _CLOSING.match(word, position)
    return closing is not None and word.startswith(closing[0].rstrip(".,;:!?)"))


def _stars(text: str, placeholders: Placeholders) -> str:
    """Stars inside a word are literal: products, gender forms, globs. Two are a power if they are next to a digit."""

    def protect_power(match: re.Match[str]) -> str:
        is_power = match[0].count("**") % 2 or _DIGIT_AT_POWER.search(match[0])
        return placeholders.protect(match[0]) if is_power else match[0]

    if "/" in text:
        text = _GLOB.sub(lambda match: placeholders.protect(match[0]), text)
    if not _BETWEEN.search(text):
        return text
    text = _PRODUCT.sub(lambda match: placeholders.protect(match[0]), text)
    return _POWER.sub(protect_power, text) if "**" in text else text


def _names(text: str, placeholders: Placeholders) -> str:
    """`__init__` is a name."""
    return _DUNDER.sub(lambda match: placeholders.protect(match[0]), text)


def _tildes(text: str, placeholders: Placeholders) -> str:
    """A single tilde is literal; two strike out."""
    return _TILDES.sub(lambda match: placeholders.of("~") if match[0] == "~" else match[0], text)


def _padded_numbers(text: str, placeholders: Placeholders) -> str:
    """`01.`, `02.` do not number a list."""
    if not _HAS_PADDED.search(text):
        return text
    return _PADDED.sub(lambda match: match[1] + placeholders.of(match[2]), text)


def _definitions(text: str, placeholders: Placeholders) -> str:
    """A link definition has a URL, and something refers to it; anything else of this form is a label with a text.

    A definition in a list or a quote is shown too, because nothing else would be left there. `[1][2]` are two
    references if both are defined, not one with the label `1` that leads to the second.
    """
    labels: set[str] = set()

    def protect(match: re.Match[str]) -> str:
        name = f"definition at {match.start()}"
        if match["label"] is None or name in placeholders.unused:
            return match[0].replace("]:", "]" + placeholders.of("label") + ":", 1)
        placeholders.has_definitions = True
        labels.add(match["label"])
        return match[0] + placeholders.of(name)

    def bracket(match: re.Match[str]) -> str:
        if match[1] not in labels:
            return match[0]
        following = placeholders.of("label") if match.string.startswith("[", match.end()) else ""
        return f"[{placeholders.of('number')}{match[1]}{placeholders.of('end of number')}]{following}"

    text = _DEFINITION.sub(protect, text)
    return _NUMBER_IN_BRACKETS.sub(bracket, text) if labels else text


def _ends_of_urls(text: str, placeholders: Placeholders) -> str:
    """A bare URL ends before full-width punctuation, and where text in a script without spaces follows it."""
    if placeholders.is_in_ascii:
        return text

    def end(url: re.Match[str]) -> str:
        has_text_after = _WIDE.match(text, url.end())
        return f"{url[0]} {placeholders.of('end of url')}" if has_text_after else url[0]

    return _BARE_URL.sub(end, text)


def _breaks(text: str, placeholders: Placeholders) -> str:
    """`<br>` in a table cell is a line break; anywhere else raw HTML is text."""
    return _BREAK.sub(lambda match: placeholders.of("break") + match[0], text) if "|" in text else text


def _inner_fences(text: str, placeholders: Placeholders) -> str:
    """In a block of Markdown, a fence with a language opens an inner block, and the next one without closes it."""
    lowered = text.lower()
    if "markdown" not in lowered and "md" not in lowered:  # to look is a tenth of the work
        return text
    opened: re.Match[str] | None = None
    is_inside = False
    waiting: list[int] = []
    inner: list[int] = []
    for line in _FENCE.finditer(text):
        fence, info = line["fence"], line["info"].strip()
        if fence[0] in info:  # inline code
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
    for position in inner:
        pieces += [text[last:position], placeholders.of(text[position])]
        last = position + 1
    return "".join([*pieces, text[last:]])


_RULES: tuple[tuple[str, Callable[[str, Placeholders], str]], ...] = (
    ("$", _formulas_between_dollars),
    ("\\", _formulas_in_brackets),
    ("\\", _backslashes),
    ("*", _stars),
    ("__", _names),
    ("~", _tildes),
    ("0", _padded_numbers),
    ("]:", _definitions),
    (".", _ends_of_urls),
    ("<", _breaks),
    ("```", _inner_fences),
)


def protect_literals(text: str, unused: Collection[str] = ()) -> tuple[str, Placeholders]:
    """Replace the literal characters of a text by placeholders; `unused` names definitions that nothing refers to."""
    placeholders = Placeholders(text, unused)
    for sign, rule in _RULES:
        if sign in text:
            text = rule(text, placeholders)
    return text, placeholders
