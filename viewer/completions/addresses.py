"""Web addresses of sources and links: which of them can be a link, and which are the same."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from .types import Citation

_MAX_URL = 8_000  # characters; no server accepts longer ones
_MAX_HOST = 253  # characters; the limit of DNS
_WEB_URL = re.compile(r"https?://[^\s/?#\\]", re.IGNORECASE)
_HOST = re.compile(r"[\w.:-]+", re.ASCII)


def web_address(url: str) -> str:
    """Quote an http(s) address as a URL; return an empty string for anything else, which must not become a link."""
    url = url.strip()
    if url[:4].lower() != "http":  # quoting a data URL of some megabytes takes time
        return ""
    url = quote(url, safe="%/:?#[]@!$&'()*+,;=-._~", errors="replace")
    return url if _WEB_URL.match(url) and host_of(url) else ""


def host_of(url: str) -> str:
    """Return the host as it is looked up, with xn-- if it is not ASCII; empty if a browser could read another one."""
    return _host_of(url) if len(url) <= _MAX_URL else ""  # longer ones are mostly data URLs


@lru_cache(500)  # a link, its source and its citation have the same URL
def _host_of(url: str) -> str:
    try:
        host = unquote(urlsplit(url).hostname or "")
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        return ""
    return host if len(host) <= _MAX_HOST and _HOST.fullmatch(host) else ""


def citation_key(cited: Citation) -> str:
    """Return a key that is the same for all citations of one source."""
    return without_campaign(web_address(cited.url)) or cited.url or cited.title


def without_campaign(url: str) -> str:
    """Remove `utm_…` parameters: OpenAI adds `utm_source=openai` in the text, but not always in the citation."""
    address, hash_, fragment = url.partition("#")
    path, mark, query = address.partition("?")
    kept = "&".join(part for part in query.split("&") if not part.lower().startswith("utm_"))
    return f"{path}{mark if kept else ''}{kept}{hash_}{fragment}"
