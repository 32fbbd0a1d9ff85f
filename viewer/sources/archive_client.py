"""The archive's client: it asks nobody but our own database, and so knows and allows more than any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import requests

from viewer.archive import answers, transport
from viewer.archive.holdings import holdings_of
from viewer.client.client import Client, First, Read
from viewer.client.http import Asker, Limits
from viewer.completions.reading import read_message
from viewer.completions.types import Message, Unreadable

_OPENING = 5  # messages in which the first question is looked for; prompts and examples stand before it
_LARGEST_OPENINGS = 16_000_000  # characters that are read for the first questions of one page


class ArchiveClient(Client):
    """Asks the archive, where a request costs a query and no network."""

    most_pages = 200
    is_metered = False

    def at_once(self, first: Callable[[], First], second: Callable[[], Read]) -> tuple[First, Callable[[], Read]]:
        """Ask one after the other: there is nothing to wait for, and a thread would cost a connection."""
        return first(), second

    def openings(self, completion_ids: list[str]) -> Iterator[tuple[str, Message | Unreadable]]:
        left = _LARGEST_OPENINGS
        for completion_id, body in answers.openings(completion_ids, _OPENING):
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
    return ArchiveClient(Asker(session, limits=Limits(60, 512_000_000)), transport.BASE_URL)
