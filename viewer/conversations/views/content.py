"""The contents of a message or an answer: its JSON, its parts as bytes, and whole tool calls and results."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from viewer.completions.outcomes import result_text
from viewer.completions.reading import source_of_choice
from viewer.completions.types import AudioPart, FilePart, ImagePart, Message, TextPart
from viewer.rendering import media
from viewer.rendering.drawing import draw_part, draw_tool_text
from viewer.rendering.parts import build_whole_text
from viewer.rendering.tool_calls import build_tool_text, call_arguments
from viewer.sources.reader import reader_for
from viewer.web.request import Request
from viewer.web.responses import attachment, sandboxed


@require_safe
def raw_message(request: Request, completion_id: str, message_id: str) -> HttpResponse:
    """Send the JSON of one message as received."""
    message = reader_for(request, completion_id).message(message_id)
    return HttpResponse(message.source, content_type="application/json; charset=utf-8")


@require_safe
def raw(request: Request, completion_id: str) -> HttpResponse:
    """Send the JSON of the completion as received."""
    completion = reader_for(request, completion_id).completion()
    return HttpResponse(completion.source, content_type="application/json; charset=utf-8")


@require_safe
def tool_call(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """Send the name and the arguments of one tool call of a message."""
    return _call_of(request, reader_for(request, completion_id).message(message_id), n)


@require_safe
def choice_tool_call(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """Send the name and the arguments of one tool call of an answer."""
    return _call_of(request, reader_for(request, completion_id).message_of_choice(position), n)


@require_safe
def tool_result(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """Send one of the tool results of a message."""
    message = reader_for(request, completion_id).message(message_id)
    if n >= len(message.results):
        raise Http404
    result = result_text(message, message.results[n])
    return _tool_text(request, result, result, "result.txt")


@require_safe
def tool_output(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """Send the result that is part of one tool call of a message."""
    return _output_of(request, reader_for(request, completion_id).message(message_id), n)


@require_safe
def choice_tool_output(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """Send the result that is part of one tool call of an answer."""
    return _output_of(request, reader_for(request, completion_id).message_of_choice(position), n)


@require_safe
def raw_choice(request: Request, completion_id: str, position: int) -> HttpResponse:
    """Send the JSON of one answer as received."""
    reader = reader_for(request, completion_id)
    reader.choice(position)
    source = source_of_choice(reader.completion(), position)
    return HttpResponse(source, content_type="application/json; charset=utf-8")


@require_safe
def part(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """Send the bytes of one part of a message."""
    return _part_of(request, reader_for(request, completion_id).message(message_id), n)


@require_safe
def choice_part(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """Send the bytes of one part of an answer."""
    return _part_of(request, reader_for(request, completion_id).message_of_choice(position), n)


def _part_of(request: Request, message: Message, n: int) -> HttpResponse:
    """Send one part: a text whole, as a fragment for the bubble or as plain text, anything else as bytes."""
    requested = message.parts[n] if n < len(message.parts) else None
    if not isinstance(requested, TextPart):
        return _bytes_of(message, n, is_raw_audio="raw" in request.GET)
    if request.htmx:
        return HttpResponse(draw_part(build_whole_text(requested)))
    return HttpResponse(requested.text, content_type="text/plain; charset=utf-8")


def _call_of(request: Request, message: Message, n: int) -> HttpResponse:
    if n >= len(message.tool_calls):
        raise Http404
    call = message.tool_calls[n]
    arguments = call_arguments(call)
    as_received = f"{call.name}\n{arguments}" if call.name else arguments
    return _tool_text(request, arguments, as_received, "call.txt", is_json=call.kind != "custom")


def _output_of(request: Request, message: Message, n: int) -> HttpResponse:
    output = message.tool_calls[n].output if n < len(message.tool_calls) else None
    if output is None:
        raise Http404
    return _tool_text(request, output, output, "result.txt")


def _tool_text(request: Request, text: str, as_received: str, name: str, *, is_json: bool = True) -> HttpResponse:
    """Send a whole text: indented in a fragment for its card, or as received in a download."""
    if request.htmx:
        whole = build_tool_text(text, is_json=is_json)
        response = HttpResponse(draw_tool_text(whole))
    else:
        response = HttpResponse(as_received, content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = attachment(name)
    patch_vary_headers(response, ["HX-Request"])
    return sandboxed(response)


def _bytes_of(message: Message, n: int, *, is_raw_audio: bool) -> HttpResponse:
    """Send bytes by their detected type: images and audio are shown, everything else is a download."""
    requested = message.parts[n] if n < len(message.parts) else None
    name = ""
    match requested:
        case ImagePart(url):
            encoded = media.to_base64(url.strip())
        case AudioPart(data):
            encoded = media.to_base64(data.strip())
        case FilePart(filename, _, data):
            encoded, name = media.to_base64(data.strip()), filename
        case None if n == len(message.parts) and message.audio is not None:
            encoded = media.to_base64(message.audio.data)
        case _:
            raise Http404
    content = media.decode_base64(encoded)
    if not content:
        raise Http404
    kind = media.detect_type(content)
    is_audio = isinstance(requested, AudioPart) or requested is None
    if is_raw_audio and is_audio and kind == media.UNKNOWN:
        content = media.as_wav(content)
        kind = media.detect_type(content)
    is_shown = not isinstance(requested, FilePart) and (kind.is_image or kind.is_audio)
    response = HttpResponse(content, content_type=kind.type if is_shown else media.UNKNOWN.type)
    if not is_shown:
        response.headers["Content-Disposition"] = attachment(name or f"part-{n}.{kind.extension}")
    return sandboxed(response)
