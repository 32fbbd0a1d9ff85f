"""The sources that a person can read: the archive, and what their API keys give access to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext, gettext_noop

from viewer.archive import api
from viewer.client.client import Client
from viewer.client.http import HttpClient, KeyAuth, Limits, new_session
from viewer.client.limiter import RequestLimiter, host_limiter, person_limit
from viewer.client.problems import Problem
from viewer.deployment.api_hosts import may_get_key
from viewer.deployment.prepared import Prepared, columns_of, read_row
from viewer.keys.encryption import CannotDecrypt
from viewer.keys.models import AccessToken, ApiKey
from viewer.web.request import PAGE_SOURCE, Request, note_of

from .archive_client import archive_client

Result = TypeVar("Result")


@Prepared
def _keys_of(person: int) -> QuerySet[ApiKey, Any]:
    """Find the keys of a person, as every page does."""
    return ApiKey.objects.of(person).values_list(*columns_of(ApiKey))


@dataclass(frozen=True)
class Source:
    """One place to read from, for one person: the archive where `key` is None, then with what `reader` saved."""

    key: ApiKey | None
    reader: int | None = None

    @property
    def name(self) -> str:
        """The name that pages and scripts use."""
        return str(self.key.pk) if self.key else "archive"

    @property
    def is_archive(self) -> bool:
        return self.key is None

    @property
    def label(self) -> str:
        return self.key.label if self.key else gettext("Archive")

    def note_on(self, request: HttpRequest) -> None:
        """Say on the request that this source was read, for the read log."""
        note = note_of(request)
        note.source = "key" if self.key else "archive"
        note.source_name = f"{self.key.label}, {urlsplit(self.key.base_url).netloc}" if self.key else ""

    @property
    def client(self) -> Client:
        """Return the client of this source. Raises Problem when the key cannot be decrypted, or may not be sent."""
        return _client_with(self.key) if self.key else archive_client(self.reader)

    @contextmanager
    def reading(self) -> Iterator[Client]:
        """Provide the client for some requests. Its Problem becomes a SourceProblem, which names this source."""
        try:
            yield self.client
        except Problem as problem:
            raise SourceProblem(problem, self) from None

    def read(self, read: Callable[[Client], Result]) -> Result:
        """Read something from this source. Raises SourceProblem."""
        with self.reading() as client:
            return read(client)


class SourceProblem(Exception):
    """A problem and the source that had it, which need not be the chosen one."""

    def __init__(self, problem: Problem, source: Source) -> None:
        super().__init__(f"{source.label}: {problem}")
        self.problem = problem
        self.source = source


def chosen_source(request: Request) -> Source:
    """Return the source that the person browses. A script's request goes to the source that its page came from.

    Another tab may have chosen another source since. Raises Http404 when the page's key was deleted.
    """
    name = request.headers.get(PAGE_SOURCE, "")
    archive, *keys = all_sources(request)
    if not name:
        return next((source for source in keys if source.key and source.key.is_chosen), archive)
    for source in (archive, *keys):
        if source.name == name:
            return source
    raise Http404


def all_sources(request: Request) -> list[Source]:
    """Return the archive and the person's keys, by one query for each HTTP request."""
    sources: list[Source] | None = request.__dict__.get("all_sources")
    if sources is None:
        keys = (read_row(ApiKey, iter(row)) for row in _keys_of(request.user.pk))
        sources = request.__dict__["all_sources"] = [archive_of(request), *map(Source, keys)]
    return sources


def archive_of(request: Request) -> Source:
    """Return the archive as the person sees it."""
    return Source(None, request.user.pk)


def client_for_token(token: AccessToken, request: HttpRequest) -> Client:
    """Return the client of an access token, and say on the request whose it is, for the read log."""
    source = Source(token.api_key, None if token.api_key else token.owner_id)
    source.note_on(request)
    note = note_of(request)
    note.person, note.token = token.owner, token.name
    return source.client


def check_key(key: ApiKey) -> str:
    """Send one cheap request with a key; return `works`, or the name of the problem."""
    try:
        _client_with(key).check_key()
    except Problem as problem:
        return problem.cause or problem.name
    return "works"


def completion_of(message_id: str, reader: int | None) -> str | None:
    """Find the completion that a message id belongs to: as stored, or by OpenAI's form `{completion_id}-{index}`."""
    stored = api.completion_of(message_id, reader)
    match = re.fullmatch(r"(chatcmpl-.+)-[0-9]+", message_id, re.ASCII)
    return stored or (match[1] if match else None)


def _client_with(key: ApiKey) -> Client:
    if not may_get_key(key.base_url, settings.API_HOSTS):  # it was allowed when the key was saved
        text = gettext_noop("API_HOSTS no longer names the host of this key's base URL, so the key is not sent.")
        raise Problem("unavailable", text, cause="not-allowed")
    try:
        secret, own_headers = key.open(), key.open_headers()
    except CannotDecrypt:
        text = gettext_noop("The stored key cannot be decrypted, because its master key is missing.")
        raise Problem("invalid-key", text) from None
    account = {"OpenAI-Organization": key.organization, "OpenAI-Project": key.project}
    account_headers = {name: value for name, value in account.items() if value}
    auth = KeyAuth(secret.reveal, key.base_url, account_headers, own_headers)
    concurrency = settings.UPSTREAM_MAX_CONCURRENCY
    limiter = RequestLimiter(
        host_limiter(urlsplit(key.base_url).netloc, concurrency), person_limit(key.owner_id, max(2, concurrency // 2))
    )
    limits = Limits(settings.UPSTREAM_DEADLINE, settings.UPSTREAM_MAX_BYTES)
    http = HttpClient(_live_session(), auth, limiter, limits)
    return Client(http, key.base_url, cache_as=f"{key.version}", cache_seconds=settings.UPSTREAM_CACHE_SECONDS)


@cache
def _live_session() -> requests.Session:
    return new_session(proxy=settings.UPSTREAM_PROXY, authorities=settings.UPSTREAM_CA)
