"""Highlights code in messages: keywords, strings, numbers and comments, with the class names of Pygments.

Pygments itself is too slow for text that an attacker writes: many of its lexers take quadratic time or worse (2.21,
measured on 4 kB: 3.4 s for `a` lines as C#, 0.9 s for empty lines as C or Java). Here every pattern is possessive and
matches to the end even if a string or comment is not closed, so each character is read once.

Code is escaped as a whole before it is looked at, so the patterns read `&lt;` for `<`: whatever they match, the only
tags in the result are the spans around it.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import NamedTuple

MAX_CODE = 20_000  # characters; longer code is shown without colours

_C_COMMENT = r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"
_HASH_COMMENT = r"(?<![\w$])(?<!&amp;)\#[^\n]*+"
_XML_COMMENT = r"&lt;!--(?:[^-]|-(?!-&gt;))*+(?:--&gt;)?"
_DOUBLE = r'"(?:[^"\\\n]|\\.)*+"?'
_SINGLE = r"'(?:[^'\\\n]|\\.)*+'?"
_BACKTICK = r"`(?:[^`\\]|\\[\s\S])*+`?"
_TRIPLE = r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:""")?' r"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*+(?:''')?"
_SQL_QUOTED = r"'(?:[^']|'')*+'?"
_WORD = r"[^\W\d]\w*+"
_PLAIN = r" \t\n()\[\]{},=*:!?|^~\\"  # with which no token begins
_KEY = r"(?<![\w.-])[\w.-]++(?=[ \t]*[:=])"  # only at the start of a run, or each character would scan the rest
_TAG = r"&lt;/?[A-Za-z][\w:.-]*+|/?&gt;"


class _Grammar(NamedTuple):
    comment: str
    string: str
    words: frozenset[str] = frozenset()
    key: str = ""
    ignores_case: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_C_WORDS = "break case continue default do else for goto if return switch while true false null"
_C = _words(
    f"{_C_WORDS} auto bool char class const constexpr delete double enum explicit extern float friend inline int long "
    "namespace new noexcept nullptr operator override private protected public register short signed sizeof static "
    "struct template this throw try catch typedef typename union unsigned using virtual void volatile"
)
_JAVA = _words(
    f"{_C_WORDS} abstract as async await boolean bool byte catch char class const data decimal double enum extends "
    "final finally float foreach fun get implements import in instanceof int interface internal is lateinit long "
    "namespace new object open out override package private protected public readonly record sealed set short static "
    "string super suspend synchronized this throw throws transient try using val var void volatile when where yield"
)
_JS = _words(
    f"{_C_WORDS} abstract any as async await boolean catch class const debugger declare delete enum export extends "
    "finally from function get implements import in instanceof interface keyof let namespace never new number of "
    "private protected public readonly set static string super this throw try type typeof undefined unknown var void "
    "with yield"
)
_PYTHON = _words(
    "False None True and as assert async await break case class continue def del elif else except finally for from "
    "global if import in is lambda match nonlocal not or pass raise return self try while with yield"
)
_SHELL = _words(
    "case do done echo elif else esac eval exec exit export fi for function if in local read return set shift source "
    "sudo then trap unset until while cd"
)
_SQL = _words(
    "add all alter and as asc begin between by case cast column commit constraint create cross default delete desc "
    "distinct drop else end exists explain false foreign from full group having if in index inner insert into is join "
    "key left like limit not null offset on or order outer over partition primary references returning right rollback "
    "select set table then transaction true union unique update using values view when where with"
)
_GO = _words(
    f"{_C_WORDS} bool byte chan const defer error fallthrough float64 func import int int64 interface iota map nil "
    "package range rune select string struct type uint var"
)
_RUST = _words(
    "as async await bool break char const continue crate dyn else enum extern f64 false fn for i32 i64 if impl in let "
    "loop match mod move mut pub ref return self Self static str String struct super trait true type u8 u32 u64 unsafe "
    "use usize where while"
)
_RUBY = _words(
    "alias and begin break case class def do else elsif end ensure false for if in module next nil not or raise redo "
    "require rescue retry return self super then true undef unless until when while yield"
)
_SWIFT = _words(
    f"{_C_WORDS} as async await class enum extension fallthrough final func guard import in init inout internal is let "
    "lazy nil open override private protocol public self Self static struct super throw throws try var where"
)
_PHP = _JS | _words("array echo elseif endforeach endif extends fn foreach global isset namespace require use")
_CONSTANTS = _words("true false null yes no on off")

