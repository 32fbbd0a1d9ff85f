"""Making a share of a conversation, and changing one: choose, look at what would be redacted, make it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from viewer.archive.erased import erased_among
from viewer.client.client import MAX_PAGE_SIZE, PAGE_SIZE
from viewer.client.problems import Problem
from viewer.completions.reading import read_message
from viewer.redaction.finding import KINDS as KIND_WORDS
from viewer.redaction.finding import LIMITS, Finding
from viewer.rendering.context import RenderContext
from viewer.rendering.media_parts import NO_ADDRESS, AudioView, ImageView
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.parts import PartView
from viewer.review.notes import NotesBeside
from viewer.sharing.choices import KINDS, OWN_WORDS, Choices, key_of
from viewer.sharing.forms import ShareForm, initial_of
from viewer.sharing.models import LINK, Share
from viewer.sharing.opening import READ_ON_HOURS
from viewer.sharing.shared_notes import beside, count_notes, with_ids
from viewer.sharing.snapshots import NEIGHBOURS, Draft, TooLarge, draft, find_in, first_in_note, redacted, store
from viewer.sources.reader import Reader, reader_for
from viewer.sources.sources import SourceProblem
from viewer.web.logs import event
from viewer.web.request import Request

_MAX_NAMES = 500  # of colleagues that the form proposes
_MAX_LISTED = 100  # findings of a kind; Django reads 1,000 fields of a form
_MAX_CHOSEN = 5_000  # findings that are redacted one by one
_ALL = ("all", "on", "true", "yes", "1")  # each means everything that is found


@dataclass(frozen=True)
class Kind:
    """A kind of finding in the form: how many there are, and which of them are ticked.

    Of very many, the first are shown, and all or none are redacted.
    """

    name: str
    label: str
    count: int
    is_ticked: bool
    findings: list[tuple[Finding, str, bool]]  # with its key, and whether it is ticked
    more: int = 0


@dataclass(frozen=True)
class Look:
    """What the form shows beside its fields: what is found, if it was looked for, and how its reader will see it."""

    choices: Choices
    findings: tuple[Finding, ...] | None = None
    preview: list[Bubble] = field(default_factory=list)
    notes: NotesBeside | None = None


@dataclass(frozen=True)
class _Drafted:
    """What was read for a share, as it was chosen, and what is found in it."""

    choices: Choices
    draft: Draft
    findings: tuple[Finding, ...]


class _ErasedHere(Exception):
    """The conversation was erased here, so that no snapshot of it is taken either."""


@require_http_methods(["GET", "HEAD", "POST"])
def make_share(request: Request, completion_id: str, message_id: str = "") -> HttpResponse:
    """Show the form, look at what would be redacted, or make the share."""
    reader = reader_for(request, completion_id)
    reader.completion()
    form = ShareForm(request.POST if request.method == "POST" else None, initial=_asked(request, message_id))
    return _answer(request, reader, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def change_share(request: Request, share_id: int) -> HttpResponse:
    """Change who can open one of the person's shares, or take its snapshot again; its address stays."""
    shares = Share.objects.of(request.user).filter(revoked_at=None, snapshot__isnull=False)
    share = get_object_or_404(shares.select_related("snapshot"), pk=share_id)
    form = ShareForm(request.POST if request.method == "POST" else None, share=share, initial=initial_of(share))
    return _answer(request, reader_for(request, share.completion_id), form, share)


def redact_of(data: QueryDict) -> list[str]:
    """Read what is to be redacted: kinds, keys of findings, or everything."""
    values = data.getlist("redact")
    return sorted(KINDS) if any(value.lower() in _ALL for value in values) else sorted(set(values))[:_MAX_CHOSEN]


def _answer(request: Request, reader: Reader, form: ShareForm, share: Share | None) -> HttpResponse:
    if request.method != "POST":
        choices = share.choices if share else _first_choices(form, [])
        looks = share is None and _is_short(reader, choices)
        return _show(request, reader, form, _look(reader, form, choices) if looks else Look(choices))
    redact = redact_of(request.POST)
    if not form.is_valid():
        choices = _first_choices(form, redact)
        return _show(request, reader, form, _look(reader, form, choices) if request.htmx else Look(choices))
    choices, step = form.choices_with(redact), request.POST.get("step", "")
    if step == "preview":
        return _show(request, reader, form, _look(reader, form, choices))
    is_same = share is not None and step != "renew" and choices == share.choices
    was_public = share is not None and share.audience == LINK
    if form.is_public and "looked" not in request.POST and not (is_same and was_public):
        look = _look(reader, form, replace(choices, redact=[*KINDS]))
        if look.findings:
            return _show(request, reader, form, look)
    if share and is_same:
        return _save(request, reader, form, share)
    drafted = _drafted(reader, form, choices)
    return _show(request, reader, form, Look(choices)) if drafted is None else _store(request, form, share, drafted)


