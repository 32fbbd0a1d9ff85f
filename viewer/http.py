"""The request as our views get it, and the one rule for going back to where a form was sent from."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """For type hints only."""

    user: User
    htmx: HtmxDetails


def own_address(address: str) -> str:
    """Give an address when it is a path of this site, and nothing for any other: a form must not lead elsewhere."""
    is_own = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_own else ""
