"""Zammad's tickets with their articles, and articles alone, as its API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy

from viewer.formats.document import Conversation, Document
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, first_object, object_at, objects_at
from viewer.formats.help_desks import COLLEAGUE, CUSTOMER, EVENT, as_private
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within
from viewer.formats.message_lists import first_of, id_under, source_of

_NAME = "zammad"
_SENDERS = {1: "Agent", 2: "Customer", 3: "System"}  # as every installation has them
_ARTICLE = {"ticket_id", "internal", "body", "content_type"}
_KNOWN = ("id", "number", "title", "articles", "state", "priority", "created_at")


def _is_article(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _ARTICLE and not {"sender", "sender_id"}.isdisjoint(value)


def _is_ticket(value: Any) -> bool:
    return _is_article(first_object(object_at(value).get("articles")))


def _has_assets(value: Any) -> bool:
    return any(map(_is_article, object_at(value, "assets", "TicketArticle").values()))


def _matches(value: Any) -> bool:
    return _is_article(value) or _is_ticket(value) or _has_assets(value)


def _parts(document: Document) -> Iterator[Document]:
    """Yield the articles of a ticket with all that belongs to it, which stand there by their ids."""
    held = document.at("assets", "TicketArticle") if _has_assets(document.value) else None
    yield from (one for one in held.members.values() if _is_article(one.value)) if held else ()


def _key(document: Document) -> str:
    return as_text(document.value["ticket_id"]) if _is_article(document.value) else ""


def _read(ticket: Document) -> Iterator[Conversation]:
    value = ticket.value
    draft = _draft(value.get("id"), [one for one in ticket.members["articles"].items() if _is_article(one.value)])
    draft.created = value.get("created_at") or draft.created
    draft.metadata |= {
        "title": value.get("title"),
        "ticket": value.get("number"),
        "customer": value.get("customer") if isinstance(value.get("customer"), str) else None,
        "status": value.get("state"),
        "priority": value.get("priority"),
        "tags": value.get("tags"),
    }
    draft.source = source_of(ticket, _KNOWN)
    yield draft.finish(ticket)


def _join(articles: list[Document]) -> Iterator[Conversation]:
    draft = _draft(articles[0].value["ticket_id"], articles)
    yield draft.finish_at(articles[0].place, *(article.text for article in articles))


def _draft(ticket: Any, articles: list[Document]) -> Draft:
    articles = sorted(articles, key=lambda one: as_text(one.value.get("created_at")))
    messages = [_message(one) for one in articles]
    customer = next((message.name for message in messages if message.role == CUSTOMER and message.name), "")
    subject = next((one.value["subject"] for one in articles if one.value.get("subject")), None)
    created = articles[0].value.get("created_at")
    about = {"title": subject, "customer_name": customer}
    return Draft(_NAME, id=id_within(_NAME, ticket), created=created, metadata=about, messages=messages)


def _message(article: Document) -> DraftMessage:
    value = article.value
    sender = as_text(value.get("sender") or _SENDERS.get(value.get("sender_id")))
    body, is_html = as_text(value["body"]), value["content_type"] == "text/html"
    draft = DraftMessage(CUSTOMER if sender == "Customer" else COLLEAGUE, source=article.text)
    draft.content = (parts_of(body, is_html=True) if is_html else [text_part(body)]) if body else []
    draft.id, draft.created = as_text(value.get("id")), value.get("created_at")
    draft.name = as_text(first_of(value, ("from", "created_by")))
    for file in objects_at(value, "attachments"):
        draft.content.append(file_part(as_text(file.get("filename"))))
        draft.notes = [note("missing-file")]
    if sender == "System" and value.get("type") == "note":
        draft.role = EVENT
    return as_private(draft) if value["internal"] else draft


FAMILY = Family(
    name=_NAME,
    title="Zammad",
    what=gettext_lazy("A Zammad ticket"),
    seen="tickets and articles of its REST API, by its description and published examples",
    keeps="texts, internal articles as private notes, names of files, senders, times",
    loses="the bytes of files; in articles alone, the ticket",
    matches=_matches,
    parts=_parts,
    read=_read,
    key=_key,
    own=id_under("id"),
    join=_join,
)
