"""Draws bubbles: says of each view object which template draws it, with which texts (`web.frames`)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from viewer.completions.invisibles import escape_invisible
from viewer.web.frames import draw
from viewer.web.templatetags.formats import bytes_size, grouped, iso, long_time, utc_time

from .citations import CitedSource
from .highlighting import colour
from .media_parts import ImageView
from .messages import Bubble
from .parts import JsonView, MarkdownView, PartView, TextView
from .prose_html import html_of
from .tool_calls import MessageLink, ToolCallView, ToolResultView, ToolTextView

_MAX_ID = 80  # characters of an id that are shown unfolded, and
_ID_BEGINNING = 60  # characters that are shown of a longer one
_NOTHING = SafeString()
_NO_LINK = MessageLink("", "")


def draw_bubble(bubble: Bubble) -> SafeString:
    """Draw a message, an unreadable item or a choice with its frame; only its place if the cards of calls show it."""
    if bubble.is_in_card:
        return _draw_place_of(bubble)
    choice = bubble.choice
    return draw(
        "rendering/_bubble.html",
        id=bubble.id,
        role=bubble.role,
        look=bubble.look,
        label=bubble.label,
        name=bubble.name if bubble.name != bubble.label else "",
        url=bubble.url,
        place=bubble.place if bubble.url or bubble.is_answer else "",
        no_link=bubble.no_link,
        note_url=bubble.note_url,
        is_linked=bubble.is_linked,
        is_answer=bubble.is_answer,
        is_out_of_sight=bubble.is_out_of_sight,
        shows_json=bubble.shows_json,
        has_refusal=bubble.has_refusal,
        time=_draw_time(bubble.created),
        position=str(choice.position) if choice else "",
        answer="" if choice is None or bubble.is_answer else choice.name,
        finish_words=choice.finish_words if choice else "",
        finish_reason=choice.finish_reason if choice else "",
        is_finished=choice is not None and choice.is_finished,
        body=_draw_body(bubble),
    )


def _draw_place_of(bubble: Bubble) -> SafeString:
    return draw("rendering/_message_in_card.html", id=bubble.id, role=bubble.role, is_linked=bubble.is_linked)


def draw_part(part: PartView, bubble: Bubble | None = None) -> SafeString:
    """Draw a part of a message; `bubble` is that of the message, which names its images."""
    match part:
        case MarkdownView():
            return draw(part.template, html=html_of(part))
        case TextView():
            return draw(part.template, text=part.text, url=part.url, size=bytes_size(part.bytes) if part.url else "")
        case JsonView():
            return draw(part.template, html=_coloured(part.text))
        case ImageView() if bubble is not None:
            return _draw_image(part, bubble)
    return render_to_string(part.template, {"part": part})


def draw_tool_text(text: ToolTextView) -> SafeString:
    """Draw arguments or a result."""
    shown = _coloured(text.text) if text.is_json else text.text
    size = bytes_size(text.bytes) if text.bytes else ""
    return draw("rendering/parts/_tool_text.html", shown=shown, is_json=text.is_json, url=text.url, size=size)


def _draw_time(moment: datetime | None) -> SafeString:
    if moment is None:
        return _NOTHING
    return draw("rendering/_time.html", iso=iso(moment), utc=utc_time(moment), long=long_time(moment))


def _draw_body(bubble: Bubble) -> SafeString:
    parts = tuple([draw_part(part, bubble) for part in bubble.parts])
    is_cut_off = bubble.choice is not None and bubble.choice.is_cut_off
    html = _NOTHING
    if bubble.is_prompt:
        count = bubble.characters
        words = ngettext("%(shown)s character", "%(shown)s characters", count) % {"shown": grouped(count)}
        html = draw("rendering/_prompt.html", parts=parts, first_line=bubble.first_line, characters=words)
    elif parts or bubble.is_empty or bubble.sources:
        html = draw(
            "rendering/_parts.html",
            parts=parts,
            is_empty=bubble.is_empty,
            finish_words=bubble.choice.finish_words if is_cut_off and bubble.choice and parts else "",
            sources=_draw_sources(bubble),
        )
    return mark_safe(html + _draw_more(bubble)) if bubble.has_more else html  # noqa: S308  # templates drew both


def _draw_more(bubble: Bubble) -> SafeString:
    """Draw what few messages have. But for calls, it is much to count and to repeat, so it is no frame of its own."""
    calls = _NOTHING
    if bubble.calls:
        calls = draw("rendering/_calls.html", calls=tuple(map(_draw_call, bubble.calls)), count=len(bubble.calls))
    if not bubble.has_more_than_calls:
        return calls
    results = [_draw_result(result) for result in bubble.own_results]
    return render_to_string("rendering/_more_of_bubble.html", {"bubble": bubble, "results": results, "calls": calls})


def _draw_sources(bubble: Bubble) -> SafeString:
    if not bubble.sources:
        return _NOTHING
    name = bubble.place if bubble.is_answer or bubble.number is not None else escape_invisible(bubble.id)
    count = len(bubble.sources)
    return draw(
        "rendering/parts/_sources.html",
        name=gettext("Sources of %(name)s") % {"name": name},
        count=ngettext("%(count)s source", "%(count)s sources", count) % {"count": count},
        sources=mark_safe("\n".join(map(_draw_source, bubble.sources))),  # noqa: S308  # a template drew each
    )


def _draw_source(source: CitedSource) -> SafeString:
    where = source.host if source.is_link else source.url
    return draw(
        "rendering/parts/_source.html",
        number=str(source.number), title=source.title, url=source.url, where=where, is_link=source.is_link,
    )  # fmt: skip


def _draw_image(part: ImageView, bubble: Bubble) -> SafeString:
    return draw(
        part.template,
        number=str(part.number),
        who="" if bubble.look == "neutral" else bubble.label,
        url=part.url,
        load_url=part.load_url,
        host=part.host,
        note=part.note,
        source=escape_invisible(part.source),
        width=str(part.width) if part.height and part.width else "",
        height=str(part.height),
        size=bytes_size(part.bytes) if part.bytes else "",
        caption=part.caption,
        detail=escape_invisible(capfirst(part.detail)),
    )


def _draw_call(call: ToolCallView) -> SafeString:
    elsewhere = call.other_page or _NO_LINK
    results = [_draw_result_in_card(one) if one.is_in_card else _draw_result_link(one) for one in call.results]
    return draw(
        "rendering/parts/_tool_call.html",
        **_flags_of(call.state, ("error", "answered", "good", "open", "nameless")),
        **_flags_of(call.kind, ("function", "custom", "function_call"), "kind"),
        name=escape_invisible(call.name),
        summary=escape_invisible(call.summary),
        number=call.number,
        kind=escape_invisible(call.kind),
        id=_draw_id(call.id),
        has_failed=call.outcome == "error",
        is_open=call.is_open,
        is_broken=call.is_broken,
        has_arguments=call.has_arguments,
        state_is_elsewhere=call.state == "other-page",
        has_other_page=call.other_page is not None,
        other_url=elsewhere.url,
        other_label=elsewhere.label,
        count=len(call.results),
        notes=call.notes,
        text_url=call.text.url,
        text=draw_tool_text(call.text),
        results=mark_safe("\n".join(results)),  # noqa: S308  # templates drew them
        output=draw_tool_text(call.output) if call.output else "",
        key=call.key,
    )


def _draw_result(result: ToolResultView) -> SafeString:
    """Draw a result in its own message."""
    call = result.call or _NO_LINK
    return draw(
        "rendering/parts/_tool_result.html",
        index=str(result.index),
        tool=escape_invisible(result.tool),
        id=_draw_id(result.call_id),
        is_error=result.outcome == "error",
        is_good=result.outcome == "good",
        is_legacy=result.is_legacy,
        is_call_here=result.is_call_here,
        has_call=result.call is not None,
        call_url=call.url,
        call_label=call.label,
        key=result.key,
        notes=result.notes,
        text_url=result.text.url,
        text=draw_tool_text(result.text),
    )


def _draw_result_in_card(result: ToolResultView) -> SafeString:
    message = result.message
    return draw(
        "rendering/parts/_result_in_card.html",
        id=message.id,
        index=str(result.index),
        label=message.label,
        url=message.url,
        note_url=message.note_url,
        name=message.name,
        has_name_of_tool=message.name == result.tool,
        time=_draw_time(message.created),
        is_linked=message.is_linked,
        is_error=result.outcome == "error",
        is_legacy=result.is_legacy,
        has_parts=result.has_parts,
        call_id=_draw_id(result.call_id),
        has_same_id=result.has_same_id,
        notes=result.notes,
        text_url=result.text.url,
        text=draw_tool_text(result.text),
    )


def _draw_result_link(result: ToolResultView) -> SafeString:
    link = result.message
    is_error = result.outcome == "error"
    return draw("rendering/parts/_result_link.html", url=link.url, label=link.label, is_error=is_error)


def _draw_id(call_id: str) -> SafeString:
    if not call_id:
        return _NOTHING
    beginning = escape_invisible(call_id[:_ID_BEGINNING]) if len(call_id) > _MAX_ID else ""
    return draw("rendering/parts/_call_id.html", id=escape_invisible(call_id), beginning=beginning)


def _flags_of(value: str, known: tuple[str, ...], prefix: str = "state") -> dict[str, Any]:
    """Say of each of some values whether it is that one: a frame cannot compare texts."""
    return {f"{prefix}_is_{each}": value == each for each in known}


@lru_cache(64)
def _coloured(json: str) -> SafeString:
    """Highlight JSON. Cached, because a result is shown both in its message and in the card of its call."""
    return mark_safe(colour(json, "json"))  # noqa: S308  # `colour` escapes it
