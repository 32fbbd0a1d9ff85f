"""The pages that save a conversation for its reader, and hand what was saved to the team."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from viewer.accounts.roles import curators_only
from viewer.archive.changes import Change, Changes
from viewer.archive.models import fit
from viewer.client.problems import Problem
from viewer.completions.invisibles import escape_invisible
from viewer.keys.models import ApiKey
from viewer.rendering.places import url_of
from viewer.sources.sources import Source, SourceProblem, chosen_source
from viewer.web.logs import event
from viewer.web.request import Request, own_address
from viewer.web.responses import page_or_fragment

from .models import Saving
from .saving import ErasedHere, Saved, changes_for_team, hand_to_team, own_of, save_step
from .stored import stored_state

_MAX_NAMED = 5  # changes of metadata, and other fields, that are named
_MAX_VALUE = 60  # characters of a metadata value in a sentence


@require_http_methods(["GET", "HEAD", "POST"])
def save(request: Request, completion_id: str) -> HttpResponse:
    """Show how much of a conversation is saved; a POST goes on with it for some seconds, then shows that again."""
    if request.method == "POST":
        key = _key_of(request)
        try:
            saved = save_step(key, completion_id)
        except Problem as problem:
            raise SourceProblem(problem, Source(key)) from None
        except ErasedHere:
            messages.warning(request, gettext("This conversation was erased here, so nothing of it is stored again."))
            return _redirect(request, url_of(completion_id, ""))
        if saved:
            event("conversation saved", completion=completion_id, key=key.pk)
            messages.success(request, _in_words(saved, key))
            return _redirect(request, own_address(request.POST.get("next", "")) or url_of(completion_id, ""))
        if not request.htmx:
            return redirect("save", completion_id)
    saving = Saving.objects.filter(person=request.user, completion_id=fit(completion_id)).first()
    state = stored_state(request.user, completion_id, chosen_source(request))
    context = {
        "completion_id": completion_id,
        "saving": saving,
        "key": saving.api_key_id if saving else state.key,
        "next": request.POST.get("next", ""),
    }
    return page_or_fragment(request, "sync/save.html", "sync/_saving.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@curators_only
def hand_over(request: Request, completion_id: str) -> HttpResponse:
    """Say who will read it, and what it replaces; a POST gives the team what the person saved."""
    own = own_of(request.user, completion_id)
    if own is None:
        raise Http404
    if request.method != "POST":
        changes = changes_for_team(own)
        context = {
            "completion_id": completion_id,
            "is_known": changes is not None,
            "changes": changes_in_words(changes) if changes else [],
        }
        return render(request, "sync/hand_over.html", context)
    hand_to_team(own)
    event("conversation handed over", completion=completion_id)
    messages.success(request, gettext("Everyone who can sign in can read this conversation now."))
    return redirect(url_of(completion_id, ""))


def changes_in_words(changes: Changes) -> list[str]:
    """Say what differs, one phrase each; of many metadata values and fields the first."""
    said = [_metadata_in_words(change) for change in changes.metadata[:_MAX_NAMED]]
    more = max(0, len(changes.metadata) - _MAX_NAMED)
    new, differing, gone = changes.new_messages, changes.changed_messages, changes.missing_messages
    counted = (
        (more, ngettext("%(count)d more metadata value", "%(count)d more metadata values", more)),
        (new, ngettext("%(count)d new message", "%(count)d new messages", new)),
        (differing, ngettext("%(count)d message differs", "%(count)d messages differ", differing)),
        (gone, ngettext("%(count)d message is gone", "%(count)d messages are gone", gone)),
    )
    said += [words % {"count": count} for count, words in counted if count]
    if changes.has_other_answer:
        said.append(gettext("another answer"))
    if changes.fields:
        said.append(gettext("other details: %(names)s") % {"names": ", ".join(changes.fields[:_MAX_NAMED])})
    return said


def _metadata_in_words(change: Change) -> str:
    words = {"name": _short(change.name), "before": _short(change.before), "after": _short(change.after)}
    if change.before is None:
        return gettext("%(name)s is new: %(after)s") % words
    if change.after is None:
        return gettext("%(name)s is gone; it was %(before)s") % words
    return gettext("%(name)s: %(before)s became %(after)s") % words


def _short(text: str | None) -> str:
    return escape_invisible(Truncator(text or "").chars(_MAX_VALUE))


def _key_of(request: Request) -> ApiKey:
    """Return the person's key that the form names. Raises Http404."""
    key_id = None
    with suppress(ValueError):
        key_id = UUID(request.POST.get("key", ""))
    return get_object_or_404(ApiKey.objects.of(request.user), pk=key_id)


def _in_words(saved: Saved, key: ApiKey) -> str:
    words = {"source": key.label, "count": saved.messages}
    if saved.is_of_team:
        return gettext("The archive of the team has exactly this conversation, so nothing had to be saved.")
    if saved.changes is None:
        return (
            ngettext(
                "Saved to the archive as received from %(source)s, with %(count)d message. Only you can see it there.",
                "Saved to the archive as received from %(source)s, with %(count)d messages. Only you can see it there.",
                saved.messages,
            )
            % words
        )
    if not saved.changes:
        return gettext("Nothing has changed at %(source)s since this was saved.") % words
    changed = "; ".join(changes_in_words(saved.changes))
    return gettext("Saved again. Changed at %(source)s since then: %(changed)s.") % (words | {"changed": changed})


def _redirect(request: Request, url: str) -> HttpResponse:
    if request.htmx:
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return redirect(url)
