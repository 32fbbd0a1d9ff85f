"""Decides which servers may get an API key: parses `API_HOSTS`, and checks base URLs against its entries.

An entry is `host` (on the default port), `host:port`, or `.domain` for all its subdomains; with https only, except on
the loopback. `http://host` allows plain http, to a private address or a name that only a private network resolves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_DEFAULT_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*+)(\.[a-z0-9_-]++)*+")
_PRIVATE_ENDINGS = (".local", ".internal", ".lan", ".home.arpa", ".localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """The server of a URL: scheme, host in lower case (IPv6 compressed), port."""

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


def read_entries(text: str) -> list[str]:
    """Parse the value of `API_HOSTS`. Raises ValueError that names the invalid entry and the reason."""
    entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
    for entry in entries:
        _read_entry(entry)
    return entries


@lru_cache(maxsize=1_000)
def read_address(url: str) -> Address:
    """Parse the server of a URL. Raises ValueError if no key could be sent there."""
    if not all("!" <= character <= "~" for character in url):  # urlsplit silently drops line breaks
        raise ValueError("blanks, line breaks and letters beyond ASCII are in no address")
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
        raise ValueError("it is no address of a server")
    host = _host(parts.hostname)
    if not (_NAME.fullmatch(host.removesuffix(".")) or ":" in host):  # proxies differ on evil.com%2f.gw.example
        raise ValueError("no host has such a name")
    return Address(parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme])


def may_get_key(url: str, entries: Iterable[str]) -> bool:
    """Whether a key saved for a URL may be sent there under the current setting."""
    try:
        address = read_address(url)
    except ValueError:
        return False
    return is_allowed(address, entries) and (address.scheme == "https" or may_use_http(address, entries))


def is_allowed(address: Address, entries: Iterable[str]) -> bool:
    """Whether an entry allows keys to be sent to this server."""
    return any(_read_entry(entry).allows(address) for entry in entries)


def may_use_http(address: Address, entries: Iterable[str]) -> bool:
    """Whether a key may be sent to this host over plain http, on any port."""
    hosts = {parsed.host for entry in entries if "http" in (parsed := _read_entry(entry)).schemes}
    return address.host in _LOOPBACK | hosts


@cache
def _read_entry(entry: str) -> _Entry:
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


def _host(name: str) -> str:
    """Return a host in lower case, an IPv6 address compressed. Raises ValueError."""
    return str(IPv6Address(name)) if ":" in name else name.lower()


def _is_private(host: str) -> bool:
    """Whether a host can only be in a private network: by its address, or by a name that no registry assigns."""
    try:
        address = ip_address(host)
    except ValueError:
        return not host.startswith(".") and ("." not in host or host.endswith(_PRIVATE_ENDINGS))
    return address.is_private and not address.is_unspecified
