"""Shows the first conversation of a file as it will look, by the views of conversations, below the upload's address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import Resolver404, URLPattern, path, reverse

from viewer.archive.api import ROUTE, MessageRows, RequestError, Response, page_of_messages
from viewer.client.client import Client
from viewer.client.in_process import BASE_URL, InProcess
from viewer.completions.errors import ApiError
from viewer.conversations.paging import read_page, with_neighbours
from viewer.conversations.thread import bubbles_of
from viewer.conversations.views import content
from viewer.rendering.answers import no_answer_in
from viewer.rendering.context import RenderContext
from viewer.sources.archive_client import StoredClient
from viewer.sources.reader import Reader
from viewer.sources.sources import Source
from viewer.web.request import Request, note_of

from .models import FirstMessage, Upload

_MAX_PAIRS = 8  # of metadata
_MESSAGE, _ANSWER = "messages/<str:message_id>/", "choices/<int:position>/"
_PARTS: list[URLPattern] = [
    path("raw/", content.raw),
    path(f"{_MESSAGE}raw/", content.raw_message),
    path(f"{_ANSWER}raw/", content.raw_choice),
    path(f"{_MESSAGE}parts/<int:n>/", content.part),
    path(f"{_ANSWER}parts/<int:n>/", content.choice_part),
    path(f"{_MESSAGE}calls/<int:n>/", content.tool_call),
    path(f"{_ANSWER}calls/<int:n>/", content.choice_tool_call),
    path(f"{_MESSAGE}calls/<int:n>/output/", content.tool_output),
    path(f"{_ANSWER}calls/<int:n>/output/", content.choice_tool_output),
    path(f"{_MESSAGE}results/<int:n>/", content.tool_result),
]


@dataclass(frozen=True, kw_only=True)
class _FirstSource(Source):
    """The first conversation of a file as a source. It has no key, and reads nothing but its own rows."""

    upload: Upload

    @property
    def name(self) -> str:
        return "upload"

    @property
    def is_archive(self) -> bool:
        return False

    @property
    def label(self) -> str:
        return self.upload.name

    @property
    def client(self) -> Client:
        return StoredClient(InProcess(partial(_respond, self.upload)), BASE_URL)


class FirstReader(Reader):
    """Reads the first conversation of a file; its pages are below the address of the upload."""

    def __init__(self, request: Request, upload: Upload) -> None:
        super().__init__(request, upload.first_id, with_completion=False)
        self._source = _FirstSource(key=None, reader=request.user.pk, upload=upload)
        self._home = reverse("upload-first", args=[upload.pk])
        # Of one that is cut off, the end is not that of the conversation.
        self.is_part = upload.first_length > upload.first_messages.count()
        note_of(request).completion_id = upload.first_id

    @property
    def home(self) -> str:
        return self._home


def bubbles(request: Request, upload: Upload) -> dict[str, Any]:
    """Return what `rendering/_bubbles.html` shows of the first conversation, or a further page of it."""
    reader = FirstReader(request, upload)
    page = read_page(reader, request.GET, "")
    completion = reader.completion()
    is_end = page.is_end and not reader.is_part
    if not request.htmx:
        page = with_neighbours(reader, page)
    shown = RenderContext(upload.first_id, home=reader.home, loads_images=False, takes_notes=False)
    messages, answer = bubbles_of(shown, page, completion if is_end else None)
    return {
        "home": reader.home,
        "bubbles": messages,
        "answer": answer,
        "no_answer": no_answer_in(completion, page.last) if is_end else None,
        "more_answers": len(completion.choices) - len(answer) if answer else 0,
        "completion": completion,
        "pairs": list(completion.metadata.items())[:_MAX_PAIRS],
        "above": None if request.htmx else page.above,
        "below": page.below,
        "ends_here": page.below is None and not reader.is_part,
        "is_cut": page.below is None and reader.is_part,
        "added": page.added,
        "order": page.order,
    }


def show(request: Request, upload: Upload, place: str) -> HttpResponseBase:
    """Send a further page of the first conversation, or something of it; its messages have no address of their own."""
    if not upload.first_id:
        raise Http404
    if not place:
        return render(request, "rendering/_bubbles.html", bubbles(request, upload)) if request.htmx else _back(upload)
    for pattern in _PARTS:
        try:
            match = pattern.resolve(place)
        except Resolver404:
            continue
        if match:
            request.__dict__["reader"] = FirstReader(request, upload)
            response: HttpResponseBase = match.func(request, completion_id=upload.first_id, **match.kwargs)
            return response
    return _back(upload)


def _back(upload: Upload) -> HttpResponse:
    return redirect("upload", upload.pk)


def _respond(upload: Upload, path: str, query: str) -> Response:
    """Answer one GET request of a client, as `archive.api.respond` does."""
    route = ROUTE.fullmatch(path)
    if route is None or unquote(route["completion_id"] or "") != upload.first_id:
        return RequestError(404, ApiError("Not in this upload", "completion_id", "not_found")).response
    if not route["messages"]:
        return Response(200, upload.first_body.encode())
    try:
        return page_of_messages(MessageRows(_messages_of, upload.pk), parse_qsl(query, keep_blank_values=True))
    except RequestError as error:
        return error.response


def _messages_of(upload_id: int) -> QuerySet[FirstMessage]:
    return FirstMessage.objects.filter(upload=upload_id)
