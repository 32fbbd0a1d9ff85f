"""A person's API keys and access tokens: create, list, change, revoke. A secret is never shown again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
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

CheckKey = Callable[[ApiKey], str]  # sends one cheap request; urls.py passes it in, because this room sends none
MayCurate = Callable[[User], bool]  # urls.py passes it in as well: roles are another room's


@sensitive_post_parameters("key", "headers")
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: Request, check_key: CheckKey) -> HttpResponse:
    """List the person's API keys; a POST saves a new one and shows the result of testing it."""
    form = ApiKeyForm(_form_data(request), owner=request.user, instance=ApiKey(owner=request.user))
    if request.method == "POST" and form.is_valid():
        return _save(request, form, check_key)
    context = {"form": form, "keys": ApiKey.objects.of(request.user)}
    return render(request, "keys/api_keys.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters("key", "headers")
@require_http_methods(["GET", "HEAD", "POST"])
def api_key(request: Request, key_id: UUID, check_key: CheckKey) -> HttpResponse:
    """Rename one of the person's keys, replace its secret, or change its base URL."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)
    form = ApiKeyForm(_form_data(request), owner=request.user, instance=key)
    if request.method == "POST" and form.is_valid():
        return _save(request, form, check_key)
    return render(request, "keys/api_key.html", {"form": form, "key": key}, status=422 if form.errors else 200)


@require_POST
def test_api_key(request: Request, key_id: UUID, check_key: CheckKey) -> HttpResponse:
    """Test one of the person's keys with one cheap request."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)
    _save_finding(request, key, check_key)
    return redirect("api-keys")


@require_http_methods(["GET", "HEAD", "POST"])
def delete_api_key(request: Request, key_id: UUID) -> HttpResponse:
    """Ask for confirmation; a POST deletes one of the person's keys, and the access tokens bound to it."""
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)
    if request.method != "POST":
        return render(request, "keys/delete_api_key.html", {"key": key, "tokens": key.access_tokens.all()})
    event("key deleted", key=key.pk)
    key.delete()
    message = gettext("“%(label)s” was deleted, with the access tokens that used it.")
    messages.success(request, message % {"label": key.label})
    return redirect("api-keys")


@require_POST
def choose_source(request: Request) -> HttpResponse:
    """Choose the source to browse, one of the person's keys or the archive, and return to the page."""
    chosen = request.POST.get("key", "")
    key = get_object_or_404(ApiKey.objects.of(request.user), pk=_read_uuid(chosen)) if chosen else None
    ApiKey.objects.choose(request.user, key)
    return redirect(_return_url(request.POST.get("next", "")) or "completions")


@never_cache  # the response to a POST contains a secret that is shown once
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: Request, may_curate: MayCurate) -> HttpResponse:
    """List the person's access tokens; a POST creates one and shows its secret in the response, never again."""
    is_curator = may_curate(request.user)
    form = AccessTokenForm(_form_data(request), owner=request.user, may_curate=is_curator)
    issued = secret = None
    if request.method == "POST" and form.is_valid():
        bound_to = form.cleaned_data["source"]
        issued, secret = AccessToken.objects.issue(request.user, form.cleaned_data["name"], bound_to, form.rights)
        event("token made", token=issued.pk, key=bound_to and bound_to.pk, rights=form.rights or None)
        form = AccessTokenForm(owner=request.user, may_curate=is_curator)
    context = {
        "form": form,
        "issued": issued,
        "secret": secret,
        "exporter": _line_for_exporters(secret) if issued and secret and issued.may_import else "",
        "tokens": AccessToken.objects.of(request.user).select_related("api_key"),
        "keys": ApiKey.objects.of(request.user),
    }
    return render(request, "keys/tokens.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def revoke_token(request: Request, token_id: int) -> HttpResponse:
    """Ask for confirmation; a POST revokes one of the person's own tokens, from its next request on."""
    token = get_object_or_404(AccessToken.objects.of(request.user), pk=token_id)
    if request.method != "POST":
        return render(request, "keys/revoke_token.html", {"token": token})
    event("token revoked", token=token.pk)
    token.delete()
    message = gettext("“%(name)s” was revoked. Programs that still use it are rejected from now on.")
    messages.success(request, message % {"name": token.name})
    return redirect("tokens")


def _line_for_exporters(secret: str) -> str:
    """Return the one line that an app with OpenTelemetry needs to send here."""
    site = urlsplit(settings.SITE_URL)
    return f"OTEL_EXPORTER_OTLP_ENDPOINT={site.scheme}://x:{secret}@{site.netloc}/otlp"


def _form_data(request: Request) -> QueryDict | None:
    """Return the submitted data, or None. An empty POST is a form with everything missing, not an unsubmitted one."""
    return request.POST if request.method == "POST" else None


@sensitive_variables()
def _save(request: Request, form: ApiKeyForm, check_key: CheckKey) -> HttpResponse:
    """Save a key whatever its test says: the server may be down today and the key valid all the same."""
    key, is_new = form.save(commit=False), form.instance._state.adding
    if form.cleaned_data["key"] or not key.sealed:
        key.seal(Secret(form.cleaned_data["key"]))
    if form.cleaned_data["headers"] or key.sealed_headers:
        key.seal_headers(form.cleaned_data["headers"])
    if "base_url" in form.changed_data:
        key.renew()
    key.save()
    event("key saved" if is_new else "key changed", key=key.pk)
    _save_finding(request, key, check_key)
    return redirect("api-keys")


def _save_finding(request: Request, key: ApiKey, check_key: CheckKey) -> None:
    key.finding = check_key(key)
    key.save(update_fields=["finding"])
    event("key tried", key=key.pk, finding=key.finding)
    notify = messages.success if key.finding == "works" else messages.warning
    notify(request, f"“{key.label}”: {key.finding_in_words}.")


def _return_url(url: str) -> str:
    """Return a URL of this site without its cursor, which the other source would not know; empty for any other URL."""
    parts = urlsplit(own_address(url))
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("after", "before")]
    return f"{parts.path}?{urlencode(kept)}" if kept else parts.path


def _read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
