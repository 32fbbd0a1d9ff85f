"""Why a conversation or a message that stands on a page is no link."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from viewer.completions.ids import LONGEST_ID, Flaw, flaw_of

_WORDS: dict[Flaw, str] = {
    "missing": gettext_noop("No link: there is no id"),
    "slash": gettext_noop("No link: the id contains a slash"),
    "dots": gettext_noop("No link: the id consists of dots only"),
    "nul": gettext_noop("No link: the id contains a NUL character"),
    "long": gettext_noop("No link: the id is longer than %(longest)d characters"),
}


def why_no_link(item_id: str) -> str:
    """Say in words why an id has no address; empty when it has one."""
    flaw = flaw_of(item_id)
    return gettext(_WORDS[flaw]) % {"longest": LONGEST_ID} if flaw else ""
