"""One question over HTTP, with manners: a deadline, a cap on what is read, few retries, nothing kept."""

from __future__ import annotations

import errno
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from django.utils.translation import gettext_noop
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from viewer.completions.errors import read_error

from .deadlines import Deadline, DeadlineAdapter, running
from .limiter import RequestLimiter, Slot
from .problems import PROXY_ASKS, Problem, is_quota, wait_of
from .scrubbing import Scrubber

_CONNECT_SECONDS = 3.0
_RETRIES = 2
_LONGEST_PAUSE = 2.0  # seconds; a longer wait is the reader's to decide
_RETRIED = {408, 409, 429}
_CHUNK = 65_536
_STREAM_SILENCE = 30.0  # seconds between two pieces of a stream
_LARGEST_STREAM = 512_000_000  # bytes, unpacked
_LARGEST_ERROR = 256_000  # bytes, unpacked; so much of a refusal is looked through, and kept
_LONGEST_HEADER = 1_000  # characters
_PACKED_AS = ("", "identity", "gzip", "x-gzip", "deflate")
_CANNOT_BE_UNPACKED = gettext_noop("The response uses a compression that is not supported.")
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


# It writes headers that it cannot read into the log, as the server sent them: a key that came back too.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


Cause = TypeVar("Cause", bound=BaseException)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the decoded body, without the secrets that were sent along."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one question may take in all, in seconds, and how much it may bring, in decoded bytes."""

    seconds: float = 15.0
    bytes: int = 32_000_000

    @property
    def stream_seconds(self) -> float:
        """How long an answer may take that is handed on as it comes."""
        return 8 * self.seconds


class KeyAuth(AuthBase):
    """Shows an API key, as a Bearer token or as Azure wants it, and headers of the person's own, which are secret too.

    An auth object, as `.netrc` would replace a header. Where the key is empty, the headers are all there is.
    """

    def __init__(
        self, reveal: Callable[[], str], base_url: str, more: Mapping[str, str], own: Mapping[str, str] | None = None
    ) -> None:
        self._reveal = reveal
        self._is_azure = (urlsplit(base_url).hostname or "").endswith(_AZURE)
        self._more = dict(more)
        self._own = dict(own or {})

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._more)
        if key := self._reveal():
            name, value = ("api-key", key) if self._is_azure else ("Authorization", f"Bearer {key}")
            request.headers[name] = value
        request.headers.update(self._own)
        return request

    def secrets(self) -> Iterator[str]:
        """Give everything that must not come back: the key, and each word of each header of the person's own."""
        yield self._reveal()
        for value in self._own.values():
            yield from value.split()

    def __repr__(self) -> str:
        return "<KeyAuth>"


