"""The pages of uploads: send a file, see what is in it, import it, stop, go on, undo. A worker does what takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from viewer.accounts.roles import curators_only
from viewer.archive.summaries import summaries_by_row
from viewer.deployment.slots import MachineSemaphore
from viewer.web.request import Request

from . import first
from .cleaning import discard, give_up
from .models import MAX_BYTES, AddedCompletion, Upload
from .receiving import Announced, NotTaken, OutOfStep, begin, read_form, take_part, take_whole
from .wording import PROBLEMS, summary, tools

_MAX_UPLOADS = 20  # on the page
_MAX_ADDED = 100  # conversations on the page of one
_slots = MachineSemaphore("uploads", settings.UPLOADS)


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: Request) -> HttpResponse:
    """Show where a file is chosen or JSON is pasted, and the latest uploads; a script announces a file by a POST."""
    if request.method != "POST":
        return _page(request)
    sizes = [request.POST.get(name, "") for name in ("size", "modified")]
    if not all(text.isdecimal() and len(text) < 16 for text in sizes) or not int(sizes[0]):
        return _refused(gettext("The file is empty."))
    name = request.POST.get("name", "").replace("\\", "/").rpartition("/")[2][-255:].replace("\0", "")
    try:
        upload = begin(request.user, Announced(name, int(sizes[0]), int(sizes[1]) or None))
    except NotTaken as reason:
        return _refused(str(reason))
    return JsonResponse({"id": upload.pk, "received": upload.received})


@csrf_exempt  # checked by `_take`, once the form is on the disk
@require_POST
@curators_only
def upload_file(request: Request) -> HttpResponseBase:
    """Take a form with a file or pasted JSON."""
    with _slot() as is_free:
        if not is_free:
            return _page(request, gettext("Too many files are being uploaded. Try again in a minute."), 503)
        try:
            read_form(request)
        except NotTaken as reason:
            return _page(request, str(reason), 422)
    return _take(request)


@csrf_protect
def _take(request: Request) -> HttpResponse:
    try:
        upload = take_whole(request.user, request)
    except NotTaken as reason:
        return _page(request, str(reason), 422)
    return redirect("upload", upload.pk)


@csrf_exempt  # checked by `_take_part`: the middleware would read a form here, however large, for whoever sends it
@require_POST
@curators_only
def upload_part(request: Request, upload_id: int) -> HttpResponseBase:
    """Take a part of a file; `from` says where it begins. The answer says how much there is."""
    upload = get_object_or_404(Upload.objects.of(request.user), pk=upload_id)
    if request.content_type != "application/octet-stream":
        return HttpResponse(status=415)
    return _take_part(request, upload)


@csrf_protect
def _take_part(request: Request, upload: Upload) -> HttpResponse:
    offset = request.GET.get("from", "")
    with _slot() as is_free:
        if not is_free or not offset.isdecimal():
            return JsonResponse({}, status=503 if offset else 400)
        try:
            return JsonResponse({"received": take_part(upload, request, int(offset))})
        except NotTaken as reason:
            return _refused(str(reason))
        except OutOfStep:
            upload.refresh_from_db(fields=["received"])
            return JsonResponse({"received": upload.received}, status=409)
        except FileNotFoundError:
            return JsonResponse({}, status=421)  # another machine has the beginning


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: Request, upload_id: int) -> HttpResponse:
    """Show what is in a file, how far its import is, or what it has added; a POST changes that."""
    one = get_object_or_404(Upload.objects.of(request.user), pk=upload_id)
    if request.method == "POST":
        return _perform(request, one)
    context = _facts(one)
    if one.state == Upload.PREVIEW and one.first_id:
        context |= first.bubbles(request, one)
    if one.has_added and not one.is_moving:
        context |= _added(one, request.GET.get("after", ""))
    if one.state == Upload.FAILED:
        context["tools"] = tools()
    return render(request, "uploads/upload.html", context)


@require_safe
def upload_progress(request: Request, upload_id: int) -> HttpResponse:
    """Show the figures alone, for htmx; when they no longer change by themselves, the page is loaded again."""
    one = get_object_or_404(Upload.objects.of(request.user), pk=upload_id)
    if not request.htmx:
        return redirect("upload", one.pk)
    response = render(request, "uploads/_upload.html", _facts(one))
    if not one.is_moving:
        response.headers["HX-Refresh"] = "true"
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
def upload_first(request: Request, upload_id: int, place: str = "") -> HttpResponseBase:
    """Send something of the first conversation of a file."""
    return first.show(request, get_object_or_404(Upload.objects.of(request.user), pk=upload_id), place)


def _perform(request: Request, one: Upload) -> HttpResponse:
    """Perform a wish, if the state still allows it."""
    wish, replaces = request.POST.get("wish", ""), request.POST.get("changed") == "replace"
    is_done = False
    if wish == "import" and one.has_file:
        is_done = one.move((Upload.PREVIEW,), Upload.IMPORTING, replaces=replaces, read=0)
    elif wish == "stop":
        is_done = one.move((Upload.IMPORTING,), Upload.STOPPED, finished_at=timezone.now())
    elif wish == "continue" and one.has_file:
        is_done = one.move((Upload.STOPPED,), Upload.IMPORTING, finished_at=None)
    elif wish == "undo" and one.undoable_until:
        is_done = one.move((one.state,), Upload.UNDOING, has_file=False)
    elif wish == "discard" and one.state not in (Upload.IMPORTING, Upload.UNDOING):
        if one.has_added:
            is_done = not one.has_file or give_up(one, Upload.DONE)
        else:
            discard(one)
            messages.success(request, gettext("The file was deleted. Nothing of it was imported."))
            return redirect("import")
    if not is_done:
        messages.error(request, gettext("This import has changed in the meantime. This is its current state."))
    return redirect("upload", one.pk)


def _page(request: Request, error: str = "", status: int = 200) -> HttpResponse:
    uploads = [_facts(one) for one in Upload.objects.of(request.user)[:_MAX_UPLOADS]]
    context = {"uploads": uploads, "error": error, "max_bytes": MAX_BYTES, "tools": tools()}
    return render(request, "uploads/import.html", context, status=status)


def _facts(one: Upload) -> dict[str, Any]:
    """Return what the section of one upload shows."""
    return {
        "upload": one,
        "summary": summary(one),
        "problem": PROBLEMS.get(one.problem, ""),
        "percent": round(100 * one.read / one.size) if one.size else 0,
    }


def _added(one: Upload, after: str) -> dict[str, Any]:
    """Return some of the conversations that an import has added, with what lists show of them."""
    rows = AddedCompletion.objects.filter(upload=one).order_by("pk")
    rest = rows.filter(pk__gt=int(after)) if after.isdecimal() and len(after) < 19 else rows
    shown = dict(rest.values_list("pk", "completion__completion_id")[:_MAX_ADDED])
    summaries = summaries_by_row(shown)
    count, before = rows.count(), rows.count() - rest.count()
    gone = one.imported + one.replaced - count - one.undone
    questions = [(name, summaries[row].question if row in summaries else "") for row, name in shown.items()]
    return {
        "added": questions,
        "added_count": count,
        "added_before": before,
        "added_first": before + 1,
        "added_last": before + len(shown),
        "added_next": max(shown) if before + len(shown) < count else None,
        "gone": max(0, gone),
    }


def _refused(reason: str) -> JsonResponse:
    return JsonResponse({"error": reason}, status=422)


@contextmanager
def _slot() -> Iterator[bool]:
    """Take a thread for as long as a browser sends: the rest of them are for those who read."""
    is_free = _slots.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            _slots.release()
