"""One HTTP request: with a deadline, a size limit and few retries, without cookies or redirects."""

from __future__ import annotations

import errno
import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from django.utils.translation import gettext_noop
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from viewer.completions.errors import read_error

from .deadlines import Deadline, DeadlineAdapter, enforce
from .limiter import RequestLimiter, Slot
from .problems import PROXY_NEEDS_LOGIN, Problem, is_quota, read_retry_after, too_large
from .scrubbing import Scrubber

_CONNECT_SECONDS = 3.0
_MAX_RETRIES = 2
_MAX_RETRY_DELAY = 2.0  # seconds; a longer wait is the reader's to decide
_RETRIED_STATUSES = {408, 409, 429}
_CHUNK = 65_536
_STREAM_IDLE_SECONDS = 30.0  # between two chunks of a stream
_MAX_STREAM_BYTES = 512_000_000  # decoded
_MAX_ERROR_BYTES = 256_000  # decoded; so much of an error response is scrubbed and kept
_MAX_HEADER_LENGTH = 1_000  # characters
_CONTENT_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
CONNECTION_FAILED = gettext_noop("The connection failed or was interrupted.")
_CANNOT_DECODE = gettext_noop("The response uses a compression that is not supported.")
_AZURE_HOSTS = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")

# urllib3 logs headers that it cannot parse, and a server may have echoed the key in them.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)

Cause = TypeVar("Cause", bound=BaseException)


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and the decoded body, without the secrets that the request contained."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one request may take in all, in seconds, and how large its response may be, in decoded bytes."""

    seconds: float = 15.0
    bytes: int = 32_000_000

    @property
    def stream_seconds(self) -> float:
        """How long a streamed response may take."""
        return 8 * self.seconds


class KeyAuth(AuthBase):
    """Sends an API key, as a Bearer token or as Azure wants it, and the person's own headers, which are secret too.

    It is an auth object, because `.netrc` would replace an Authorization header. If the key is empty, only the headers
    are sent.
    """

    def __init__(
        self,
        reveal: Callable[[], str],
        base_url: str,
        account_headers: Mapping[str, str],
        own_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._reveal = reveal
        self._is_azure = (urlsplit(base_url).hostname or "").endswith(_AZURE_HOSTS)
        self._account_headers = dict(account_headers)
        self._own_headers = dict(own_headers or {})

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._account_headers)
        if key := self._reveal():
            name, value = ("api-key", key) if self._is_azure else ("Authorization", f"Bearer {key}")
            request.headers[name] = value
        request.headers.update(self._own_headers)
        return request

    def secrets(self) -> Iterator[str]:
        """Yield everything that a server must not echo: the key, and each word of the person's own headers."""
        yield self._reveal()
        for value in self._own_headers.values():
            yield from value.split()

    def __repr__(self) -> str:
        return "<KeyAuth>"


