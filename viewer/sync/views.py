"""The pages of runs: start, pause, resume, cancel, retry. A worker in another process does the copying."""

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

_MAX_RUNS = 30  # on the page
_MAX_FAILURES = 200  # on the page of one run
_BUSY = gettext_lazy("Another import with this key has not finished. Wait for it, or cancel it.")


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: Request) -> HttpResponse:
    """List the person's latest runs; a POST starts one."""
    form = CopyForm(request.POST if request.method == "POST" else None, owner=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            run = CopyRun.objects.start_or_resume(form.cleaned_data["key"], form.selection())
            run.tell_to_erase(form.cleaned_data["erases_deleted"])
        except AnotherIsActive:
            messages.error(request, _BUSY)
        return redirect("imports")
    context = {
        "form": form,
        "has_keys": ApiKey.objects.of(request.user).exists(),
        "runs": _with_failures(request)[:_MAX_RUNS],
    }
    return render(request, "sync/runs.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def import_run(request: Request, run_id: int) -> HttpResponse:
    """Show one run with its failures, or only its figures for htmx; a POST pauses, resumes, cancels or retries it."""
    run = get_object_or_404(_with_failures(request), pk=run_id)
    if request.method == "POST":
        run = _perform(request, run, request.POST.get("wish", ""))
        return redirect("import-run", run.pk) if "from_run" in request.POST else redirect("imports")
    if request.htmx:
        response = render(request, "sync/_run.html", {"run": run, "is_alone": "alone" in request.GET})
    else:
        context = {"run": run, "is_alone": True, "failures": run.failures.all()[:_MAX_FAILURES]}
        response = render(request, "sync/run.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _with_failures(request: Request) -> CopyRuns:
    return CopyRun.objects.of(request.user).annotate(failed=Count("failures")).order_by("-asked_at", "-pk")


def _perform(request: Request, run: CopyRun, action: str) -> CopyRun:
    """Perform an action, and return the run to show next."""
    try:
        if action == "again" and run.state == CopyRun.DONE and run.api_key:
            again = CopyRun.objects.start_or_resume(run.api_key, run.selection)
            again.tell_to_erase(run.erases_deleted)
            return again
        if action not in CopyRun.ACTIONS or not run.perform(action):
            messages.error(request, gettext("This import has changed in the meantime. This is its current state."))
    except AnotherIsActive:
        messages.error(request, _BUSY)
    return run
