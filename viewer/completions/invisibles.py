"""Replaces invisible and bidirectional control characters by their code points, so that no text looks like another.

`invoice_<U+202E>gpj.exe` reads as `invoice_exe.jpg`; zero-width and tag characters carry text that a model reads and a
person does not see (docs/threats.md#text-that-deceives). Characters that writing needs stay: the joiners of Persian,
Hindi and emoji families, and the tags of a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# U+2028 and U+2029 break lines where nobody typed a line break; the last line shows as nothing or as a space.
_HIDDEN = (
    "\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f"
    "\ufff9-\ufffb\ufffe\uffff\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
)
_JOINING = "\u0600-\u07bf\u0840-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ua840-\ua87f\ufb50-\ufdff\ufe70-\ufefc"
_IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"

_CONTROLS = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"} | {0x7F: 0x2421}
_ANY_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ANY_HIDDEN = re.compile(f"[{_HIDDEN}]")
_NEEDED = rf"""(?:
      (?<=[{_JOINING}][\u200c\u200d])
    | (?:(?<=[{_EMOJI}]\u200d)|(?<=[{_EMOJI}]\ufe0f\u200d))(?=[{_EMOJI}])
    | (?<=[^\s\ufe00-\ufe0f][\ufe00-\ufe0f])
    | (?<=[{_IDEOGRAPHS}][\U000e0100-\U000e01ef])
    | (?<=\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a])
      [\U000e0030-\U000e0039\U000e0061-\U000e007a]{{2,5}}\U000e007f
    )"""  # after a hidden character
# The hidden character comes first, so that the pattern skips all others at once, in a fifth of the time.
_NEEDED_OR_HIDDEN = re.compile(
    rf"[{_HIDDEN}](?:(?P<needed>{_NEEDED})|(?:(?![{_HIDDEN}]{_NEEDED})[{_HIDDEN}]){{0,999}}+)", re.VERBOSE
)
_PIECE = 500_000  # characters
# A text can be cut before these: whether a hidden character is needed never depends on what is beyond them.
_CUT = re.compile(f"[^{_EMOJI}\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e01ef]")


class _CodePoints(dict[int, str]):
    def __missing__(self, code: int) -> str:
        self[code] = f"[U+{code:04X}]"
        return self[code]


_CODE_POINTS = _CodePoints()


def escape_invisible(text: str) -> str:
    """Replace hidden characters: controls by symbols (`␛`), others by `[U+202E]`. Works on HTML too."""
    text = show_controls(text)
    return _NEEDED_OR_HIDDEN.sub(_escape, text) if has_hidden(text) else text


def has_hidden(text: str) -> bool:
    """Whether a text has hidden characters, some of which a page may show by their code points."""
    return not text.isascii() and _ANY_HIDDEN.search(text) is not None


def escaped_pieces(text: str) -> Iterator[str]:
    """Escape a text piece by piece, because escapes are eight times as long as the characters that they replace."""
    start = 0
    while start < len(text):
        cut = _CUT.search(text, start + _PIECE, start + 2 * _PIECE)
        end = cut.start() if cut else start + 2 * _PIECE
        yield escape_invisible(text[start:end])
        start = end


def show_controls(text: str) -> str:
    """Replace control characters except tab and line breaks by symbols, one for one, so that positions stay."""
    if text.isprintable():  # which takes a tenth of the time, and most lines are
        return text
    return text.translate(_CONTROLS) if _ANY_CONTROL.search(text) else text


def _escape(match: re.Match[str]) -> str:
    return match[0] if match["needed"] is not None else match[0].translate(_CODE_POINTS)
