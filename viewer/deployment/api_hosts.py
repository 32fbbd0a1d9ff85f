"""Which addresses may get a key. Settings read the entries of `API_HOSTS` here, and forms judge addresses by them.

An entry is `host` (its default ports), `host:port`, or `.domain` for every host under it; over https alone, but on the
loopback. `http://host` allows plain http, to a private address or a name that only a private network knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_DEFAULT_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*+)(\.[a-z0-9_-]++)*+")
_PRIVATE_ENDINGS = (".local", ".internal", ".lan", ".home.arpa", ".localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a question would go: scheme, host in lower case (IPv6 in its short form), port."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class _Entry:
    schemes: frozenset[str]
    host: str
    port: int | None

    def allows(self, address: Address) -> bool:
        is_host = address.host.endswith(self.host) if self.host.startswith(".") else address.host == self.host
        is_port = address.port == (self.port or _DEFAULT_PORTS[address.scheme])
        return is_host and is_port and address.scheme in self.schemes


def read_entries(given: str) -> list[str]:
    """Take the value of `API_HOSTS` apart. Raises ValueError, with what is wrong with which entry."""
    entries = [entry.strip().lower() for entry in given.split(",") if entry.strip()]
    for entry in entries:
        _read(entry)
    return entries


def read_address(url: str) -> Address:
    """Read where an address leads. Raises ValueError where it leads nowhere that a key could be sent to."""
    if not all("!" <= character <= "~" for character in url):  # urlsplit drops line breaks without a word
        raise ValueError("blanks, line breaks and letters beyond ASCII are in no address")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
        raise ValueError("it is no address of a server")
    host = _host(parts.hostname)
    if not (_NAME.fullmatch(host.removesuffix(".")) or ":" in host):  # a proxy may read evil.com%2f.gw.example its way
        raise ValueError("no host has such a name")
    return Address(parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme])


def may_get_key(url: str, entries: Iterable[str]) -> bool:
    """Whether a key that was saved for an address may be sent there today."""
    try:
        address = read_address(url)
    except ValueError:
        return False
    return is_allowed(address, entries) and (address.scheme == "https" or may_be_plain(address, entries))


def is_allowed(address: Address, entries: Iterable[str]) -> bool:
    """Whether a key may be sent there."""
    return any(_read(entry).allows(address) for entry in entries)


def may_be_plain(address: Address, entries: Iterable[str]) -> bool:
    """Whether a key may be sent to this host over plain http, whatever the port."""
    named = {read.host for entry in entries if "http" in (read := _read(entry)).schemes}
    return address.host in _LOOPBACK | named


@cache
def _read(entry: str) -> _Entry:
    scheme, _, rest = entry.rpartition("://")
    if rest.count(":") > 1 and not rest.startswith("["):
        rest = f"[{rest}]"  # IPv6 without a port
    try:
        parts = urlsplit(f"//{rest}")
        host, port = _host((parts.hostname or "").removeprefix(".")), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    is_whole = parts.netloc == rest and not {"@", "%"} & set(rest) and not rest.endswith(":") and port != 0
    if scheme not in ("", *_DEFAULT_PORTS) or not is_whole or not (_NAME.fullmatch(host) or ":" in host):
        raise ValueError(f"{entry!r} is not understood")
    if rest.startswith("."):
        host = f".{host}"
    if scheme == "http" and not _is_private(host):
        raise ValueError(
            f"{entry!r} would send keys in the clear; only a private address or name may stand behind http://"
        )
    if scheme:
        return _Entry(frozenset({scheme}), host, port)
    return _Entry(frozenset(_DEFAULT_PORTS if host in _LOOPBACK else {"https"}), host, port)


def _host(given: str) -> str:
    """Give a host in lower case, and an IPv6 address in its short form. Raises ValueError."""
    return str(IPv6Address(given)) if ":" in given else given.lower()


def _is_private(host: str) -> bool:
    """Whether a host can only be one of a private network: by its address, or by a name that no registry gives out."""
    try:
        address = ip_address(host)
    except ValueError:
        return not host.startswith(".") and ("." not in host or host.endswith(_PRIVATE_ENDINGS))
    return address.is_private and not address.is_unspecified
