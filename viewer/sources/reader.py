"""Reads one completion for one person: tries the sources in turn, and stays with the first that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404
from django.urls import reverse

from viewer.archive import api
from viewer.archive.models import StoredCompletion, fit
from viewer.client.client import PAGE_SIZE, Client, Order, Window
from viewer.client.problems import Problem
from viewer.completions.types import Choice, Completion, Message, Page, Unreadable
from viewer.keys.models import ApiKey
from viewer.web.request import Request

from .models import Finding
from .sources import Source, SourceProblem, all_sources, chosen_source

Result = TypeVar("Result")
_REQUESTS_OF_PERSON = 4  # as many as the limiter allows one person at a time
_TIMEOUT_BEFORE_ARCHIVE = 3.0  # seconds for a server, if the archive has the completion too
_LEEWAY = 1.0  # seconds beyond the deadline of one request, to wait for a slot
_pool = ThreadPoolExecutor(max_workers=4 * _REQUESTS_OF_PERSON, thread_name_prefix="sources")


def reader_for(request: Request, completion_id: str, *, with_completion: bool = False) -> Reader:
    """Return the reader of a completion. `with_completion` requests it at the same time as the first messages.

    A view that brings a reader of its own, such as that of a share, has put it on the request.
    """
    brought: Reader | None = request.__dict__.get("reader")
    return brought or Reader(request, completion_id, with_completion=with_completion)


def openable_among(person: User, completion_ids: Iterable[str]) -> set[str]:
    """Return those of some conversations that a person can open for certain, without asking a server.

    They are in the archive, or were found with one of the person's keys before.
    """
    ids = {fit(one) for one in completion_ids}
    stored = StoredCompletion.objects.visible_to(person.pk).filter(completion_id__in=ids)
    found = Finding.objects.filter(person=person, completion_id__in=ids, api_key__isnull=False)
    return {*stored.values_list("completion_id", flat=True), *found.values_list("completion_id", flat=True)}


class Reader:
    """Reads one completion and its messages from whichever source has them. Its methods are those of `Client`.

    The first successful request decides on the source. Every method raises SourceProblem. When several sources failed,
    it is the first problem that is more than "not found", as that source may have the completion after all.
    """

    origin = ""  # where the completion comes from, if it is a snapshot
    is_part = False  # whether a part of the conversation is missing, so that a missing answer means nothing

    def __init__(self, request: Request, completion_id: str, *, with_completion: bool) -> None:
        self.person = request.user
        self.completion_id = completion_id
        self._request = request
        self._with_completion = with_completion
        self._source: Source | None = None
        self._requested_completion: Callable[[], Completion] | None = None
        self._completion: Completion | None = None
        self.without_it: list[ApiKey] = []  # the keys whose server answered that it does not have the completion

    @property
    def source(self) -> Source:
        """Where the completion was found; until then the chosen source."""
        return self._source or chosen_source(self._request)

    @property
    def client(self) -> Client:
        return self.source.client

    @property
    def home(self) -> str:
        """The URL below which the pages of the completion are."""
        return reverse("conversation", args=[self.completion_id])

    def completion(self) -> Completion:
        if self._completion is None:
            read = self._requested_completion
            self._completion = self.read(lambda client: read() if read else client.completion(self.completion_id))
        return self._completion

    def choice(self, position: int) -> Choice:
        """Return an answer by its position in the list, as an index may occur twice."""
        choices = self.completion().choices
        if position >= len(choices):
            raise SourceProblem(Problem("not-found", param="position"), self.source)
        return choices[position]

    def message_of_choice(self, position: int) -> Message:
        """Return the message of an answer. Raises Http404 if it has none."""
        message = self.choice(position).message
        if not isinstance(message, Message):
            raise Http404
        return message

    def message(self, message_id: str) -> Message:
        return self.read(lambda client: client.message(self.completion_id, message_id))

    def messages(self, *, after: str = "", order: Order = "asc", limit: int = PAGE_SIZE) -> Page[Message | Unreadable]:
        return self.read(lambda client: client.messages(self.completion_id, after=after, order=order, limit=limit))

    def messages_around(self, message_id: str) -> Window[Message]:
        return self.read(lambda client: client.messages_around(self.completion_id, message_id))

    def newest_messages(self) -> tuple[Message | Unreadable, ...]:
        return self.read(lambda client: client.newest_messages(self.completion_id))

    def every_message(self, *, first: str = "", last: str = "") -> Iterator[tuple[Message | Unreadable, ...]]:
        """Read all pages, the first at once. A later page that fails raises Problem, as `Client` does."""

        def begin(client: Client) -> Iterator[tuple[Message | Unreadable, ...]]:
            pages = client.every_message(self.completion_id, first=first, last=last)
            return chain(tuple(islice(pages, 1)), pages)

        return self.read(begin)

    def read(self, read: Callable[[Client], Result]) -> Result:
        """Read something that may take several requests, all of them from one source."""
        if self._source is not None:
            return self._source.read(read)
        if not self._with_completion:
            return self._find(read)
        result, self._requested_completion = self._find(partial(self._read_with_completion, read))
        return result

    def _read_with_completion(
        self, read: Callable[[Client], Result], client: Client
    ) -> tuple[Result, Callable[[], Completion]]:
        return client.concurrently(partial(read, client), partial(client.completion, self.completion_id))

    def _find(self, read: Callable[[Client], Result]) -> Result:
        """Try the chosen source, then where it was found before, the archive, and the person's other keys."""
        chosen = chosen_source(self._request)
        problems = []
        is_elsewhere_too = not chosen.is_archive and api.holds(self.completion_id, self.person.pk)
        timeout = _TIMEOUT_BEFORE_ARCHIVE if is_elsewhere_too else None
        for source, result in _results(self._candidates(chosen), read, timeout):
            try:
                value = result()
            except SourceProblem as failure:
                if failure.problem.param in ("message_id", "position"):  # the completion is here, the message is not
                    raise
                problems.append(failure)
                if failure.problem.name == "not-found" and failure.source.key:
                    self.without_it.append(failure.source.key)
            else:
                self._source = source
                source.note_on(self._request)
                if source != chosen:
                    self._remember(source)
                return value
        raise next((failure for failure in problems if failure.problem.name != "not-found"), problems[0])

    def _candidates(self, chosen: Source) -> Iterator[Source]:
        yield chosen
        known = {source.key: source for source in all_sources(self._request)}
        findings = Finding.objects.filter(person=self.person, completion_id=fit(self.completion_id))
        previous = [known[one.api_key] for one in findings.select_related("api_key") if one.api_key in known]
        seen = [chosen]
        for source in (*previous, *known.values()):
            if source not in seen:
                seen.append(source)
                yield source

    def _remember(self, source: Source) -> None:
        """Save where it was found, to try that source first the next time."""
        findings = Finding.objects.filter(person=self.person, completion_id=self.completion_id)
        if not findings.filter(api_key=source.key).exists():
            Finding.objects.update_or_create(
                person=self.person, completion_id=self.completion_id, defaults={"api_key": source.key}
            )


