"""The client address of a request, as far as the proxies in front can be trusted."""

from __future__ import annotations

import ipaddress
import logging
from functools import cache

from django.conf import settings
from django.http import HttpRequest

_log = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str:
    """Return the client's IP address: the one that the outermost trusted proxy saw, or else the peer's.

    If the header has fewer addresses than there are trusted proxies, its first is used. The proxy has to drop a header
    `X_Forwarded_For`: WSGI gives it the same name, and Granian does not drop it.
    """
    header = request.headers.get("X-Forwarded-For", "")
    trusted = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    addresses = [_parsed(part) for part in header.split(",")] if header and trusted else []
    if header and not trusted:
        _warn_once("A request carries X-Forwarded-For and TRUSTED_PROXIES is 0: sign-in limits count the proxy as one.")
    elif header and len(addresses) < trusted:
        _warn_once("X-Forwarded-For names fewer proxies than TRUSTED_PROXIES; check the setting.")
    forwarded = addresses[-min(trusted, len(addresses))] if addresses else ""
    return forwarded or _parsed(request.META.get("REMOTE_ADDR", ""))


def network_of(request: HttpRequest) -> str:
    """Return the network of one subscriber: an IPv4 address, or the first half of an IPv6 address."""
    address = client_address(request)
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address


def _parsed(text: str) -> str:
    """Return an IP address in its usual form, without a port; empty for anything else, such as `unknown`."""
    text = text.strip()
    for host in (text, text.rpartition(":")[0]):
        try:
            address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
        except ValueError:
            continue
        return str(getattr(address, "ipv4_mapped", None) or address)
    return ""


@cache
def _warn_once(sentence: str) -> None:
    _log.warning(sentence)
