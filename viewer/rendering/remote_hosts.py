"""Which URLs of pictures may be requested at all, and by what name their host is looked up.

http and https on ports 80 and 443, a name with a dot or a plain public address, and no user in front of it.
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
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]")  # read one way by one parser and another way by the next
# A host name with a dot whose last label begins with a letter: the others are names of our own network (`localhost`,
# `redis`), or numbers that the system takes for an address (`2130706433`, `0x7f.1`, `0177.0.0.1`).
_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # IANA, "IPv6 Global Unicast Address Assignments"

_REFUSED = gettext_lazy("This URL cannot be loaded. Only public hosts on the standard ports are allowed.")


class NotLoaded(Exception):
    """A picture that did not come; `str` of it is a sentence for the reader."""

    is_refused = False


class Refused(NotLoaded):
    """An address that may not be requested."""

    is_refused = True

    def __init__(self) -> None:
        super().__init__(_REFUSED)


def host_of(url: str) -> str:
    """Name the host of a request, as it would be looked up (`xn--…`); empty where there would be no request."""
    try:
        return urlsplit(request_for(url).url or "").hostname or ""
    except NotLoaded:
        return ""


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Say whether an address is one of the open internet; in version 6, one of the only block given out for it.

    That leaves out what is site-local, compatible with version 4 or translated to it.
    """
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    if any(address in network for network in EXTRA_BLOCKED_NET_RANGES):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def request_for(url: str) -> requests.PreparedRequest:
    """Prepare the request, when the address may be requested. Raises Refused."""
    url = url.strip()
    if len(url) > _MAX_ADDRESS or _UNFIT.search(url):
        raise Refused
    try:
        given = urlsplit(url)
        if given.scheme not in ("http", "https") or "@" in given.netloc or given.port not in _PORTS:
            raise Refused
        # This writes a name that is not ASCII as IDNA does, and the adapter reads what is written here.
        request = requests.Request("GET", url, headers=_HEADERS).prepare()
        asked = urlsplit(request.url or "")
        is_same = (asked.scheme, "@" in asked.netloc, asked.port) == (given.scheme, False, given.port)
        if not is_same or not _is_host(asked.hostname or ""):
            raise Refused
    except (ValueError, requests.RequestException):
        raise Refused from None
    return request


def _is_host(host: str) -> bool:
    """Say whether a host is a name to look up, or an address of the open internet in its one plain spelling."""
    if _NAME.fullmatch(host):
        return True
    return "%" not in host and is_public(ipaddress.ip_address(host))
