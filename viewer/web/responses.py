"""Answers of every kind of page: the page for a reader, the fragment for htmx."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from .request import Request


def page_or_fragment(
    request: Request, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Answer a reader with the page, and htmx with what it adds to one."""
    is_fragment = bool(request.htmx) and not request.htmx.history_restore_request
    response = render(request, fragment if is_fragment else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
