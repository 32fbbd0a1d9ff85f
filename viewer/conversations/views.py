"""List, conversation, permalink: one address each, the page for a reader, the fragment for htmx."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlencode, urlsplit

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from viewer.client.client import Client, Order
from viewer.client.problems import Problem
from viewer.completions.types import AudioPart, FilePart, ImagePart, Message, Unreadable
from viewer.http import Request
from viewer.sources.sources import client_for, completion_of

from . import media
from .bubbles import draw_answer, draw_messages
from .problem_words import tell
from .rows import draw_rows, first_question, question_in

_LIST_PARAMETERS = ("model", "order")
_METADATA = re.compile(r"metadata\[(.+)\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and a value with an address: a filter with the list without it, or metadata with the list of its like."""

    name: str
    value: str
    url: str


@dataclass(frozen=True, slots=True)
class More:
    """Where reading goes on: which messages stand there in time, and the address that brings them."""

    direction: Literal["earlier", "later"]
    url: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The messages that one answer shows, and what stands above and below them on the page."""

    items: tuple[Message | Unreadable, ...]
    above: More | None
    below: More | None
    order: Order = "asc"

    @property
    def is_end(self) -> bool:
        """Whether the newest message is among them, so that the answer of the completion stands next to it."""
        return (self.above if self.order == "desc" else self.below) is None


@require_safe
def completions(request: Request) -> HttpResponse:
    """The list of stored completions, narrowed by model and metadata, newest or oldest first."""
    if "key" in request.GET or "value" in request.GET:
        return redirect(_list_url(_with_pair(request)))
    given = {name: str(value) for name, value in request.GET.items()}
    metadata = {pair[1]: value for name, value in given.items() if (pair := _METADATA.fullmatch(name))}
    narrowed = {
        name: value
        for name, value in given.items()
        if (name in _LIST_PARAMETERS and value) or _METADATA.fullmatch(name)
    }
    model, after = narrowed.get("model", ""), given.get("after", "")
    order: Order = "asc" if narrowed.get("order") == "asc" else "desc"
    client = client_for()
    try:
        page = client.completions(model=model, metadata=metadata, after=after, order=order)
    except Problem as problem:
        return _problem(request, problem)
    rows = draw_rows(client, page)
    context = {
        "rows": rows,
        "models": sorted({row.model for row in rows if row.model}),
        "model": model,
        "order": order,
        "later_url": _list_url(narrowed | {"after": page.cursor}) if page.has_more and page.cursor else "",
        "is_first_page": not after,
        "first_url": _list_url(narrowed),
        "newest_url": _list_url(_without(narrowed, "order")),
        "oldest_url": _list_url(narrowed | {"order": "asc"}),
        "filters": _filters(narrowed),
        "hidden": [(name, value) for name, value in narrowed.items() if name != "model"],
    }
    return _page_or_fragment(request, "conversations/list.html", "conversations/_rows.html", context)


@require_safe
def open_by_id(request: Request) -> HttpResponse:
    """Go to a completion by its id, to a message by its id, or to a pasted address of ours."""
    given = request.GET.get("id", "").strip()
    if found := re.search(
        r"/completions/([^/?#\s]+)(?:/messages/([^/?#\s]+))?", urlsplit(given).path if "/" in given else ""
    ):
        completion_id, message_id = unquote(found[1]), unquote(found[2] or "")
    else:
        completion_id, message_id = given, ""
    if not completion_id or "/" in completion_id + message_id:
        notices.error(
            request, f"“{given[:100]}” is no id. Paste a completion id, a message id or an address of a conversation."
        )
        return redirect("completions")
    if not message_id and not _exists(client_for(), completion_id) and (holder := completion_of(completion_id)):
        completion_id, message_id = holder, completion_id
    if message_id:
        return redirect("permalink", completion_id, message_id)
    return redirect("conversation", completion_id)


@require_safe
def conversation(request: Request, completion_id: str, message_id: str = "") -> HttpResponse:
    """One stored completion as bubbles: from its start, its end, behind or before a message, or around one."""
    client = client_for()
    try:
        reading = _read(client, request, completion_id, message_id)
    except Problem as problem:
        return _problem(request, problem, completion_id, message_id)
    completion = problem_with_completion = None
    if reading.is_end or not request.htmx:
        try:
            completion = client.completion(completion_id)
        except Problem as problem:
            problem_with_completion = tell(problem)
    context = {
        "completion_id": completion_id,
        "message_id": message_id,
        "completion": completion,
        "problem": problem_with_completion,
        "bubbles": draw_messages(completion_id, reading.items, linked=message_id),
        "answer": draw_answer(completion, reading.items) if completion and reading.is_end else [],
        "above": None if request.htmx and "after" in request.GET else reading.above,
        "below": None if request.htmx and "before" in request.GET else reading.below,
        "ends_here": reading.below is None,
        "order": reading.order,
        "metadata": _pairs(completion.metadata) if completion else [],
    }
    if not request.htmx:
        context["title"] = _title(client, completion_id, reading)
    return _page_or_fragment(request, "conversations/conversation.html", "conversations/_bubbles.html", context)


@require_safe
def raw(request: Request, completion_id: str) -> HttpResponse:
    """The completion's JSON as received."""
    try:
        source = client_for().completion(completion_id).source
    except Problem as problem:
        return _problem(request, problem, completion_id)
    return HttpResponse(source, content_type="application/json; charset=utf-8")


