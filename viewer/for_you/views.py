"""The page of what colleagues share with a person and of the notes that mention them.

It shows the notes themselves, also of conversations that the person may not read: whoever mentioned them chose to.
"""

from __future__ import annotations

from django.contrib import messages as notices
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from viewer.archive.summaries import summaries_of
from viewer.review.mentions import mark_read
from viewer.review.models import Mention
from viewer.review.notes import build_note, url_of_note
from viewer.sharing.models import Share, mark_shares_read
from viewer.web.request import Request

_SHOWN = 50  # notes on a page


@never_cache  # Back from a note would show it as unread
@require_safe
def for_you(request: Request) -> HttpResponse:
    """Show the shares that the person has not opened yet, and the notes that mention them, the newest first."""
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
    return render(request, "for_you/for_you.html", {"shares": _new_shares(request), "notes": notes, "page": page})


def _new_shares(request: Request) -> list[tuple[Share, str]]:
    """Return the unread shares with their addresses. Without its master key a share has none, and cannot be opened."""
    shares = Share.objects.unread_by(request.user).with_facts()[:_SHOWN]
    return [(share, reverse("shared", args=[token])) for share in shares if (token := share.token)]


@require_POST
def read_notes(request: Request) -> HttpResponse:
    """Mark one note as read, or all that mention the person with what is shared with them."""
    chosen = request.POST.get("note", "")
    if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19:
        mark_read(request.user.pk, [int(chosen)])
    elif not chosen and mark_read(request.user.pk) + mark_shares_read(request.user):
        notices.success(request, gettext("Everything is marked as read."))
    return redirect("for-you")
