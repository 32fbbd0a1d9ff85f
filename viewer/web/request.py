"""The request type of our views, and the rules for links and redirects back to a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

PAGE_SOURCE = "X-Page-Source"  # a header; base.html adds it to the requests of a page's scripts
POLLED = "X-Polled"  # a header on the automatic requests of an open page, which must not extend the session


class Session(SessionBase):
    """The session (`accounts/sessions.py`) as views use it. For type hints only."""

    role: Any

    def keep(self, name: str, value: Any) -> None:
        """Set a value that may be lost, and is written at the end of the request if the database is free."""
        raise NotImplementedError

    def write_kept(self) -> None:
        """Write what was kept."""
        raise NotImplementedError

    def record_use(self) -> None:
        """Postpone the idle timeout."""
        raise NotImplementedError


@dataclass(slots=True)
class ReadingNote:
    """What only the view knows of a reading: the read log takes it from the request.

    `source` is `archive`, `key` or `share`; `source_name` the label and host of a key. A view without a session names
    the person, and one without the id of a completion in its URL the completion. `detail` says what of it was sent.
    """

    source: str = ""
    source_name: str = ""
    person: User | None = None
    token: str = ""  # the name of an access token
    share: int | None = None  # the primary key of a share
    completion_id: str = ""
    detail: str = ""


def note_of(request: HttpRequest) -> ReadingNote:
    """Return the note of this request, to read it or to write on it."""
    note: ReadingNote = request.__dict__.setdefault("reading_note", ReadingNote())
    return note


class Request(HttpRequest):
    """For type hints only."""

    user: User
    session: Session
    is_known: bool  # somebody was signed in at the start of this request
    htmx: HtmxDetails


def own_address(address: str) -> str:
    """Return a URL if it is a path of this site, else nothing: a form must not redirect to another site."""
    is_own = address.startswith("/") and url_has_allowed_host_and_scheme(address, allowed_hosts=None)
    return address if is_own else ""


def page_before(request: HttpRequest) -> str:
    """Return the referring page as a path if it is one of ours, else nothing."""
    page = urlsplit(request.headers.get("Referer", ""))
    return page._replace(scheme="", netloc="", fragment="").geturl() if page.netloc == request.get_host() else ""