@dataclass(frozen=True)
class HttpClient:
    """Asks one server. `way` leads to its host; the archive needs none, for it is always at home.

    Whatever comes back is scrubbed of the secrets here, in the one place through which all of it comes.
    """

    session: requests.Session
    auth: KeyAuth | None = None
    limiter: RequestLimiter | None = None
    limits: Limits = field(default_factory=Limits)

    def ask(self, url: str) -> Answer:
        """Ask, and ask again where that is polite. Raises Problem when no answer comes."""
        if self.limiter is None:
            return self._request(url, Deadline(self.limits.seconds))
        with self.limiter.acquire():
            try:
                answer = self._request_with_retries(url)
            except Problem as problem:
                self._note(problem)
                raise
            self.limiter.host.record(failed=answer.status >= 500)
            return answer

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream:
        """Ask once and hand the body on as it comes. The caller closes the stream."""
        turn = self.limiter.acquire() if self.limiter else Slot()
        deadline = Deadline(self.limits.seconds, self.limits.stream_seconds)
        try:
            response = self._send(url, deadline, headers)
        except Problem as problem:
            turn.release()
            self._note(problem)
            raise
        if self.limiter is not None:
            self.limiter.host.record(failed=response.status_code >= 500)
        return Stream(response, deadline, turn, self.scrubber, is_local=self.limiter is None)

    @cached_property
    def scrubber(self) -> Scrubber:
        return Scrubber(self.auth.secrets() if self.auth else ())

    def _note(self, problem: Problem) -> None:
        if self.limiter is not None:
            self.limiter.host.record(failed=problem.name in ("timeout", "unavailable"))

    def _request_with_retries(self, url: str) -> Answer:
        deadline = Deadline(self.limits.seconds)
        for attempt in range(_RETRIES + 1):
            is_last = attempt == _RETRIES
            try:
                answer = self._request(url, deadline)
            except Problem as problem:
                if is_last or problem.name != "unavailable" or problem.cause:
                    raise
                pause = _backoff(attempt)
            else:
                pause = _pause_before_retry(answer, attempt)
                if is_last or pause < 0 or pause >= deadline.left_or_zero():
                    return answer
            time.sleep(min(pause, deadline.left_or_zero()))
        raise AssertionError("the last attempt answers or raises")

    def _request(self, url: str, deadline: Deadline) -> Answer:
        response = self._send(url, deadline, {})
        try:
            with _breaking_off():
                body = b"".join(_read(response, deadline, self.limits.bytes))
        finally:
            response.close()
        is_answer = response.status_code == 200
        clean = self.scrubber.answer(body) if is_answer else self.scrubber.error(body[:_LARGEST_ERROR])
        return Answer(response.status_code, _scrubbed(response.headers, self.scrubber), clean)

    def _send(self, url: str, deadline: Deadline, headers: Mapping[str, str]) -> requests.Response:
        # Exceptions are cut off here (`from None`): their requests hold the key.
        try:
            timeout = (_CONNECT_SECONDS, deadline.left())
            with running(deadline):
                response = self.session.get(
                    url, auth=self.auth, headers=dict(headers), timeout=timeout, stream=True, allow_redirects=False
                )
        except (requests.Timeout, TimeoutError):
            raise Problem("timeout") from None
        except requests.exceptions.SSLError as error:
            raise Problem("unavailable", _tls_failure(error), cause="certificate") from None
        except requests.exceptions.ProxyError as error:
            raise Problem("unavailable", _proxy_failure(error), cause="proxy") from None
        except requests.ConnectionError as error:
            if _cause(error, TimeoutError):
                raise Problem("timeout") from None
            raise Problem("unavailable", gettext_noop("The connection failed or was interrupted.")) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError):
            raise Problem("unavailable", gettext_noop("The request could not be sent.")) from None
        return _acceptable(response)


class Stream:
    """An answer on its way through: status, headers, and the body, unpacked and scrubbed.

    A turn is held until the end, whatever the end is: `close`, nobody knowing of the stream any more, or the deadline,
    also while the client that it is for takes nothing, and so nobody asks for the next piece.
    """

    def __init__(
        self, response: requests.Response, deadline: Deadline, turn: Slot, scrubber: Scrubber, *, is_local: bool
    ) -> None:
        self.is_local = is_local
        self.status = response.status_code
        self.headers = _scrubbed(response.headers, scrubber)
        self._response = response
        self._deadline = deadline
        self._turn = turn
        self._scrubber = scrubber
        if not is_local:
            turn.release_within(deadline.longest())

    def __iter__(self) -> Iterator[bytes]:
        """Give piece after piece. Raises Problem before the first, while there is still a status to tell it with."""
        has_begun = False
        try:
            with _breaking_off():
                read = _read(self._response, self._deadline, _LARGEST_STREAM, silence=_STREAM_SILENCE)
                for piece in self._scrubber.pieces(read):
                    has_begun = True
                    yield piece
        except Problem:
            if not has_begun:
                raise
            # The server ends the connection in the middle of the answer, which tells the program, and writes no line.
            raise BrokenPipeError(errno.EPIPE, "the source broke off") from None
        finally:
            self.close()

    def refusal(self) -> bytes:
        """Read the whole body of a refusal, which is short. Raises Problem."""
        try:
            with _breaking_off():
                return self._scrubber.error(b"".join(_read(self._response, self._deadline, _LARGEST_ERROR)))
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection and of the turn; closing twice does no harm."""
        try:
            self._response.close()
        finally:
            self._turn.release()


def _acceptable(response: requests.Response) -> requests.Response:
    """Refuse what cannot be passed on or looked through. Raises Problem."""
    if not 200 <= response.status_code <= 599:
        response.close()
        raise Problem("unreadable", gettext_noop("The response has an invalid status code."))
    if response.headers.get("content-encoding", "").strip().lower() not in _PACKED_AS:
        response.close()
        raise Problem("unreadable", _CANNOT_BE_UNPACKED)
    return response


def _read(response: requests.Response, deadline: Deadline, most: int, *, silence: float = 0.0) -> Iterator[bytes]:
    """Read the decoded body piece by piece, so that neither a slow nor a packed-up one goes past its limit.

    With `silence` the deadline moves on with every piece.
    """
    size = 0
    while True:
        if silence and size:
            deadline.extend(silence)
        piece = response.raw.read1(_CHUNK, decode_content=True)
        if not piece:
            return
        size += len(piece)
        if size > most:
            raise Problem("too-large", gettext_noop("The response is larger than allowed here."))
        deadline.left()
        yield piece


@contextmanager
def _breaking_off() -> Iterator[None]:
    """Name what can go wrong in the middle of an answer."""
    try:
        yield
    except (TimeoutError, urllib3.exceptions.ReadTimeoutError):
        raise Problem("timeout") from None
    except urllib3.exceptions.DecodeError:
        raise Problem("unreadable", _CANNOT_BE_UNPACKED) from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise Problem("unavailable", gettext_noop("The connection was interrupted during the response.")) from None


def _scrubbed(headers: Mapping[str, str], scrubber: Scrubber) -> Mapping[str, str]:
    """Give the headers that can be handed on: a short line of plain characters each, without the secrets."""
    return CaseInsensitiveDict(
        {
            name: scrubber.said(value)
            for name, value in headers.items()
            if len(value) <= _LONGEST_HEADER and value.isascii() and value.isprintable()
        }
    )


class _Session(requests.Session):
    """A session that sees no redirects: merely to name the next request, `requests` would read a whole body."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def new_session(*, proxy: str = "", authorities: str = "", connections: int = 16) -> requests.Session:
    """Make a session to share between threads: pooled, without cookies, deaf to the environment.

    `authorities` names a file of certificates to trust in place of the public ones, or a folder of them by their
    hashes.
    """
    session = _Session()
    session.trust_env = False  # neither .netrc nor proxies that nobody set for us
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one person's cookie is not another's
    session.headers.update({"User-Agent": "Lectern", "Accept": "application/json", "Accept-Encoding": "gzip"})
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
    if authorities:
        session.verify = authorities
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_connections=connections, pool_maxsize=connections))
    return session


