"""Says in words what a share is: who shared it, when it was taken, what is missing in it, and who can open it."""

from __future__ import annotations

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from viewer.redaction.finding import KINDS
from viewer.web.templatetags.formats import long_time, utc_time

from .models import LINK, PEOPLE, SIGNED_IN, Share, Snapshot

AUDIENCES: dict[str, Promise] = {
    PEOPLE: gettext_lazy("named colleagues"),
    SIGNED_IN: gettext_lazy("anyone who can sign in here"),
    LINK: gettext_lazy("anyone with the link, without signing in"),
}
_SCOPES = {
    "whole": gettext_lazy("the whole conversation"),
    "range": gettext_lazy("a selected part of a conversation"),
    "message": gettext_lazy("a message and those next to it"),
}


def audiences() -> dict[str, Promise]:
    """Return the audiences that can be chosen."""
    return {name: words for name, words in AUDIENCES.items() if name != LINK or settings.PUBLIC_SHARING}


def scope_of(snapshot: Snapshot) -> str:
    return str(_SCOPES.get(snapshot.scope, snapshot.scope))


def source_name(snapshot: Snapshot, *, is_colleague: bool) -> str:
    """Name where the conversation was read. Strangers are not told the names of servers."""
    if not is_colleague:
        return "Lectern"
    return snapshot.source or gettext("Archive")


def missing_in(snapshot: Snapshot) -> list[str]:
    """Return one sentence for each kind of thing that is not in a snapshot."""
    missing = []
    if snapshot.is_for_customer:
        missing.append(gettext("Prompts, tool calls and reasoning are left out: it is what the customer saw."))
    if snapshot.redacted:
        counts = snapshot.redacted
        kinds = ", ".join(f"{gettext(words)} ({counts[kind]})" for kind, words in KINDS.items() if kind in counts)
        missing.append(gettext("Redacted: %(kinds)s.") % {"kinds": kinds})
    if not snapshot.has_media:
        missing.append(gettext("Images, audio and files are left out."))
    return missing


def origin_of(share: Share) -> str:
    """Return the origin of a snapshot in one line, for the head of a transcript."""
    taken = share.snapshot.taken_at
    origin = gettext("taken %(time)s, shared by %(name)s") % {
        "time": f"{long_time(taken)} ({utc_time(taken)})",
        "name": share.owner_name,
    }
    return " ".join([f"{origin}.", *missing_in(share.snapshot)])
