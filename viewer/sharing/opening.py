"""Lets a request into a share, or answers that there is none.

Unknown, altered, expired, revoked, used up, of a person who was deactivated, for somebody else, or a message that is
not in it: all of them get one and the same answer. Who guesses is stopped after a number of misses.

What a browser asks for first counts as an opening. A signed cookie, which is sent to this share alone, then lets it
read on for some hours: reload, further messages, images, JSON and downloads. So a share that opens once can be read to
its end, and nobody else gets a part of it. Where the number of openings is limited, only a page can be opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.signing import BadSignature, TimestampSigner
from django.db import DatabaseError, transaction
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from viewer.accounts.attempts import Limit
from viewer.accounts.requirement import has_second_factor, is_required_of, send_to_set_up
from viewer.deployment.waiting import without_waiting
from viewer.sources.sources import SourceProblem
from viewer.web.client_address import network_of
from viewer.web.request import Request, note_of

from .models import LINK, SIGNED_IN, Share, digest_of
from .snapshot_reader import SnapshotReader

READ_ON_HOURS = 12  # that a browser can read on after it opened a share
_COOKIE = "opened"
_MAX_MISSES, _MISSES_WINDOW = 50, 5 * 60  # within so many seconds
_HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
# Programs that fetch a link to show a preview of it, by what they call themselves. They need no content, and must not
# use up an opening.
_ROBOT = re.compile(r"(?<!cu)bot\b|crawler|spider|facebookexternalhit|whatsapp/|preview|embedly", re.IGNORECASE)
_signer = TimestampSigner(salt="viewer.sharing.opening")
View = Callable[..., HttpResponseBase]


class SharedRequest(Request):
    """The request of a page of a share. For type hints only."""

    share: Share
    reader: SnapshotReader


def of_share(view: View, *, is_page: bool = False) -> View:
    """Let only those whom a share is for use a view of its snapshot; `is_page` if it can be opened with it."""

    @login_not_required
    @require_safe
    @wraps(view)
    def guarded(request: SharedRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        response = _answer(request, token, lambda completion_id: view(request, completion_id, **kwargs), is_page)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response

    return guarded


def _answer(request: SharedRequest, token: str, view: View, is_page: bool) -> HttpResponseBase:
    has_opened = _has_opened(request, token)
    misses = _misses_of(request)
    if not has_opened and (seconds := misses.wait()):
        response = render(request, "sharing/too_many.html", status=429)
        response.headers["Retry-After"] = str(seconds)
        return response
    share = Share.objects.holding(token)
    if share is None:
        return _miss(request, misses)
    if not share.is_for(request.user):
        if request.user.is_authenticated:
            return _miss(request, misses)
        return HttpResponse(status=401) if request.htmx else redirect_to_login(request.get_full_path())
    if share.audience != LINK and is_required_of(request.user) and not has_second_factor(request.user):
        return send_to_set_up(request)
    note = note_of(request)
    note.source, note.share, note.completion_id = "share", share.pk, share.completion_id
    may_read_on = has_opened or share.owner_id == request.user.pk
    is_opening = request.method == "GET" and not may_read_on
    if share.max_openings is not None and not may_read_on and not (is_page and not share.is_used_up):
        return _miss(request, misses)
    if share.audience == LINK and _ROBOT.search(request.headers.get("User-Agent", "")):
        return render(request, "sharing/preview.html")
    request.share = share
    request.reader = SnapshotReader(request, share, token)
    try:
        shown = view(share.snapshot.completion_id)
    except Http404:
        return _miss(request, misses)
    except SourceProblem as failure:
        if failure.problem.name not in ("not-found", "bad-request"):
            raise
        return _miss(request, misses)
    if is_opening:
        if not _count(share):
            return _miss(request, misses)
        _let_read_on(shown, token)
    if request.user.is_authenticated:
        request.session.record_use()
        if (
            is_page and request.method == "GET" and not request.htmx and share.audience != SIGNED_IN
        ):  # which names nobody
            share.mark_read(request.user)
    return shown


def _miss(request: Request, misses: Limit) -> HttpResponse:
    misses.count()
    return render(request, "sharing/gone.html", status=404)


def _misses_of(request: Request) -> Limit:
    """Return the limit of misses: of a person, so that no stranger locks out an office, else of a network."""
    who = f"person:{request.user.pk}" if request.user.is_authenticated else network_of(request)
    return Limit(f"share:{who}", _MAX_MISSES, _MISSES_WINDOW)


def _count(share: Share) -> bool:
    """Count an opening; False if none is left. Without a limit nobody waits for it: an import may lock the database."""
    if share.max_openings is not None:
        return share.count_opening()
    with suppress(DatabaseError), without_waiting(), transaction.atomic():
        share.count_opening()
    return True


def _has_opened(request: Request, token: str) -> bool:
    try:
        value = _signer.unsign(request.COOKIES.get(_COOKIE, ""), max_age=READ_ON_HOURS * 60 * 60)
    except BadSignature:
        return False
    return value == digest_of(token)


def _let_read_on(response: HttpResponseBase, token: str) -> None:
    response.set_cookie(
        _COOKIE,
        _signer.sign(digest_of(token)),
        max_age=READ_ON_HOURS * 60 * 60,
        path=reverse("shared", args=[token]),
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
