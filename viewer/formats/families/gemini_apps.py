"""Gemini in Google Takeout: a log of activity, which has each question with its answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext, gettext_lazy

from viewer.formats.document import Conversation, Document, NotAConversation
from viewer.formats.drafts import Draft, DraftMessage, as_text, file_part, note, text_part
from viewer.formats.family import Family, list_at, object_at, objects_at
from viewer.formats.html_text import parts_of
from viewer.formats.ids import id_within

_NAME, _TITLE = "gemini-apps", "Google Takeout"
_PRODUCT = "Gemini"
_PATH = "/app/"


def _matches(value: Any) -> bool:
    if not isinstance(value, dict) or not {"header", "title", "time"} <= value.keys():
        return False
    products = [as_text(each) for each in list_at(value, "products")]
    return any(_PRODUCT in each or "Bard" in each for each in [*products, as_text(value["header"])])


def _key(document: Document) -> str:
    """Return the conversation in the address of the activity; where it names none, the question stands alone."""
    address = as_text(document.value.get("titleUrl"))
    return address.partition(_PATH)[2].strip("/").partition("?")[0].removeprefix("c/")


def _read(document: Document) -> Iterator[Conversation]:
    yield from _join([document])


def _join(activities: list[Document]) -> Iterator[Conversation]:
    activities.sort(key=lambda one: as_text(one.value.get("time")))
    messages = [message for one in activities for message in _messages(one)]
    if not messages:
        raise NotAConversation(gettext("This is activity in Gemini that says nothing of what was asked."))
    draft = Draft(_NAME, id=id_within(_NAME, _key(activities[0])), messages=messages)
    draft.created = activities[0].value.get("time")
    yield draft.finish_at(activities[0].place, *(one.text for one in activities))


def _messages(activity: Document) -> Iterator[DraftMessage]:
    value = activity.value
    details = {as_text(one.get("name")): as_text(one.get("value")) for one in objects_at(value, "details")}
    answers = [as_text(one.get("html")) for one in objects_at(value, "safeHtmlItem")]
    answers = answers or [details["Response"]] if "Response" in details else answers
    asked = details.get("Request") or as_text(value.get("title"))
    if not (answers or "Request" in details):
        return  # such as “Used Gemini”, in the language of the account
    if "Request" not in details:
        asked = asked.partition(" ")[2] or asked  # “Prompted …”
    files = [file_part(as_text(object_at(each).get("name") or each)) for each in list_at(value, "attachedFiles")]
    notes = [note("missing-file")] if files else []
    if not answers:
        notes.append(note("lost-answer", by=_TITLE))
    yield DraftMessage(
        "user", [text_part(asked), *files], "" if answers else activity.text, created=value.get("time"), notes=notes
    )
    if answers:
        parts = [part for answer in answers for part in parts_of(answer)]
        yield DraftMessage("assistant", parts, activity.text, created=value.get("time"))


FAMILY = Family(
    name=_NAME,
    title="Gemini (Google Takeout)",
    what=gettext_lazy("A log of Gemini from Google Takeout"),
    seen="exports of 2024 to 2026, by programs that read them",
    keeps="questions and answers as text, names of files, times; the conversation where its address is there",
    loses="which questions belong together, mostly; ends of long answers, pictures, sources, the model",
    matches=_matches,
    read=_read,
    key=_key,
    join=_join,
)
