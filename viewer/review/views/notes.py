"""Notes: shown and written on a place, edited and deleted by their author.

For htmx each view sends the notes of the place as they stand then, with a form where one is needed.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from viewer.archive.models import fit
from viewer.rendering.places import answer_at, place_of_answer, url_of
from viewer.review.forms import NoteForm, version_of
from viewer.review.mentions import Mentions, people_to_mention
from viewer.review.models import Note
from viewer.review.notes import PlaceNotes, name_of_person, name_of_place, notes_at, url_of_place
from viewer.sources.problem_pages import title_of
from viewer.sources.reader import reader_for
from viewer.sources.sources import SourceProblem
from viewer.web.logs import event
from viewer.web.request import Request
from viewer.web.responses import page_or_fragment


@require_http_methods(["GET", "HEAD", "POST"])
def note_on(request: Request, completion_id: str, message_id: str = "", position: int | None = None) -> HttpResponse:
    """Show the notes of a message, an answer or a conversation, with a form for a further one; a POST writes it."""
    place = message_id if position is None else place_of_answer(position)
    form = NoteForm(request.POST if request.method == "POST" else None)
    if failed := _check_access(request, completion_id, place, form):
        return failed
    note = Note(completion_id=fit(completion_id), place=fit(place), author=request.user)
    if request.method == "POST" and form.is_valid() and (mentions := form.write(note)):
        return _done(request, note, mentions)
    return _show(request, completion_id, place, {"form": None if "closed" in request.GET else form})


@require_http_methods(["GET", "HEAD", "POST"])
def note(request: Request, completion_id: str, note_id: int) -> HttpResponse:
    """Edit a note of one's own. What was typed for one that is gone can be saved as a new note."""
    stored = Note.objects.filter(completion_id=fit(completion_id), pk=note_id).first()
    if stored is None and request.method == "POST":
        form = NoteForm(request.POST)
        if failed := _check_access(request, completion_id, "", form):
            return failed
        form.add_error("text", gettext("This note was deleted elsewhere. Save again to write it as a new one."))
        return _show(request, completion_id, "", {"form": form})
    if stored is None or stored.author_id != request.user.pk:
        raise Http404
    initial = {"text": stored.text, "version": version_of(stored.edited_at)}
    form = NoteForm(request.POST if request.method == "POST" else None, initial=initial)
    if failed := _check_access(request, completion_id, stored.place, form):
        return failed
    if request.method == "POST" and form.is_valid() and (mentions := form.edit(stored)):
        return _done(request, stored, mentions)
    return _show(request, completion_id, stored.place, {"form": form, "edited": stored, "version": initial["version"]})


@require_http_methods(["GET", "HEAD", "POST"])
def delete_note(request: Request, completion_id: str, note_id: int) -> HttpResponse:
    """Ask for confirmation; a POST deletes a note of one's own, also when its conversation cannot be read any more."""
    own = Note.objects.filter(completion_id=fit(completion_id), author=request.user)
    stored = get_object_or_404(own, pk=note_id)
    if request.method != "POST":
        beside = _notes_as_readable(request, completion_id, stored.place)
        return _show(request, completion_id, stored.place, {"deleted": stored, "beside": beside})
    event("note deleted", note=stored.pk)
    stored.delete()
    if request.htmx:
        beside = _notes_as_readable(request, completion_id, stored.place)
        return _show(request, completion_id, stored.place, {"beside": beside})
    notices.success(request, gettext("The note was deleted."))
    return redirect(url_of(completion_id, stored.place))


def _check_access(request: Request, completion_id: str, place: str, form: NoteForm) -> HttpResponse | None:
    """Read the place as the person may. Raises SourceProblem, which is shown as a page, a 404 for what is not there.

    While its server fails, the form comes back with what was typed, and without the notes of others.
    """
    try:
        _read(request, completion_id, place)
    except SourceProblem as failure:
        if failure.problem.name == "not-found" or not form.is_bound:
            raise
        form.add_error("text", gettext("Not saved. %(problem)s. Try again.") % {"problem": title_of(failure)})
        url, name = url_of_place(completion_id, place), name_of_place(completion_id, place)
        again = {"retry_url": request.path, "version": form["version"].value()}
        return _show(request, completion_id, place, {"form": form, "beside": PlaceNotes(place, name, url), **again})
    return None


def _read(request: Request, completion_id: str, place: str) -> None:
    """Read a place as the person may. Raises SourceProblem."""
    reader = reader_for(request, completion_id)
    if not place:
        reader.completion()
    elif (position := answer_at(place)) is not None:
        reader.choice(position)
    else:
        reader.message(place)


def _notes_as_readable(request: Request, completion_id: str, place: str) -> PlaceNotes:
    """Return the notes of a place: those of others only if the person can read it."""
    try:
        _read(request, completion_id, place)
    except SourceProblem:
        return notes_at(completion_id, place, request.user, only_own=True)
    return notes_at(completion_id, place, request.user)


def _done(request: Request, note: Note, mentions: Mentions) -> HttpResponse:
    unknown = ""
    if mentions.unknown:
        names = ", ".join(f"@{name}" for name in mentions.unknown)
        unknown = gettext("The note was saved. Nobody here has the name %(names)s.") % {"names": names}
    if request.htmx:
        return _show(request, note.completion_id, note.place, {"saved": note.pk, "unknown": unknown})
    if unknown:
        notices.warning(request, unknown)
    return redirect(f"{url_of(note.completion_id, note.place)}#note-{note.pk}")


def _show(request: Request, completion_id: str, place: str, context: dict[str, Any]) -> HttpResponse:
    form = context.get("form")
    context |= {
        "completion_id": completion_id,
        "beside": context.get("beside") or notes_at(completion_id, place, request.user),
        "back_url": url_of(completion_id, place),
        "names": [(one.username, name_of_person(one)) for one in people_to_mention()] if form else [],
    }
    status = 422 if form and form.errors else 200
    return page_or_fragment(request, "review/note.html", "review/_notes.html", context, status)
