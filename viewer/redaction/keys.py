"""Finds what opens something: API keys, tokens, private keys, passwords.

Known kinds begin with words of their own, as their makers describe them. Any other is found by what stands before it:
`password:`, `Authorization: Bearer`, `client_secret=`. Plain randomness says nothing in a conversation, where orders,
sessions and files have random names too.

detect-secrets 1.5 (2024) is made for lines of code: it gives `ghp` for a token of GitHub and leaves the rest
(findings/detect_secrets_github_token.sh), knows neither `sk-proj-` nor `hf_` nor the keys of Google, and takes every
second word for random.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from .hits import Hit

# How a key begins, and what follows. The beginning is searched for as it is, which costs a millisecond per megabyte.
_KINDS = (
    ("sk-", r"[\w-]{16,}+"), ("sk_live_", r"\w{10,}+"), ("sk_test_", r"\w{10,}+"), ("rk_live_", r"\w{10,}+"),
    ("rk_test_", r"\w{10,}+"), ("pk_live_", r"\w{10,}+"), ("whsec_", r"[\w+/=]{16,}+"),
    ("ghp_", r"\w{30,}+"), ("gho_", r"\w{30,}+"), ("ghu_", r"\w{30,}+"), ("ghs_", r"\w{30,}+"), ("ghr_", r"\w{30,}+"),
    ("github_pat_", r"\w{22,}+"), ("glpat-", r"[\w-]{20,}+"), ("gldt-", r"[\w-]{20,}+"), ("glrt-", r"[\w-]{20,}+"),
    ("AKIA", r"[A-Z0-9]{16}(?!\w)"), ("ASIA", r"[A-Z0-9]{16}(?!\w)"),
    ("AIza", r"[\w-]{35}"), ("ya29.", r"[\w.-]{20,}+"),
    ("GOCSPX-", r"[\w-]{20,}+"), ("xoxa-", r"[\w-]{10,}+"), ("xoxb-", r"[\w-]{10,}+"), ("xoxe.", r"[\w.-]{10,}+"),
    ("xoxo-", r"[\w-]{10,}+"), ("xoxp-", r"[\w-]{10,}+"), ("xoxr-", r"[\w-]{10,}+"), ("xoxs-", r"[\w-]{10,}+"),
    ("xapp-", r"[\w-]{10,}+"), ("hf_", r"[A-Za-z0-9]{30,}+"), ("npm_", r"[A-Za-z0-9]{36}"), ("pypi-", r"[\w-]{50,}+"),
    ("SG.", r"[\w-]{16,}+\.[\w-]{16,}+"), ("gsk_", r"\w{20,}+"), ("xai-", r"[\w-]{20,}+"), ("pplx-", r"\w{20,}+"),
    ("r8_", r"\w{30,}+"), ("tvly-", r"[\w-]{16,}+"), ("dop_v1_", r"\w{32,}+"), ("shpat_", r"\w{30,}+"),
    ("shpss_", r"\w{30,}+"), ("lin_api_", r"\w{20,}+"), ("dapi", r"[0-9a-f]{32}"), ("key-", r"[0-9a-f]{32}"),
    ("EAA", r"[A-Za-z0-9]{60,}+"), ("eyJ", r"[\w-]{8,}+(?:\.[\w-]*+){2,4}"), ("sq0csp-", r"[\w-]{30,}+"),
    ("hooks.slack.com/services/", r"[\w/]{20,}+"), ("AccountKey=", r"[\w+/=]{20,}+"), ("vault:v1:", r"[\w+/=]{16,}+"),
    ("hvs.", r"[\w-]{24,}+"), ("ntn_", r"\w{30,}+"), ("secret_", r"[A-Za-z0-9]{40,}+"),
    ("AGE-SECRET-KEY-", r"[A-Z0-9]{40,}+"),
)  # fmt: skip
_PATTERNS = tuple(
    (prefix, re.compile(rf"{re.escape(prefix)}(?<![\w-]{re.escape(prefix)}){rest}")) for prefix, rest in _KINDS
)
_PEM = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]++|-(?!----END))*+(?:-----END [A-Z0-9 ]{0,60}PRIVATE KEY(?: BLOCK)?-----)?"
)
_TELEGRAM = re.compile(r":AA(?<=\d{8}:AA)[\w-]{30,40}+")
_IN_URL = re.compile(r"://(?P<user>[^\s/:@?#\"'<>]{0,200}+):(?P<password>[^\s/@?#\"'<>]{1,200}+)@")
_SCHEME = re.compile(r"(?:bearer|basic|token)\s{1,3}(?P<value>[a-z0-9._~+/=-]{16,}+)")  # in lower case
_BASIC = re.compile(
    r"authorization[\"']?\s{0,3}:\s{0,3}[\"']?\w{1,20}\s{1,3}(?P<value>[^\s\"'<>,;]{6,}+)", re.IGNORECASE
)

_WORDS = (
    "password|passwort|passwd|passphrase|passcode|pass|kennwort|pwd|secret|token|credentials?|signature|sig"
    "|api[ _-]?key|apikey|api[ _-]?token|access[ _-]?key|private[ _-]?key|pin|cvv|cvc|tan|otp|puk"
)
_SAID = re.compile(
    rf"(?P<word>{_WORDS})(?:[_-][a-z]{{1,12}})?(?![a-z])[\"'`]?[ \t]{{0,3}}"
    r"(?P<sign>=>?|:|\bis\b:?|\bist\b:?|\blautet\b:?|\bwas\b:?|\bwar\b:?)\s{0,3}"
    r"(?:[\"“„«'](?P<quoted>[^\"“”»'\n]{3,80}+)[\"“”»']|[\"'`“„«]?(?P<value>[^\s\"'`“”„«»<>]{3,200}+))"
)
# Digits that are used once, or that a card needs.
_CODE = re.compile(
    r"(?:pin(?<!\wpin)|tan(?<!\wtan)|puk(?<!\wpuk)|cv[vc](?<!\wcv[vc])|otp(?<!\wotp)"
    r"|(?:verification|confirmation|security|one-time|login|best(?:ä|a)tigungs|sicherheits|einmal|access|zugangs)"
    r"[ -]?(?:code|pin|password|passwort))"
    r"(?:[ -]?(?:code|number|nummer))?[\s:*`\"']{1,4}(?:(?:is|ist|lautet|was|war)[\s:*`\"']{1,4})?"
    r"(?P<value>\d{3,8})(?![\w.,]\d)"
)
_SECRET_FIELD = re.compile(
    rf"(?:[A-Za-z0-9]+[_-])*(?:{_WORDS}|authorization|bearer|auth)(?:[_-](?:hash|value|id|key))?"
    r"|\w*(?:password|passwort|secret|apikey|token)",
    re.IGNORECASE,
)
_NUMBER_WORDS = frozenset({"pin", "cvv", "cvc", "tan", "otp", "puk"})
_PASSWORD_WORDS = frozenset({"password", "passwort", "passwd", "passphrase", "passcode", "kennwort", "pwd"})
_NOTHING = ("null", "none", "true", "false", "undefined", "required", "optional", "string", "empty", "hidden")
_LABEL = re.compile(r"\[[a-z]{2,5}(?: \d+)?\]?")  # of something that has been redacted
_MIN_LENGTH = 8  # characters of a text with a key or with "PIN: 123"
_END = ".,;:)]}*\\"


def find_keys(text: str) -> Iterator[Hit]:
    """Find keys and passwords that can be told by themselves, or by the words before them."""
    if len(text) >= _MIN_LENGTH:
        yield from (hit for hit in (*_of_a_kind(text), *_said(text)) if not _LABEL.fullmatch(unquote(hit.value)))


def _of_a_kind(text: str) -> Iterator[Hit]:
    for prefix, pattern in _PATTERNS:
        if prefix in text:
            for found in pattern.finditer(text):
                if prefix not in ("sk-", "xai-", "gsk_") or any(map(str.isdigit, found[0])):
                    yield Hit(found.start(), found.end(), "key", found[0].rstrip("-_."))
    if "PRIVATE KEY" in text:
        for found in _PEM.finditer(text):
            yield Hit(found.start(), found.end(), "key", found[0])
    if ":AA" in text:
        for found in _TELEGRAM.finditer(text):
            start = found.start() - 8
            yield Hit(start, found.end(), "key", text[start : found.end()])
    if "://" in text and "@" in text:
        for found in _IN_URL.finditer(text):
            yield _hit(found, "password")


def _said(text: str) -> Iterator[Hit]:
    low = text.lower()
    if len(low) != len(text):  # İ, which folding has already replaced
        return
    for found in _SCHEME.finditer(low):
        value = text[found.start("value") : found.end("value")]
        if any(map(str.isdigit, value)) or value.endswith("="):
            yield Hit(found.start("value"), found.end("value"), "key", value)
    if "authorization" in low:
        for found in _BASIC.finditer(text):
            yield _hit(found, "value")
    for found in _CODE.finditer(low):
        yield _hit(found, "value")
    for found in _SAID.finditer(low):
        group = "value" if found["quoted"] is None else "quoted"
        start = found.start(group)
        value = text[start : found.end(group)].rstrip("" if group == "quoted" else _END)
        begins = not text[found.start() - 1 : found.start()].isalpha() or text[found.start()].isupper()
        if (begins or found["word"] in _PASSWORD_WORDS) and _is_secret(value, found["word"], group == "quoted"):
            yield Hit(start, start + len(value), "key", value.rstrip("!?"))


def _is_secret(value: str, word: str, is_quoted: bool) -> bool:
    """Whether a word after "password:" is one; `is required` is none, and neither is a number of tokens."""
    if value.lower().strip("<>[]{}*_-") in _NOTHING or not value.strip("*•x.…-_"):
        return False
    has_digit, has_space = any(map(str.isdigit, value)), any(map(str.isspace, value))
    if word in _NUMBER_WORDS:
        return value.isdigit() and 3 <= len(value) <= 10
    if word in _PASSWORD_WORDS:
        is_plain = value.replace(" ", "").isalpha()
        if is_quoted:
            return len(value) >= 4 and not (has_space and is_plain)
        return len(value) >= 4 and not (is_plain and (value.islower() or value.istitle()))
    if word == "pass":
        return len(value) >= 6 and has_digit and not value.isdigit()
    is_random = has_digit or (is_quoted and not value.isalpha())
    return len(value) >= 8 and is_random and not has_space and not value.isdigit()


def is_secret_field(name: str, value: str) -> bool:
    """Whether a field of JSON holds a secret, by its name: `"password": "sunshine"`."""
    if not name or not 3 <= len(value) <= 200 or any(map(str.isspace, value)) or not _SECRET_FIELD.fullmatch(name):
        return False
    words = [word for word in (*_NUMBER_WORDS, *_PASSWORD_WORDS) if word in name.lower()]
    return _is_secret(value, words[0] if words else "token", True)


def _hit(found: re.Match[str], name: str) -> Hit:
    return Hit(found.start(name), found.end(name), "key", found[name])
