"""The request as our views get it, and the rules for going back to where one came from."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

PAGE_SOURCE = "X-Page-Source"  # a header; base.html puts it on what the scripts of a page ask for
POLLED = "X-Polled"  # a header on what a page that is left open asks for by itself: that is no use of the session


class Session(SessionBase):
    """What views may rely on of a session (`accounts/sessions.py`). For type hints only."""

    def keep(self, name: str, value: Any) -> None:
        """Set what may be lost, without waiting for the database."""
        raise NotImplementedError

    def record_use(self) -> None:
        """Put off the end of an unused session."""
        raise NotImplementedError


class Request(HttpRequest):
    """For type hints only."""

    user: User
    session: Session
    is_known: bool  # somebody was signed in when this request came
    htmx: HtmxDetails


def own_address(address: str) -> str:
    """Give an address when it is a path of this site, and nothing for any other: a form must not lead elsewhere."""
    is_own = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_own else ""


def page_before(request: HttpRequest) -> str:
    """Give the address of the page of ours that led here, and nothing for any other."""
    page = urlsplit(request.headers.get("Referer", ""))
    return page._replace(scheme="", netloc="", fragment="").geturl() if page.netloc == request.get_host() else ""
