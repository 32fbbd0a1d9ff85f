"""One question over HTTP, with manners: a deadline, a cap on what is read, few retries, nothing kept."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3
from django.utils.translation import gettext_noop
from requests.auth import AuthBase

from viewer.completions.errors import read_error

from .deadlines import Deadline, DeadlineAdapter, running
from .gates import Gate
from .problems import Problem, is_quota, wait_of

_CONNECT_SECONDS = 3.0
_RETRIES = 2
_LONGEST_PAUSE = 2.0  # seconds; a longer wait is the reader's to decide
_RETRIED = {408, 409, 429}
_CHUNK = 65_536
_STREAM_SILENCE = 30.0  # seconds between two pieces of a stream
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one question may take in all, in seconds, and how much it may bring, in decoded bytes."""

    seconds: float = 15.0
    bytes: int = 32_000_000


class KeyAuth(AuthBase):
    """Shows an API key, as a Bearer token or as Azure wants it. An auth object, as `.netrc` would replace a header."""

    def __init__(self, reveal: Callable[[], str], base_url: str, more: Mapping[str, str]) -> None:
        self._reveal = reveal
        self._is_azure = (urlsplit(base_url).hostname or "").endswith(_AZURE)
        self._more = dict(more)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._more)
        if self._is_azure:
            request.headers["api-key"] = self._reveal()
        else:
            request.headers["Authorization"] = f"Bearer {self._reveal()}"
        return request

    def __repr__(self) -> str:
        return "<KeyAuth>"


@dataclass(frozen=True)
class Asker:
    """Asks one server. `gate` is the way to its host; the archive needs none, for it is always at home."""

    session: requests.Session
    auth: AuthBase | None = None
    gate: Gate | None = None
    limits: Limits = field(default_factory=Limits)

    def ask(self, url: str) -> Answer:
        """Ask, and ask again where that is polite. Raises Problem when no answer comes."""
        if self.gate is None:
            return self._ask_once(url, Deadline(self.limits.seconds))
        with self.gate.turn():
            try:
                answer = self._ask_with_retries(url, self.gate)
            except Problem as problem:
                self.gate.note(failed=problem.name in ("timeout", "unavailable"))
                raise
            self.gate.note(failed=answer.status >= 500)
            return answer

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream:
        """Ask once and hand the body on as it comes, byte for byte. The caller closes the stream."""
        if self.gate is not None:
            self.gate.take()
        deadline = Deadline(self.limits.seconds)
        try:
            response = self._send(url, deadline, headers)
        except Problem as problem:
            if self.gate is not None:
                self.gate.give_back()
                self.gate.note(failed=problem.name in ("timeout", "unavailable"))
            raise
        if self.gate is not None:
            self.gate.note(failed=response.status_code >= 500)
        return Stream(response, deadline, self.gate)

    def _ask_with_retries(self, url: str, gate: Gate) -> Answer:
        deadline = Deadline(self.limits.seconds)
        for attempt in range(_RETRIES + 1):
            is_last = attempt == _RETRIES
            try:
                answer = self._ask_once(url, deadline)
            except Problem as problem:
                if is_last or problem.name != "unavailable":
                    raise
                pause = _backoff(attempt)
            else:
                pause = _pause_before_retry(answer, attempt)
                if is_last or pause < 0 or pause >= deadline.left_or_zero():
                    return answer
            time.sleep(min(pause, deadline.left_or_zero()))
        raise AssertionError("the last attempt answers or raises")

    def _ask_once(self, url: str, deadline: Deadline) -> Answer:
        response = self._send(url, deadline, {})
        try:
            return Answer(response.status_code, response.headers, b"".join(self._read(response, deadline)))
        except (TimeoutError, urllib3.exceptions.ReadTimeoutError):
            raise Problem("timeout") from None
        except urllib3.exceptions.DecodeError:
            raise Problem(
                "unreadable", gettext_noop("The answer is packed in a way that cannot be unpacked.")
            ) from None
        except (urllib3.exceptions.HTTPError, OSError):
            raise Problem(
                "unavailable", gettext_noop("The connection broke off in the middle of the answer.")
            ) from None
        finally:
            response.close()

    def _send(self, url: str, deadline: Deadline, headers: Mapping[str, str]) -> requests.Response:
        # Exceptions are cut off here (`from None`): their requests hold the key.
        try:
            timeout = (_CONNECT_SECONDS, deadline.left())
            with running(deadline):
                return self.session.get(
                    url, auth=self.auth, headers=dict(headers), timeout=timeout, stream=True, allow_redirects=False
                )
        except (requests.Timeout, TimeoutError):
            raise Problem("timeout") from None
        except requests.ConnectionError as error:
            if _was_too_late(error):
                raise Problem("timeout") from None
            raise Problem("unavailable", gettext_noop("No connection could be made, or it broke off.")) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError):
            raise Problem("unavailable", gettext_noop("The question could not be sent.")) from None

    def _read(self, response: requests.Response, deadline: Deadline) -> Iterator[bytes]:
        """Read the decoded body piece by piece, so that neither a slow nor a packed-up one goes past its limit."""
        size = 0
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > self.limits.bytes:
                raise Problem("too-large", gettext_noop("The answer is larger than one answer may be here."))
            deadline.left()
            yield piece


class Stream:
    """An answer on its way through: status, headers, and the body as the server packed it."""

    def __init__(self, response: requests.Response, deadline: Deadline, gate: Gate | None) -> None:
        self.is_local = gate is None
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._deadline = deadline
        self._gate = gate

    def __iter__(self) -> Iterator[bytes]:
        try:
            while True:
                self._deadline.extend(_STREAM_SILENCE)
                piece = self._response.raw.read1(_CHUNK, decode_content=False)
                if not piece:
                    return
                yield piece
        finally:
            self.close()

    def unpacked(self) -> bytes:
        """Read the beginning of the body, unpacked: for an error, which is short."""
        try:
            return bytes(self._response.raw.read1(_CHUNK, decode_content=True))
        except (urllib3.exceptions.HTTPError, OSError):
            return b""
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection and of the turn; closing twice does no harm."""
        self._response.close()
        gate, self._gate = self._gate, None
        if gate is not None:
            gate.give_back()


class _Session(requests.Session):
    """A session that sees no redirects: merely to name the next request, `requests` would read a whole body."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def new_session(*, proxy: str = "", connections: int = 16) -> requests.Session:
    """Make a session to share between threads: pooled, without cookies, deaf to the environment."""
    session = _Session()
    session.trust_env = False  # neither .netrc nor proxies that nobody set for us
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one person's cookie is not another's
    session.headers.update({"User-Agent": "Lectern", "Accept": "application/json"})
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
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


def _was_too_late(error: BaseException | None) -> bool:
    """Find a timeout among the causes: one in the middle of the headers comes dressed as a broken connection."""
    while error is not None:
        if isinstance(error, TimeoutError) or any(isinstance(arg, TimeoutError) for arg in error.args):
            return True
        reason = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = error.__cause__ or error.__context__ or reason
    return False
