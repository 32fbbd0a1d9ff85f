"""What a search result shows of a message: who says it, its number, its words, and the link that opens it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from viewer.archive.identity_keys import IdentityKeys
from viewer.archive.search.query import Query
from viewer.archive.search.reading import Group, Hit
from viewer.archive.search.snippets import Snippet
from viewer.completions.folding import fold
from viewer.completions.types import Completion
from viewer.conversations.filters import with_query
from viewer.conversations.rows import Row, build_row
from viewer.rendering.places import name_of_answer, place_of_answer, url_of
from viewer.rendering.roles import role_label


@dataclass(frozen=True, slots=True)
class HitView:
    """One hit: the role or the kind of field, its number, and a snippet with the words.

    `url` opens it with the words marked; `permalink` is the address to send somebody.
    """

    message_id: str
    label: str
    number: int | None
    url: str
    permalink: str
    snippet: Snippet
    is_repeated: bool = False  # the same text stands further up on the page


def build_hit(completion: Completion, hit: Hit, query: Query) -> HitView:
    """Link to the message or the answer, or to the metadata pair in the panel.

    The page finds one text (`?find=`): the longest one that matched, as it is written there. In the message it also
    marks what else the query matches (`&search=`).
    """
    find = max((text for text, is_marked in hit.snippet if is_marked), key=len, default="")
    place, params = hit.message_id, {"find": find}
    if find and fold(find) != fold(query.text):
        params["search"] = query.text
    if hit.message_id:
        label = gettext("Message") if hit.is_unread else role_label(hit.role)
    elif hit.answer is not None:
        label, place = name_of_answer(hit.answer, len(completion.choices)), place_of_answer(hit.answer)
    elif hit.pair:
        label, params = gettext("Metadata"), {"pair": hit.pair}
    elif hit.field in completion.parameters:
        label, params = gettext("Tool definitions") if hit.field == "tools" else gettext("Parameters"), {}
    elif hit.field:
        label, params = gettext("Other fields"), {"field": hit.field}
    else:
        label, params = gettext("Conversation"), {}
    params = {name: value for name, value in params.items() if value}
    url = url_of(completion.id, place)
    return HitView(hit.message_id, label, hit.position, with_query(url, params), url, hit.snippet)


def row_of(group: Group, keys: IdentityKeys, query: Query) -> Row:
    """Build the row of a result in the list beside a conversation: its best hit instead of the answer."""
    row = build_row(group.completion, group.summary, keys)
    if not group.hits:
        return row
    hit = build_hit(group.completion, group.hits[0], query)
    return row.with_hit(hit.url, hit.label, hit.snippet)
