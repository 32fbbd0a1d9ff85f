"""Microsoft 365 Copilot: interactions of people with it, as Microsoft Graph exports them for their organisation.

Facts from the description of Microsoft Graph 1.0 (`aiInteraction`). Many answers are a card, and their text is only the
mark of where it stands.
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.cards import parts_attached, without_marks
from viewer.formats.document import Document
from viewer.formats.drafts import DraftMessage, as_text, citation, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, Messages
from viewer.formats.html_text import parts_of

_NAME = "m365-copilot"
_ROLES = {"userPrompt": CUSTOMER, "aiResponse": COLLEAGUE}


def _is_interaction(value: Any) -> bool:
    return isinstance(value, dict) and {"interactionType", "sessionId", "body"} <= value.keys()


def _read(interaction: Document) -> DraftMessage:
    value, body = interaction.value, object_at(interaction.value, "body")
    text = without_marks(as_text(body.get("content"))).strip()
    draft = DraftMessage(_ROLES.get(as_text(value.get("interactionType")), EVENT), source=interaction.text)
    draft.id, draft.created = value.get("id"), value.get("createdDateTime")
    if draft.role == COLLEAGUE:
        draft.name = as_text(object_at(value, "from", "application").get("displayName"))
    told = parts_of(text) if body.get("contentType") == "html" else [text_part(text)]
    attached = [part for file in objects_at(value, "attachments") for part in parts_attached(file)]
    draft.content = [*(told if text else []), *attached]
    draft.annotations = [
        citation(as_text(link.get("linkUrl")), as_text(link.get("displayName"))) for link in objects_at(value, "links")
    ]
    return draft


_MESSAGES = Messages(_NAME, _is_interaction, lambda value: value.get("sessionId"), _read, ("value",))
FAMILY = Family(
    name=_NAME,
    title="Microsoft 365 Copilot",
    what=gettext_lazy("Interactions with Microsoft 365 Copilot"),
    seen="Microsoft Graph 1.0, by its description",
    keeps="texts, what cards say, addresses of files, links, the application, times",
    loses="what was looked up for an answer",
    matches=_MESSAGES.matches,
    parts=_MESSAGES.parts,
    key=_MESSAGES.key,
    own=_MESSAGES.own,
    join=_MESSAGES.join,
)
