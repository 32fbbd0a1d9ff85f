"""Verdicts: given on an answer, counted on a page, and listed; and the list of their reasons."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as notices
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from viewer.accounts.roles import curators_only, may_curate
from viewer.archive.identity_keys import identity_keys
from viewer.archive.models import fit
from viewer.archive.summaries import summaries_of
from viewer.rendering.places import place_of_answer, url_of
from viewer.review.counting import BY, PERIODS, count_verdicts, name_behind, read_period, verdicts_behind
from viewer.review.forms import ReasonsForm, VerdictForm
from viewer.review.models import Verdict
from viewer.review.verdicts import build_verdict, of_answer, reasons, save_reasons, verdicts_on
from viewer.sources.reader import openable_among, reader_for
from viewer.web.logs import event
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment

_SHOWN = 50  # verdicts on a page


@require_http_methods(["GET", "HEAD", "POST"])
def verdict(request: Request, completion_id: str, position: int) -> HttpResponse:
    """Show the verdicts on an answer with a form for one's own; a POST gives, changes or withdraws it."""
    reader = reader_for(request, completion_id)
    reader.choice(position)
    on_answer = Verdict.objects.filter(completion_id=fit(completion_id), position=position, message_id="")
    own = on_answer.filter(person=request.user).first()
    stored = own or Verdict(completion_id=fit(completion_id), position=position, person=request.user)
    if request.method == "POST" and "withdraw" in request.POST:
        if own:
            event("verdict withdrawn", verdict=own.pk)
            own.delete()
        return _done(request, completion_id, position)
    form = VerdictForm(request.POST if request.method == "POST" else None, stored=stored)
    if request.method == "POST" and form.is_valid():
        completion = reader.completion()
        if given := form.save(completion.model, completion.metadata.get(identity_keys().channel, "")):
            event("verdict given", verdict=given.pk)
            return _done(request, completion_id, position)
    return _show(request, completion_id, position, {"form": None if "closed" in request.GET else form})


@require_safe
def verdicts(request: Request) -> HttpResponse:
    """Count the verdicts of a time by week, model, label, channel or reason."""
    by = request.GET.get("by", "week")
    by = by if by in BY else "week"
    period = read_period(request.GET)
    context = {
        "by": by,
        "ways": list(BY.items()),
        "period": period,
        "periods": list(PERIODS.items()),
        "table": count_verdicts(by, period),  # type: ignore[arg-type]  # it is one of them
        "may_curate": may_curate(request.user),
    }
    return render(request, "review/verdicts.html", context)


@require_safe
def verdict_list(request: Request) -> HttpResponse:
    """List the verdicts that a number counts, of the conversations that the person can open."""
    page = Paginator(verdicts_behind(request.GET).select_related("person"), _SHOWN).get_page(request.GET.get("page"))
    found = list(page)
    openable = openable_among(request.user, [one.completion_id for one in found])
    summaries = summaries_of(openable, request.user.pk)
    shown = []
    for one in found:
        if one.completion_id in openable or one.person_id == request.user.pk:
            summary = summaries.get(one.completion_id)
            title = (summary and summary.question) or one.completion_id
            url = url_of(one.completion_id, one.message_id or place_of_answer(one.position))
            shown.append((build_verdict(one, request.user), one, title, url))
    params = request.GET.copy()
    params.pop("page", None)
    context = {
        "name": name_behind(request.GET),
        "verdicts": shown,
        "hidden_count": len(found) - len(shown),
        "page": page,
        "query": params.urlencode(),
    }
    return render(request, "review/verdict_list.html", context)


@curators_only
@require_http_methods(["GET", "HEAD", "POST"])
def edit_reasons(request: Request) -> HttpResponse:
    """Edit the list of reasons that verdicts can have."""
    current = "\n".join(reasons())
    form = ReasonsForm(request.POST if request.method == "POST" else None, initial={"reasons": current})
    if request.method == "POST" and form.is_valid():
        save_reasons(form.lines)
        event("reasons changed", count=len(form.lines))
        notices.success(request, gettext("The reasons were saved."))
        return redirect("verdicts")
    context = {"form": form, "current": current}
    return render(request, "review/reasons.html", context, status=422 if form.errors else 200)


def _done(request: Request, completion_id: str, position: int) -> HttpResponse:
    if request.htmx:
        return _show(request, completion_id, position, {})
    return redirect(url_of(completion_id, place_of_answer(position)))


def _show(request: Request, completion_id: str, position: int, context: dict[str, Any]) -> HttpResponse:
    given = verdicts_on(completion_id, request.user).get(position, [])
    form = context.get("form")
    context |= {
        "answer": of_answer(completion_id, position, given),
        "back_url": url_of(completion_id, place_of_answer(position)),
    }
    status = 422 if form and form.errors else 200
    return page_or_fragment(request, "review/verdict.html", "review/_verdict.html", context, status)
