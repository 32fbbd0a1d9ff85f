"""Kinds of responses: a page or its fragment for htmx, plain text, untrusted content, a download."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header

from .request import Request

_MAX_FILE_NAME, _MAX_EXTENSION = 200, 20  # characters
_UNFIT_FOR_HEADER = re.compile(r"[\x00-\x1f\x7f/\\\ud800-\udfff]")


def page_or_fragment(
    request: Request, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Render the page, or for htmx only its fragment."""
    is_fragment = bool(request.htmx) and not request.htmx.history_restore_request
    response = render(request, fragment if is_fragment else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def sandboxed(response: HttpResponse) -> HttpResponse:
    """Keep untrusted content from running anything when it is opened, and let the reader's browser cache it."""
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def plain_text(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def attachment(name: str) -> str:
    """Return the Content-Disposition of a download. Long names are shortened: servers reject headers of some kB."""
    if len(name) > _MAX_FILE_NAME:
        stem, dot, extension = name.rpartition(".")
        extension = dot + extension if stem and len(extension) <= _MAX_EXTENSION else ""
        name = name[: _MAX_FILE_NAME - len(extension)] + extension
    name = _UNFIT_FOR_HEADER.sub("_", name)
    return content_disposition_header(True, name) or ""
