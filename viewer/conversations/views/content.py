"""What a message or an answer holds: its JSON, its parts as bytes, its tool calls and results whole."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from viewer.completions.outcomes import result_text
from viewer.completions.reading import source_of_choice
from viewer.completions.types import AudioPart, FilePart, ImagePart, Message, TextPart
from viewer.rendering import media
from viewer.rendering.parts import build_whole_text
from viewer.rendering.tool_calls import build_tool_text, call_arguments
from viewer.sources.reader import reader
from viewer.web.request import Request
from viewer.web.responses import attachment, sandboxed


@require_safe
def raw_message(request: Request, completion_id: str, message_id: str) -> HttpResponse:
    """The JSON of one message as received."""
    message = reader(request, completion_id).message(message_id)
    return HttpResponse(message.source, content_type="application/json; charset=utf-8")


@require_safe
def raw(request: Request, completion_id: str) -> HttpResponse:
    """The completion's JSON as received."""
    completion = reader(request, completion_id).completion()
    return HttpResponse(completion.source, content_type="application/json; charset=utf-8")


@require_safe
def tool_call(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The name and the arguments of one tool call of a message."""
    return _call_of(request, reader(request, completion_id).message(message_id), n)


@require_safe
def choice_tool_call(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The name and the arguments of one tool call of an answer."""
    return _call_of(request, reader(request, completion_id).message_of_choice(position), n)


@require_safe
def tool_result(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """What a tool said, which is one of the results that a message holds."""
    message = reader(request, completion_id).message(message_id)
    if n >= len(message.results):
        raise Http404
    said = result_text(message, message.results[n])
    return _tool_text(request, said, said, "result.txt")


@require_safe
def tool_output(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The result that one tool call of a message carries itself."""
    return _output_of(request, reader(request, completion_id).message(message_id), n)


@require_safe
def choice_tool_output(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The result that one tool call of an answer carries itself."""
    return _output_of(request, reader(request, completion_id).message_of_choice(position), n)


@require_safe
def raw_choice(request: Request, completion_id: str, position: int) -> HttpResponse:
    """The JSON of one answer as received."""
    one = reader(request, completion_id)
    one.choice(position)
    source = source_of_choice(one.completion(), position)
    return HttpResponse(source, content_type="application/json; charset=utf-8")


@require_safe
def part(request: Request, completion_id: str, message_id: str, n: int) -> HttpResponse:
    """The bytes of one part of a message."""
    return _part_of(request, reader(request, completion_id).message(message_id), n)


@require_safe
def choice_part(request: Request, completion_id: str, position: int, n: int) -> HttpResponse:
    """The bytes of one part of an answer."""
    return _part_of(request, reader(request, completion_id).message_of_choice(position), n)


def _part_of(request: Request, message: Message, n: int) -> HttpResponse:
    """Answer one part: a text whole, as a fragment for the bubble or as plain text, anything else by its bytes."""
    found = message.parts[n] if n < len(message.parts) else None
    if not isinstance(found, TextPart):
        return _bytes_of(message, n, is_raw_sound="raw" in request.GET)
    if request.htmx:
        return render(request, "rendering/parts/_text.html", {"part": build_whole_text(found)})
    return HttpResponse(found.text, content_type="text/plain; charset=utf-8")


def _call_of(request: Request, message: Message, n: int) -> HttpResponse:
    if n >= len(message.tool_calls):
        raise Http404
    call = message.tool_calls[n]
    given = call_arguments(call)
    as_it_came = f"{call.name}\n{given}" if call.name else given
    return _tool_text(request, given, as_it_came, "call.txt", is_json=call.kind != "custom")


def _output_of(request: Request, message: Message, n: int) -> HttpResponse:
    said = message.tool_calls[n].output if n < len(message.tool_calls) else None
    if said is None:
        raise Http404
    return _tool_text(request, said, said, "result.txt")


def _tool_text(request: Request, text: str, as_it_came: str, name: str, *, is_json: bool = True) -> HttpResponse:
    """Answer a long text whole: indented, as a fragment for its card, or as it came, as a download."""
    if request.htmx:
        whole = build_tool_text(text, is_json=is_json)
        response = render(request, "rendering/parts/_tool_text.html", {"text": whole})
    else:
        response = HttpResponse(as_it_came, content_type="text/plain; charset=utf-8")
        response.headers["Content-Disposition"] = attachment(name)
    patch_vary_headers(response, ["HX-Request"])
    return sandboxed(response)


def _bytes_of(message: Message, n: int, *, is_raw_sound: bool) -> HttpResponse:
    """Send bytes by what they are: pictures and sound are shown, everything else is a download, and nothing acts."""
    found = message.parts[n] if n < len(message.parts) else None
    name = ""
    match found:
        case ImagePart(url):
            packed = media.to_base64(url.strip())
        case AudioPart(data):
            packed = media.to_base64(data.strip())
        case FilePart(filename, _, data):
            packed, name = media.to_base64(data.strip()), filename
        case None if n == len(message.parts) and message.audio is not None:
            packed = media.to_base64(message.audio.data)
        case _:
            raise Http404
    content = media.decode_base64(packed)
    if not content:
        raise Http404
    kind = media.detect_type(content)
    is_sound = isinstance(found, AudioPart) or found is None
    if is_raw_sound and is_sound and kind == media.UNKNOWN:
        content = media.as_wav(content)
        kind = media.detect_type(content)
    is_shown = not isinstance(found, FilePart) and (kind.is_image or kind.is_audio)
    response = HttpResponse(content, content_type=kind.type if is_shown else media.UNKNOWN.type)
    if not is_shown:
        response.headers["Content-Disposition"] = attachment(name or f"part-{n}.{kind.extension}")
    return sandboxed(response)