@require_safe
def part(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The bytes of one part of a message."""
    try:
        return _bytes_of(client_for().message(completion_id, message_id), n)
    except Problem as problem:
        raise Http404 from problem


@require_safe
def choice_part(request: Request, completion_id: str, index: int, n: int) -> HttpResponse:
    """The bytes of one part of an answer."""
    try:
        choices = client_for().completion(completion_id).choices
    except Problem as problem:
        raise Http404 from problem
    message = next((choice.message for choice in choices if choice.index == index), None)
    if not isinstance(message, Message):
        raise Http404
    return _bytes_of(message, n)


def _read(client: Client, request: Request, completion_id: str, message_id: str) -> Reading:
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    if message_id and not (after or before):
        window = client.messages_around(completion_id, message_id)
        return _reading(completion_id, window.items, window.has_earlier, window.has_later)
    order: Order = "desc" if request.GET.get("order") == "desc" else "asc"
    if before:  # what stands above on the page comes from reading the other way, and is turned round
        page = client.messages(completion_id, after=before, order="asc" if order == "desc" else "desc")
        return _reading(completion_id, page.items[::-1], page.has_more, True, order)
    page = client.messages(completion_id, after=after, order=order)
    return _reading(completion_id, page.items, bool(after), page.has_more, order)


def _reading(
    completion_id: str,
    items: tuple[Message | Unreadable, ...],
    has_above: bool,
    has_below: bool,
    order: Order = "asc",
) -> Reading:
    """Say where reading goes on above and below, `before` the first and `after` the last message in this order."""
    base, asked = reverse("conversation", args=[completion_id]), {} if order == "asc" else {"order": order}
    first, last = (items[0].id, items[-1].id) if items else ("", "")
    above = f"{base}?{urlencode(asked | {'before': first})}" if has_above and first else ""
    below = f"{base}?{urlencode(asked | {'after': last})}" if has_below and last else ""
    is_forward = order == "asc"
    return Reading(
        items,
        above=More("earlier" if is_forward else "later", above) if above else None,
        below=More("later" if is_forward else "earlier", below) if below else None,
        order=order,
    )


def _title(client: Client, completion_id: str, reading: Reading) -> str:
    starts_here = reading.order == "asc" and reading.above is None
    return (question_in(reading.items) if starts_here else first_question(client, completion_id)) or completion_id


def _bytes_of(message: Message, n: int) -> HttpResponse:
    """Send bytes by what they are: pictures and sound are shown, everything else is a download, and nothing acts."""
    found = message.parts[n] if n < len(message.parts) else None
    name = ""
    match found:
        case ImagePart(url):
            packed = media.payload(url.strip())
        case AudioPart(data):
            packed = media.payload(data)
        case FilePart(filename, _, data):
            packed, name = media.payload(data), filename
        case None if n == len(message.parts) and message.audio is not None:
            packed = message.audio.data
        case _:
            raise Http404
    content = media.decoded(packed)
    if not content:
        raise Http404
    kind = media.kind_of(content)
    is_shown = not isinstance(found, FilePart) and (kind.is_image or kind.is_audio)
    response = HttpResponse(content, content_type=kind.type if is_shown else media.UNKNOWN.type)
    if not is_shown:
        response.headers["Content-Disposition"] = _attachment(name or f"part-{n}.{kind.ending}")
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _attachment(name: str) -> str:
    plain = re.sub(r"[^\w.\- ]", "_", name, flags=re.ASCII)[:150]
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{urlencode({'': name})[1:].replace('+', '%20')}"


def _exists(client: Client, completion_id: str) -> bool:
    try:
        client.completion(completion_id)
    except Problem:
        return False
    return True


def _with_pair(request: Request) -> dict[str, str]:
    """Turn the form's key and value fields into the one parameter that the API knows."""
    asked = {name: str(value) for name, value in request.GET.items() if value and name not in ("key", "value", "after")}
    if key := request.GET.get("key", "").strip():
        asked[f"metadata[{key}]"] = request.GET.get("value", "").strip()
    return asked


def _filters(narrowed: dict[str, str]) -> list[Pair]:
    labels = {
        name: (pair[1] if (pair := _METADATA.fullmatch(name)) else "Model") for name in narrowed if name != "order"
    }
    return [Pair(label, narrowed[name], _list_url(_without(narrowed, name))) for name, label in labels.items()]


def _pairs(metadata: dict[str, str]) -> list[Pair]:
    return [Pair(key, value, _list_url({f"metadata[{key}]": value})) for key, value in metadata.items()]


def _without(narrowed: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in narrowed.items() if key != name}


def _list_url(asked: dict[str, str]) -> str:
    base = reverse("completions")
    return f"{base}?{urlencode(asked)}" if asked else base


def _problem(request: Request, problem: Problem, completion_id: str = "", message_id: str = "") -> HttpResponse:
    told = tell(problem)
    context = {
        "problem": told,
        "completion_id": completion_id,
        "message_id": message_id,
        "retry_url": request.get_full_path(),
    }
    return _page_or_fragment(request, "conversations/problem.html", "conversations/_problem.html", context, told.status)


def _page_or_fragment(
    request: Request, page: str, fragment: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    is_fragment = bool(request.htmx) and not request.htmx.history_restore_request
    response = render(request, fragment if is_fragment else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
