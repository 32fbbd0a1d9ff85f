"""The page of the notes that mention a person.

It shows the notes themselves, also of conversations that the person may not read: whoever mentioned them chose to.
"""

from __future__ import annotations

from django.contrib import messages as notices
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from viewer.archive.summaries import summaries_of
from viewer.review.mentions import mark_read
from viewer.review.models import Mention
from viewer.review.notes import build_note, url_of_note
from viewer.web.request import Request

_SHOWN = 50  # notes on a page


@never_cache  # Back from a note would show it as unread
@require_safe
def for_you(request: Request) -> HttpResponse:
    """Show the notes that mention the person, the newest first."""
    mentions = Mention.objects.filter(person=request.user).select_related("note__author").order_by("-note")
    page = Paginator(mentions, _SHOWN).get_page(request.GET.get("page"))
    summaries = summaries_of([one.note.completion_id for one in page], request.user.pk)
    notes = []
    for mention in page:
        note = mention.note
        view = build_note(note, request.user)
        summary = summaries.get(note.completion_id)
        title = (summary and summary.question) or note.completion_id
        notes.append((view, mention.read_at is None, url_of_note(note.completion_id, view), title))
    return render(request, "review/for_you.html", {"notes": notes, "page": page})


@require_POST
def read_notes(request: Request) -> HttpResponse:
    """Mark one note as read, or all that mention the person."""
    chosen = request.POST.get("note", "")
    if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19:
        mark_read(request.user.pk, [int(chosen)])
    elif mark_read(request.user.pk):
        notices.success(request, gettext("All notes are marked as read."))
    return redirect("for-you")
