"""The pages of people: list, invite, change, lock out, reset; and the page that a one-time link opens."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.utils import perform_login
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Max, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from viewer.accounts.hashing import QueueIsFull, queued_slot
from viewer.accounts.models import Session
from viewer.accounts.roles import load_roles, role_of
from viewer.web.logs import event
from viewer.web.request import Request

from .changes import NotPossible, change_role, deactivate, let_in, reactivate
from .forms import EntryForm, InvitationForm, PersonForm, ResetForm
from .models import EntryLink
from .single_sign_on import INVITATION, go_to_provider

_PAGE = 100  # people


@require_safe
def people(request: Request) -> HttpResponse:
    """List everybody with role, second factor and when they were last seen, and the open invitations."""
    found = User.objects.order_by("-is_active", "username")
    if text := request.GET.get("q", "").strip():
        found = found.filter(Q(username__icontains=text) | Q(email__icontains=text))
    page = Paginator(found, _PAGE).get_page(request.GET.get("page"))
    describe(page.object_list)
    invitations = EntryLink.objects.open().filter(person=None).select_related("made_by").order_by("-made_at")
    return render(request, "people/people.html", {"page": page, "text": text, "invitations": invitations})


@never_cache  # the response to a POST contains a link that is shown once
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: Request) -> HttpResponse:
    """Invite somebody; a POST shows the link in the response, never again."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "people/invite.html", {"form": form}, status=422 if form.errors else 200)
    given = form.cleaned_data
    link, secret = EntryLink.objects.issue(
        name=given["username"], email=given["email"], role=given["role"], made_by=request.user
    )
    event("person invited", link=link.pk, role=link.role)
    return render(request, "people/link.html", {"link": link, "url": url_of(secret)})


@require_POST
def withdraw(request: Request, link_id: int) -> HttpResponse:
    """Withdraw an invitation: its link stops working."""
    get_object_or_404(EntryLink.objects.open(), pk=link_id, person=None).delete()
    event("invitation withdrawn", link=link_id)
    messages.success(request, gettext("The invitation was withdrawn. Its link no longer works."))
    return redirect("people")


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: Request, person_id: int) -> HttpResponse:
    """Show one person; a POST changes their name, address or role."""
    whom = get_object_or_404(User, pk=person_id)
    form = PersonForm(request.POST if request.method == "POST" else None, person=whom)
    if request.method == "POST" and form.is_valid() and _save(request, form, whom):
        return redirect("people")
    describe([shown := User.objects.get(pk=person_id)])
    context = {"form": form, "whom": shown, "reset_form": ResetForm(), "is_self": whom == request.user}
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


@require_POST
def change_state(request: Request, person_id: int) -> HttpResponse:
    """Deactivate a person, or let them in again."""
    whom = get_object_or_404(User, pk=person_id)
    if request.POST.get("active") == "yes":
        reactivate(whom)
        messages.success(request, gettext("%(name)s can sign in again.") % {"name": whom})
        return redirect("people")
    try:
        deactivate(whom, request.user)
    except NotPossible as error:
        messages.error(request, str(error))
        return redirect("person", person_id)
    messages.success(request, gettext("%(name)s was deactivated.") % {"name": whom})
    return redirect("people")


@never_cache
@require_POST
def reset(request: Request, person_id: int) -> HttpResponse:
    """Make a link to set a new password, and show it once. The old password works until the link is used."""
    whom = get_object_or_404(User, pk=person_id, is_active=True)
    form = ResetForm(request.POST)
    form.is_valid()
    removes = form.cleaned_data["removes_second_factors"]
    link, secret = EntryLink.objects.issue(person=whom, made_by=request.user, removes_second_factors=removes)
    event("reset link made", whom=whom.pk, link=link.pk, removes_second_factors=removes)
    return render(request, "people/link.html", {"link": link, "url": url_of(secret)})


@never_cache
@login_not_required
@sensitive_post_parameters("password", "again")
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: Request, secret: str) -> HttpResponse:
    """Let in whoever has the link, once. A used, expired, withdrawn and altered link get the same answer."""
    link = EntryLink.objects.find(secret)
    if link is None:
        return render(request, "people/link_gone.html", status=404)
    if request.method == "POST" and "elsewhere" in request.POST and settings.OIDC_ISSUER and link.person is None:
        request.session[INVITATION] = link.pk
        return go_to_provider(request, AuthProcess.LOGIN, "")
    form = EntryForm(request.POST if request.method == "POST" else None, link=link)
    if request.method == "POST" and form.is_valid():
        return _let_in(request, link, form)
    context = {"form": form, "link": link, "single_sign_on": settings.OIDC_NAME if settings.OIDC_ISSUER else ""}
    return render(request, "people/enter.html", context, status=422 if form.errors else 200)


def url_of(secret: str) -> str:
    """Return the address of a one-time link."""
    return f"{settings.SITE_URL}{reverse('enter', args=[secret])}"


def describe(found: Any) -> None:
    """Give each person what the pages show of them: role, kinds of second factor, when last seen, way in."""
    load_roles(found)
    by_id = {one.pk: one for one in found}
    seen = dict(Session.objects.filter(user__in=by_id).values_list("user").annotate(Max("used_at")).order_by())
    kinds: dict[int, set[str]] = {}
    factors = Authenticator.objects.filter(user__in=by_id).exclude(type=Authenticator.Type.RECOVERY_CODES)
    for pk, kind in factors.values_list("user_id", "type"):
        kinds.setdefault(pk, set()).add(kind)
    connected = set(SocialAccount.objects.filter(user__in=by_id).values_list("user_id", flat=True))
    for pk, one in by_id.items():
        one.shown_role = role_of(one)
        one.last_seen = seen.get(pk) or one.last_login
        one.has_app, one.has_passkey = "totp" in kinds.get(pk, ()), "webauthn" in kinds.get(pk, ())
        one.is_connected = pk in connected
        one.has_not_come = not (one.is_connected or one.has_usable_password())


def _save(request: Request, form: PersonForm, whom: User) -> bool:
    """Save a person's name, address and role, and return whether it was possible."""
    given = form.cleaned_data
    try:
        with transaction.atomic():
            change_role(whom, given["role"], request.user)
            changed = [name for name in ("username", "email") if given[name] != getattr(whom, name)]
            whom.username, whom.email = given["username"], given["email"]
            whom.save(update_fields=["username", "email"])
    except NotPossible as error:
        form.add_error("role", str(error))
        return False
    if changed:
        event("person changed", whom=whom.pk, what=", ".join(changed))
    messages.success(request, gettext("%(name)s was saved.") % {"name": whom})
    return True


@sensitive_variables()
def _let_in(request: Request, link: EntryLink, form: EntryForm) -> HttpResponse:
    """Set the password and sign in; a second factor that the person has is asked for as always."""
    try:
        with queued_slot(is_known=False):
            encoded = make_password(form.cleaned_data["password"])
    except QueueIsFull:
        form.add_error(None, gettext("Too many people are signing in. Try again in a few seconds."))
        return render(request, "people/enter.html", {"form": form, "link": link}, status=503)
    if not let_in(link, form.person, encoded):
        return render(request, "people/link_gone.html", status=404)
    if request.user.is_authenticated:  # somebody else, in the same browser
        get_adapter().logout(request)
    response: HttpResponse = perform_login(request, form.person, redirect_url="/")
    return response
