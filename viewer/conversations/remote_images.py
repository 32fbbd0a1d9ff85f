"""Fetches a picture that a message names by its address, so that its host sees this server and never the reader.

The address was written by a stranger, and asking it must not lead into our own network. Three walls, each alone:

- what may be asked: http and https on ports 80 and 443, a name with a dot or a plain address, no user in front;
- where the name leads: requests-hardened resolves it once, refuses inner networks, and connects to the very address it
  looked at, so that a second answer of a name server (DNS rebinding) is never asked for;
- a stricter look at that address: requests-hardened 1.3.0 on Python 3.11.7 lets `[::127.0.0.1]`, `[fec0::1]` and
  `[::ffff:0:127.0.0.1]` through (libraries.md); before 1.2.1 it let shared and translated ranges through
  (CVE-2026-42175), so what it allows is asked about once more here.

What cannot be read is refused; GitLab's asset proxy once let unparsable addresses pass (GitLab issue 419213). The
transport is used without a session: no cookies, no `.netrc`, no proxy of the environment, no redirect followed for us
(a session reads the body of a redirect to its end, however long).
"""

from __future__ import annotations

import ipaddress
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.utils.translation import gettext, gettext_lazy
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES, InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from viewer.client.deadlines import Deadline, DeadlineAdapter, running

from . import media

_SECONDS = 10.0  # in real time, for names, redirects and bytes together
_CONNECT_SECONDS = 3.0
_LARGEST = 10_000_000  # unpacked bytes
_CHUNK = 65_536
_REDIRECTS = 3
_REDIRECTING = {301, 302, 303, 307, 308}
_LONGEST_ADDRESS = 8_000
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

_turns = threading.BoundedSemaphore(4)  # pictures on their way at a time; the threads that serve are 16
_lookups = ThreadPoolExecutor(8, thread_name_prefix="lookup")  # the system's own lookup knows no deadline

_REFUSED = gettext_lazy("This address is not asked. Only public hosts are, by http or https on their usual ports.")
_BUSY = gettext_lazy("Several images are on their way already. Try again in a moment.")
_SILENT = gettext_lazy("The host does not answer, or not within %(seconds)d seconds.")
_TOO_LARGE = gettext_lazy("The image is larger than %(size)d MB.")
_NO_PICTURE = gettext_lazy("The host did not send an image that can be shown here (PNG, JPEG, GIF, WebP or AVIF).")
_WANDERING = gettext_lazy("The host sends on from one address to the next.")


class NotLoaded(Exception):
    """A picture that did not come; `str` of it is a sentence for the reader."""

    is_refused = False


class Refused(NotLoaded):
    """An address that is not asked, or not allowed to be."""

    is_refused = True

    def __init__(self) -> None:
        super().__init__(_REFUSED)


def fetch_image(url: str) -> bytes:
    """Fetch the picture at an address. Raises NotLoaded."""
    if not _turns.acquire(timeout=1.0):
        raise NotLoaded(_BUSY)
    try:
        return _follow(url, Deadline(_SECONDS))
    except InvalidIPAddress:
        raise Refused from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        raise NotLoaded(_SILENT % {"seconds": _SECONDS}) from None
    finally:
        _turns.release()


def host_of(url: str) -> str:
    """Name the host that would be asked, as it would be looked up (`xn--…`); empty where none would be."""
    try:
        return urlsplit(_request_for(url).url or "").hostname or ""
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


class _PinningAdapter(IPFilterAdapter, DeadlineAdapter):  # type: ignore[misc]  # requests-hardened has no types
    """Connects to the one address that was looked at, within a deadline that the lookup counts towards."""

    def __init__(self, scheme: str, deadline: Deadline) -> None:
        super().__init__(is_https_proto=scheme == "https")  # type: ignore[call-arg]
        self._deadline = deadline

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> Any:
        looked_up = _lookups.submit(super().build_connection_pool_key_attributes, request, verify, cert)
        try:
            host, pool = looked_up.result(timeout=self._deadline.left())
        finally:
            looked_up.cancel()
        if not is_public(ipaddress.ip_address(host["host"].strip("[]"))):
            raise InvalidIPAddress(host["host"])
        return host, pool


def _follow(url: str, deadline: Deadline) -> bytes:
    for _ in range(_REDIRECTS + 1):
        request = _request_for(url)
        asked = request.url or ""
        adapter = _PinningAdapter(urlsplit(asked).scheme, deadline)
        with closing(adapter), _ask(adapter, request, deadline) as response:
            if response.status_code not in _REDIRECTING:
                return _picture_in(response, deadline)
            # Python reads headers as latin-1, and hosts write them in UTF-8.
            url = urljoin(asked, response.headers.get("Location", "").encode("latin-1").decode())
    raise NotLoaded(_WANDERING)


def _ask(adapter: _PinningAdapter, request: requests.PreparedRequest, deadline: Deadline) -> requests.Response:
    left = deadline.left()
    with running(deadline):
        response: requests.Response = adapter.send(
            request, stream=True, timeout=(min(_CONNECT_SECONDS, left), left), proxies={}
        )
    return response


def _picture_in(response: requests.Response, deadline: Deadline) -> bytes:
    """Read a picture unpacked and piece by piece, so that neither a slow nor a packed-up one goes past its limit."""
    if response.status_code != 200:
        raise NotLoaded(gettext("The host answered with status %(status)d.") % {"status": response.status_code})
    content = bytearray()
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        content += piece
        if len(content) > _LARGEST:
            raise NotLoaded(_TOO_LARGE % {"size": _LARGEST // 1_000_000})
        deadline.left()
    if not media.kind_of(bytes(content[:64])).is_image:
        raise NotLoaded(_NO_PICTURE)
    return bytes(content)


def _request_for(url: str) -> requests.PreparedRequest:
    """Prepare the question, when the address is one that may be asked. Raises Refused."""
    url = url.strip()
    if len(url) > _LONGEST_ADDRESS or _UNFIT.search(url):
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
