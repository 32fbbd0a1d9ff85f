"""What every answer carries: an id to quote, headers that keep pages private, the reader's language and time zone."""

from __future__ import annotations

import secrets
import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation

GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Names every answer, as the API does: `x-request-id: req_…`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("X-Request-Id", f"req_{secrets.token_hex(16)}")
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
        try:
            zone = zoneinfo.ZoneInfo(request.COOKIES.get("timezone", "UTC"))
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            zone = zoneinfo.ZoneInfo("UTC")
        with timezone.override(zone):
            return self.get_response(request)
