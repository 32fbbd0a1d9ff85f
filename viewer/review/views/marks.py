"""Labels, status and assignee of a conversation, in one form; and the page on which the team's labels are made."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as notices
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from viewer.accounts.roles import curators_only, may_curate
from viewer.archive.labels import Marks, marks_of, set_marks
from viewer.archive.models import CompletionLabel, Label
from viewer.rendering.places import url_of
from viewer.review.forms import LabelForm, MarksForm
from viewer.review.marks import label_url
from viewer.sources.reader import reader_for
from viewer.web.logs import event
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment


@require_http_methods(["GET", "HEAD", "POST"])
def marks(request: Request, completion_id: str) -> HttpResponse:
    """Show the labels, the status and the assignee of a conversation with a form; a POST changes them."""
    reader_for(request, completion_id).completion()
    stored = marks_of(completion_id)
    form = MarksForm(request.POST if request.method == "POST" else None, stored=stored, person=request.user)
    if request.method == "POST" and form.is_valid():
        chosen = form.marks
        if chosen != stored:
            set_marks(completion_id, chosen)
            _log(completion_id, stored, chosen)
        if not request.htmx:
            return redirect(url_of(completion_id, ""))
        return _show(request, completion_id, chosen, {})
    focus = "assignee" if "assignee" in request.GET else "labels"
    return _show(request, completion_id, stored, {"form": None if "closed" in request.GET else form, "focus": focus})


@require_http_methods(["GET", "HEAD", "POST"])
def labels(request: Request) -> HttpResponse:
    """List the labels of the team; a curator's POST makes one."""
    form = LabelForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and not may_curate(request.user):
        raise PermissionDenied
    if request.method == "POST" and form.is_valid() and (label := form.save_if_free()):
        event("label made", label=label.pk)
        notices.success(request, gettext("The label “%(name)s” was made.") % {"name": label.name})
        return redirect("labels")
    return _show_labels(request, form)


@curators_only
@require_http_methods(["GET", "HEAD", "POST"])
def label(request: Request, label_id: int) -> HttpResponse:
    """Rename a label, or give it another colour: on every conversation that has it."""
    stored = get_object_or_404(Label, pk=label_id)
    form = LabelForm(request.POST if request.method == "POST" else None, instance=stored)
    if request.method == "POST" and form.is_valid() and (changed := form.save_if_free()):
        event("label changed", label=changed.pk)
        notices.success(request, gettext("The label “%(name)s” was saved.") % {"name": changed.name})
        return redirect("labels")
    return render(request, "review/label.html", {"form": form, "label": stored}, status=422 if form.errors else 200)


@curators_only
@require_http_methods(["GET", "HEAD", "POST"])
def delete_label(request: Request, label_id: int) -> HttpResponse:
    """Ask for confirmation; a POST deletes a label and takes it off every conversation."""
    stored = get_object_or_404(Label, pk=label_id)
    if request.method != "POST":
        count = CompletionLabel.objects.filter(label=stored).count()
        return render(request, "review/delete_label.html", {"label": stored, "count": count})
    event("label deleted", label=stored.pk)
    stored.delete()
    notices.success(request, gettext("The label “%(name)s” was deleted.") % {"name": stored.name})
    return redirect("labels")


def _log(completion_id: str, stored: Marks, chosen: Marks) -> None:
    before, after = {one.pk for one in stored.labels}, {one.pk for one in chosen.labels}
    if before != after:
        event("labels set", completion=completion_id, put_on=sorted(after - before), taken_off=sorted(before - after))
    if stored.status != chosen.status:
        event("status set", completion=completion_id, status=chosen.status or "none")
    if stored.assignee != chosen.assignee:
        event("assignee set", completion=completion_id, assignee=chosen.assignee and chosen.assignee.pk)


def _show(request: Request, completion_id: str, stored: Marks, context: dict[str, Any]) -> HttpResponse:
    form = context.get("form")
    context |= {"completion_id": completion_id, "marks": stored, "may_curate": may_curate(request.user)}
    status = 422 if form and form.errors else 200
    return page_or_fragment(request, "review/marks.html", "review/_marks.html", context, status)


def _show_labels(request: Request, form: LabelForm) -> HttpResponse:
    context = {
        "form": form,
        "labels": [(one, label_url(one)) for one in Label.objects.all()],
        "may_curate": may_curate(request.user),
    }
    return render(request, "review/labels.html", context, status=422 if form.errors else 200)
