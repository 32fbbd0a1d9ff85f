"""How a reader wants conversations shown."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from viewer.web.request import Request, own_address

_A_YEAR = 365 * 24 * 60 * 60  # seconds
_VIEWS = {"texts": ("formatted", "source"), "audience": ("everybody", "customer")}  # what the reader may choose


@require_POST
def choose_view(request: Request) -> HttpResponse:
    """Remember how the reader wants conversations shown, and go back to the page."""
    response = redirect(own_address(request.POST.get("next", "")) or "completions")
    for name, values in _VIEWS.items():
        if (chosen := request.POST.get(name)) in values:
            secure = request.is_secure()
            response.set_cookie(name, chosen, max_age=_A_YEAR, secure=secure, httponly=True, samesite="Lax")
    return response
