"""CUSTOMER_URL, TICKET_URL and METADATA_URLS: where a metadata value leads in other software, such as the help desk."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_VALUE = "{value}"


def read_url_pattern(name: str, text: str) -> str:
    """Parse one pattern, like https://help.example/tickets/{value}. Raises ImproperlyConfigured."""
    pattern = text.strip()
    try:
        parts = urlsplit(pattern)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and _VALUE not in parts.netloc
    except ValueError:
        is_usable = False
    if pattern and not (is_usable and _VALUE in pattern):
        raise ImproperlyConfigured(f"{name} is {text!r}; write a URL like https://help.example/tickets/{_VALUE}.")
    return pattern


def read_url_patterns(name: str, text: str) -> dict[str, str]:
    """Parse patterns by metadata key: KEY=URL, separated by white space. Raises ImproperlyConfigured."""
    patterns = {}
    for item in text.split():
        key, sign, pattern = item.partition("=")
        if not (key and sign):
            raise ImproperlyConfigured(f"{name} has {item!r}; write key=https://shop.example/orders/{_VALUE}.")
        patterns[key] = read_url_pattern(name, pattern)
    return patterns


def fill(pattern: str, value: str) -> str:
    """Return the URL for a value; empty if there is no pattern."""
    return pattern.replace(_VALUE, quote(value, safe=""))
