"""The only place that knows that there are two kinds of sources: the archive, and a person's API keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404
from django.utils.translation import gettext, gettext_noop

from viewer.archive import answers, transport
from viewer.archive.models import fit
from viewer.client.client import Client
from viewer.client.http import Asker, KeyAuth, Limits, new_session
from viewer.client.limiter import Way, gate_to, turns_of
from viewer.client.problems import Problem
from viewer.deployment.api_hosts import may_get_key
from viewer.keys.encryption import CannotDecrypt
from viewer.keys.models import AccessToken, ApiKey
from viewer.web.request import PAGE_SOURCE, Request

from .models import Finding

Found = TypeVar("Found")
_AT_ONCE = 4  # as many questions as one person may have on their way at a time
_PATIENCE = 3.0  # seconds for a server where the archive can answer too
_LEEWAY = 1.0  # seconds beyond the deadline of one question, for turns to be had
_elsewhere = ThreadPoolExecutor(max_workers=4 * _AT_ONCE, thread_name_prefix="elsewhere")


@dataclass(frozen=True)
class Source:
    """One place to read from, for one person: the archive where `key` is None."""

    key: ApiKey | None

    @property
    def name(self) -> str:
        """What a page calls it by."""
        return str(self.key.pk) if self.key else "archive"

    @property
    def label(self) -> str:
        return self.key.label if self.key else gettext("Archive")

    @property
    def client(self) -> Client:
        """Give the client that asks here. Raises Problem when the stored key does not open, or may not go there."""
        return _client_with(self.key) if self.key else _archive()

    def ask(self, question: Callable[[Client], Found]) -> Found:
        """Ask here. Raises NoAnswer, which says that it was here."""
        try:
            return question(self.client)
        except Problem as problem:
            raise NoAnswer(problem, self) from None


class NoAnswer(Exception):
    """A problem together with the source where it arose: several may have been asked, and not only the chosen one."""

    def __init__(self, problem: Problem, source: Source) -> None:
        super().__init__(f"{source.label}: {problem}")
        self.problem = problem
        self.source = source


def chosen_source(request: Request) -> Source:
    """Give the source that the person browses with; what a script asks for, from where its page came.

    Another tab may have chosen another source since. Raises Http404 when the page's key is gone.
    """
    named = request.headers.get(PAGE_SOURCE, "")
    if not named:
        return Source(ApiKey.objects.chosen_by(request.user))
    for source in all_sources(request.user):
        if source.name == named:
            return source
    raise Http404


def all_sources(person: User) -> list[Source]:
    """Give the archive and the person's keys, for the switch in the header."""
    return [Source(None), *(Source(key) for key in ApiKey.objects.of(person))]


def client_for_token(token: AccessToken) -> Client:
    """Give the client that answers for an access token."""
    return Source(token.api_key).client


def try_out(key: ApiKey) -> str:
    """Ask one cheap question with a key; give `works`, or the name of the problem that came of it."""
    try:
        _client_with(key).try_out()
    except Problem as problem:
        return problem.cause or problem.name
    return "works"


def find(request: Request, completion_id: str, ask: Callable[[Client], Found]) -> tuple[Found, Source]:
    """Ask for a completion where it may be: the chosen source, where it was found before, the archive, the other keys.

    Raises NoAnswer: the first that is more than "not found", for that source may hold the completion all the same.
    """
    person, chosen = request.user, chosen_source(request)
    failures = []
    patience = _PATIENCE if chosen.key and answers.holds(completion_id) else None
    for source, answer in _answers(_places(person, completion_id, chosen), ask, patience):
        try:
            found = answer()
        except NoAnswer as failure:
            if failure.problem.param in ("message_id", "position"):  # the completion is here, the message is not
                raise
            failures.append(failure)
        else:
            if source != chosen:
                _remember(person, completion_id, source)
            return found, source
    raise next((failure for failure in failures if failure.problem.name != "not-found"), failures[0])


