"""Making a share of a conversation, and changing one: choose, look at what would be redacted, make it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from viewer.client.client import MAX_PAGE_SIZE
from viewer.client.problems import Problem
from viewer.redaction.finding import KINDS as KIND_WORDS
from viewer.redaction.finding import LIMITS, Finding
from viewer.sharing.choices import KINDS, OWN_WORDS, Choices, key_of
from viewer.sharing.forms import ShareForm, initial_of
from viewer.sharing.models import Share, delete_old_snapshots
from viewer.sharing.opening import READ_ON_HOURS
from viewer.sharing.snapshots import NEIGHBOURS, Draft, TooLarge, draft, find_in, redacted, store
from viewer.sources.reader import Reader, reader_for
from viewer.sources.sources import SourceProblem
from viewer.web.logs import event
from viewer.web.request import Request

_KEPT_AFTER_EXPIRY = timedelta(days=30)  # a snapshot; until then its share can be prolonged
_MAX_NAMES = 500  # of colleagues that the form proposes
_ALL = ("all", "on", "true", "yes", "1")  # each means everything that is found


@dataclass(frozen=True)
class Kind:
    """A kind of finding in the form: how many there are, and which of them are ticked."""

    name: str
    label: str
    count: int
    is_ticked: bool
    findings: list[tuple[Finding, str, bool]]  # with its key, and whether it is ticked


@require_http_methods(["GET", "HEAD", "POST"])
def make_share(request: Request, completion_id: str, message_id: str = "") -> HttpResponse:
    """Show the form, look at what would be redacted, or make the share."""
    reader = reader_for(request, completion_id)
    reader.completion()
    form = ShareForm(
        request.POST if request.method == "POST" else None, owner=request.user, initial=_asked(request, message_id)
    )
    return _answer(request, reader, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def change_share(request: Request, share_id: int) -> HttpResponse:
    """Change who can open one of the person's shares, or take its snapshot again; its address stays."""
    shares = Share.objects.of(request.user).filter(revoked_at=None, snapshot__isnull=False)
    share = get_object_or_404(shares.select_related("snapshot"), pk=share_id)
    form = ShareForm(
        request.POST if request.method == "POST" else None, owner=request.user, share=share, initial=initial_of(share)
    )
    return _answer(request, reader_for(request, share.completion_id), form, share)


def redact_of(data: QueryDict) -> list[str]:
    """Read what is to be redacted: kinds, keys of findings, or everything."""
    values = data.getlist("redact")
    return [*KINDS] if any(value.lower() in _ALL for value in values) else list(dict.fromkeys(values))[:5_000]


def _answer(request: Request, reader: Reader, form: ShareForm, share: Share | None) -> HttpResponse:
    if request.method != "POST":
        choices = share.choices if share else _first_choices(form)
        drafted = _drafted(reader, choices, form) if share is None and _is_short(reader, choices) else None
        return _show(request, reader, form, _Look(share, choices, drafted))
    if not form.is_valid():
        return _show(request, reader, form, _Look(share, _first_choices(form, redact_of(request.POST))), status=422)
    choices = form.choices_with(redact_of(request.POST))
    step = request.POST.get("step", "")
    if share and step != "preview" and step != "renew" and choices == share.choices:
        return _save(request, share, form)
    drafted = _drafted(reader, choices, form)
    if drafted is None:
        return _show(request, reader, form, _Look(share, choices), status=422)
    findings = find_in(drafted, choices.words)
    has_not_looked = form.is_public and "looked" not in request.POST and len(choices.picked(findings)) < len(findings)
    if step == "preview" or has_not_looked:
        redact = [*KINDS] if has_not_looked and step != "preview" else choices.redact
        return _show(request, reader, form, _Look(share, _expanded(choices, redact, findings), drafted, findings))
    picked = choices.picked(findings)
    drafted = redacted(drafted, picked, choices)
    is_new, share = share is None, share or Share.new(request.user, reader.completion_id)
    with transaction.atomic():
        share.choices = choices
        _set_audience(share, form)
        store(share, drafted, choices, picked)
    event("share made" if is_new else "share renewed", share=share.pk, audience=share.audience)
    messages.success(request, gettext("The link is ready.") if is_new else gettext("A new snapshot was taken."))
    delete_old_snapshots(timezone.now() - _KEPT_AFTER_EXPIRY)
    return redirect("share", share.pk)


def _save(request: Request, share: Share, form: ShareForm) -> HttpResponse:
    with transaction.atomic():
        _set_audience(share, form)
    event("share changed", share=share.pk, audience=share.audience)
    messages.success(request, gettext("Saved. The snapshot is the same as before."))
    return redirect("share", share.pk)


