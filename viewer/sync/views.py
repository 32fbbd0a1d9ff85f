"""What is being copied and what was: start, pause, resume, cancel, try again. The work happens in another process."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_http_methods

from viewer.keys.models import ApiKey
from viewer.web.request import Request

from .forms import CopyForm
from .models import AnotherIsActive, CopyRun, CopyRuns

_LATEST = 30  # runs on the page
_MOST_FAILURES = 200  # on the page of one run
_BUSY = gettext_lazy("Another import with this key has not finished. Wait for it, or cancel it.")


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: Request) -> HttpResponse:
    """List the person's latest runs; a POST starts one."""
    form = CopyForm(request.POST if request.method == "POST" else None, owner=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            CopyRun.objects.ask_for(**form.cleaned_data)
        except AnotherIsActive:
            messages.error(request, _BUSY)
        return redirect("imports")
    context = {
        "form": form,
        "has_keys": ApiKey.objects.of(request.user).exists(),
        "runs": _with_failures(request)[:_LATEST],
    }
    return render(request, "sync/runs.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def import_run(request: Request, run_id: int) -> HttpResponse:
    """Show one run with what failed, or its figures alone for htmx; a POST pauses, resumes, cancels or tries again."""
    run = get_object_or_404(_with_failures(request), pk=run_id)
    if request.method == "POST":
        run = _do(request, run, request.POST.get("wish", ""))
        return redirect("import-run", run.pk) if "from_run" in request.POST else redirect("imports")
    if request.htmx:
        response = render(request, "sync/_run.html", {"run": run, "is_alone": "alone" in request.GET})
    else:
        context = {"run": run, "is_alone": True, "failures": run.failures.all()[:_MOST_FAILURES]}
        response = render(request, "sync/run.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _with_failures(request: Request) -> CopyRuns:
    return CopyRun.objects.of(request.user).annotate(failed=Count("failures")).order_by("-asked_at", "-pk")


def _do(request: Request, run: CopyRun, wished: str) -> CopyRun:
    """Do what was asked for; give the run to go on with."""
    try:
        if wished == "again" and run.state == CopyRun.DONE and run.api_key:
            return CopyRun.objects.ask_for(run.api_key, run.model, run.metadata, run.since)
        if wished not in CopyRun.WISHES or not run.wish(wished):
            messages.error(request, gettext("This import has changed in the meantime. This is its current state."))
    except AnotherIsActive:
        messages.error(request, _BUSY)
    return run