_GRAMMARS = {
    "python py python3": _Grammar(_HASH_COMMENT, f"{_TRIPLE}|{_DOUBLE}|{_SINGLE}", _PYTHON),
    "javascript js jsx typescript ts tsx mjs": _Grammar(_C_COMMENT, f"{_DOUBLE}|{_SINGLE}|{_BACKTICK}", _JS),
    "json json5 jsonc jsonl": _Grammar(_C_COMMENT, _DOUBLE, _CONSTANTS, rf"{_DOUBLE}(?=[ \t]*:)"),
    "bash sh shell zsh console": _Grammar(_HASH_COMMENT, f"{_DOUBLE}|{_SINGLE}", _SHELL),
    "sql postgresql mysql sqlite": _Grammar(
        rf"--[^\n]*+|{_C_COMMENT}", f"{_SQL_QUOTED}|{_DOUBLE}", _SQL, ignores_case=True
    ),
    "c cpp c++ h hpp cc": _Grammar(_C_COMMENT, f"{_DOUBLE}|{_SINGLE}", _C),
    "java csharp cs c# kotlin kt scala dart": _Grammar(_C_COMMENT, f"{_TRIPLE}|{_DOUBLE}|{_SINGLE}", _JAVA),
    "go golang": _Grammar(_C_COMMENT, f"{_DOUBLE}|{_SINGLE}|{_BACKTICK}", _GO),
    "rust rs": _Grammar(_C_COMMENT, _DOUBLE, _RUST),
    "swift": _Grammar(_C_COMMENT, f"{_TRIPLE}|{_DOUBLE}", _SWIFT),
    "ruby rb": _Grammar(_HASH_COMMENT, f"{_DOUBLE}|{_SINGLE}", _RUBY),
    "php": _Grammar(f"{_C_COMMENT}|{_HASH_COMMENT}", f"{_DOUBLE}|{_SINGLE}", _PHP),
    "yaml yml": _Grammar(_HASH_COMMENT, f"{_DOUBLE}|{_SINGLE}", _CONSTANTS, _KEY),
    "toml ini env properties": _Grammar(_HASH_COMMENT + r"|^;[^\n]*+", f"{_DOUBLE}|{_SINGLE}", _CONSTANTS, _KEY),
    "css scss": _Grammar(_C_COMMENT, f"{_DOUBLE}|{_SINGLE}", key=r"@[\w-]++|(?<![\w-])[\w-]++(?=[ \t]*:)"),
    "html xml svg vue": _Grammar(_XML_COMMENT, _DOUBLE, key=_TAG),
    "diff patch": _Grammar(r"^-[^\n]*+|^@@[^\n]*+", r"^\+[^\n]*+"),
    "dockerfile docker": _Grammar(_HASH_COMMENT, f"{_DOUBLE}|{_SINGLE}", key=r"^[A-Z]++(?=\s)"),
}
_BY_NAME = {name: grammar for names, grammar in _GRAMMARS.items() for name in names.split()}


def colour(code: str, language: str) -> str:
    """Return code as HTML with `<span class="k|s|m|c">` around its tokens; code in an unknown language stays plain."""
    escaped = escape(code, quote=False)
    grammar = _BY_NAME.get(language.lower())
    if grammar is None or len(code) > MAX_CODE:
        return escaped

    def wrap(found: re.Match[str]) -> str:
        kind = found.lastgroup
        if kind == "plain" or kind is None:
            return found[0]
        return f'{found["plain"]}<span class="{kind[0]}">{found[kind]}</span>'  # k for a keyword

    return _pattern(grammar).sub(wrap, escaped)


@cache
def _pattern(grammar: _Grammar) -> re.Pattern[str]:
    """Build a pattern of a token and all that is plain before it, so that Python has few matches to look at."""
    keyword = rf"(?:{'|'.join(sorted(grammar.words)) or '(?!)'})\b"
    keyword = f"(?i:{keyword})" if grammar.ignores_case else keyword
    plain = rf"[{_PLAIN}]++" if grammar.key else rf"[{_PLAIN}]++|(?!{keyword}){_WORD}"  # a word may be a key
    tokens = {"c": grammar.comment, "k": grammar.key, "s": grammar.string, "m": r"\b\d[\w.]*+", "keyword": keyword}
    named = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in tokens.items() if pattern)
    return re.compile(rf"(?P<plain>(?:{plain})*+)(?:{named}|{_WORD}|[\s\S]|\Z)", re.MULTILINE)
