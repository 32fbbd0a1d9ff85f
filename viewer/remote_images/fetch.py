"""Fetches a picture that a message names by its address, so that its host sees this server and never the reader.

The URL was written by a stranger, and requesting it must not lead into our own network. Three walls, each alone:

- which URLs may be requested at all (`rendering/remote_hosts.py`);
- where the name leads: requests-hardened resolves it once, refuses private networks, and connects to the very address
  it checked, so that a second answer of a name server (DNS rebinding) is never used;
- a stricter check of that address: some forms that are not public pass the library's own, and before 1.2.1 shared and
  translated ranges did (CVE-2026-42175).

What cannot be read is refused; GitLab's asset proxy once let unparsable addresses pass (GitLab issue 419213). The
transport is used without a session: no cookies, no `.netrc`, no proxy of the environment, no redirect followed for us
(a session reads the body of a redirect to its end, however long).
"""

from __future__ import annotations

import ipaddress
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.utils.translation import gettext, gettext_lazy
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from viewer.client.deadlines import Deadline, DeadlineAdapter, running
from viewer.rendering import media
from viewer.rendering.remote_hosts import NotLoaded, Refused, is_public, request_for

_MAX_SECONDS = 10.0  # in real time, for names, redirects and bytes together
_CONNECT_SECONDS = 3.0
_MAX_BYTES = 10_000_000  # unpacked bytes
_CHUNK = 65_536
_REDIRECTS = 3
_REDIRECTING = {301, 302, 303, 307, 308}

_turns = threading.BoundedSemaphore(4)  # pictures on their way at a time; the threads that serve are 16
_lookups = ThreadPoolExecutor(8, thread_name_prefix="lookup")  # the system's own lookup knows no deadline

_BUSY = gettext_lazy("Too many images are loading. Try again in a moment.")
_SILENT = gettext_lazy("The host did not respond within %(seconds)d seconds, or cannot be reached.")
_TOO_LARGE = gettext_lazy("The image is larger than %(size)d MB.")
_NO_PICTURE = gettext_lazy("The host did not send an image that can be shown here (PNG, JPEG, GIF, WebP or AVIF).")
_WANDERING = gettext_lazy("Too many redirects.")


def fetch_image(url: str) -> bytes:
    """Fetch the picture at an address. Raises NotLoaded."""
    if not _turns.acquire(timeout=1.0):
        raise NotLoaded(_BUSY)
    try:
        return _follow(url, Deadline(_MAX_SECONDS))
    except InvalidIPAddress:
        raise Refused from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        raise NotLoaded(_SILENT % {"seconds": _MAX_SECONDS}) from None
    finally:
        _turns.release()


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
        request = request_for(url)
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
        raise NotLoaded(gettext("The host responded with status %(status)d.") % {"status": response.status_code})
    content = bytearray()
    while piece := response.raw.read1(_CHUNK, decode_content=True):
        content += piece
        if len(content) > _MAX_BYTES:
            raise NotLoaded(_TOO_LARGE % {"size": _MAX_BYTES // 1_000_000})
        deadline.left()
    if not media.kind_of(bytes(content[:64])).is_image:
        raise NotLoaded(_NO_PICTURE)
    return bytes(content)
