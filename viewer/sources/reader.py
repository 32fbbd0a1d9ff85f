"""Reads one completion for one person: asks the sources in turn, and stays with the first that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import TypeVar

from django.conf import settings
from django.http import Http404

from viewer.archive import answers
from viewer.archive.models import fit
from viewer.client.client import PAGE_SIZE, Client, Order, Window
from viewer.client.problems import Problem
from viewer.completions.types import Choice, Completion, Message, Page, Unreadable
from viewer.web.request import Request

from .models import Finding
from .sources import NoAnswer, Source, all_sources, chosen_source

Found = TypeVar("Found")
_AT_ONCE = 4  # as many questions as one person may have on their way at a time
_PATIENCE = 3.0  # seconds for a server where the archive can answer too
_LEEWAY = 1.0  # seconds beyond the deadline of one question, for turns to be had
_elsewhere = ThreadPoolExecutor(max_workers=4 * _AT_ONCE, thread_name_prefix="elsewhere")


def reader(request: Request, completion_id: str, *, with_completion: bool = False) -> Reader:
    """Give the reader of a completion. `with_completion` asks for it at the same time as for the first messages."""
    return Reader(request, completion_id, with_completion=with_completion)


class Reader:
    """Asks for one completion and its messages, as `Client` does, wherever they are.

    The first answer decides on the source. Every method raises NoAnswer; when several sources gave none, the first that
    is more than "not found", for that source may hold the completion all the same.
    """

    def __init__(self, request: Request, completion_id: str, *, with_completion: bool) -> None:
        self.completion_id = completion_id
        self.person = request.user
        self._request = request
        self._with_completion = with_completion
        self._source: Source | None = None
        self._ask_for_completion: Callable[[], Completion] | None = None
        self._completion: Completion | None = None

    @property
    def source(self) -> Source:
        """Where the completion was found; the chosen source until then."""
        return self._source or chosen_source(self._request)

    @property
    def client(self) -> Client:
        return self.source.client

    def completion(self) -> Completion:
        if self._completion is None:
            ask = self._ask_for_completion
            self._completion = self.ask(lambda client: ask() if ask else client.completion(self.completion_id))
        return self._completion

    def choice(self, position: int) -> Choice:
        """Give an answer by its place in the list: an index may stand there twice."""
        choices = self.completion().choices
        if position >= len(choices):
            raise NoAnswer(Problem("not-found", param="position"), self.source)
        return choices[position]

    def message_of_choice(self, position: int) -> Message:
        """Give what an answer says. Raises Http404 where that is no message."""
        message = self.choice(position).message
        if not isinstance(message, Message):
            raise Http404
        return message

    def message(self, message_id: str) -> Message:
        return self.ask(lambda client: client.message(self.completion_id, message_id))

    def messages(self, *, after: str = "", order: Order = "asc", limit: int = PAGE_SIZE) -> Page[Message | Unreadable]:
        return self.ask(lambda client: client.messages(self.completion_id, after=after, order=order, limit=limit))

    def messages_around(self, message_id: str) -> Window[Message]:
        return self.ask(lambda client: client.messages_around(self.completion_id, message_id))

    def newest_messages(self) -> tuple[Message | Unreadable, ...]:
        return self.ask(lambda client: client.newest_messages(self.completion_id))

    def every_message(self, *, first: str = "", last: str = "") -> Iterator[tuple[Message | Unreadable, ...]]:
        """Read page after page. The first is read at once; what breaks off later raises Problem, as of the client."""

        def begin(client: Client) -> Iterator[tuple[Message | Unreadable, ...]]:
            pages = client.every_message(self.completion_id, first=first, last=last)
            return chain(tuple(islice(pages, 1)), pages)

        return self.ask(begin)

    def ask(self, question: Callable[[Client], Found]) -> Found:
        """Ask something that may take several requests, all of them to one source."""
        if self._source is not None:
            return self._source.ask(question)
        if not self._with_completion:
            return self._find(question)
        found, self._ask_for_completion = self._find(partial(self._with_completion_beside, question))
        return found

    def _with_completion_beside(
        self, question: Callable[[Client], Found], client: Client
    ) -> tuple[Found, Callable[[], Completion]]:
        return client.at_once(partial(question, client), partial(client.completion, self.completion_id))

    def _find(self, question: Callable[[Client], Found]) -> Found:
        """Ask where it may be: the chosen source, where it was found before, the archive, the person's other keys."""
        chosen = chosen_source(self._request)
        failures = []
        patience = None if chosen.is_archive or not answers.holds(self.completion_id) else _PATIENCE
        for source, answer in _answers(self._places(chosen), question, patience):
            try:
                found = answer()
            except NoAnswer as failure:
                if failure.problem.param in ("message_id", "position"):  # the completion is here, the message is not
                    raise
                failures.append(failure)
            else:
                self._source = source
                if source != chosen:
                    self._remember(source)
                return found
        raise next((failure for failure in failures if failure.problem.name != "not-found"), failures[0])

    def _places(self, chosen: Source) -> Iterator[Source]:
        yield chosen
        known = {source.key: source for source in all_sources(self._request)}
        findings = Finding.objects.filter(person=self.person, completion_id=fit(self.completion_id))
        before = [known[finding.api_key] for finding in findings.select_related("api_key") if finding.api_key in known]
        seen = [chosen]
        for source in (*before, *known.values()):
            if source not in seen:
                seen.append(source)
                yield source

    def _remember(self, source: Source) -> None:
        """Note where it was found, for that is not where the person looks first."""
        of_person = Finding.objects.filter(person=self.person, completion_id=self.completion_id)
        if not of_person.filter(api_key=source.key).exists():
            Finding.objects.update_or_create(
                person=self.person, completion_id=self.completion_id, defaults={"api_key": source.key}
            )


def _answers(
    places: Iterator[Source], ask: Callable[[Client], Found], patience: float | None
) -> Iterator[tuple[Source, Callable[[], Found]]]:
    """Ask the places in turn, up to the archive, and those behind it at the same time, the quickest first.

    So several dead servers take the time of one, and none where another has it; what they have not said by then counts
    as silence. With `patience`, where the archive has it, each server before the archive has that many seconds.
    """
    for source in places:
        if source.is_archive or patience is None:
            yield source, partial(source.ask, ask)
        else:
            yield source, partial(_answer_within, patience, _elsewhere.submit(source.ask, ask), source)
        if source.is_archive:
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
