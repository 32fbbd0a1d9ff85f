"""A person's API keys and access tokens: make, see, change, revoke. Nobody sees a secret again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from viewer.web.logs import event
from viewer.web.request import Request, own_address

from .encryption import Secret
from .forms import AccessTokenForm, ApiKeyForm
from .models import AccessToken, ApiKey

TryOut = Callable[[ApiKey], str]  # asks one cheap question; urls.py brings it, for this room asks nobody


@sensitive_post_parameters("key", "headers")
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: Request, check_key: TryOut) -> HttpResponse:
    """List the person's API keys; a POST saves a new one and says what came of trying it."""
    form = ApiKeyForm(_posted(request), owner=request.user, instance=ApiKey(owner=request.user))
    if request.method == "POST" and form.is_valid():
        return _save(request, form, check_key)
    context = {"form": form, "keys": ApiKey.objects.of(request.user)}
    return render(request, "keys/api_keys.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters("key", "headers")
@require_http_methods(["GET", "HEAD", "POST"])
def api_key(request: Request, key_id: UUID, check_key: TryOut) -> HttpResponse:
    """Rename one of the person's keys, replace its secret, or change where it is shown."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)
    form = ApiKeyForm(_posted(request), owner=request.user, instance=key)
    if request.method == "POST" and form.is_valid():
        return _save(request, form, check_key)
    return render(request, "keys/api_key.html", {"form": form, "key": key}, status=422 if form.errors else 200)


@require_POST
def test_api_key(request: Request, key_id: UUID, check_key: TryOut) -> HttpResponse:
    """Try one of the person's keys with one cheap question."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)
    _note_finding(request, key, check_key)
    return redirect("api-keys")


@require_http_methods(["GET", "HEAD", "POST"])
def delete_api_key(request: Request, key_id: UUID) -> HttpResponse:
    """Ask whether to; a POST deletes one of the person's keys, and with it the access tokens that are bound to it."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)
    if request.method != "POST":
        return render(request, "keys/delete_api_key.html", {"key": key, "tokens": key.access_tokens.all()})
    event("key deleted", key=key.pk)
    key.delete()
    told = gettext("“%(label)s” was deleted, with the access tokens that used it.")
    messages.success(request, told % {"label": key.label})
    return redirect("api-keys")


@require_POST
def choose_source(request: Request) -> HttpResponse:
    """Choose what to browse: one of the person's keys, or the archive, and go back to where one was."""
    chosen = request.POST.get("key", "")
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=_read_uuid(chosen)) if chosen else None
    ApiKey.objects.choose(request.user, key)
    return redirect(_back_to(request.POST.get("next", "")) or "completions")


@never_cache  # the answer to a POST holds a secret that is shown once
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: Request) -> HttpResponse:
    """List the person's access tokens; a POST makes one and shows its secret in the answer, never again."""
    form = AccessTokenForm(_posted(request), owner=request.user)
    issued = secret = None
    if request.method == "POST" and form.is_valid():
        bound_to = form.cleaned_data["source"]
        issued, secret = AccessToken.objects.issue(request.user, form.cleaned_data["name"], bound_to)
        event("token made", token=issued.pk, key=bound_to and bound_to.pk)
        form = AccessTokenForm(owner=request.user)
    context = {
        "form": form,
        "issued": issued,
        "secret": secret,
        "tokens": AccessToken.objects.of(request.user).select_related("api_key"),
        "keys": ApiKey.objects.of(request.user),
    }
    return render(request, "keys/tokens.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke_token(request: Request, token_id: int) -> HttpResponse:
    """Ask whether to; a POST revokes one of the person's own tokens, from the next request that shows it."""
    token = get_object_or_404(AccessToken.objects.of(request.user), pk=token_id)
    if request.method != "POST":
        return render(request, "keys/revoke_token.html", {"token": token})
    event("token revoked", token=token.pk)
    token.delete()
    told = gettext("“%(name)s” was revoked. Programs that still use it are rejected from now on.")
    messages.success(request, told % {"name": token.name})
    return redirect("tokens")


def _posted(request: Request) -> QueryDict | None:
    """Give what a form was sent; an empty POST is a form with everything missing, not a form that was not sent."""
    return request.POST if request.method == "POST" else None


@sensitive_variables()
def _save(request: Request, form: ApiKeyForm, check_key: TryOut) -> HttpResponse:
    """Store a key whatever comes of trying it: a server may be down today and the key right all the same."""
    key, is_new = form.save(commit=False), form.instance._state.adding
    if form.cleaned_data["key"] or not key.sealed:
        key.seal(Secret(form.cleaned_data["key"]))
    if form.cleaned_data["headers"] or key.sealed_headers:
        key.seal_headers(form.cleaned_data["headers"])
    if "base_url" in form.changed_data:
        key.renew()
    key.save()
    event("key saved" if is_new else "key changed", key=key.pk)
    _note_finding(request, key, check_key)
    return redirect("api-keys")


def _note_finding(request: Request, key: ApiKey, check_key: TryOut) -> None:
    key.finding = check_key(key)
    key.save(update_fields=["finding"])
    event("key tried", key=key.pk, finding=key.finding)
    note = messages.success if key.finding == "works" else messages.warning
    note(request, f"“{key.label}”: {key.finding_in_words}.")


def _back_to(address: str) -> str:
    """Give an address of this site without its cursor, which the other source would not know; empty for any other."""
    parts = urlsplit(own_address(address))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("after", "before")]
    return f"{parts.path}?{urlencode(kept)}" if kept else parts.path


def _read_uuid(given: str) -> UUID | None:
    try:
        return UUID(given)
    except ValueError:
        return None
