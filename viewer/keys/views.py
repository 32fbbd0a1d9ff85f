"""A person's access tokens: make, see, revoke."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from viewer.http import Request

from .forms import AccessTokenForm
from .models import AccessToken


@never_cache  # the answer to a POST holds a secret that is shown once
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: Request) -> HttpResponse:
    """List the person's access tokens; a POST makes one and shows its secret in the answer, never again."""
    form = AccessTokenForm(request.POST or None)
    issued = secret = None
    if request.method == "POST" and form.is_valid():
        issued, secret = AccessToken.objects.issue(request.user, form.cleaned_data["name"])
        form = AccessTokenForm()
    context = {
        "form": form,
        "issued": issued,
        "secret": secret,
        "tokens": AccessToken.objects.of(request.user),
    }
    return render(request, "keys/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke_token(request: Request, token_id: int) -> HttpResponse:
    """Revoke one of the person's own tokens; takes effect on the next request that shows it."""
    token = get_object_or_404(AccessToken.objects.of(request.user), pk=token_id)
    token.delete()
    messages.success(request, f"“{token.name}” is revoked. A program that still uses it is refused from now on.")
    return redirect("tokens")