def _pause_before_retry(answer: Answer, attempt: int) -> float:
    """Say how many seconds to wait before asking again; below zero: do not."""
    told = answer.headers.get("x-should-retry", "")
    if told == "false" or (told != "true" and answer.status not in _RETRIED and answer.status < 500):
        return -1.0
    if answer.status == 429 and is_quota(read_error(answer.body.decode("utf-8", "replace"))):
        return -1.0
    wait = wait_of(answer.headers)
    if wait is None:
        return _backoff(attempt)
    return wait + random.random() / 10 if wait <= _LONGEST_PAUSE else -1.0  # noqa: S311


def _backoff(attempt: int) -> float:
    return min(_LONGEST_PAUSE, 0.25 * 2.0**attempt) * random.uniform(0.75, 1.0)  # noqa: S311


def _tls_failure(error: BaseException) -> str:
    """Say why no encrypted connection came about; the codes are OpenSSL's X509_V_ERR_…"""
    refused = _cause(error, ssl.SSLCertVerificationError)
    match refused.verify_code if refused else None:
        case None:
            return gettext_noop("No encrypted connection (TLS) to the server could be established.")
        case 10:
            return gettext_noop("The server's certificate has expired.")
        case 62 | 64:
            return gettext_noop("The server's certificate is for another name.")
    return gettext_noop(
        "The server's certificate is not trusted here. If it is signed by an authority of your own, your administrator "
        "can name that in UPSTREAM_CA."
    )


def _proxy_failure(error: BaseException) -> str:
    if "Tunnel connection failed: 407" in str(error):
        return PROXY_ASKS
    return gettext_noop("The proxy in UPSTREAM_PROXY is unreachable, or did not forward the request.")


def _cause(error: BaseException | None, kind: type[Cause]) -> Cause | None:
    """Find an error among the causes: a timeout in the middle of the headers comes dressed as a broken connection."""
    while error is not None:
        held = [arg for arg in error.args if isinstance(arg, BaseException)]
        for one in (error, *held):
            if isinstance(one, kind):
                return one
        reason = getattr(error, "reason", None)
        held += [reason] if isinstance(reason, BaseException) else []
        error = error.__cause__ or error.__context__ or next(iter(held), None)
    return None
