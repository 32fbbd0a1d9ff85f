"""What the reader of a share sees: the page of its snapshot, and by the views of a conversation what is in it."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext

from viewer.conversations.paging import read_page, with_neighbours
from viewer.conversations.thread import bubbles_of
from viewer.conversations.views import content
from viewer.export import views as export
from viewer.rendering.answers import no_answer_in
from viewer.rendering.context import RenderContext
from viewer.rendering.places import place_of_answer
from viewer.sharing.descriptions import AUDIENCES, missing_in, scope_of
from viewer.sharing.opening import SharedRequest, of_share
from viewer.sharing.shared_notes import SharedNote, beside
from viewer.web.responses import page_or_fragment


def _page(
    request: SharedRequest, completion_id: str, message_id: str = "", position: int | None = None
) -> HttpResponse:
    """Show the snapshot as bubbles, from where its owner wants it to open."""
    share, reader = request.share, request.reader
    snapshot = share.snapshot
    linked = message_id if position is None else place_of_answer(position)
    if not (linked or request.GET):
        linked = snapshot.opens_at
    page = read_page(reader, request.GET, linked)
    completion = reader.completion() if page.is_end or not request.htmx else None
    if position is not None:
        reader.choice(position)
    if not request.htmx:
        page = with_neighbours(reader, page)
    shown = RenderContext(completion_id, linked, home=reader.home, loads_images=False, takes_notes=False)
    bubbles, answer = bubbles_of(shown, page, completion)
    is_whole = snapshot.scope == "whole"  # the end of a part is not that of the conversation
    is_answer_due = completion is not None and page.is_end and not snapshot.is_part
    notes = beside(completion_id, (SharedNote(**one) for one in snapshot.notes)) if snapshot.notes else None
    context = {
        "share": share,
        "notes": notes,
        "beside": notes,
        "snapshot": snapshot,
        "home": reader.home,
        "title": snapshot.title or gettext("Shared conversation"),
        "audience": AUDIENCES[share.audience],
        "scope": scope_of(snapshot),
        "source": reader.source,
        "missing": missing_in(snapshot),
        "completion": completion,
        "linked": linked,
        "bubbles": bubbles,
        "answer": answer,
        "no_answer": no_answer_in(completion, page.last) if completion and is_answer_due else None,
        "more_answers": len(completion.choices) - len(answer) if completion and answer else 0,
        "above": None if request.htmx and "after" in request.GET else page.above,
        "below": None if request.htmx and "before" in request.GET else page.below,
        "starts_here": page.above is None and is_whole,
        "ends_here": page.below is None and is_whole,
        "added": page.added,
        "order": page.order,
    }
    return page_or_fragment(request, "sharing/shared.html", "rendering/_bubbles.html", context)


page = of_share(_page, is_page=True)
part = of_share(content.part)
choice_part = of_share(content.choice_part)
raw = of_share(content.raw)
raw_message = of_share(content.raw_message)
raw_choice = of_share(content.raw_choice)
tool_call = of_share(content.tool_call)
choice_tool_call = of_share(content.choice_tool_call)
tool_output = of_share(content.tool_output)
choice_tool_output = of_share(content.choice_tool_output)
tool_result = of_share(content.tool_result)
transcript = of_share(export.transcript)
