"""The archive's client. It reads our own database, so it can do more than other clients, and allows more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial

from django.db import DatabaseError

from viewer.archive import api
from viewer.archive.holdings import holdings_of
from viewer.archive.listing import ListPage, Place, read_list
from viewer.archive.messages import ArchivedMessages
from viewer.archive.models import fit
from viewer.archive.summaries import summaries_of
from viewer.client.client import Client, First, Read
from viewer.client.http import CONNECTION_FAILED
from viewer.client.in_process import BASE_URL, InProcess
from viewer.client.problems import Problem
from viewer.completions.summary import Summary


class StoredClient(Client):
    """Reads what is stored here, where a request costs a query and no network."""

    has_other_api = False  # what came from there is stored as a completion
    max_pages = 200
    is_metered = False

    def concurrently(self, first: Callable[[], First], second: Callable[[], Read]) -> tuple[First, Callable[[], Read]]:
        """Send one request after the other: there is no network to wait for, and a thread would need a connection."""
        return first(), second


@dataclass(frozen=True, kw_only=True)
class ArchiveClient(StoredClient):
    """Reads the archive for a person. It knows more of a conversation than its API answers."""

    reader: int | None

    def summaries(self, completion_ids: Iterable[str]) -> Mapping[str, Summary]:
        return summaries_of(completion_ids, self.reader)

    def listed(self, place: Place) -> ListPage:
        """Read a page of the list with what rows show, by one query. Raises Problem as every reading does."""
        try:
            return read_list(place, self.reader)
        except DatabaseError:
            raise Problem("unavailable", CONNECTION_FAILED) from None

    def counts(self, completion_id: str) -> Mapping[str, int] | None:
        holdings = holdings_of(completion_id, self.reader)
        return None if holdings is None else holdings.counts

    def bodies(self, completion_id: str, after: str = "") -> Iterator[tuple[str, str]]:
        # A database that fails ends them early: whoever reads on asks the API, and that says so.
        with suppress(DatabaseError):
            yield from ArchivedMessages(fit(completion_id), self.reader).all_beyond(fit(after))

    def id_at(self, completion_id: str, number: int) -> str:
        with suppress(DatabaseError):
            return ArchivedMessages(fit(completion_id), self.reader).id_at(number) or ""
        return ""


@lru_cache(maxsize=1_000)
def archive_client(reader: int | None) -> ArchiveClient:
    """Return the client that reads what the team has, and what a person saved."""
    return ArchiveClient(InProcess(partial(_respond, reader)), BASE_URL, reader=reader)


def _respond(reader: int | None, path: str, query: str) -> api.Response:
    return api.respond(path, query, reader)
