"""Addresses of the web, as a source or a link names them: which are links, and which are the same."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from .types import Citation

_LONGEST_URL = 8_000  # characters; what is longer is no address that somebody serves
_LONGEST_HOST = 253  # characters; DNS knows no longer ones
_WEB = re.compile(r"https?://[^\s/?#\\]", re.IGNORECASE)
_HOST = re.compile(r"[\w.:-]+", re.ASCII)


def web_address(url: str) -> str:
    """Write an http(s) address in the characters of a URL; empty for everything else, so that it is no link."""
    url = url.strip()
    if url[:4].lower() != "http":  # to quote a picture of some megabytes takes time
        return ""
    url = quote(url, safe="%/:?#[]@!$&'()*+,;=-._~", errors="replace")
    return url if _WEB.match(url) and host_of(url) else ""


def host_of(url: str) -> str:
    """Name the host as it is dialled, xn-- where it is not ASCII; empty when a browser could read another one."""
    return _host_of(url) if len(url) <= _LONGEST_URL else ""  # a longer one is a data URL with a picture, mostly


@lru_cache(500)  # a link, its source and its citation ask for the same
def _host_of(url: str) -> str:
    try:
        host = unquote(urlsplit(url).hostname or "")
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        return ""
    return host if len(host) <= _LONGEST_HOST and _HOST.fullmatch(host) else ""


def key_of(cited: Citation) -> str:
    """Give what is the same of two citations of one source."""
    return without_campaign(web_address(cited.url)) or cited.url or cited.title


def without_campaign(url: str) -> str:
    """Leave out `utm_…` parameters: OpenAI adds `utm_source=openai` in the text, and not always in the citation."""
    address, hash_, fragment = url.partition("#")
    path, question, query = address.partition("?")
    kept = "&".join(part for part in query.split("&") if not part.lower().startswith("utm_"))
    return f"{path}{question if kept else ''}{kept}{hash_}{fragment}"