@dataclass(frozen=True)
class HttpClient:
    """Sends requests to one server, within the limits of `limiter`.

    Every response passes here, so this is where secrets are removed from it.
    """

    session: requests.Session
    auth: KeyAuth | None = None
    limiter: RequestLimiter | None = None
    limits: Limits = field(default_factory=Limits)

    def get(self, url: str) -> Response:
        """Send a GET request, and retry where the server allows it. Raises Problem when there is no response."""
        if self.limiter is None:
            return self._request(url, Deadline(self.limits.seconds))
        with self.limiter.acquire():
            try:
                response = self._request_with_retries(url)
            except Problem as problem:
                self._record(problem)
                raise
            self.limiter.host.record(failed=response.status >= 500)
            return response

    def stream(self, url: str, headers: Mapping[str, str]) -> Stream:
        """Send a GET request once and return the response as a stream, which the caller closes."""
        slot = self.limiter.acquire() if self.limiter else Slot()
        deadline = Deadline(self.limits.seconds, self.limits.stream_seconds)
        try:
            response = self._send(url, deadline, headers)
        except Problem as problem:
            slot.release()
            self._record(problem)
            raise
        if self.limiter is not None:
            self.limiter.host.record(failed=response.status_code >= 500)
        return Stream(response, deadline, slot, self.scrubber)

    @cached_property
    def scrubber(self) -> Scrubber:
        return _scrubber(frozenset(self.auth.secrets()) if self.auth else frozenset())

    def _record(self, problem: Problem) -> None:
        if self.limiter is not None:
            self.limiter.host.record(failed=problem.name in ("timeout", "unavailable"))

    def _request_with_retries(self, url: str) -> Response:
        deadline = Deadline(self.limits.seconds)
        for attempt in range(_MAX_RETRIES + 1):
            is_last = attempt == _MAX_RETRIES
            try:
                response = self._request(url, deadline)
            except Problem as problem:
                if is_last or problem.name != "unavailable" or problem.cause:
                    raise
                delay = _backoff(attempt)
            else:
                delay = _retry_delay(response, attempt)
                if is_last or delay < 0 or delay >= deadline.left_or_zero():
                    return response
            time.sleep(min(delay, deadline.left_or_zero()))
        raise AssertionError("the last attempt returns or raises")

    def _request(self, url: str, deadline: Deadline) -> Response:
        response = self._send(url, deadline, {})
        try:
            with _reading_problems():
                body = b"".join(_read(response, deadline, self.limits.bytes))
        finally:
            response.close()
        is_ok = response.status_code == 200
        clean = self.scrubber.clean_body(body) if is_ok else self.scrubber.clean_error(body[:_MAX_ERROR_BYTES])
        return Response(response.status_code, _clean_headers(response.headers, self.scrubber), clean)

    def _send(self, url: str, deadline: Deadline, headers: Mapping[str, str]) -> requests.Response:
        # `from None`: the exceptions of `requests` hold the request, and with it the key.
        try:
            timeout = (_CONNECT_SECONDS, deadline.left())
            with enforce(deadline):
                # Past `Session`, which would look for what no request here has, follow redirects and keep cookies.
                response = self.session.get_adapter(url).send(
                    self._prepared(url, headers), stream=True, timeout=timeout,
                    verify=self.session.verify, proxies=self.session.proxies,  # type: ignore[arg-type]  # no None
                )  # fmt: skip
        except (requests.Timeout, TimeoutError):
            raise Problem("timeout") from None
        except requests.exceptions.SSLError as error:
            raise Problem("unavailable", _tls_failure(error), cause="certificate") from None
        except requests.exceptions.ProxyError as error:
            raise Problem("unavailable", _proxy_failure(error), cause="proxy") from None
        except requests.ConnectionError as error:
            if _find_cause(error, TimeoutError):
                raise Problem("timeout") from None
            raise Problem("unavailable", CONNECTION_FAILED) from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError):
            raise Problem("unavailable", gettext_noop("The request could not be sent.")) from None
        return _checked(response)

    def _prepared(self, url: str, headers: Mapping[str, str]) -> requests.PreparedRequest:
        """Prepare a GET request, which has no parameters, cookies, hooks and body that `prepare` would look for."""
        request = requests.PreparedRequest()
        request.prepare_method("GET")
        request.prepare_url(url, None)
        request.prepare_headers({**self.session.headers, **headers})
        return self.auth(request) if self.auth else request


@lru_cache(maxsize=100)
def _scrubber(secrets: frozenset[str]) -> Scrubber:
    """Return the scrubber for some secrets: to write a key in all its forms takes as long as to pass on an answer."""
    return Scrubber(secrets)


