"""Fetches an image from a URL in a message, so that its host sees this server and never the reader.

The URL was written by a stranger, and requesting it must not reach our own network. Three independent checks:

- which URLs may be requested at all (`rendering/remote_hosts.py`);
- where the name resolves to: requests-hardened resolves it once, rejects private networks, and connects to the address
  that it checked, so that a second DNS response (DNS rebinding) is never used;
- a stricter check of that address: the library accepts some forms that are not public, and before 1.2.1 also shared
  and translated ranges (CVE-2026-42175).

What cannot be parsed is rejected; GitLab's asset proxy once let unparsable addresses pass (GitLab issue 419213). The
transport is used without a session: no cookies, no `.netrc`, no proxy from the environment, and no automatic redirects
(a session reads the whole body of a redirect, however long).
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

from viewer.client.deadlines import Deadline, DeadlineAdapter, enforce
from viewer.rendering import media
from viewer.rendering.remote_hosts import NotLoaded, Refused, is_public, request_for

_MAX_SECONDS = 10.0  # in real time, for DNS, redirects and the body together
_CONNECT_SECONDS = 3.0
_MAX_BYTES = 10_000_000  # decoded
_CHUNK = 65_536
_MAX_REDIRECTS = 3
_REDIRECT_STATUSES = {301, 302, 303, 307, 308}

_slots = threading.BoundedSemaphore(4)  # concurrent images; 16 threads serve
_lookups = ThreadPoolExecutor(8, thread_name_prefix="lookup")  # the system's DNS lookup has no deadline

_BUSY = gettext_lazy("Too many images are loading. Try again in a moment.")
_NO_RESPONSE = gettext_lazy("The host did not respond within %(seconds)d seconds, or cannot be reached.")
_TOO_LARGE = gettext_lazy("The image is larger than %(size)d MB.")
_NOT_AN_IMAGE = gettext_lazy("The host did not send an image that can be shown here (PNG, JPEG, GIF, WebP or AVIF).")
_TOO_MANY_REDIRECTS = gettext_lazy("Too many redirects.")


def fetch_image(url: str) -> bytes:
    """Fetch an image. Raises NotLoaded."""
    if not _slots.acquire(timeout=1.0):
        raise NotLoaded(_BUSY)
    try:
        return _follow(url, Deadline(_MAX_SECONDS))
    except InvalidIPAddress:
        raise Refused from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        raise NotLoaded(_NO_RESPONSE % {"seconds": _MAX_SECONDS}) from None
    finally:
        _slots.release()


class _PinningAdapter(IPFilterAdapter, DeadlineAdapter):  # type: ignore[misc]  # requests-hardened has no types
    """Connects to the one address that was checked, within a deadline that includes the lookup."""

    def __init__(self, scheme: str, deadline: Deadline) -> None:
        super().__init__(is_https_proto=scheme == "https")  # type: ignore[call-arg]
        self._deadline = deadline

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> Any:
        lookup = _lookups.submit(super().build_connection_pool_key_attributes, request, verify, cert)
        try:
            host, pool = lookup.result(timeout=self._deadline.left())
        finally:
            lookup.cancel()
        if not is_public(ipaddress.ip_address(host["host"].strip("[]"))):
            raise InvalidIPAddress(host["host"])
        return host, pool


def _follow(url: str, deadline: Deadline) -> bytes:
    for _ in range(_MAX_REDIRECTS + 1):
        request = request_for(url)
        requested_url = request.url or ""
        adapter = _PinningAdapter(urlsplit(requested_url).scheme, deadline)
        with closing(adapter), _send(adapter, request, deadline) as response:
            if response.status_code not in _REDIRECT_STATUSES:
                return _read_image(response, deadline)
            # Python reads headers as latin-1, and hosts write them in UTF-8.
            url = urljoin(requested_url, response.headers.get("Location", "").encode("latin-1").decode())
    raise NotLoaded(_TOO_MANY_REDIRECTS)


def _send(adapter: _PinningAdapter, request: requests.PreparedRequest, deadline: Deadline) -> requests.Response:
    left = deadline.left()
    with enforce(deadline):
        response: requests.Response = adapter.send(
            request, stream=True, timeout=(min(_CONNECT_SECONDS, left), left), proxies={}
        )
    return response


def _read_image(response: requests.Response, deadline: Deadline) -> bytes:
    """Read the decoded image in chunks, so that a slow or highly compressed one cannot exceed its limits."""
    if response.status_code != 200:
        raise NotLoaded(gettext("The host responded with status %(status)d.") % {"status": response.status_code})
    content = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        content += chunk
        if len(content) > _MAX_BYTES:
            raise NotLoaded(_TOO_LARGE % {"size": _MAX_BYTES // 1_000_000})
        deadline.left()
    if not media.detect_type(bytes(content[:64])).is_image:
        raise NotLoaded(_NOT_AN_IMAGE)
    return bytes(content)
