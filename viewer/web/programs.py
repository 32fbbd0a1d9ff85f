"""What programs ask for passes the middleware that every answer needs, and none that is for people with a browser."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, URLResolver
from django.urls.resolvers import RegexPattern
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string

from .middleware import OF_PROGRAMS, GetResponse


class ProgramsMiddleware:
    """Answers the routes in `programs` of the URLconf, past the rest of MIDDLEWARE; everything else goes on.

    It looks for a route among these alone: nothing that needs a session, a form or a sign-in can be reached this way.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self._pages = get_response
        answer = convert_exception_to_response(self._answer)
        for name in reversed(settings.PROGRAM_MIDDLEWARE):
            answer = convert_exception_to_response(import_string(name)(answer))
        self._programs = cast(GetResponse, answer)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(OF_PROGRAMS):
            return self._pages(request)
        try:
            request.resolver_match = self._routes.resolve(request.path_info)
        except Resolver404:
            return self._pages(request)
        translation.activate(settings.LANGUAGE_CODE)  # else this thread would keep the last reader's language
        response = self._programs(request)
        if not response.streaming and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        patch_vary_headers(response, ["Cookie"])  # also of a page at an address like these, which a cache may not know
        return response

    @cached_property
    def _routes(self) -> URLResolver:
        return URLResolver(RegexPattern(r"^/"), import_module(settings.ROOT_URLCONF).programs)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        view, args, kwargs = cast(ResolverMatch, request.resolver_match)
        return cast(HttpResponse, view(request, *args, **kwargs))
