"""Finds e-mail and IP addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from string import hexdigits

from .hits import Hit

_LOCAL = r"[A-Za-z0-9.+_'!#$^{|}~-]"
_OTHER = r"[^\W\x00-\x7f]"  # letters of other scripts; a text without spaces may continue them with ours
_DOMAIN = rf"(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*+)|{_OTHER}++)\.(?=\w))++(?:[A-Za-z][A-Za-z0-9-]++|{_OTHER}{{2,}}+)"
# What an escape leaves in front where it is not read: the `20` of `%20jane@`, the `n` of `\njane@`.
_EMAIL = re.compile(
    rf"(?<!{_LOCAL})(?:(?:(?<=%)[0-9A-Fa-f]{{2}}|(?<=\\)[nrt])?+(?P<local>{_LOCAL}++)"
    rf"|(?P<quoted>\"[^\"\s@]{{1,64}}+\")|(?P<other>(?<!{_OTHER}){_OTHER}(?:{_OTHER}|[.-])*+))"
    rf"@(?P<domain>{_DOMAIN}|\[[0-9A-Fa-f:.]{{3,45}}\])"
)
# The ends of names such as icon@2x.png.
_FILE_TYPES = tuple(
    f".{one}" for one in ("avif", "gif", "heic", "jpeg", "jpg", "js", "json", "pdf", "png", "svg", "webp")
)
_SCALE = re.compile(r"\d+(?:\.\d+)?x\b")  # of a picture for a finer screen
_EDGES = ".'!#$^{|}~-+"

_BEFORE_PASSWORD = re.compile(r"://[^\s/@]{0,200}:\Z")  # which is found as a key

_IPV4 = re.compile(r"\d(?<![\w.]\d)\d{0,2}+(?:\.\d{1,3}+){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"[0-9A-Fa-f:]{3,39}+(?:\.\d{1,3}+){0,3}+(?![\w:])")
_TWO_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}+:")
_OF_VERSION = re.compile(
    r"(?:\bv|[A-Za-z]/|==|>=|<=|~=|\b(?:version|firmware|release|build|rev|revision|chrome|section|chapter|abschnitt"
    r"|kapitel|ver|os|patch|update|client|driver|treiber|app)[.:]?[ -]v?|§ ?)\Z",
    re.IGNORECASE,
)


def find_emails(text: str) -> Iterator[Hit]:
    """Find e-mail addresses; a text without an at sign costs nothing."""
    if "@" not in text:
        return
    for found in _EMAIL.finditer(text):
        written = found["local"] or found["other"] or found["quoted"]
        is_emphasised = text[found.end() : found.end() + 1] == "_"  # _jane@example.com_
        local = written.lstrip(_EDGES + "_" * is_emphasised)
        start = found.start("domain") - 1 - len(local)
        domain = _without_file_type(found["domain"])
        if local and domain and not _is_account(text, start, found):
            yield Hit(start, found.start("domain") + len(domain), "email", f"{local}@{domain}".lower())


def _without_file_type(domain: str) -> str:
    """Return the domain that names a file too, as in `jane@example.org.pdf`; empty for `icon@2x.png`."""
    file_type = next((one for one in _FILE_TYPES if domain.lower().endswith(one)), "")
    rest = domain.removesuffix(domain[len(domain) - len(file_type) :]) if file_type else domain
    return rest if "." in rest and not _SCALE.match(rest) else ""


def _is_account(text: str, start: int, found: re.Match[str]) -> bool:
    """Whether this is the account of a repository, `git@host.example:team/code`, or a password in a URL."""
    is_git = text[start : start + 4] == "git@" and text[found.end() : found.end() + 1] in (":", "/")
    return is_git or _BEFORE_PASSWORD.search(text, max(0, start - 210), start) is not None


def find_ips(text: str) -> Iterator[Hit]:
    """Find IP addresses except those of no machine in particular; `1.2.3.4` after "version" is none."""
    if "." in text:
        for found in _IPV4.finditer(text):
            if not _OF_VERSION.search(text, max(0, found.start() - 12), found.start()):
                yield from _ip(found[0], found.start())
    end = 0
    for colons in _TWO_COLONS.finditer(text):
        start = colons.start()
        while start > end and colons.start() - start < 5 and (text[start - 1] in hexdigits or text[start - 1] == ":"):
            start -= 1
        address = _IPV6.match(text, start) if start >= end and not text[start - 1 : start].isalnum() else None
        if address:
            end = address.end()
            candidate = address[0].rstrip(".")
            candidate = candidate if candidate.endswith("::") else candidate.rstrip(":")
            if any(map(str.isdigit, candidate)):
                yield from _ip(candidate, start)


def _ip(text: str, start: int) -> Iterator[Hit]:
    try:
        address = ip_address(".".join(str(int(part)) for part in text.split(".")) if ":" not in text else text)
    except ValueError:
        return
    if not (address.is_loopback or address.is_unspecified or str(address).startswith("255.255.")):
        yield Hit(start, start + len(text), "ip", address.compressed)
