"""The page on which a curator erases a conversation for good."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from viewer.accounts.roles import curators_only
from viewer.archive.messages import count_messages
from viewer.archive.models import StoredCompletion, fit
from viewer.archive.summaries import summaries_of
from viewer.web.request import Request

from .erasing import erase


@require_http_methods(["GET", "HEAD", "POST"])
@curators_only
def erase_completion(request: Request, completion_id: str) -> HttpResponse:
    """Say what will be gone; a POST erases it. Any id will do: what was only read live may have notes and shares."""
    if request.method != "POST":
        stored = StoredCompletion.objects.filter(completion_id=fit(completion_id), owner=None).first()
        summary = summaries_of([completion_id], request.user.pk).get(completion_id)
        context = {
            "completion_id": completion_id,
            "question": summary.question if summary else "",
            "messages_count": count_messages(stored) if stored else 0,
        }
        return render(request, "erasure/erase.html", context)
    if erase([completion_id], request.user.get_username()):
        messages.success(request, gettext("The conversation was erased."))
    else:
        messages.warning(
            request,
            gettext(
                "The conversation was erased. Somebody was reading meanwhile, so the journal of the database still has "
                "parts of it, until it is written again."
            ),
        )
    return redirect("completions")
