"""The messages of a page, built and drawn. Those of the archive that are shown once more are neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language

from viewer.completions.types import Completion, Message, Unreadable
from viewer.deployment.kept import Kept
from viewer.rendering.answers import place_answers
from viewer.rendering.context import RenderContext
from viewer.rendering.customer import Hidden, for_customer
from viewer.rendering.drawing import draw_bubble
from viewer.rendering.messages import Bubble, build_bubbles
from viewer.rendering.prose_html import is_lasting
from viewer.web.compression import Part, deflate
from viewer.web.frames import one_language

from .paging import MessagePage


@dataclass(frozen=True, slots=True)
class Thread:
    """What a page shows of its messages, and the answer if the newest message is on it: both in the page's order.

    `messages` and `choices` are all there are, of which a customer's view hides some.
    """

    bubbles: tuple[Bubble | Hidden, ...]
    answer: tuple[Bubble | Hidden, ...]
    messages: tuple[Bubble, ...]
    choices: tuple[Bubble, ...]
    deflated: bytes = b""  # the HTML of its messages in a row, if it is kept and none is hidden

    @property
    def shown(self) -> list[Bubble]:
        return [one for one in (*self.bubbles, *self.answer) if isinstance(one, Bubble)]

    @property
    def linked(self) -> Bubble | None:
        return next((one for one in (*self.messages, *self.choices) if one.is_linked), None)

    @property
    def part(self) -> Part | None:
        """What a page has of its messages if nothing is said of them, compressed; None if it is not kept so."""
        return Part(_in_a_row(self.bubbles), self.deflated) if self.deflated else None

    @property
    def hidden_count(self) -> int:
        return sum(item.hidden for item in (*self.bubbles, *self.answer))


_threads: Kept[Thread] = Kept(5_000_000)  # characters of HTML; with its view objects some 20 MB


def thread_of(
    context: RenderContext, page: MessagePage, completion: Completion | None, *, is_for_customer: bool
) -> Thread:
    """Build and draw the messages of a page."""
    messages, choices = bubbles_of(context, page, completion)
    of_page: Callable[[Iterable[Bubble]], list[Bubble | Hidden]] = for_customer if is_for_customer else list
    with one_language():
        bubbles, answer = (tuple(map(_drawn, of_page(each))) for each in (messages, choices))
    return Thread(bubbles, answer, tuple(messages), tuple(choices))


def stored_thread_of(
    context: RenderContext, page: MessagePage, completion: Completion | None, *, is_for_customer: bool
) -> Thread:
    """Return the same for what is stored, of which each item is what its JSON says: mostly it was drawn before."""
    made_of = (
        (context.completion_id, context.linked, context.as_source, is_for_customer, settings.REMOTE_IMAGES),
        (get_language(), get_current_timezone_name()),
        (page.order, page.has_older, page.is_end, completion.source if completion else None),
        *(_sources(each) for each in (page.items, page.earlier, page.later, page.newest)),
    )

    def make() -> Thread:
        thread = thread_of(context, page, completion, is_for_customer=is_for_customer)
        has_hidden = any(isinstance(one, Hidden) for one in thread.bubbles)
        return thread if has_hidden else replace(thread, deflated=deflate(_in_a_row(thread.bubbles)))

    return _threads.of(made_of, make, _characters)


def bubbles_of(
    context: RenderContext, page: MessagePage, completion: Completion | None
) -> tuple[list[Bubble], list[Bubble]]:
    """Build the messages in the order of the page, and the answer if the newest message is on it."""
    bubbles = build_bubbles(context, page.items, page.neighbours)
    if completion is None or not page.is_end:
        return bubbles, []
    in_order = slice(None, None, 1 if page.order == "asc" else -1)
    if not page.items:  # the newest messages are on the page before; they matter only if they are the answer
        newest = build_bubbles(context, page.newest)
        return [], place_answers(context, completion, page.newest, newest)[1][in_order]
    oldest_first, answer = place_answers(
        context, completion, page.oldest_first, bubbles[in_order], has_earlier=page.has_older
    )
    return oldest_first[in_order], answer[in_order]


def _sources(items: tuple[Message | Unreadable, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((item.id, item.source) for item in items)


def _drawn(item: Bubble | Hidden) -> Bubble | Hidden:
    """Put its HTML with a bubble."""
    return item if isinstance(item, Hidden) else replace(item, html=draw_bubble(item))


def _in_a_row(bubbles: tuple[Bubble | Hidden, ...]) -> bytes:
    """Join messages as a page does (`render_bubbles`), which has nothing below most of them."""
    return "\n".join([each for one in bubbles if isinstance(one, Bubble) for each in (one.html, "")]).encode()


def _characters(thread: Thread) -> int:
    """Give the length of all HTML; 0 where the thread must not be kept, as not all of it was formatted."""
    htmls = [one.html for one in thread.shown]
    return sum(map(len, htmls), start=1 + len(thread.deflated)) if all(map(is_lasting, htmls)) else 0
