"""Sends an image from another host, which this server fetches at the reader's request."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from viewer.completions.types import ImagePart, Message
from viewer.rendering import media
from viewer.rendering.media_parts import is_remote
from viewer.rendering.remote_hosts import NotLoaded
from viewer.sources.problem_pages import title_of
from viewer.sources.problem_texts import describe
from viewer.sources.reader import reader_for
from viewer.sources.sources import SourceProblem
from viewer.web.request import Request
from viewer.web.responses import plain_text, sandboxed

from .fetch import fetch_image


@require_GET
def remote_image(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """Send the image on another host that one part of a message refers to."""
    return _image_response(request, partial(reader_for(request, completion_id).message, message_id), n)


@require_GET
def choice_remote_image(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """Send the image on another host that one part of an answer refers to."""
    return _image_response(request, partial(reader_for(request, completion_id).message_of_choice, position), n)


def _image_response(request: Request, find_message: Callable[[], Message], n: int) -> HttpResponse:
    """Fetch an image only if a message contains it and the request comes from our own pages.

    An error response is a sentence, which the page shows instead of the image.
    """
    try:
        message = find_message()
    except SourceProblem as failure:
        return plain_text(title_of(failure), describe(failure.problem, failure.source.label).status)
    part = message.parts[n] if n < len(message.parts) else None
    if not isinstance(part, ImagePart) or not is_remote(part.url):
        raise Http404
    if not settings.REMOTE_IMAGES:
        return plain_text(gettext("Loading images from other hosts is turned off."), 403)
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return plain_text(gettext("Images are only loaded from their conversation, not from another site."), 403)
    try:
        content = fetch_image(part.url)
    except NotLoaded as problem:
        return plain_text(str(problem), 403 if problem.is_refused else 502)
    return sandboxed(HttpResponse(content, content_type=media.detect_type(content).type))
