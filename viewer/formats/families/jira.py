"""Jira's issues with their comments, and the requests of Jira Service Management, as their APIs give them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.atlassian_text import text_of_document
from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, note, text_part
from viewer.formats.family import Family, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private, linked_file
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, source_of

_NAME, _TITLE = "jira", "Jira"
_KNOWN = ("id", "key")
_REQUEST = re.compile(r"/request/([^/]{1,50})/comment/")
_IDS = ("accountId", "key", "name")


def _is_issue(value: Any) -> bool:
    fields = object_at(value, "fields")
    return "key" in object_at(value) and "summary" in fields and not {"description", "comment"}.isdisjoint(fields)


def _is_request(value: Any) -> bool:
    return isinstance(value, dict) and {"issueKey", "requestFieldValues"} <= value.keys()


def _is_comment(value: Any) -> bool:
    """Whether a value is a comment of a request, which says who can see it, unlike those of an issue."""
    is_one = isinstance(value, dict) and isinstance(value.get("public"), bool) and {"body", "author"} <= value.keys()
    return is_one and "iso8601" in object_at(value, "created")


def _matches(value: Any) -> bool:
    return _is_issue(value) or _is_request(value) or _is_comment(value)


def _key(document: Document) -> str:
    """Return the request of a comment, which stands in its address."""
    value = document.value
    if _is_request(value):
        return as_text(value.get("issueId") or value["issueKey"])
    if not _is_comment(value):
        return ""
    found = _REQUEST.search(as_text(object_at(value, "_links").get("self")))
    return found[1] if found else f"file {document.place.file}"


def _own(document: Document) -> str:
    """Return the id of a comment; of a request there is one."""
    return as_text(document.value.get("id")) if _is_comment(document.value) else "request"


def _read(issue: Document) -> Iterator[Conversation]:
    fields = object_at(issue.value, "fields")
    reporter = object_at(fields, "reporter")
    opened = DraftMessage(CUSTOMER, _parts_of(fields.get("description")), created=fields.get("created"))
    opened.name = _name_of(reporter)
    comments = issue.at("fields", "comment", "comments")
    said = [_commented(one, reporter) for one in (comments.items() if comments else ()) if isinstance(one.value, dict)]
    if said and (object_at(fields, "comment").get("total") or 0) > len(said):
        said[-1].notes.append(note("limit", by=_TITLE, count=len(said)))
    messages = [opened, *said, *map(_attached, objects_at(fields, "attachment"))]
    messages.sort(key=lambda message: as_text(message.created))
    yield Draft(
        _NAME,
        id=id_within(_NAME, issue.value["key"]),
        created=fields.get("created"),
        metadata={
            "title": fields["summary"],
            "customer": first_of(reporter, ("emailAddress", "displayName")),
            "status": object_at(fields, "status").get("name"),
            "priority": object_at(fields, "priority").get("name"),
            "tags": fields.get("labels"),
        },
        messages=messages,
        source=_source(issue),
    ).finish(issue)


def _source(issue: Document) -> str:
    """Return what an issue has beside its comments, which have their own source."""
    both = source_of(issue, (*_KNOWN, "fields")), source_of(issue.members["fields"], ("comment",))
    return f"[{','.join(filter(None, both))}]"


def _commented(comment: Document, reporter: dict[str, Any]) -> DraftMessage:
    value = comment.value
    author, created = object_at(value, "author"), value.get("created")
    draft = DraftMessage(CUSTOMER if _is_customer(author, reporter) else COLLEAGUE, _parts_of(value.get("body")))
    draft.source, draft.id, draft.name = comment.text, as_text(value.get("id")), _name_of(author)
    draft.created = created.get("iso8601") if isinstance(created, dict) else created
    if value.get("updated") not in (None, draft.created):
        draft.notes.append(note("edited"))
    is_hidden = value.get("jsdPublic") is False or value.get("public") is False or bool(value.get("visibility"))
    return as_private(draft) if is_hidden else draft


def _is_customer(author: dict[str, Any], reporter: dict[str, Any]) -> bool:
    """Whether somebody asks: who reported it, or who has an account for the portal alone."""
    is_of_portal = author.get("accountType") == "customer" or as_text(author.get("accountId")).startswith("qm:")
    return is_of_portal or any(author.get(name) and author.get(name) == reporter.get(name) for name in _IDS)


def _attached(file: dict[str, Any]) -> DraftMessage:
    """Read a file, of which Jira does not say with what comment it was sent, and so not who can see it."""
    part = linked_file(as_text(file.get("content")), as_text(file.get("mimeType")), as_text(file.get("filename")))
    return DraftMessage(EVENT, [part], name=_name_of(object_at(file, "author")), created=file.get("created"))


def _parts_of(body: Any) -> list[dict[str, Any]]:
    text = text_of_document(body) if isinstance(body, dict) else as_text(body)
    return [text_part(text)] if text else []


def _name_of(person: dict[str, Any]) -> str:
    return as_text(first_of(person, ("displayName", "name", "emailAddress")))


def _join(rows: list[Document]) -> Iterator[Conversation]:
    """Join a request with its comments."""
    request = next((row for row in rows if _is_request(row.value)), None)
    about = request.value if request else {}
    reporter = object_at(about, "reporter")
    given = {as_text(one.get("fieldId")): one for one in objects_at(about, "requestFieldValues")}
    messages = [_commented(row, reporter) for row in rows if row is not request]
    created = object_at(about, "createdDate").get("iso8601")
    if request is not None:
        opened = DraftMessage(CUSTOMER, _parts_of(object_at(given, "description").get("value")), request.text)
        opened.name, opened.created = _name_of(reporter), created
        messages.append(opened)
    messages.sort(key=lambda message: as_text(message.created))
    draft = Draft(_NAME, id=id_within(_NAME, about.get("issueKey") or _key(rows[0])), messages=messages)
    draft.created = created or messages[0].created
    draft.metadata = {
        "title": object_at(given, "summary").get("value"),
        "customer": first_of(reporter, ("emailAddress", "displayName")),
        "status": object_at(about, "currentStatus").get("status"),
    }
    yield draft.finish_at(rows[0].place, *(row.text for row in rows))


FAMILY = Family(
    name=_NAME,
    title="Jira, Jira Service Management",
    what=gettext_lazy("An issue of Jira"),
    seen="the REST API 2 and 3 and that of Service Management, by their description and published examples",
    keeps="texts in both formats, internal comments as private notes, addresses of files, names, labels, times",
    loses="with what comment a file was sent; of comments alone, who reported it: customers are those who have an "
    "account for the portal alone",
    matches=_matches,
    read=_read,
    key=_key,
    own=_own,
    join=_join,
)
