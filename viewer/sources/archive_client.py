"""The archive's client. It reads our own database, so it can do more than other clients, and allows more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache

import requests

from viewer.archive import transport
from viewer.archive.holdings import holdings_of
from viewer.archive.summaries import summaries_of
from viewer.client.client import Client, First, Read
from viewer.client.http import HttpClient, Limits
from viewer.completions.summary import Summary


class StoredClient(Client):
    """Reads what is stored here, where a request costs a query and no network."""

    max_pages = 200
    is_metered = False

    def concurrently(self, first: Callable[[], First], second: Callable[[], Read]) -> tuple[First, Callable[[], Read]]:
        """Send one request after the other: there is no network to wait for, and a thread would need a connection."""
        return first(), second


class ArchiveClient(StoredClient):
    """Reads the archive, which knows more of a conversation than its API answers."""

    def summaries(self, completion_ids: Iterable[str]) -> Mapping[str, Summary]:
        return summaries_of(completion_ids)

    def counts(self, completion_id: str) -> Mapping[str, int] | None:
        holdings = holdings_of(completion_id)
        return None if holdings is None else holdings.counts


@cache
def archive_client() -> ArchiveClient:
    return ArchiveClient(stored_http(), transport.BASE_URL)


def stored_http(answer: transport.Respond | None = None) -> HttpClient:
    """Return what answers the requests of a client in process: from the archive, or by a function."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://archive.invalid/", transport.ArchiveTransport(answer))
    return HttpClient(session, limits=Limits(60, 512_000_000))
