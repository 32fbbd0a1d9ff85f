"""Where a request comes from, as far as the proxies in front can be trusted to say."""

from __future__ import annotations

import ipaddress
import logging
from functools import cache

from django.conf import settings
from django.http import HttpRequest

_log = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str:
    """Give the address of who asks: what the outermost trusted proxy saw, else the other end of the connection.

    Where the header has fewer addresses than there should be proxies, its first is the best there is. A header
    `X_Forwarded_For` passes for it: WSGI writes both names alike and Granian drops neither, so the proxy has to.
    """
    shown = request.headers.get("X-Forwarded-For", "")
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    addresses = [_parsed(part) for part in shown.split(",")] if shown and trusted else []
    if shown and not trusted:
        _warn_once("A request carries X-Forwarded-For and TRUSTED_PROXIES is 0: sign-in limits count the proxy as one.")
    elif shown and len(addresses) < trusted:
        _warn_once("X-Forwarded-For names fewer proxies than TRUSTED_PROXIES; check the setting.")
    named = addresses[-min(trusted, len(addresses))] if addresses else ""
    return named or _parsed(request.META.get("REMOTE_ADDR", ""))


def network_of(request: HttpRequest) -> str:
    """Give what one subscriber has: an IPv4 address, or the first half of an IPv6 one."""
    address = client_address(request)
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address


def _parsed(given: str) -> str:
    """Give an IP address as it is usually written, without a port; empty for anything else, such as `unknown`."""
    given = given.strip()
    for host in (given, given.rpartition(":")[0]):
        try:
            address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
        except ValueError:
            continue
        return str(getattr(address, "ipv4_mapped", None) or address)
    return ""


@cache
def _warn_once(sentence: str) -> None:
    _log.warning(sentence)
