"""ServiceNow: incidents, requests and cases with their comments and work notes.

They are rows of tables, as lists are exported and as the API of tables gives them. What was written stands in a row as
one text, with a line before each entry, or as rows of a table of its own, `sys_journal_field`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotReadable
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, as_private
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import source_of

_NAME, _TITLE = "servicenow", "ServiceNow"
_ENTRY = {"element", "element_id", "value"}
_TASK = {"number", "short_description"}
# What a list that was exported as a workbook calls its columns, where it is not their name with spaces.
_NAMES = {
    "caller": "caller_id", "additional_comments": "comments", "opened": "opened_at", "created": "sys_created_on",
    "created_by": "sys_created_by", "closed": "closed_at", "resolved": "resolved_at", "resolution_notes": "close_notes",
}  # fmt: skip
_CUSTOMERS = ("caller_id", "requested_for", "opened_for", "contact", "consumer", "opened_by")
_TEXTS = ("comments", "work_notes", "comments_and_work_notes", "additional_comments")
_ABOUT = {
    "ticket": "number", "title": "short_description", "status": "state", "priority": "priority", "category": "category",
    "assigned_to": "assigned_to",
}  # fmt: skip
_HEADER = re.compile(
    r"^(?P<time>\d[0-9A-Za-z./ -]{4,18} \d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp]\.?[Mm]\.?)?) - (?P<name>[^\n]{0,120}?) "
    r"\((?P<kind>[^()\n]{1,60})\)\r?$",
    re.MULTILINE,
)
_COMMENT = re.compile(r"[ck]omm?ent", re.IGNORECASE)  # of what ServiceNow writes in the language of its users
_HTML = re.compile(r"\[/?code\]")
_ID = re.compile(r"[0-9a-f]{32}")


def _named(value: Any) -> dict[str, Any]:
    """Return a row with the names of its columns, which are words for people in a workbook."""
    if not isinstance(value, dict) or "Number" not in value:
        return value if isinstance(value, dict) else {}
    plain = {name.lower().replace(" ", "_"): each for name, each in value.items()}
    return {_NAMES.get(name, name): each for name, each in plain.items()}


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _ENTRY and as_text(_raw(value, "element")) in _TEXTS


def _is_task(value: Any) -> bool:
    row = _named(value)
    return row.keys() >= _TASK and not row.keys().isdisjoint((*_TEXTS, *_CUSTOMERS, "description"))


def _matches(value: Any) -> bool:
    return _is_entry(value) or _is_task(value)


def _raw(row: dict[str, Any], name: str) -> Any:
    """Return a value as it is stored: of a person the id, of a time that of UTC."""
    value = row.get(name)
    return value.get("value", value.get("display_value")) if isinstance(value, dict) else value


def _shown(row: dict[str, Any], name: str) -> str:
    """Return a value as people see it; empty if only its id is known."""
    value = row.get(name)
    shown = as_text(value.get("display_value") or value.get("value") if isinstance(value, dict) else value)
    return "" if _ID.fullmatch(shown) else shown.strip()


def _key(row: Document) -> str:
    value = _named(row.value)
    names = ("element_id",) if _is_entry(value) else ("sys_id", "number")
    return next(filter(None, (as_text(_raw(value, name)) for name in names)), f"file {row.place.file}")


def _own(row: Document) -> str:
    """Return the id of an entry; of a task there is one."""
    return as_text(_raw(row.value, "sys_id")) if _is_entry(row.value) else "task"


def _join(rows: list[Document]) -> Iterator[Conversation]:
    task = next((row for row in rows if not _is_entry(row.value)), None)
    if task is None:
        raise NotReadable(
            gettext("These are comments of ServiceNow: give their incidents, too, which say who the customer is.")
        )
    value = _named(task.value)
    entries = [row for row in rows if _is_entry(row.value)]
    customer, login = _customer_of(value)
    said = [_journal(row, login, customer) for row in entries] or list(_written(value, customer))
    said += _solution(value)
    if all(message.created for message in said):
        said.sort(key=lambda message: as_text(message.created))
    opening = DraftMessage(CUSTOMER, [text_part(_opening(value))], name=customer, id=as_text(_raw(value, "number")))
    opening.created = _raw(value, "opened_at") if entries else _time(_shown(value, "opened_at"))
    opening.created = opening.created or _raw(value, "sys_created_on")
    yield Draft(
        _NAME,
        id=id_within(_NAME, _key(task)),
        created=opening.created,
        metadata={name: _shown(value, field) for name, field in _ABOUT.items()} | {"customer_name": customer},
        messages=[opening, *said],
        notes=[] if said else [note("only-first", by=_TITLE)],
        source=source_of(task, (*_ABOUT.values(), *_TEXTS, "short_description", "description")),
    ).finish_at(task.place, *(row.text for row in (task, *entries)))


def _customer_of(task: dict[str, Any]) -> tuple[str, str]:
    """Return the name of the customer, and under which they log in: that of who opened the task, if it was them."""
    field = next((name for name in _CUSTOMERS if as_text(_raw(task, name))), "")
    login = as_text(_raw(task, f"{field}.user_name"))
    is_own = as_text(_raw(task, field)) == as_text(_raw(task, "opened_by"))
    return _shown(task, field), login or (as_text(_raw(task, "sys_created_by")) if is_own else "")


def _opening(task: dict[str, Any]) -> str:
    title, text = _shown(task, "short_description"), _shown(task, "description")
    return text if text.startswith(title) else "\n\n".join(filter(None, (title, text)))


def _journal(row: Document, login: str, customer: str) -> DraftMessage:
    value = row.value
    by = as_text(_raw(value, "sys_created_by"))
    draft = DraftMessage(COLLEAGUE, _parts(as_text(_raw(value, "value"))), row.text, name=by)
    draft.id, draft.created = as_text(_raw(value, "sys_id")), _raw(value, "sys_created_on")
    if by and by == login:
        draft.role, draft.name = CUSTOMER, customer or by
    return as_private(draft) if as_text(_raw(value, "element")) == "work_notes" else draft


def _written(task: dict[str, Any], customer: str) -> Iterator[DraftMessage]:
    """Yield what was written, from texts that have the newest first. What they call it says who could see it."""
    texts = [_shown(task, name) for name in _TEXTS[:2]]
    texts = texts if any(texts) else [_shown(task, _TEXTS[2])]
    for text in texts:
        found = list(_HEADER.finditer(text))
        ends = [*(one.start() for one in found[1:]), len(text)]
        for one, end in reversed(list(zip(found, ends, strict=False))):
            draft = DraftMessage(COLLEAGUE, _parts(text[one.end() : end].strip()), name=one["name"])
            draft.role = CUSTOMER if customer and one["name"] == customer else COLLEAGUE
            draft.created = _time(one["time"])
            yield draft if _COMMENT.search(one["kind"]) else as_private(draft)
        if text and not found:  # it was exported without them
            yield as_private(DraftMessage(COLLEAGUE, _parts(text)))


def _solution(task: dict[str, Any]) -> list[DraftMessage]:
    """Return how the task was solved, which the customer is told when it is closed."""
    if not (text := _shown(task, "close_notes")):
        return []
    draft = DraftMessage(COLLEAGUE, _parts(text), name=_shown(task, "resolved_by") or _shown(task, "closed_by"))
    draft.created = _time(_shown(task, "resolved_at") or _shown(task, "closed_at"))
    return [draft]


def _parts(text: str) -> list[dict[str, Any]]:
    """Return the parts of a text, of which what stands in `[code]` is HTML."""
    parts = list[dict[str, Any]]()
    for number, piece in enumerate(_HTML.split(text)):
        parts += parts_of(piece, is_html=True) if number % 2 else [text_part(piece.strip())]
    return [part for part in parts if part.get("text", "…")] or [text_part("")]


def _time(text: str) -> str | None:
    """Return a time, unless it is written in a way in which day and month cannot be told apart."""
    try:
        return datetime.fromisoformat(text).isoformat() if text else None
    except ValueError:
        return None


FAMILY = Family(
    name=_NAME,
    title="ServiceNow",
    what=gettext_lazy("A ServiceNow incident"),
    seen="incidents, requests and cases with their texts or rows of `sys_journal_field`, by published examples of 2016 "
    "to 2026",
    keeps="descriptions, comments, work notes as private notes, resolution notes, names, times",
    loses="files and mails; in rows of `sys_journal_field` the names of people, and who is the customer unless they "
    "opened the incident; the zone of times that are written for people",
    matches=_matches,
    key=_key,
    own=_own,
    join=_join,
)
