"""Reads a snapshot as everything else is read: its API is answered in process, and a client asks it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl, unquote

from django.db.models import QuerySet
from django.urls import reverse

from viewer.archive.api import ROUTE, MessageRows, RequestError, Response, page_of_messages
from viewer.client.client import Client
from viewer.client.in_process import BASE_URL, InProcess
from viewer.completions.errors import ApiError
from viewer.sources.archive_client import StoredClient
from viewer.sources.reader import Reader
from viewer.sources.sources import Source
from viewer.web.request import Request

from .descriptions import origin_of, source_name
from .models import Share, Snapshot, SnapshotMessage


@dataclass(frozen=True, kw_only=True)
class SnapshotSource(Source):
    """A snapshot as a source. It has no key, and reads nothing but its own rows."""

    snapshot: Snapshot

    @property
    def name(self) -> str:
        return "share"

    @property
    def is_archive(self) -> bool:
        return False

    @property
    def label(self) -> str:
        return source_name(self.snapshot, is_colleague=self.reader is not None)

    @property
    def client(self) -> Client:
        return StoredClient(InProcess(partial(_respond, self.snapshot)), BASE_URL)


class SnapshotReader(Reader):
    """Reads the snapshot of a share; the pages of it are below the address of the share."""

    def __init__(self, request: Request, share: Share, token: str) -> None:
        super().__init__(request, share.snapshot.completion_id, with_completion=False)
        self._source = SnapshotSource(key=None, reader=request.user.pk, snapshot=share.snapshot)
        self.token = token
        self.origin = origin_of(share)
        self.is_part = share.snapshot.is_part

    @property
    def home(self) -> str:
        return reverse("shared", args=[self.token])


def _respond(snapshot: Snapshot, path: str, query: str) -> Response:
    """Answer one GET request of a client, as `archive.api.respond` does."""
    route = ROUTE.fullmatch(path)
    if route is None or unquote(route["completion_id"] or "") != snapshot.completion_id:
        return RequestError(404, ApiError("Not in this snapshot", "completion_id", "not_found")).response
    if not route["messages"]:
        return Response(200, snapshot.body.encode())
    try:
        return page_of_messages(MessageRows(_messages_of, snapshot.pk), parse_qsl(query, keep_blank_values=True))
    except RequestError as error:
        return error.response


def _messages_of(snapshot_id: int) -> QuerySet[SnapshotMessage]:
    return SnapshotMessage.objects.filter(snapshot=snapshot_id)
