"""Reads a page of a list as rows: the archive by one query, a server by its API."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from viewer.archive.listing import Place
from viewer.client.client import PAGE_SIZE, ROWS_BEFORE
from viewer.sources.archive_client import ArchiveClient
from viewer.sources.sources import Source
from viewer.web.request import Request

from .filters import fetch_page, matches_metadata, metadata_of, order_of, with_query, without
from .rows import Row, build_archived_rows, build_rows


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows in the order of their list. `first` and `last` are the ids to continue from, empty if there is none."""

    rows: list[Row]
    first: str
    last: str
    has_earlier: bool
    has_later: bool
    ignores_metadata: bool = False  # the server sent some that do not match, which are left out
    count: int | None = None  # of the whole list, if that was asked for and is known

    @property
    def is_empty(self) -> bool:
        """Whether nothing was sent, not even what does not match."""
        return not self.rows and not self.ignores_metadata


def read_rows(request: Request, source: Source, filters: dict[str, str], around: str = "") -> RowPage:
    """Read the rows after or before a cursor, those around a completion, or the first. Raises SourceProblem."""
    with source.reading() as client:
        if isinstance(client, ArchiveClient) and not without(filters, "order"):
            page = _archived(request, client, order_of(filters) == "desc", around)
            if page is not None:
                return page
        window = fetch_page(client, filters, request.GET, around)
    metadata = metadata_of(filters)
    matching = tuple(item for item in window.items if matches_metadata(item, metadata))
    return RowPage(
        build_rows(client, matching, request.user.pk),
        first=window.items[0].id if window.items else "",
        last=window.items[-1].id if window.items else "",
        has_earlier=window.has_earlier,
        has_later=window.has_later,
        ignores_metadata=len(matching) < len(window.items),
    )


def _archived(request: Request, client: ArchiveClient, is_descending: bool, around: str) -> RowPage | None:
    """Read the rows from the archive; None where they do not begin where they should, and its API has to say why."""
    place = _place(request.GET, is_descending=is_descending, around=around, is_counted=not request.htmx)
    page = client.listed(place)
    listed = page.rows[::-1] if request.GET.get("before") else page.rows
    if not place.is_first and not (listed and (place.after or any(one.id == place.around for one in listed))):
        return None
    rows = build_archived_rows(listed)
    has_earlier, has_later = page.has_earlier or bool(place.after), page.has_more
    if request.GET.get("before"):
        has_earlier, has_later = page.has_more, True
    first, last = (rows[0].id, rows[-1].id) if rows else ("", "")
    return RowPage(rows, first, last, has_earlier, has_later, count=page.total if place.is_counted else None)


def _place(query: QueryDict, *, is_descending: bool, around: str, is_counted: bool) -> Place:
    after, before = query.get("after", ""), query.get("before", "")
    if before:
        return Place(PAGE_SIZE, not is_descending, before, is_counted=is_counted)
    if around and not after:
        return Place(ROWS_BEFORE + PAGE_SIZE, is_descending, around=around, before=ROWS_BEFORE, is_counted=is_counted)
    return Place(PAGE_SIZE, is_descending, after, is_counted=is_counted)


def pager_links(request: Request, page: RowPage, filters: dict[str, str]) -> dict[str, str | bool]:
    """Return the URLs of the pages above and below. A fragment has only one; the page around it has the other."""
    has_above = page.has_earlier and not (request.htmx and "after" in request.GET)
    has_below = page.has_later and not (request.htmx and "before" in request.GET)
    first, last = page.first, page.last
    return {
        "above_url": with_query(request.path, filters | {"before": first}) if has_above and first else "",
        "below_url": with_query(request.path, filters | {"after": last}) if has_below and last else "",
        "breaks_off": (has_above and not first) or (has_below and not last),  # more rows, but no id to continue from
    }
