"""What every answer carries: headers that keep pages private, the reader's language and time zone."""

from __future__ import annotations

import threading
import zoneinfo
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, tzinfo
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation

from .client_address import network_of
from .error_pages import form_too_large, too_long, too_many_forms, too_many_streams, wrong_host

_LONGEST_ADDRESS = 9_500  # characters of a page's; quoted once more to sign in, Django takes up to 16,384
_LONGEST_QUESTION = 32_768  # characters of a program's, which may filter by many pairs of metadata
_A_MOMENT = 1.0  # seconds; a form usually comes with its head, and is read in a thousandth of that
_FOR_ANY_HOST = ("/health/", "/v1", "/static/")
GetResponse = Callable[[HttpRequest], HttpResponse]


class AddressMiddleware:
    """Gives every request the scheme, host and port of SITE_URL, whatever the proxy in front passes on.

    Where only this machine is served (SITE_URL is a loopback address), the request's own name and port stay.
    Probes ask by address, and programs by the name of a container: no page comes of it, so any Host may.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        longest = _LONGEST_QUESTION if request.path.startswith("/v1") else _LONGEST_ADDRESS
        if len(request.path) + len(request.META["QUERY_STRING"]) > longest:
            return _told(too_long, request)
        site = urlsplit(settings.SITE_URL)
        if request.path_info.startswith(_FOR_ANY_HOST):
            request.META["HTTP_HOST"] = site.netloc
        try:
            request.get_host()
        except DisallowedHost:
            return _told(wrong_host, request)
        if settings.SITE_IS_PUBLIC:
            request.META |= {"HTTP_HOST": site.netloc, "wsgi.url_scheme": site.scheme}
        return self.get_response(request)


class FormMiddleware:
    """Takes in what a form sends, before a view does: little, and from few slow senders at a time.

    The server hands on a request of which only the head has come, and reading the rest holds a thread for as long as
    the sender likes; nothing ends that (Granian's issue 728). Nobody reads what a program sends to `/v1`.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._senders: Counter[str] = Counter()
        self._changed = threading.Condition()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        if request.method != "POST" or request.path.startswith("/v1") or not size:
            return self.get_response(request)
        if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return _told(form_too_large, request)
        network = network_of(request)
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_turn_for(network), _A_MOMENT):
                return _told(too_many_forms, request)
            self._senders[network] += 1
        try:
            with suppress(UnreadablePostError):  # who sends it has gone
                _ = request.body  # which keeps it
        finally:
            with self._changed:
                self._senders -= Counter([network])
                self._changed.notify_all()
        return self.get_response(request)

    def _has_turn_for(self, network: str) -> bool:
        return self._senders.total() < settings.SENDERS and self._senders[network] < settings.SENDERS_OF_NETWORK


def _told(tell: GetResponse, request: HttpRequest) -> HttpResponse:
    with translation.override(translation.get_language_from_request(request)):  # nothing has chosen one yet
        return tell(request)


class StreamsMiddleware:
    """Lets so many answers be streamed at a time, and no more: each holds a thread until its reader has taken it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.turns = threading.BoundedSemaphore(settings.STREAMS)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.streaming:
            return response
        if not self.turns.acquire(blocking=False):
            response.close()
            return too_many_streams(request)
        response._resource_closers.append(self.turns.release)  # type: ignore[attr-defined]  # Django calls it once
        return response


class PageGZipMiddleware(GZipMiddleware):
    """Compresses pages. What the API answers goes out as it came: its body is not ours to repack."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path.startswith("/v1"):
            return response
        return super().process_response(request, response)


class PageHeadersMiddleware:
    """Keeps answers out of shared caches. Not `no-store`: it would take the way back from the reader (bfcache)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class LanguageMiddleware(LocaleMiddleware):
    """Speaks the language that the reader chose, else the browser's. The API speaks English alone."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path.startswith("/v1"):
            translation.activate(settings.LANGUAGE_CODE)  # else this thread goes on in the last reader's language
        else:
            super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        return response if request.path.startswith("/v1") else super().process_response(request, response)


class TimeZoneMiddleware:
    """Shows times in the zone that the reader's browser named in a cookie (`static/js/time-zone.js`); else in UTC."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        zone: tzinfo = UTC
        with suppress(ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            zone = zoneinfo.ZoneInfo(request.COOKIES.get("timezone", "UTC"))
        with timezone.override(zone):
            return self.get_response(request)