def _store(request: Request, form: ShareForm, share: Share | None, drafted: _Drafted) -> HttpResponse:
    """Take the snapshot of a new share, or again that of an old one."""
    choices, is_new = drafted.choices, share is None
    picked = choices.picked(drafted.findings)
    kept = redacted(drafted.draft, picked, choices)
    share = share or Share.new(request.user, drafted.draft.completion_id)
    with transaction.atomic():
        share.choices = choices
        _set_audience(share, form, kept.note)
        share.save(update_fields=["sealed_choices"])
        store(share, kept, choices, picked)
    event("share made" if is_new else "share renewed", share=share.pk, audience=share.audience)
    messages.success(request, gettext("The link is ready.") if is_new else gettext("A new snapshot was taken."))
    return redirect("share", share.pk)


def _save(request: Request, reader: Reader, form: ShareForm, share: Share) -> HttpResponse:
    """Change everything but the snapshot, which has given what it redacts its labels: a new note gets none of them."""
    note = form.cleaned_data["note"]
    if share.choices.redacts and note != share.note:
        _check_note(reader, form, share.choices)
    if form.errors:
        return _show(request, reader, form, Look(share.choices))
    with transaction.atomic():
        _set_audience(share, form, note)
    event("share changed", share=share.pk, audience=share.audience)
    messages.success(request, gettext("Saved. The snapshot is the same as before."))
    return redirect("share", share.pk)


def _check_note(reader: Reader, form: ShareForm, choices: Choices) -> None:
    """Let the form say what its note says of what is redacted, which only the whole of what is shared can tell."""
    drafted = _drafted(reader, form, choices)
    if drafted and (found := first_in_note(drafted.draft, choices.picked(drafted.findings))):
        form.add_error("note", gettext("This share redacts “%(text)s”. Leave it out of the note.") % {"text": found})


def _set_audience(share: Share, form: ShareForm, note: str) -> None:
    """Set who can open it, how long and how often, and save it. Raises Http404 if it was revoked or erased by now."""
    data = form.cleaned_data
    if erased_among([share.completion_id]):
        raise Http404
    if share.pk and not Share.objects.select_for_update().filter(pk=share.pk, revoked_at=None).exists():
        raise Http404
    share.audience, share.note = data["audience"], note
    share.expires_at, share.max_openings = form.expires_at(), data["openings"]
    changed = ("audience", "note", "expires_at", "max_openings")
    share.save(update_fields=changed if share.pk else None)
    share.people.set(data["person"])


def _asked(request: Request, message_id: str) -> dict[str, str]:
    """Return the messages and the scope that the link to the form names, and the view that the person reads in."""
    names = (("first", "last"), ("from", "to"), ("message", "message"))
    ends = next(((request.GET[one], request.GET.get(other, "")) for one, other in names if request.GET.get(one)), None)
    first, last = ends or (message_id, message_id)
    is_for_customer = request.COOKIES.get("audience") == "customer" or request.GET.get("include") == "customer"
    view = "customer" if is_for_customer else "everything"
    asked = {"first": first, "last": last or first, "view": view}
    return asked | ({"scope": "whole"} if request.GET.get("scope") == "whole" else {})


def _first_choices(form: ShareForm, redact: list[str]) -> Choices:
    """Return the choices of a form that was not sent yet, or that has errors."""
    first, last = str(form["first"].value() or ""), str(form["last"].value() or "")
    scope = form["scope"].value() or form.fields["scope"].initial
    return Choices(
        scope=scope if scope in ("message", "range") else "whole",
        first=first,
        last=last or first,
        is_for_customer=form["view"].value() == "customer",
        redact=redact,
        words=str(form["words"].value() or "").split("\n"),
    )


def _is_short(reader: Reader, choices: Choices) -> bool:
    """Whether the messages can be looked through before anybody asks for it."""
    return choices.scope == "message" or not reader.messages(limit=MAX_PAGE_SIZE).has_more


