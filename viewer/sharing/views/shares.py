"""The list of shares: a person's own, those that colleagues share with them, and for an administrator all of them."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from viewer.accounts.roles import may_administer
from viewer.archive.models import fit
from viewer.read_log.actions import LABELS
from viewer.read_log.querying import readings_of_share
from viewer.sharing.descriptions import AUDIENCES, missing_in, scope_of
from viewer.sharing.models import Share, Shares
from viewer.web.logs import event
from viewer.web.request import Request

_PAGE = 50
_READINGS = 30  # the newest, of one share


@require_safe
def my_shares(request: Request) -> HttpResponse:
    """List the person's own shares: all of them, or those of one conversation."""
    mine = Share.objects.of(request.user)
    if completion_id := request.GET.get("of", ""):
        mine = mine.filter(completion_id=fit(completion_id))
    return _list(request, mine, "mine")


@require_safe
def shared_with_me(request: Request) -> HttpResponse:
    """List what colleagues share with the person by name."""
    return _list(request, Share.objects.with_person(request.user), "with-me")


@require_safe
def all_shares(request: Request) -> HttpResponse:
    """List the shares of everybody, for an administrator."""
    if not may_administer(request.user):
        raise Http404
    return _list(request, Share.objects.all(), "all")


@require_safe
def share(request: Request, share_id: int) -> HttpResponse:
    """Show a share to its owner, with its address, or without it to an administrator."""
    one = _share_for(request, share_id)
    has_address = one.owner_id == request.user.pk
    readings = [
        (reading, LABELS.get(reading.action, reading.action)) for reading in readings_of_share(one.pk)[:_READINGS]
    ]
    context = {"share": _with_words(request, one, has_address=has_address), "readings": readings}
    return render(request, "sharing/share.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke_share(request: Request, share_id: int) -> HttpResponse:
    """Ask for confirmation; a POST closes the share, from its next request on, and deletes its snapshot."""
    one = _share_for(request, share_id)
    if request.method != "POST":
        return render(request, "sharing/revoke.html", {"share": _with_words(request, one, has_address=False)})
    one.revoke()
    event("share revoked", share=one.pk, owner=one.owner_id)
    messages.success(request, gettext("The share was revoked, and its snapshot deleted."))
    return redirect("my-shares" if one.owner_id == request.user.pk else "all-shares")


def _share_for(request: Request, share_id: int) -> Share:
    shares = Share.objects.all() if may_administer(request.user) else Share.objects.of(request.user)
    return get_object_or_404(shares.with_facts(), pk=share_id)


def _list(request: Request, shares: Shares, which: str) -> HttpResponse:
    page = Paginator(shares.with_facts().prefetch_related("people"), _PAGE).get_page(request.GET.get("page"))
    context = {
        "shares": [_with_words(request, one, has_address=which != "all") for one in page],
        "page": page,
        "which": which,
        "is_administrator": may_administer(request.user),
    }
    return render(request, "sharing/shares.html", context)


def _with_words(request: Request, one: Share, *, has_address: bool) -> Share:
    """Add what a template says of a share. Only its owner, and whom it is for, get its address."""
    snapshot = getattr(one, "snapshot", None)
    is_mine = one.owner_id == request.user.pk
    token = one.token if has_address and one.is_open and snapshot is not None else ""
    one.words = {  # type: ignore[attr-defined]
        "url": request.build_absolute_uri(reverse("shared", args=[token])) if token else "",
        "is_mine": is_mine,
        "audience": AUDIENCES[one.audience],
        "scope": scope_of(snapshot) if snapshot else "",
        "missing": missing_in(snapshot) if snapshot else [],
        "title": (snapshot.title if snapshot else "") or gettext("Shared conversation"),
        "snapshot": snapshot,
    }
    return one
