"""Says in a sentence what the tool that recorded a conversation has lost, or what else to know of a message."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext, gettext_lazy, ngettext

from viewer.completions.invisibles import escape_invisible
from viewer.completions.origin import Note

_SENTENCES = {
    "lost-image": gettext_lazy("%(by)s did not record the picture."),
    "lost-audio": gettext_lazy("%(by)s did not record the sound."),
    "lost-file": gettext_lazy("%(by)s did not record the file."),
    "lost-text": gettext_lazy("%(by)s did not record the text."),
    "lost-refusal": gettext_lazy(
        "%(by)s records nothing where the model refuses to answer: this may have been a refusal."
    ),
    "lost-reasoning": gettext_lazy("%(by)s did not record the reasoning."),
    "lost-citations": gettext_lazy("%(by)s did not record the sources that are cited."),
    "lost-calls": gettext_lazy("%(by)s did not record the tool calls."),
    "lost-results": gettext_lazy("%(by)s did not record the results of the tools."),
    "lost-answer": gettext_lazy("%(by)s did not record the answer."),
    "lost-input": gettext_lazy("What was asked is not in the imported file: there is only the answer."),
    "lost-content": gettext_lazy("%(by)s did not record what stood here."),
    "private": gettext_lazy("The customer did not see this."),
    "edited": gettext_lazy("This was edited later."),
    "cut-off": gettext_lazy("%(by)s cut this off."),
    "missing-file": gettext_lazy("A file of this message is not in what was imported."),
    "hidden": gettext_lazy("%(by)s does not show this message."),
    "only-last": gettext_lazy("%(by)s gives only the last message here: import all of its messages too."),
    "earlier": gettext_lazy("%(by)s has earlier messages on another page: import that page too."),
    "taken-out": gettext_lazy("This was later taken out of what the model sees."),
    "only-first": gettext_lazy("%(by)s gives only the first message here: export the conversation itself."),
    "limit": gettext_lazy("%(by)s gives at most %(count)d messages of a conversation: later ones may be missing."),
    "goes-on": gettext_lazy("This goes on from the conversation %(by)s, which has ended."),
    "interrupted": gettext_lazy("Whoever said this was interrupted."),
    "preferred": gettext_lazy("This is the answer that was preferred."),
    "not-preferred": gettext_lazy("This is the answer that was not preferred."),
}


def note_sentences(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return a sentence for each note of an import, in the language of the reader."""
    return tuple(dict.fromkeys(_sentence(note) for note in notes))


def _sentence(note: Note) -> str:
    if note.code == "other-branches":
        return ngettext(
            "%(count)d other version of the messages from here on is kept in the JSON.",
            "%(count)d other versions of the messages from here on are kept in the JSON.",
            note.count,
        ) % {"count": note.count}
    by = escape_invisible(note.by) or gettext("The tool that recorded this")
    return str(_SENTENCES[note.code]) % {"by": by, "count": note.count}