def _set_audience(share: Share, form: ShareForm) -> None:
    """Set who can open it, how long and how often, and save it."""
    data = form.cleaned_data
    share.audience, share.note = data["audience"], data["note"]
    share.expires_at, share.max_openings = form.expires_at(), data["openings"]
    changed = ("audience", "note", "expires_at", "max_openings", "sealed_choices")
    share.save(update_fields=changed if share.pk else None)
    share.people.set(data["person"])


def _asked(request: Request, message_id: str) -> dict[str, str]:
    """Return the messages and the scope that the link to the form names, and the view that the person reads in."""
    names = (("first", "last"), ("from", "to"), ("message", "message"))
    ends = next(((request.GET[one], request.GET.get(other, "")) for one, other in names if request.GET.get(one)), None)
    first, last = ends or (message_id, message_id)
    view = "customer" if request.COOKIES.get("audience") == "customer" else "everything"
    asked = {"first": first, "last": last or first, "view": view}
    return asked | ({"scope": "whole"} if request.GET.get("scope") == "whole" else {})


def _first_choices(form: ShareForm, redact: list[str] | None = None) -> Choices:
    """Return the choices with which a form begins."""
    first, last = str(form["first"].value() or ""), str(form["last"].value() or "")
    scope: Any = form["scope"].value() or form.fields["scope"].initial
    is_known = scope in ("message", "range", "whole")
    return Choices(scope if is_known else "whole", first, last or first, redact=redact or [])


def _is_short(reader: Reader, choices: Choices) -> bool:
    """Whether the messages can be looked through before anybody asks for it."""
    return choices.scope == "message" or not reader.messages(limit=MAX_PAGE_SIZE).has_more


def _drafted(reader: Reader, choices: Choices, form: ShareForm) -> Draft | None:
    """Read what is to be shared; None if it cannot be, and the form says why."""
    try:
        return draft(reader, choices)
    except TooLarge:
        error = gettext("This is too much for one share. Select some of the messages.")
    except Problem:
        error = gettext("Not all of the messages could be read, so nothing was shared. Try again in a moment.")
    except SourceProblem as failure:
        if not failure.problem.param:
            raise
        error = gettext("The message that was selected is not in this conversation.")
    if form.is_bound:
        form.add_error(None, error)
    return None


def _expanded(choices: Choices, redact: list[str], findings: tuple[Finding, ...]) -> Choices:
    """Name the findings one by one in place of their kinds, so that each can be left out."""
    kinds = {finding.kind for finding in findings}
    keys = [key_of(finding) for finding in findings if finding.kind in redact]
    rest = [name for name in redact if name not in kinds]
    return Choices(**{**choices.__dict__, "redact": list(dict.fromkeys([*rest, *keys]))})


@dataclass(frozen=True)
class _Look:
    """What the form shows beside its fields: the share that it changes, and what is found in what is chosen."""

    share: Share | None
    choices: Choices
    drafted: Draft | None = None
    findings: tuple[Finding, ...] | None = None


def _show(request: Request, reader: Reader, form: ShareForm, look: _Look, status: int = 200) -> HttpResponse:
    findings = look.findings
    if findings is None and look.drafted is not None:
        findings = find_in(look.drafted, look.choices.words)
    names = User.objects.filter(is_active=True).exclude(pk=request.user.pk).order_by("username")
    context = {
        "form": form,
        "share": look.share,
        "home": reader.home,
        "completion_id": reader.completion_id,
        "kinds": _kinds(look.choices, findings or ()),
        "has_looked": findings is not None,
        "limits": [gettext(limit) for limit in LIMITS],
        "names": names.values_list("username", flat=True)[:_MAX_NAMES],
        "neighbours": NEIGHBOURS,
        "read_on_hours": READ_ON_HOURS,
    }
    template = "sharing/_redaction.html" if request.htmx else "sharing/form.html"
    return render(request, template, context, status=status)


def _kinds(choices: Choices, findings: tuple[Finding, ...]) -> list[Kind]:
    """Return what is found by kind; a kind of which nothing is found can still be ticked."""
    kinds = []
    for name in (*KINDS, OWN_WORDS):
        found = [finding for finding in findings if finding.kind == name]
        if name == OWN_WORDS and not found:
            continue
        ticked = [(finding, key_of(finding), choices.picks(finding)) for finding in found]
        count = sum(finding.count for finding in found)
        kinds.append(Kind(name, gettext(KIND_WORDS[name]), count, name in choices.redact, ticked))
    return kinds
