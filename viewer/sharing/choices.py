"""What somebody chose to share of a conversation: which messages, in which view, and what is redacted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from viewer.redaction.finding import KINDS as FOUND_KINDS
from viewer.redaction.finding import Finding

Scope = Literal["whole", "range", "message"]
OWN_WORDS = "word"  # the kind of what was added by hand, which is always redacted
KINDS = tuple(kind for kind in FOUND_KINDS if kind != OWN_WORDS)


@dataclass(frozen=True)
class Choices:
    """What to take into a snapshot. `first` and `last` are places; of one message with its neighbours, both are it.

    `redact` names what is redacted: a kind, or one finding by its key.
    """

    scope: Scope = "whole"
    first: str = ""
    last: str = ""
    opens_at: str = ""
    is_for_customer: bool = False
    redact: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    without_media: bool = False
    with_notes: bool = False

    @property
    def redacts(self) -> bool:
        """Whether anything is redacted, so that the messages have to be searched."""
        return bool(self.redact or self.words)

    def picks(self, finding: Finding) -> bool:
        """Whether a finding is redacted: by itself, with its kind, or because somebody typed it."""
        return finding.kind == OWN_WORDS or finding.kind in self.redact or key_of(finding) in self.redact

    def picked(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(filter(self.picks, findings))


def key_of(finding: Finding) -> str:
    """Return what names a finding in a form, the same whenever the same value is found."""
    return hashlib.sha256(f"{finding.kind}:{finding.value or finding.text}".encode()).hexdigest()[:20]
