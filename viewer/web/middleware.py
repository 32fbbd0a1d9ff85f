"""Middleware: the site's address, forms, streams, compression, privacy headers, time zone, what is kept."""

from __future__ import annotations

import threading
import zoneinfo
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, tzinfo
from functools import cache
from typing import cast
from urllib.parse import urlsplit

from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from viewer.deployment.kept import asking_once

from .client_address import network_of
from .compression import compress_around_part
from .error_pages import form_too_large, too_long, too_many_forms, too_many_streams, wrong_host

_MAX_PAGE_URL = 9_500  # characters of a page's URL; the sign-in page quotes it again, and Django accepts up to 16,384
_MAX_API_URL = 32_768  # characters of a URL under /v1, which may filter by many metadata pairs
_FORM_WAIT = 1.0  # seconds; a form usually arrives with its headers and is read in a millisecond
OF_PROGRAMS = ("/v1", "/otlp", "/opentelemetry.proto.")  # whose senders are no browsers
_READ_BY_VIEWS = "/uploads/"  # bodies that are large
_FOR_ANY_HOST = (*OF_PROGRAMS, "/health/", "/static/")
GetResponse = Callable[[HttpRequest], HttpResponse]


class AddressMiddleware:
    """Gives every request the scheme, host and port of SITE_URL, whatever the proxy in front sends.

    If SITE_URL is a loopback address, the request's own host and port stay. Health checks, what programs send, and
    static files accept any Host, because probes use an IP address and programs may use a container's name.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = _MAX_API_URL if request.path.startswith("/v1") else _MAX_PAGE_URL
        if len(request.path) + len(request.META["QUERY_STRING"]) > limit:
            return _localized(too_long, request)
        site = urlsplit(settings.SITE_URL)
        if request.path_info.startswith(_FOR_ANY_HOST):
            request.META["HTTP_HOST"] = site.netloc
        try:
            request.get_host()
        except DisallowedHost:
            return _localized(wrong_host, request)
        if settings.SITE_IS_PUBLIC:
            request.META |= {"HTTP_HOST": site.netloc, "wsgi.url_scheme": site.scheme}
        return self.get_response(request)


class FormMiddleware:
    """Reads the body of a form before the view: limited in size, and from few slow senders at a time.

    The server passes on a request once its headers are complete, and reading a slow body occupies a thread without a
    time limit (Granian's issue 728). That of an uploaded file is read by its view, for curators alone.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._senders: Counter[str] = Counter()
        self._changed = threading.Condition()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        if request.method != "POST" or request.path.startswith(_READ_BY_VIEWS) or not size:
            return self.get_response(request)
        if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return _localized(form_too_large, request)
        network = network_of(request)
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room_for(network), _FORM_WAIT):
                return _localized(too_many_forms, request)
            self._senders[network] += 1
        try:
            with suppress(UnreadablePostError):  # the sender has disconnected
                _ = request.body  # reads and keeps it
        finally:
            with self._changed:
                self._senders -= Counter([network])
                self._changed.notify_all()
        return self.get_response(request)

    def _has_room_for(self, network: str) -> bool:
        return self._senders.total() < settings.SENDERS and self._senders[network] < settings.SENDERS_OF_NETWORK


def _localized(view: GetResponse, request: HttpRequest) -> HttpResponse:
    with translation.override(translation.get_language_from_request(request)):  # no middleware has set a language yet
        return view(request)


_streams = threading.BoundedSemaphore(settings.STREAMS)  # of this process, for pages and programs together


class StreamsMiddleware:
    """Limits concurrent streamed responses: each occupies a thread until its reader has received it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.streaming:
            return response
        if not _streams.acquire(blocking=False):
            response.close()
            return too_many_streams(request)
        response._resource_closers.append(_streams.release)  # type: ignore[attr-defined]  # Django calls it once
        return response


class PageGZipMiddleware(GZipMiddleware):
    """Compresses pages."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        accepted = request.headers.get("Accept-Encoding", "")
        if "gzip" not in accepted or (compressed := compress_around_part(response)) is None:
            return super().process_response(request, response)
        response = cast(HttpResponse, response)
        response.content = compressed
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(compressed))
        patch_vary_headers(response, ["Accept-Encoding"])
        return response


class PageHeadersMiddleware:
    """Limits what a response may load, and keeps it out of shared caches.

    Not `no-store`: it would disable the browser's back/forward cache.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in headers_of_pages().items():
            response.headers.setdefault(name, value)
        return response


@cache
def headers_of_pages() -> dict[str, str]:
    """Return the headers of every response that has none of its own by these names.

    django-csp's middleware would write the same policy anew for each.
    """
    return {
        "Content-Security-Policy": build_policy(),
        "Cache-Control": "private, no-cache",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


class TimeZoneMiddleware:
    """Activates the time zone from a cookie that the reader's browser set (`static/js/time-zone.js`), else UTC."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone: tzinfo = UTC
        with suppress(ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            zone = zoneinfo.ZoneInfo(request.COOKIES.get("timezone", "UTC"))
        with timezone.override(zone):
            return self.get_response(request)


class KeptMiddleware:
    """Lets each request ask once whether what this process has kept was erased meanwhile (`deployment/kept.py`)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with asking_once():
            return self.get_response(request)
