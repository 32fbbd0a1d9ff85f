"""SITE_URL: the URL that people use. It sets the scheme, host and port of every link, whatever a proxy says."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

_DEFAULT_PORTS = {"http": 80, "https": 443}


def read_site_url(text: str) -> SplitResult:
    """Parse the setting, and spell it as browsers spell an origin. Raises ImproperlyConfigured."""
    wrong = ImproperlyConfigured(f"SITE_URL is {text!r}; write the address people type, like https://lectern.example.")
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        host = _host(parts.hostname or "")
    except ValueError:
        raise wrong from None
    if parts.scheme not in _DEFAULT_PORTS or not host or parts.username is not None or parts.query or parts.fragment:
        raise wrong
    if parts.path.strip("/"):
        cause = f"SITE_URL is {text!r}, but Lectern cannot be served below a path."
        raise ImproperlyConfigured(f"{cause} Give it a host name of its own, like https://lectern.example.")
    suffix = f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else ""
    return SplitResult(parts.scheme, f"{host}{suffix}", "", "", "")


def _host(name: str) -> str:
    """Spell a host as the `Host` header does: lower case, ASCII, IPv6 addresses in brackets."""
    if ":" in name:
        return f"[{ipaddress.IPv6Address(name).compressed}]"
    host = name.rstrip(".").encode("idna").decode().lower() if name else ""
    if any(char.isspace() or char in "_,;*%@" for char in host):
        raise ValueError
    return host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host (without brackets)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