def completion_of(message_id: str) -> str | None:
    """Find the completion that a message id belongs to: as stored, or by OpenAI's form `{completion_id}-{index}`."""
    stored = answers.completion_of(message_id)
    counted = re.fullmatch(r"(chatcmpl-.+)-[0-9]+", message_id, re.ASCII)
    return stored or (counted[1] if counted else None)


def _answers(
    places: Iterator[Source], ask: Callable[[Client], Found], patience: float | None
) -> Iterator[tuple[Source, Callable[[], Found]]]:
    """Ask the places in turn, up to the archive, and those behind it at the same time, the quickest first.

    So several dead servers take the time of one, and none where another has it; what they have not said by then counts
    as silence. With `patience`, where the archive has it, each server before the archive has that many seconds.
    """
    for source in places:
        if source.key is None or patience is None:
            yield source, partial(source.ask, ask)
        else:
            yield source, partial(_answer_within, patience, _elsewhere.submit(source.ask, ask), source)
        if source.key is None:
            break
    asked = {_elsewhere.submit(source.ask, partial(_ask_patiently, ask)): source for source in places}
    try:
        for future in as_completed(asked, settings.UPSTREAM_DEADLINE + _LEEWAY):
            yield asked[future], future.result
    except TimeoutError:
        for future, source in asked.items():
            if not future.done():
                yield source, partial(_answer_within, 0.0, future, source)
    finally:
        for future in asked:
            future.cancel()


def _ask_patiently(ask: Callable[[Client], Found], client: Client) -> Found:
    """Ask one question at a time, or the silent servers would take all that a person may have on their way."""
    return ask(replace(client, is_patient=True))


def _answer_within(seconds: float, asked: Future[Found], source: Source) -> Found:
    try:
        return asked.result(seconds)
    except TimeoutError:
        raise NoAnswer(Problem("timeout"), source) from None


def _places(person: User, completion_id: str, chosen: Source) -> Iterator[Source]:
    yield chosen
    findings = Finding.objects.filter(person=person, completion_id=fit(completion_id)).select_related("api_key")
    seen = [chosen]
    for source in (*(Source(finding.api_key) for finding in findings), *all_sources(person)):
        if source not in seen:
            seen.append(source)
            yield source


def _remember(person: User, completion_id: str, source: Source) -> None:
    """Note where it was found, for that is not where the person looks first."""
    if not Finding.objects.filter(person=person, completion_id=completion_id, api_key=source.key).exists():
        Finding.objects.update_or_create(person=person, completion_id=completion_id, defaults={"api_key": source.key})


def _client_with(key: ApiKey) -> Client:
    if not may_get_key(key.base_url, settings.API_HOSTS):  # it was allowed when the key was saved
        said = gettext_noop("API_HOSTS does not name the host of this key's base URL any more, so the key stays here.")
        raise Problem("unavailable", said, cause="not-allowed")
    try:
        secret, own = key.open(), key.open_headers()
    except CannotDecrypt:
        said = gettext_noop("The stored key cannot be opened: the master key it was saved under is missing.")
        raise Problem("invalid-key", said) from None
    more = {"OpenAI-Organization": key.organization, "OpenAI-Project": key.project}
    auth = KeyAuth(secret.reveal, key.base_url, {name: value for name, value in more.items() if value}, own)
    at_a_time = settings.UPSTREAM_QUESTIONS
    way = Way(gate_to(urlsplit(key.base_url).netloc, at_a_time), turns_of(key.owner_id, max(2, at_a_time // 2)))
    limits = Limits(settings.UPSTREAM_DEADLINE, settings.UPSTREAM_LARGEST)
    asker = Asker(_live_session(), auth, way, limits)
    return Client(asker, key.base_url, cache_as=f"{key.version}", cache_seconds=settings.UPSTREAM_CACHE_SECONDS)


@cache
def _archive() -> Client:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://archive.invalid/", transport.ArchiveTransport())
    return Client(Asker(session, limits=Limits(60, 512_000_000)), transport.BASE_URL, is_local=True)


@cache
def _live_session() -> requests.Session:
    return new_session(proxy=settings.UPSTREAM_PROXY, authorities=settings.UPSTREAM_CA)