class Stream:
    """A response that is passed on while it is read: status, headers, and the body, decoded and scrubbed.

    It holds a slot of the limiter until `close`, until nothing refers to it any more, or until the deadline, even if
    the client that it is for has stopped reading.
    """

    def __init__(self, response: requests.Response, deadline: Deadline, slot: Slot, scrubber: Scrubber) -> None:
        self.status = response.status_code
        self.headers = _clean_headers(response.headers, scrubber)
        self._response = response
        self._deadline = deadline
        self._slot = slot
        self._scrubber = scrubber
        slot.release_within(deadline.max_left())

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks of the body. Raises Problem only before the first, while a status can still be sent."""
        has_started = False
        try:
            with _reading_problems():
                read = _read(self._response, self._deadline, _MAX_STREAM_BYTES, idle=_STREAM_IDLE_SECONDS)
                for chunk in self._scrubber.clean_chunks(read):
                    has_started = True
                    yield chunk
        except Problem:
            if not has_started:
                raise
            # On BrokenPipeError our server closes the connection, which shows the program that the body is incomplete,
            # and logs nothing.
            raise BrokenPipeError(errno.EPIPE, "the source broke off") from None
        finally:
            self.close()

    @property
    def is_read(self) -> bool:
        """Whether the whole body has arrived, so that its pieces are there at once; of a packed one nobody knows."""
        return self._response.raw.length_remaining == 0 and not self._response.headers.get("content-encoding")

    def error_body(self) -> bytes:
        """Read the whole body of an error response. Raises Problem."""
        try:
            with _reading_problems():
                return self._scrubber.clean_error(b"".join(_read(self._response, self._deadline, _MAX_ERROR_BYTES)))
        finally:
            self.close()

    def close(self) -> None:
        """Release the connection and the slot; a second call does nothing."""
        try:
            self._response.close()
        finally:
            self._slot.release()


def _checked(response: requests.Response) -> requests.Response:
    """Reject a response that cannot be passed on or scrubbed. Raises Problem."""
    if not 200 <= response.status_code <= 599:
        response.close()
        raise Problem("unreadable", gettext_noop("The response has an invalid status code."))
    if response.headers.get("content-encoding", "").strip().lower() not in _CONTENT_ENCODINGS:
        response.close()
        raise Problem("unreadable", _CANNOT_DECODE)
    return response


def _read(response: requests.Response, deadline: Deadline, limit: int, *, idle: float = 0.0) -> Iterator[bytes]:
    """Read the decoded body in chunks, so that a slow or highly compressed one cannot exceed its limits.

    With `idle`, each chunk moves the deadline to that many seconds later.
    """
    size = 0
    while True:
        if idle and size:
            deadline.extend(idle)
        chunk = response.raw.read1(_CHUNK, decode_content=True)
        if not chunk:
            return
        size += len(chunk)
        if size > limit:
            raise too_large()
        deadline.left()
        yield chunk


@contextmanager
def _reading_problems() -> Iterator[None]:
    """Turn errors while a body is read into problems."""
    try:
        yield
    except (TimeoutError, urllib3.exceptions.ReadTimeoutError):
        raise Problem("timeout") from None
    except urllib3.exceptions.DecodeError:
        raise Problem("unreadable", _CANNOT_DECODE) from None
    except (urllib3.exceptions.HTTPError, OSError):
        raise Problem("unavailable", gettext_noop("The connection was interrupted during the response.")) from None


def _clean_headers(headers: Mapping[str, str], scrubber: Scrubber) -> Mapping[str, str]:
    """Return the headers that are short and printable ASCII, without the secrets.

    They are cleaned as one text of many lines, because looking for a secret costs more by the search than by the byte:
    no secret has a line break, so nothing is found across two of them.
    """
    kept = {
        name: value
        for name, value in headers.items()
        if len(value) <= _MAX_HEADER_LENGTH and value.isascii() and value.isprintable()
    }
    values = scrubber.clean_text("\n".join(kept.values())).split("\n")
    return CaseInsensitiveDict(zip(kept, values, strict=False))


def new_session(*, proxy: str = "", authorities: str = "", connections: int = 16) -> requests.Session:
    """Make a session that threads share: pooled, without cookies, ignoring the environment.

    `authorities` is a file of certificates to trust instead of the public ones, or a folder of them, named by their
    hashes.
    """
    session = requests.Session()
    session.trust_env = False  # no .netrc, and no proxy variables that are meant for other programs
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # people share the session
    session.headers.update({"User-Agent": "Lectern", "Accept": "application/json", "Accept-Encoding": "gzip"})
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
    if authorities:
        session.verify = authorities
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_connections=connections, pool_maxsize=connections))
    return session


def _retry_delay(response: Response, attempt: int) -> float:
    """Return the seconds to wait before a retry, or a negative number for none."""
    should_retry = response.headers.get("x-should-retry", "")
    is_retried = response.status in _RETRIED_STATUSES or response.status >= 500
    if should_retry == "false" or (should_retry != "true" and not is_retried):
        return -1.0
    if response.status == 429 and is_quota(read_error(response.body.decode("utf-8", "replace"))):
        return -1.0
    wait = read_retry_after(response.headers)
    if wait is None:
        return _backoff(attempt)
    return wait + random.random() / 10 if wait <= _MAX_RETRY_DELAY else -1.0  # noqa: S311


def _backoff(attempt: int) -> float:
    return min(_MAX_RETRY_DELAY, 0.25 * 2.0**attempt) * random.uniform(0.75, 1.0)  # noqa: S311


def _tls_failure(error: BaseException) -> str:
    """Explain why the TLS handshake failed. The codes are OpenSSL's X509_V_ERR_…"""
    failure = _find_cause(error, ssl.SSLCertVerificationError)
    match failure.verify_code if failure else None:
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
        return PROXY_NEEDS_LOGIN
    return gettext_noop("The proxy in UPSTREAM_PROXY is unreachable, or did not forward the request.")


def _find_cause(error: BaseException | None, kind: type[Cause]) -> Cause | None:
    """Find an error among the causes: `requests` reports a timeout while headers are read as a broken connection."""
    while error is not None:
        nested = [arg for arg in error.args if isinstance(arg, BaseException)]
        for candidate in (error, *nested):
            if isinstance(candidate, kind):
                return candidate
        reason = getattr(error, "reason", None)
        nested += [reason] if isinstance(reason, BaseException) else []
        error = error.__cause__ or error.__context__ or next(iter(nested), None)
    return None
