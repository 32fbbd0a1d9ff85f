"""Decides which image URLs may be requested, and under which name their host is looked up.

Allowed are http and https on ports 80 and 443, with a host name that has a dot or a public IP address, and no user.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

import requests
from django.utils.translation import gettext_lazy
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

_MAX_ADDRESS = 8_000
_PORTS = (None, 80, 443)
_HEADERS = {  # the same for every reader
    "User-Agent": "Lectern",
    "Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
_AMBIGUOUS = re.compile(r"[\x00-\x1f\x7f\\]")  # URL parsers disagree about these
# A host name with a dot, whose last label begins with a letter. Other names are in our own network (`localhost`,
# `redis`), or numbers that the system takes for an IP address (`2130706433`, `0x7f.1`, `0177.0.0.1`).
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # IANA, "IPv6 Global Unicast Address Assignments"

_REFUSED = gettext_lazy("This URL cannot be loaded. Only public hosts on the standard ports are allowed.")


class NotLoaded(Exception):
    """An image could not be loaded; `str` of it is a sentence for the reader."""

    is_refused = False


class Refused(NotLoaded):
    """The URL may not be requested."""

    is_refused = True

    def __init__(self) -> None:
        super().__init__(_REFUSED)


def host_of(url: str) -> str:
    """Return the host as it would be looked up (`xn--…`); empty if the URL may not be requested."""
    try:
        return urlsplit(request_for(url).url or "").hostname or ""
    except NotLoaded:
        return ""


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an IP address is public; an IPv6 address must be in the one block that IANA assigns for this.

    That excludes site-local, IPv4-compatible and translated addresses.
    """
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in EXTRA_BLOCKED_NET_RANGES):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def request_for(url: str) -> requests.PreparedRequest:
    """Prepare the request of a URL. Raise Refused if it may not be requested."""
    url = url.strip()
    if len(url) > _MAX_ADDRESS or _AMBIGUOUS.search(url):
        raise Refused
    try:
        original = urlsplit(url)
        if original.scheme not in ("http", "https") or "@" in original.netloc or original.port not in _PORTS:
            raise Refused
        # This encodes a name that is not ASCII with IDNA, and the adapter uses the result.
        request = requests.Request("GET", url, headers=_HEADERS).prepare()
        prepared = urlsplit(request.url or "")
        is_same = (prepared.scheme, "@" in prepared.netloc, prepared.port) == (original.scheme, False, original.port)
        if not is_same or not _is_host(prepared.hostname or ""):
            raise Refused
    except (ValueError, requests.RequestException):
        raise Refused from None
    return request


def _is_host(host: str) -> bool:
    """Whether a host is a name to look up, or a public IP address in its canonical form."""
    if _HOST.fullmatch(host):
        return True
    return "%" not in host and is_public(ipaddress.ip_address(host))
