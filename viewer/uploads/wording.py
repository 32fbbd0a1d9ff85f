"""What pages say of uploads, in the language of their reader."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Place
from viewer.formats.families import mem0
from viewer.formats.reading import summary_of
from viewer.formats.registry import FAMILIES

from .models import Upload

PROBLEMS = {
    "gone": gettext_lazy("The file is no longer on the server. Upload it again."),
    "erased": gettext_lazy(
        "A conversation in this file was erased for good, so the file was deleted too. Upload it again to import the "
        "others: what was erased stays out."
    ),
    "broken": gettext_lazy("Something went wrong in Lectern. Your administrator can find the reason in the log."),
    "nothing": gettext_lazy("Nothing in it can be imported, so the file was deleted."),
    "empty": gettext_lazy("There is nothing in the file, so it was deleted."),
}


def tools() -> list[tuple[str, list[str]]]:
    """Return the names of the tools whose files can be read, by their first letter, in alphabetical order."""
    titles = (family.title for family in FAMILIES if family.seen and family is not mem0.FAMILY)
    names = sorted({name for title in titles for name in title.partition(":")[0].split(", ")}, key=str.casefold)
    return [(letter, list(those)) for letter, those in groupby(names, key=lambda name: name[0].upper())]


def summary(upload: Upload) -> str:
    """Say what a file is: “A LangChain history with 3 conversations”."""
    return summary_of(Counter(upload.families))


def in_words(place: Place, name: str) -> str:
    """Say where something stands in a file."""
    file = "" if place.file == name else place.file.removeprefix(f"{name}/")
    words = {
        "line": gettext("line %(number)d"),
        "item": gettext("item %(number)d"),
        "row": gettext("row %(number)d"),
        "session": gettext("session %(number)d"),
        "event": gettext("event %(number)d"),
    }
    number = words.get(place.unit, "%(number)d") % {"number": place.number} if place.number else ""
    return ", ".join(part for part in (file, number) if part)
