"""The archive's client. It reads our own database, so it can do more than other clients, and allows more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import requests

from viewer.archive import api, transport
from viewer.archive.holdings import holdings_of
from viewer.client.client import Client, First, Read
from viewer.client.http import HttpClient, Limits
from viewer.completions.reading import read_message
from viewer.completions.types import Message, Unreadable

_OPENING_SIZE = 5  # messages that are searched for the first question; prompts and examples precede it
_MAX_OPENINGS = 16_000_000  # characters that are read to find the first questions of one page


class ArchiveClient(Client):
    """Reads the archive, where a request costs a query and no network."""

    max_pages = 200
    is_metered = False

    def concurrently(self, first: Callable[[], First], second: Callable[[], Read]) -> tuple[First, Callable[[], Read]]:
        """Send one request after the other: there is no network to wait for, and a thread would need a connection."""
        return first(), second

    def openings(self, completion_ids: list[str]) -> Iterator[tuple[str, Message | Unreadable]]:
        left = _MAX_OPENINGS
        for completion_id, body in api.openings(completion_ids, _OPENING_SIZE):
            yield completion_id, read_message(body)
            left -= len(body)
            if left < 0:
                return

    def counts(self, completion_id: str) -> Mapping[str, int] | None:
        holdings = holdings_of(completion_id)
        return None if holdings is None else holdings.counts


@cache
def archive_client() -> ArchiveClient:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://archive.invalid/", transport.ArchiveTransport())
    return ArchiveClient(HttpClient(session, limits=Limits(60, 512_000_000)), transport.BASE_URL)
