"""Verdicts on answers: their words, the reasons that are offered, and what a page shows of those on an answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from viewer.archive.models import fit
from viewer.completions.invisibles import escape_invisible
from viewer.rendering.places import place_of_answer
from viewer.web.frames import draw

from .models import Reason, Verdict
from .notes import name_of_person, name_of_place

VERDICTS = {"good": gettext_lazy("Good"), "wrong": gettext_lazy("Wrong"), "unsafe": gettext_lazy("Unsafe")}
# Offered until the team has a list of its own.
_REASONS = (
    gettext_noop("Complete and correct"),
    gettext_noop("Invented facts"),
    gettext_noop("Out of date"),
    gettext_noop("Did not answer the question"),
    gettext_noop("Against our policy"),
    gettext_noop("Wrong tone"),
)


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict as a page shows it."""

    verdict: str
    words: str
    person: str
    reason: str
    comment: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class AnswerVerdicts:
    """The verdicts on one answer, and the URL under which one is given."""

    url: str
    name: str
    verdicts: tuple[VerdictView, ...]

    @property
    def has_own(self) -> bool:
        return any(one.is_own for one in self.verdicts)


def verdicts_on(completion_id: str, reader: User) -> dict[int, list[VerdictView]]:
    """Read the verdicts on the answers of a conversation that the reader has opened, by position."""
    found: dict[int, list[VerdictView]] = defaultdict(list)
    on_answers = Verdict.objects.filter(completion_id=fit(completion_id), message_id="")
    for one in on_answers.select_related("person").order_by("pk"):
        found[one.position].append(build_verdict(one, reader))
    return found


def build_verdict(verdict: Verdict, reader: User) -> VerdictView:
    return VerdictView(
        verdict=verdict.verdict,
        words=verdict_in_words(verdict.verdict),
        person=name_of_person(verdict.person),
        reason=escape_invisible(verdict.reason),
        comment=escape_invisible(verdict.comment),
        is_own=verdict.person_id == reader.pk,
    )


def of_answer(completion_id: str, position: int, verdicts: Iterable[VerdictView]) -> AnswerVerdicts:
    """Return the verdicts on one answer."""
    url = reverse("verdict", args=[completion_id, position])
    return AnswerVerdicts(url, name_of_place(completion_id, place_of_answer(position)), tuple(verdicts))


def draw_answer(answer: AnswerVerdicts) -> SafeString:
    """Draw what stands below an answer: its verdicts, and the link to give one."""
    verdicts = tuple(asdict(one) for one in answer.verdicts)
    shown = {"url": answer.url, "name": answer.name, "has_own": answer.has_own, "verdicts": verdicts}
    return draw("review/_verdict.html", answer=shown, form=None)


def verdict_in_words(verdict: str) -> str:
    """Name a verdict; one that a newer version stored by itself."""
    return str(VERDICTS.get(verdict, verdict))


def reasons() -> list[str]:
    """Return the reasons that are offered: the team's, else some to begin with."""
    return list(Reason.objects.values_list("text", flat=True)) or [gettext(reason) for reason in _REASONS]


def save_reasons(texts: Iterable[str]) -> None:
    """Make these the reasons that are offered. Verdicts keep the reasons that they have."""
    with transaction.atomic():
        Reason.objects.all().delete()
        Reason.objects.bulk_create(Reason(text=text) for text in texts)