def _results(
    sources: Iterator[Source], read: Callable[[Client], Result], timeout: float | None
) -> Iterator[tuple[Source, Callable[[], Result]]]:
    """Try the sources in turn up to the archive, then all others at once, and yield the fastest first.

    So several dead servers take no more time than one, and none at all if the archive has the completion. What has not
    responded by the deadline has timed out. With `timeout`, each server before the archive has that many seconds.
    """
    for source in sources:
        if source.is_archive or timeout is None:
            yield source, partial(source.read, read)
        else:
            yield source, partial(_result_within, timeout, _pool.submit(source.read, read), source)
        if source.is_archive:
            break
    pending = {_pool.submit(source.read, partial(_read_sequentially, read)): source for source in sources}
    try:
        for future in as_completed(pending, settings.UPSTREAM_DEADLINE + _LEEWAY):
            yield pending[future], future.result
    except TimeoutError:
        for future, source in pending.items():
            if not future.done():
                yield source, partial(_result_within, 0.0, future, source)
    finally:
        for future in pending:
            future.cancel()


def _read_sequentially(read: Callable[[Client], Result], client: Client) -> Result:
    """Send one request at a time, or unresponsive servers would use up the person's limit."""
    return read(replace(client, is_sequential=True))


def _result_within(seconds: float, future: Future[Result], source: Source) -> Result:
    try:
        return future.result(seconds)
    except TimeoutError:
        raise SourceProblem(Problem("timeout"), source) from None