def _look(reader: Reader, form: ShareForm, choices: Choices) -> Look:
    """Look for what can be redacted in what was chosen, and at the beginning of what its reader will see.

    What is found is named one by one in place of its kind, so that each can be left out.
    """
    drafted = _drafted(reader, form, choices, looks=True)
    if drafted is None:
        return Look(choices)
    picked = choices.picked(drafted.findings)
    counts = Counter(finding.kind for finding in drafted.findings)
    rest = [name for name in choices.redact if counts[name] not in range(1, _MAX_LISTED + 1)]
    keys = [key_of(one) for one in picked if one.kind not in (OWN_WORDS, *rest)]
    expanded = replace(choices, redact=sorted({*rest, *keys}))
    kept = redacted(drafted.draft, picked, choices)
    return Look(expanded, drafted.findings, _preview(kept), beside("", with_ids(kept.notes, kept.messages)))


def _drafted(reader: Reader, form: ShareForm, choices: Choices, *, looks: bool = False) -> _Drafted | None:
    """Read what is to be shared, and find what is to be redacted; None if that cannot be, and the form says why."""
    try:
        if erased_among([reader.completion_id]):
            raise _ErasedHere
        read = draft(reader, choices, form["note"].value() or "")
        return _Drafted(choices, read, find_in(read, choices.words) if looks or choices.redacts else ())
    except _ErasedHere:
        error = gettext("This conversation was erased here, so nothing of it is stored again.")
    except TooLarge:
        error = gettext("This is too much for one share. Select some of the messages.")
    except Problem:
        error = gettext("Not all of the messages could be read, so nothing was shared. Try again in a moment.")
    except SourceProblem as failure:
        name, param = failure.problem.name, failure.problem.param
        if name == "not-found" and param not in ("message_id", "position"):
            error = gettext(
                "The conversation can no longer be opened, so it cannot be read again. The share stays as it is."
            )
        elif param:
            error = gettext("The message that was selected is not in this conversation.")
        else:
            raise
    if form.is_bound:
        form.add_error(None, error)
    return None


def _preview(drafted: Draft) -> list[Bubble]:
    """Return the first messages as their reader will see them; nothing of them has a URL yet."""
    items = [read_message(body) for _, body in drafted.messages[:PAGE_SIZE]]
    return [
        replace(bubble, no_link="", source="", parts=tuple(map(_in_preview, bubble.parts)))
        for bubble in build_bubbles(RenderContext(""), items)
    ]


def _in_preview(part: PartView) -> PartView:
    """Say of media that they have no URL yet; that the message has no id is not why."""
    if isinstance(part, ImageView | AudioView) and part.note == gettext(NO_ADDRESS):
        return replace(part, note=gettext("Not in the preview, but in the share"))
    return part


def _show(request: Request, reader: Reader, form: ShareForm, look: Look) -> HttpResponse:
    names = User.objects.filter(is_active=True).exclude(pk=request.user.pk).order_by("username")
    kinds = _kinds(look.choices, look.findings or ())
    shown = {key for kind in kinds for _, key, _ in kind.findings}
    context = {
        "form": form,
        "share": form.share,
        "home": reader.home,
        "kinds": kinds,
        "kept": [value for value in look.choices.redact if value not in shown and value not in KINDS],
        "has_looked": look.findings is not None,
        "preview": look.preview,
        "notes": look.notes,
        "beside": look.notes,
        "notes_count": count_notes(reader.completion_id),
        "limits": [gettext(limit) for limit in LIMITS],
        "names": names.values_list("username", flat=True)[:_MAX_NAMES],
        "neighbours": NEIGHBOURS,
        "read_on_hours": READ_ON_HOURS,
    }
    if request.htmx:
        return render(request, "sharing/_redaction.html", context)
    return render(request, "sharing/form.html", context, status=422 if form.errors else 200)


def _kinds(choices: Choices, findings: tuple[Finding, ...]) -> list[Kind]:
    """Return what is found by kind; a kind of which nothing is found can still be ticked."""
    kinds = []
    for name in (*KINDS, OWN_WORDS):
        found = [finding for finding in findings if finding.kind == name]
        if name == OWN_WORDS and not found:
            continue
        more = max(0, len(found) - _MAX_LISTED)
        ticked = [(finding, "" if more else key_of(finding), choices.picks(finding)) for finding in found]
        count = sum(finding.count for finding in found)
        label = gettext(KIND_WORDS[name])
        kinds.append(Kind(name, label, count, name in choices.redact, ticked[:_MAX_LISTED], more))
    return kinds
